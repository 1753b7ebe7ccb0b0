"""The line above a message, and how it gives way on a narrow screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len

from routerterm.core.sanitise import one_line
from routerterm.tui.markdown.lines import Line, Run, fit, runs_len

if TYPE_CHECKING:
    from routerterm.tui.themes.palette import Signs
    from routerterm.tui.transcript.values import Entry

# What goes first when there is no room, before the speaker is shortened.
_ORDER = ("duration", "tokens", "ttft", "note", "basis", "siblings", "time", "cost")


def header_line(entry: Entry, width: int, signs: Signs) -> Line:
    """The header of an entry, exactly ``width`` cells or less."""
    kept = list(_ORDER)
    while True:
        left, right = _fields(entry, kept, signs)
        gap = width - runs_len(left) - runs_len(right)
        if gap >= (1 if right else 0) or not kept:
            break
        kept.pop(0)
    if gap < 0:
        left = [(fit(left[0][0], width, signs.ellipsis), left[0][1])]
        return Line(tuple(left))
    return Line((*left, (" " * gap, "~text"), *right) if right else tuple(left))


def _fields(entry: Entry, kept: list[str], signs: Signs) -> tuple[list[Run], list[Run]]:
    header = entry.header
    said = entry.role == "user"
    speaker = one_line(header.speaker) or entry.role
    if said:
        left: list[Run] = [(speaker, "speaker")]
    else:
        left = [(f"{signs.pointer} ", "~model"), (speaker, "model")]

    def add(name: str, key: str = "~dim", before: str = f" {signs.dot} ") -> None:
        text = one_line(getattr(header, name))
        if text and name in kept:
            left.extend([(before, "~faint"), (text, key)])

    for name in ("ttft", "duration", "tokens", "cost"):
        add(name)
    add("basis", before=" ")
    add("note", "~note")
    add("siblings", before=f" {signs.branch} ")
    right = [(one_line(header.time), "~dim")] if header.time and "time" in kept else []
    return left, right


def first_line(entry: Entry, width: int, signs: Signs) -> str:
    """The beginning of what was said, in one line: what stays on top while its answer is read."""
    text = one_line(entry.text[: width * 4])
    cut = cell_len(text) > width
    return fit(text, width, signs.ellipsis) if cut else text
