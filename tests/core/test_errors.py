"""The tree of errors is drawn as it is."""

from __future__ import annotations

import inspect
import re

from routerterm.core import errors


def drawn() -> dict[str, str]:
    """Each class of the picture with the one above it."""
    above: list[str] = []
    found: dict[str, str] = {}
    for line in (errors.__doc__ or "").splitlines():
        if match := re.match(r"    ((?:│   |    )*)(?:[├└]── )?([A-Z]\w+)", line):
            depth = len(match[1]) // 4 + ("── " in line)
            above[depth:] = [match[2]]
            found[match[2]] = above[depth - 1] if depth else ""
    return found


def real() -> dict[str, str]:
    """Each class with its public parent."""
    found = {}
    for name, kind in vars(errors).items():
        if inspect.isclass(kind) and issubclass(kind, errors.RoutertermError) and not name.startswith("_"):
            parents = [one.__name__ for one in kind.__mro__[1:] if not one.__name__.startswith("_")]
            found[name] = parents[0] if issubclass(kind.__mro__[1], errors.RoutertermError) else ""
    return found


def test_the_picture_of_the_errors_is_true() -> None:
    assert drawn() == real()
