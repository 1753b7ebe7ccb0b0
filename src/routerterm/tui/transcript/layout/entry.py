"""A whole entry into lines: its header, its parts, how it ended."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from routerterm.core.messages import Image, Part, Reasoning, Text, ToolCall, ToolResult
from routerterm.core.sanitise import one_line
from routerterm.tui.markdown.lines import Line, wrap_runs
from routerterm.tui.transcript.layout.header import header_line
from routerterm.tui.transcript.layout.parts import call_lines, file_lines, image_lines, result_lines, thought_lines

if TYPE_CHECKING:
    from routerterm.tui.markdown.pictures import Draw
    from routerterm.tui.themes.palette import Signs
    from routerterm.tui.transcript.values import Entry

_ENDINGS = {
    "stopped": "stopped here by you",
    "cut": "the answer was cut off here",
    "interrupted": "interrupted here",
    "queued": "waiting",
    "error": "failed",
}


def entry_lines(
    entry: Entry, width: int, signs: Signs, opened: frozenset[int] = frozenset(), draw: Draw | None = None
) -> list[Line]:
    """All lines of an entry, header first; ``opened`` are the numbers of the parts that are unfolded."""
    lines = [header_line(entry, width, signs)]
    lines += gather(
        part_lines(entry, number, part, width=width, signs=signs, opened=number in opened, draw=draw)
        for number, part in enumerate(entry.parts)
    )
    return [*lines, *ending_lines(entry, width), Line()]


def gather(groups: Iterable[list[Line]]) -> list[Line]:
    """The lines of several parts, a blank line between, their blocks and code blocks numbered through."""
    lines: list[Line] = []
    block, fence = -1, -1
    folded = False
    for group in groups:
        if not group:
            continue
        if lines and not (folded and len(group) == 1 and group[0].block < 0):
            lines.append(Line())
        folded = len(group) == 1 and group[0].block < 0
        moved = [renumber(line, block + 1, fence + 1) for line in group]
        lines += moved
        block = max(block, *(line.block for line in moved))
        fence = max(fence, *(line.fence for line in moved))
    return lines


def renumber(line: Line, blocks: int, fences: int) -> Line:
    """A line as it is after so many other blocks; what is no block yet becomes one."""
    if not blocks and not fences and line.block >= 0:
        return line
    return replace(line, block=max(line.block, 0) + blocks, fence=line.fence + fences if line.fence >= 0 else -1)


def part_lines(
    entry: Entry, number: int, part: Part, width: int, signs: Signs, opened: bool, draw: Draw | None = None
) -> list[Line]:
    """The lines of one part."""
    match part:
        case Text(_, name) if name is not None:
            return _folding(number, file_lines(part, width, signs, opened=opened))
        case Text(text):
            from routerterm.tui.markdown.stream import lay_out

            before = sum(len(other.text) for other in entry.parts[:number] if isinstance(other, Text))
            seams = [(seam.offset - before, one_line(seam.text)) for seam in entry.seams]
            mine = [(offset, said) for offset, said in seams if 0 <= offset <= len(text)]
            if not text.strip():
                return []
            return lay_out(text, width, signs, key=text_key(entry), seams=mine, draw=draw, complete=True)
        case Reasoning():
            return _folding(number, thought_lines(part, width, signs, opened=opened))
        case ToolCall(id):
            results = (other for other in entry.parts[number:] if isinstance(other, ToolResult) and other.call_id == id)
            result = next(results, None)
            made_here = any(isinstance(other, ToolResult) for other in entry.parts)
            cut = result is None and entry.status != "streaming" and (made_here or entry.status != "done")
            return _folding(number, call_lines(part, width, signs, opened=opened, result=result, cut=cut))
        case ToolResult(call_id):
            if any(isinstance(other, ToolCall) and other.id == call_id for other in entry.parts[:number]):
                return []  # the line of its call says what came of it
            return _folding(number, result_lines(part, width, signs, opened=opened))
        case Image():
            return image_lines(part, width, signs, draw)


def _folding(number: int, lines: list[Line]) -> list[Line]:
    return [replace(line, part=number) for line in lines]


def text_key(entry: Entry) -> str:
    """The style of an entry's plain text."""
    return "said" if entry.role == "user" else "text"


def ending_lines(entry: Entry, width: int) -> list[Line]:
    """How an entry ended, where that is worth a word."""
    said = one_line(entry.trouble) or _ENDINGS.get(entry.status, "")
    if not said:
        return []
    key = "error" if entry.status in ("error", "cut") else "note"
    return [Line(tuple(piece)) for piece, _ in wrap_runs([(said, key)], width)]
