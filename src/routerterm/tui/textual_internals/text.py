"""Letters of every script: which of them Textual takes, how wide Rich measures them, where lines wrap."""

from __future__ import annotations

import unicodedata
from functools import cache

from rich import cells
from rich._unicode_data import load
from textual import events
from textual._wrap import chunks, compute_wrap_offsets
from textual.document import _wrapped_document
from textual.document._document import Location
from textual.keys import _character_to_key

from routerterm.core.graphemes import graphemes
from routerterm.core.lazy_pattern import LazyPattern
from routerterm.core.sanitise import PICTURES

__all__ = ["Location"]
_CELL_LEN = getattr(cells, "_cell_len")  # noqa: B009 - a private that is wrapped below
_WRAP_OFFSETS = compute_wrap_offsets
_SPLIT_GRAPHEMES = cells.split_graphemes
_JOINS_NO_EMOJI = LazyPattern(f"(?<![{PICTURES}\U0001f3fb-\U0001f3ff\ufe0f])\u200d|\u200d(?![{PICTURES}])")


def key_name(character: str) -> str:
    """Textual's name for the key of a character: "a", "comma", "space"."""
    return _character_to_key(character)


def is_text(character: str | None) -> bool:
    """Whether a character belongs into a text: letters, marks, blanks and joiners of every script."""
    return character is not None and all(unicodedata.category(one) not in ("Cc", "Cs", "Cn") for one in character)


def support_every_script() -> None:
    """Let Textual and Rich take, measure and wrap the letters of every script as terminals show them."""
    know_every_letter()
    count_vowel_signs()
    measure_joiners()
    wrap_between_letters()


def know_every_letter() -> None:
    """Let Textual take the letters of every script for text.

    Its text fields insert what `str.isprintable` allows, and that leaves out the ideographic space, the French narrow
    one, and the joiners that Persian, Hindi and emoji are written with.
    """
    events.Key.is_printable = property(lambda key: is_text(key.character))  # type: ignore[method-assign, assignment]


def is_spacing(character: str) -> bool:
    """Whether it is a mark that may take a column of its own: most vowel signs of Indic scripts."""
    return unicodedata.category(character) == "Mc"


def count_vowel_signs() -> None:
    """Let Rich, and so Textual, give a column to each mark that may take one.

    tmux, screen, mosh, xterm and VTE give it one, kitty and others do not.  Where a column too few is counted, the next
    letter overwrites the sign; where one too many is, there is a blank, which is no loss.
    """
    if getattr(cells, "load_cell_table") is not _with_vowel_signs:  # noqa: B009 - Rich imports it, and has no setting
        setattr(cells, "load_cell_table", _with_vowel_signs)  # noqa: B010 - the same
        cells.get_character_cell_size.cache_clear()
        cells.cached_cell_len.cache_clear()


def measure_joiners() -> None:
    """Let Rich join only emoji: it takes whatever follows a joiner for a part of the letter before it.

    In Sinhala and Hindi a letter follows that has a width of its own, and would be drawn over.
    """
    if getattr(cells, "_cell_len") is _CELL_LEN:  # noqa: B009 - Rich calls it by this name, and has no setting
        setattr(cells, "_cell_len", lambda text, version: _CELL_LEN(_measured(text), version))  # noqa: B010
        setattr(cells, "split_graphemes", letters_of)  # noqa: B010
        cells.cached_cell_len.cache_clear()


def letters_of(text: str, unicode_version: str = "auto") -> tuple[list[cells.CellSpan], int]:
    """Where each letter begins and ends and the cells that it takes, and the cells of all."""
    return _SPLIT_GRAPHEMES(_measured(text), unicode_version)


def _measured(text: str) -> str:
    """The text with another mark without width, one that joins nothing, where a joiner does not join emoji."""
    return text if "\u200d" not in text else _JOINS_NO_EMOJI.sub("\u200c", text)


def wrap_between_letters() -> None:
    """Let Textual's text areas wrap a word that is longer than a line between letters, never inside one.

    It cuts between any two code points: a vowel sign, an accent or a part of an emoji would begin the next line.
    """
    if getattr(_wrapped_document, "compute_wrap_offsets") is _WRAP_OFFSETS:  # noqa: B009 - imported there
        setattr(_wrapped_document, "compute_wrap_offsets", wrap_offsets)  # noqa: B010 - imported there, no setting


def wrap_offsets(
    text: str,
    width: int,
    tab_size: int,
    fold: bool = True,
    precomputed_tab_sections: list[tuple[str, int]] | None = None,
) -> list[int]:
    """Where a line is wrapped, as `textual._wrap.compute_wrap_offsets`, whose parameters these are."""
    if text.isascii() or "\t" in text or not fold:
        return _WRAP_OFFSETS(text, width, tab_size, fold, precomputed_tab_sections)
    breaks: list[int] = []
    used = 0
    for start, end, chunk in chunks(text):
        size = cells.cell_len(chunk)
        if size <= width - used:
            used += size
            continue
        if start:
            breaks.append(start)
        used = size
        if size > width:
            used = 0
            for letter in graphemes(chunk):
                for part in (letter,) if cells.cell_len(letter) <= width else letter:
                    own = cells.cell_len(part)
                    if used and used + own > width:
                        breaks.append(start)
                        used = 0
                    used += own
                    start += len(part)
        assert start <= end
    return breaks


@cache
def _with_vowel_signs(version: str = "auto") -> cells.CellTable:
    table, category = load(version), unicodedata.category
    widths: list[tuple[int, int, int]] = []
    for start, end, width in table.widths:
        if width or start >= 0xE0000:
            widths.append((start, end, width))
            continue
        for code in range(start, end + 1):
            own = int(category(chr(code)) == "Mc")  # `is_spacing`, of 2,600 characters before the first picture
            if widths and widths[-1][1] == code - 1 and widths[-1][2] == own:
                widths[-1] = (widths[-1][0], code, own)
            else:
                widths.append((code, code, own))
    return table._replace(widths=widths)
