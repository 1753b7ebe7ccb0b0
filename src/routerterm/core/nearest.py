"""The name that was probably meant by one that is not known: for every sentence that refuses a name."""

from __future__ import annotations

from collections.abc import Iterable

LONGEST = 512
"""Characters of a name that are compared: what is longer is no slip of the fingers."""


def nearest(name: str, known: Iterable[str], most: int = 1, likeness: float = 0.6) -> list[str]:
    """Those known names that are most like this one, the likest first; capitals do not matter.

    ``likeness`` is the least that counts, from 0 (anything) to 1 (the same), as `difflib` measures it.
    """
    from difflib import get_close_matches  # only a mistake needs it

    spelled: dict[str, str] = {}
    for each in known:
        spelled.setdefault(each.lower(), each)
    return [spelled[found] for found in get_close_matches(name[:LONGEST].lower(), spelled, most, likeness)]


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """A hint at the nearest of them, or ``otherwise`` where none is near."""
    return f"Did you mean {found[0]}?" if (found := nearest(name, known)) else otherwise
