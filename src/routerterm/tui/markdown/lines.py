"""A line of the transcript, and how long text becomes several of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from msgspec import Struct
from rich.cells import cell_len, get_character_cell_size

from routerterm.tui.textual_internals.text import is_spacing, letters_of

Run: TypeAlias = tuple[str, str]
"""Text and the palette's key for its style."""


class Line(Struct, frozen=True):
    """One line as it is drawn, and what it means when it is copied."""

    runs: tuple[Run, ...] = ()
    join: str = "\n"
    """What stands between the line before and this one in a copy: a blank or nothing where text was wrapped."""
    block: int = -1
    """Which block of the message it belongs to, from 0; -1 for none."""
    fence: int = -1
    """Which code block of the text it belongs to, from 0; -1 for none."""
    part: int = -1
    """Which of the message's parts it shows, where that part folds; -1 elsewhere."""
    fill: str = ""
    """The palette's key for the rest of the line."""

    @property
    def text(self) -> str:
        """All that is drawn."""
        return "".join(text for text, _ in self.runs)

    @property
    def plain(self) -> str:
        """What is copied: no decoration, cells of a table apart by tabs."""
        return "".join(copied(run) for run in self.runs)


def copied(run: Run) -> str:
    """What of a run is copied."""
    text, key = run
    if not key.startswith("~"):
        return text
    return "\t" if key.startswith("~cell") else ""


def cut_points(text: str, width: int, first: int | None = None) -> list[tuple[int, int, str]]:
    """Where to cut one line of text to fit: start, end and how each piece joins the one before.

    Breaks at blanks, between wide characters, and anywhere in a word that is too long by itself; never
    between a character and its combining marks.  ``first`` is the width of the first piece, if it differs.
    """
    room = width if first is None else first
    if text.isascii():
        return _cut_narrow(text, max(width, 1), max(room, 1))
    return _cut_wide(text, max(width, 2), max(room, 2))


def _cut_narrow(text: str, width: int, room: int) -> list[tuple[int, int, str]]:
    pieces: list[tuple[int, int, str]] = []
    start, join, end = 0, "\n", len(text)
    lead = end - len(text.lstrip(" "))
    while end - start > room:
        cut = text.rfind(" ", start, start + room + 1)
        if cut <= max(start, lead - 1):
            pieces.append((start, start + room, join))
            start, join = start + room, ""
        else:
            stop = cut
            while stop > start and text[stop - 1] == " ":
                stop -= 1
            pieces.append((start, stop, join))
            start, join = cut + 1, " "
            while start < end and text[start] == " ":
                start += 1
        room = width
    if start < end or not pieces:
        pieces.append((start, end, join))
    return pieces


_NOT_FIRST = frozenset("、。，．・：；？！）」』】〉》〕］｝ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ…‥’”!?),.:;]}")
_NOT_LAST = frozenset("（「『【〈《〔［｛‘“([{")


def _cut_wide(text: str, width: int, room: int) -> list[tuple[int, int, str]]:
    pieces: list[tuple[int, int, str]] = []
    start, join, used = 0, "\n", 0
    best = -1  # the end of the best piece so far, and where and how the next begins
    after, how = 0, ""
    lead = len(text) - len(text.lstrip(" "))
    before, before_wide = "", False
    sizes = _sizes(text, min(width, room))
    index = 0
    while index < len(text):
        char = text[index]
        cells = sizes[index]
        if char == " ":
            if index >= lead and index > start:
                best, after, how = index, index + 1, " "
        elif (wide := cells > 0 and get_character_cell_size(char) == 2) or (before_wide and cells):
            fits = index > max(start, lead) and before != " " and (wide or before_wide)
            if fits and char not in _NOT_FIRST and before not in _NOT_LAST:
                best, after, how = index, index, ""
        if used + cells > room and cells and index > start:
            if char == " ":
                best, after, how = index, index + 1, " "
            elif best <= start:
                best, after, how = index, index, ""
            stop = best
            while stop > start and text[stop - 1] == " ":
                stop -= 1
            pieces.append((start, stop, join))
            if how == " ":
                while after < len(text) and text[after] == " ":
                    after += 1
            start, join, used, room, best = after, how, 0, width, -1
            before, before_wide = "", False
            index = start
            continue
        used += cells
        if cells:
            before, before_wide = char, get_character_cell_size(char) == 2
        index += 1
    if start < len(text) or not pieces:
        pieces.append((start, len(text), join))
    return pieces


def wrap_runs(runs: Sequence[Run], width: int, first: int | None = None) -> list[tuple[list[Run], str]]:
    """One logical line of runs cut to fit, each piece with how it joins the one before."""
    text = "".join(run[0] for run in runs)
    if text.isascii() and len(text) <= min(width, width if first is None else first):
        return [(list(runs), "\n")]
    result: list[tuple[list[Run], str]] = []
    queue = iter(runs)
    run, key = next(queue, ("", ""))
    base = 0  # where `run` begins in the text
    for start, end, join in cut_points(text, width, first):
        piece: list[Run] = []
        while base + len(run) <= start and start < len(text):
            base += len(run)
            run, key = next(queue, ("", ""))
        while start < end:
            stop = min(end, base + len(run))
            if stop > start:
                piece.append((run[start - base : stop - base], key))
            start = stop
            if stop == base + len(run) and start < end:
                base += len(run)
                run, key = next(queue, ("", ""))
        result.append((piece, join))
    return result


def split_runs(runs: Iterable[Run]) -> list[list[Run]]:
    """Runs with line feeds in them as one list of runs for each line."""
    lines: list[list[Run]] = [[]]
    for text, key in runs:
        if "\n" not in text:
            lines[-1].append((text, key))
            continue
        head, *rest = text.split("\n")
        if head:
            lines[-1].append((head, key))
        lines.extend([(piece, key)] if piece else [] for piece in rest)
    return lines


def _sizes(text: str, width: int) -> list[int]:
    """The cells of each character; the signs that follow a letter are counted with it, and never cut from it.

    A blank is no letter, since lines are cut there; nor do more signs belong to a letter than fit on a line.
    """
    if "\u200d" in text:  # what is joined is one letter, and its cells are the first character's
        sizes = [0] * len(text)
        for start, _, cells in letters_of(text)[0]:
            sizes[start] = cells
    else:
        sizes = [get_character_cell_size(char) for char in text]
    letter = -1
    for index, char in enumerate(text):
        if not sizes[index]:
            continue
        if letter >= 0 and is_spacing(char) and sizes[letter] + sizes[index] <= width:
            sizes[letter] += sizes[index]
            sizes[index] = 0
        else:
            letter = -1 if char == " " else index
    return sizes


def chop(text: str, width: int) -> list[str]:
    """Text cut every ``width`` cells, blanks or not: for code."""
    if text.isascii():
        return [text[start : start + width] for start in range(0, len(text), width)] or [""]
    width = max(width, 2)
    pieces, start, used = [], 0, 0
    for index, cells in enumerate(_sizes(text, width)):
        if cells and used + cells > width and index > start:
            pieces.append(text[start:index])
            start, used = index, 0
        used += cells
    return [*pieces, text[start:]]


def fit(text: str, width: int, ellipsis: str = "…") -> str:
    """Text shortened to at most ``width`` cells."""
    if cell_len(text) <= width:
        return text
    return chop(text, max(width - 1, 1))[0] + ellipsis if width > 0 else ""


def runs_len(runs: Iterable[Run]) -> int:
    """Cells that runs take."""
    return sum(len(text) if text.isascii() else cell_len(text) for text, _ in runs)


def cut_runs(runs: list[Run], width: int) -> list[list[Run]]:
    """Runs cut every ``width`` cells."""
    text = "".join(text for text, _ in runs)
    if text.isascii() and len(text) <= width:
        return [runs]
    pieces: list[list[Run]] = []
    queue = list(reversed(runs))
    for piece in chop(text, width):
        need, line = len(piece), []
        while need:
            head, key = queue.pop()
            line.append((head[:need], key))
            if len(head) > need:
                queue.append((head[need:], key))
            need -= min(len(head), need)
        pieces.append(line)
    return pieces
