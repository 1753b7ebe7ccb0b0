"""The parts of a message that are not text: thoughts, tools, pictures.  Each folds to one line."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from rich.cells import cell_len

from routerterm.core.counting import counted, format_bytes
from routerterm.core.files import size_in, text_in
from routerterm.core.json_layout import laid_out
from routerterm.core.sanitise import one_line, sanitise
from routerterm.tui.markdown.code import Painter
from routerterm.tui.markdown.lines import Line, Run, cut_points, fit, runs_len, wrap_runs

if TYPE_CHECKING:
    from routerterm.core.messages import Image, Reasoning, Text, ToolCall, ToolResult
    from routerterm.tui.markdown.pictures import Draw
    from routerterm.tui.themes.palette import Signs

WINDOW = 4
"""Lines of a thought that are seen while it is being thought."""
WINDOW_TEXT = 4_000
"""Characters at the end of a thought that the window is laid out from."""


def thought_lines(part: Reasoning, width: int, signs: Signs, *, opened: bool, live: bool = False) -> list[Line]:
    """A thought: one line; its last few lines while it comes; all of it when it is opened."""
    if part.redacted is not None and not part.text:
        return [_fold("reasoning, hidden by the provider", "thought", width, signs, opened=False, can_open=False)]
    if live:
        head = Line(((f"{signs.opened} ", "~bullet"), ("thinking", "thought")))
        return [head, *_thought(part.text[-WINDOW_TEXT:], width, signs)[-WINDOW:]]
    words = counted(part.text.count(" ") + 1, "word")
    head = _fold(f"reasoning {signs.dot} {words}", "thought", width, signs, opened=opened)
    return [head, *_thought(part.text, width, signs)] if opened else [head]


def _thought(text: str, width: int, signs: Signs) -> list[Line]:
    lines: list[Line] = []
    for source in sanitise(text).expandtabs(4).strip("\n").split("\n"):
        runs: list[Run] = [(source, "thought")] if source.strip() else []
        for piece, join in wrap_runs(runs, max(width - 2, 1)):
            lines.append(Line(((f"{signs.upright} ", "~faint"), *piece), join))
    return lines


def call_lines(
    part: ToolCall, width: int, signs: Signs, *, opened: bool, result: ToolResult | None = None, cut: bool = False
) -> list[Line]:
    """A call to a tool in one line: its name, the beginning of its arguments, and what came of it; or all of that.

    ``cut``: there will be no result any more.
    """
    failed = cut or (result is not None and result.is_error)
    name = f"{signs.tool} {one_line(result.name if result is not None and result.name else part.name)}"
    if cut:
        tail = f" {signs.dot} not finished"
    elif result is None:
        tail = ""
    else:
        tail = _came_of(result, signs)
    room = width - 2 - cell_len(name) - 2 - cell_len(tail)
    arguments = one_line(part.arguments)
    shown = fit(arguments, room, signs.ellipsis) if room > 4 and arguments not in ("", "{}") else ""
    if shown and not opened:
        name, tail = f"{name}", f"{shown}{tail}"
    head = _fold(name, "error" if failed else "tool", width, signs, opened=opened, more=tail.strip())
    if not opened:
        return [head]
    said = _json(result.text, width, signs) if result is not None else []
    return [head, *_json(part.arguments, width, signs), *said]


def _came_of(result: ToolResult, signs: Signs) -> str:
    """How long a call took, and how much came back."""
    took = "" if result.duration_ms is None else f" {signs.dot} {result.duration_ms / 1000:.1f} s"
    size = f" {signs.dot} failed" if result.is_error else f" {signs.dot} {format_bytes(len(result.text.encode()))}"
    return took + size


def result_lines(part: ToolResult, width: int, signs: Signs, *, opened: bool) -> list[Line]:
    """What a tool answered: how much, or all of it."""
    key = "error" if part.is_error else "tool"
    what = f"{one_line(part.name) or 'tool'} {'failed' if part.is_error else 'answered'}"
    head = _fold(what, key, width, signs, opened=opened, more=one_line(part.text[: width * 2]))
    return [head, *_json(part.text, width, signs)] if opened else [head]


def file_lines(part: Text, width: int, signs: Signs, *, opened: bool) -> list[Line]:
    """A file that went with a question: its name and size, or all of it."""
    text = text_in(part.text)
    what = f"{one_line(part.name or 'file')} {signs.dot} {format_bytes(size_in(part.text))}"
    head = _fold(what, "link", width, signs, opened=opened, more=counted(text.count("\n") + 1, "line"))
    return [head, *_plain(part.text.strip("\n"), width, signs)] if opened else [head]


def _wrapped(runs: list[Run], width: int) -> list[tuple[list[Run], str]]:
    """A line cut between words; unlike prose it keeps its blanks, in how the pieces join, for whoever copies it."""
    pieces = wrap_runs(runs, width)
    if len(pieces) == 1:
        return pieces
    text = "".join(run for run, _ in runs)
    points = cut_points(text, width)
    joins = ["\n", *(text[end:start] for (_, end, _), (start, _, _) in pairwise(points))]
    return [(piece, join) for (piece, _), join in zip(pieces, joins, strict=True)]


def _plain(text: str, width: int, signs: Signs) -> list[Line]:
    lines: list[Line] = []
    for source in sanitise(text).expandtabs(4).split("\n"):
        for number, (piece, join) in enumerate(_wrapped([(source, "text")], max(width - 2, 1))):
            runs: list[Run] = [(f"{signs.upright}{signs.wrap if number else ' '}", "~faint"), *piece]
            lines.append(Line(tuple(runs), join))
    return lines


def image_lines(part: Image, width: int, signs: Signs, draw: Draw | None = None) -> list[Line]:
    """A picture by its name, kind and size, and drawn where there is something that draws."""
    name = one_line(part.name or part.url or "picture")
    size = f" {signs.dot} {format_bytes(len(part.data))}" if part.data else ""
    text = f"{signs.image} {name} {signs.dot} {one_line(part.media_type)}{size}"
    lines = [Line(((fit(text, width, signs.ellipsis), "link"),))]
    if part.data and draw is not None:
        lines += draw(part.data, width)
    return lines


def _fold(
    text: str, key: str, width: int, signs: Signs, *, opened: bool, more: str = "", can_open: bool = True
) -> Line:
    sign = signs.dot
    if can_open:
        sign = signs.opened if opened else signs.pointer
    runs: list[Run] = [(f"{sign} ", "~bullet"), (fit(text, max(width - 2, 1), signs.ellipsis), key)]
    room = width - runs_len(runs) - 2
    if more and not opened and room > 4:
        runs.append((f"  {fit(more, room, signs.ellipsis)}", "dim"))
    return Line(tuple(runs))


def _json(text: str, width: int, signs: Signs) -> list[Line]:
    pretty = laid_out(text)
    painter = Painter("" if pretty is None else "json")
    lines: list[Line] = []
    for source in sanitise(text if pretty is None else pretty).expandtabs(4).split("\n"):
        for number, (piece, join) in enumerate(_wrapped(painter.paint(source), max(width - 2, 1))):
            runs = [(f"{signs.upright}{signs.wrap if number else ' '}", "~faint@fence")]
            runs += [(run, f"{key}@fence") for run, key in piece]
            lines.append(Line(tuple(runs), join, fill="fence"))
    return lines
