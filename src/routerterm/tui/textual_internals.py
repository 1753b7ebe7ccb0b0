"""Everything of Textual that is not its public interface and that this program relies on, in one place.

An upgrade of Textual is one read of this file; `tests/tui/test_textual_internals.py` names each of them.
"""

from __future__ import annotations

import unicodedata

from textual import events
from textual._styles_cache import StylesCache
from textual.keys import _character_to_key

__all__ = ["StylesCache", "is_text", "key_name", "know_every_letter"]


def key_name(character: str) -> str:
    """Textual's name for the key of a character: "a", "comma", "space"."""
    return _character_to_key(character)


def is_text(character: str | None) -> bool:
    """Whether a character belongs into a text: letters, marks, blanks and joiners of every script."""
    return character is not None and all(unicodedata.category(one) not in ("Cc", "Cs", "Cn") for one in character)


def know_every_letter() -> None:
    """Let Textual take the letters of every script for text.

    Its text fields insert what `str.isprintable` allows, and that leaves out the ideographic space, the French narrow
    one, and the joiners that Persian, Hindi and emoji are written with.
    """
    events.Key.is_printable = property(lambda key: is_text(key.character))  # type: ignore[method-assign, assignment]
