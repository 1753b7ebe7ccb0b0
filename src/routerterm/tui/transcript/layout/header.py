"""The line above a message, and how it gives way on a narrow screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len

from routerterm.core.messages import Image, Text
from routerterm.core.sanitise import one_line
from routerterm.tui.markdown.lines import Line, Run, fit, runs_len

if TYPE_CHECKING:
    from routerterm.tui.themes.palette import Signs
    from routerterm.tui.transcript.values import Entry

# What goes first when there is no room, before the speaker is shortened.
_ORDER = ("duration", "tokens", "ttft", "note", "siblings", "time", "cost")


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
        name, key = max(left, key=lambda run: len(run[0]))
        return Line(((fit(name, width, signs.ellipsis), key),))
    if signs.header == "band":
        runs = [*left, (" " * gap, "~text"), *right]
        return Line(tuple((text, f"{key}@fence") for text, key in runs), fill="fence")
    return Line((*left, (_between(gap, signs), "~faint"), *right) if right else tuple(left))


def _between(gap: int, signs: Signs) -> str:
    """What fills the row between its two ends."""
    match signs.header:
        case "leader" if gap > 3:
            return f" {'.' * (gap - 2)} "
        case "bracket" if gap > 3:
            return f"{signs.rule * (gap - 1)} "
        case _:
            return " " * gap


def _fields(entry: Entry, kept: list[str], signs: Signs) -> tuple[list[Run], list[Run]]:
    header, form = entry.header, signs.header
    speaker = one_line(header.speaker) or entry.role
    left = _speaker(speaker, signs, said=entry.role == "user")
    right: list[Run] = []

    def add(name: str, runs: list[Run], key: str = "~dim", before: str = f" {signs.dot} ") -> None:
        text = one_line(getattr(header, name))
        if text and name in kept:
            runs.extend([(before, "~faint"), (text, key)])

    ledger = form == "leader"
    for name in ("ttft", "duration", "tokens", "cost"):
        add(name, right if ledger and name in ("tokens", "cost") else left, before="  " if ledger else f" {signs.dot} ")
    add("note", left, "~note")
    add("siblings", left, before=f" {signs.branch} ")
    if header.time and "time" in kept:
        right += [("  " if right else "", "~faint"), (one_line(header.time), "~dim")]
    return left, right


def _speaker(speaker: str, signs: Signs, *, said: bool) -> list[Run]:
    """Whose message it is, in the theme's form."""
    key = "speaker" if said else "model"
    match signs.header:
        case "chip":
            return [(" ", "~more"), (speaker, "more"), (" ", "~more")]
        case "bracket":
            return [(f"{signs.rule}{signs.rule}[ ", "~faint"), (speaker, key), (" ]", "~faint"), (signs.rule, "~faint")]
        case "columns":
            return [(speaker, key), (" " * max(0, 22 - len(speaker)), "~text")]
        case "leader":
            return [(speaker, key)]
        case _:
            return [(speaker, key)] if said else [(f"{signs.pointer} ", "~model"), (speaker, key)]


def first_line(entry: Entry, width: int, signs: Signs) -> str:
    """The beginning of what was written, else what was attached, in one line: what stays on top while its answer is
    read."""
    written = "".join(part.text for part in entry.parts if isinstance(part, Text) and part.name is None)
    text = one_line((written or ", ".join(_names(entry)))[: width * 4])
    cut = cell_len(text) > width
    return fit(text, width, signs.ellipsis) if cut else text


def _names(entry: Entry) -> list[str]:
    """What went with it, by name."""
    return [part.name for part in entry.parts if isinstance(part, Text | Image) and part.name]
