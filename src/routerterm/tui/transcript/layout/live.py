"""An entry while it is being written: parts come one after the other, each delta costs the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from routerterm.core.events import Content, ReasoningDelta, TextDelta, ToolCallDelta
from routerterm.core.messages import Part, Reasoning, Text, ToolCall, ToolResult
from routerterm.core.reply import ReplyBuilder
from routerterm.core.sanitise import one_line
from routerterm.tui.markdown.lines import Line, runs_len
from routerterm.tui.markdown.stream import StreamLayout
from routerterm.tui.transcript.layout.entry import part_lines, renumber, text_key
from routerterm.tui.transcript.layout.header import header_line
from routerterm.tui.transcript.layout.parts import WINDOW_TEXT, call_lines, thought_lines

if TYPE_CHECKING:
    from routerterm.tui.themes.palette import Signs
    from routerterm.tui.transcript.values import Entry


class _Thought:
    """A thought as it comes: only its end is kept for the window."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.length = 0

    def feed(self, text: str) -> None:
        self.pieces.append(text)
        self.length += len(text)
        if self.length > 3 * WINDOW_TEXT:
            self.pieces = ["".join(self.pieces)[-WINDOW_TEXT:]]
            self.length = len(self.pieces[0])

    def part(self) -> Reasoning:
        return Reasoning("".join(self.pieces))


class LiveEntry:
    """The lines of an entry that grows.

    ``done`` are final but for the header, ``tail`` may change.  `feed` only takes; `settle` lays out.
    """

    def __init__(self, entry: Entry, width: int, signs: Signs) -> None:
        self.entry = entry
        self.width = width
        self.signs = signs
        self.done: list[Line] = [header_line(entry, width, signs)]
        self.tail: list[Line] = [Line()]
        self.builder = ReplyBuilder()
        self._deltas: list[Content | str] = []
        self._text: StreamLayout | None = None
        self._copied = 0
        self._thought: _Thought | None = None
        self._calls: dict[int, tuple[ToolCall, list[str]]] = {}
        self._blank = ""
        self._blocks = self._fences = 0
        self._folded = False
        self._settled = 1
        self._given = entry.parts
        for number, part in enumerate(entry.parts):
            self._begin(number, part)
        self._given_deltas = len(self._deltas)

    def _begin(self, number: int, part: Part) -> None:
        """What the entry already had when it began to stream."""
        match part:
            case Text(text):
                self.feed(TextDelta(text))
            case Reasoning(text):
                self.feed(ReasoningDelta(text))
            case ToolResult(call_id) if any(isinstance(p, ToolCall) and p.id == call_id for p in self.entry.parts):
                self._close()
            case _:
                self._close()
                self._add(part_lines(self.entry, number, part, width=self.width, signs=self.signs, opened=False))

    def feed(self, delta: Content) -> None:
        """Take a piece."""
        self.builder.add(delta)
        self._deltas.append(delta)
        match delta:
            case TextDelta(text):
                self._text_piece(text)
            case ReasoningDelta(text):
                if self._thought is None and text:
                    self._blank = ""
                    self._close()
                    self._thought = _Thought()
                if self._thought is not None:
                    self._thought.feed(text)
            case ToolCallDelta():
                self._call_piece(delta)

    def seam(self, text: str) -> None:
        """The answer was cut here and goes on."""
        self._deltas.append(text)
        if self._text is not None:
            self._text.seam(one_line(text))

    def at_width(self, width: int, signs: Signs) -> LiveEntry:
        """The same entry at another width, laid out anew."""
        twin = LiveEntry(replace(self.entry, parts=self._given), width, signs)
        twin.entry = self.entry
        for delta in self._deltas[self._given_deltas :]:
            if isinstance(delta, str):
                twin.seam(delta)
            else:
                twin.feed(delta)
        twin.settle()
        return twin

    def set_header(self, entry: Entry) -> None:
        """Another header."""
        self.entry = entry
        self.done[0] = header_line(entry, self.width, self.signs)

    def settle(self) -> int:
        """Bring the lines up to date; the first that may differ from before, the header aside."""
        first, self._settled = self._settled, 0
        if self._text is not None:
            self._text.settle()
            self._take_done()
            self.tail = [self._moved(line) for line in self._text.tail]
            if self.tail and len(self.done) > 1 and not self._copied:
                self.tail.insert(0, Line())
        else:
            self.tail = self._open_lines()
            if self.tail and len(self.done) > 1 and not (self._folded and len(self.tail) == 1):
                self.tail.insert(0, Line())
        self._add_cursor()
        self.tail.append(Line())
        self._settled = len(self.done)
        return first

    def finish(self) -> None:
        """The entry is whole: nothing of it is open any more."""
        self._close()
        self.tail = [Line()]

    @property
    def lines(self) -> int:
        """How many there are."""
        return len(self.done) + len(self.tail)

    def line(self, index: int) -> Line:
        """One of them."""
        return self.done[index] if index < len(self.done) else self.tail[index - len(self.done)]

    def _text_piece(self, text: str) -> None:
        if self._text is None:
            self._close()
            self._blank += text
            if not text.strip():
                return
            text, self._blank = self._blank, ""
            self._text, self._copied = StreamLayout(self.width, self.signs, key=text_key(self.entry)), 0
        self._text.feed(text)

    def _call_piece(self, delta: ToolCallDelta) -> None:
        if not self._calls:
            self._blank = ""  # blanks before a call are no text, as in an answer that is loaded
            self._close()
        call, arguments = self._calls.get(delta.index, (ToolCall("", "", ""), []))
        call = replace(call, id=call.id or delta.id, name=call.name or delta.name)
        arguments.append(delta.arguments)
        self._calls[delta.index] = (call, arguments)

    def _open_lines(self) -> list[Line]:
        if self._thought is not None:
            return self._numbered(thought_lines(self._thought.part(), self.width, self.signs, opened=False, live=True))
        lines: list[Line] = []
        for call, arguments in self._calls.values():
            brief = replace(call, arguments="".join(arguments[:64])[:400])
            lines += call_lines(brief, self.width, self.signs, opened=False)
        return self._numbered(lines)

    def _close(self) -> None:
        """The part that was open is whole."""
        if self._text is not None:
            self._text.close()
            self._take_done()
            self._text = None
            self._folded = self._folded and not self._copied
        elif self._thought is not None:
            words = self.builder.parts()
            part = next((part for part in reversed(words) if isinstance(part, Reasoning)), self._thought.part())
            self._thought = None
            self._add(thought_lines(part, self.width, self.signs, opened=False))
        calls, self._calls = self._calls, {}
        for call, arguments in calls.values():
            self._add(call_lines(replace(call, arguments="".join(arguments)), self.width, self.signs, opened=False))
        self._blocks = max((line.block for line in self.done), default=-1) + 1
        self._fences = max((line.fence for line in self.done), default=-1) + 1

    def _add(self, lines: list[Line]) -> None:
        folded = len(lines) == 1
        if len(self.done) > 1 and not (folded and self._folded):
            self.done.append(Line())
        self._folded = folded
        self.done += self._numbered(lines)
        self._blocks += 1

    def _numbered(self, lines: list[Line]) -> list[Line]:
        return [renumber(line, self._blocks, self._fences) for line in lines]

    def _moved(self, line: Line) -> Line:
        return renumber(line, self._blocks, self._fences)

    def _take_done(self) -> None:
        assert self._text is not None
        fresh = self._text.done[self._copied :]
        if fresh and not self._copied and len(self.done) > 1:
            self.done.append(Line())
        self.done += [self._moved(line) for line in fresh]
        self._copied += len(fresh)

    def _add_cursor(self) -> None:
        """The block that moves while tokens arrive."""
        if not self.tail:
            self.tail.append(Line(((self.signs.cursor, "~cursor"),)))
            return
        last = self.tail[-1]
        if runs_len(last.runs) < self.width:
            self.tail[-1] = replace(last, runs=(*last.runs, (self.signs.cursor, _cursor_key(last))))


def _cursor_key(line: Line) -> str:
    """The cursor in the colour of the text before it: another would cost more bytes than all else it takes."""
    key = line.runs[-1][1].lstrip("~") if line.runs else ""
    name = key.partition(".")[0].partition("@")[0]
    plain = name and name not in ("link", "heading1") and "u" not in key.partition(".")[2].partition("@")[0]
    if plain:
        return f"~{key}"
    if line.fill:
        return "~cursor@fence"
    return "~cursor"
