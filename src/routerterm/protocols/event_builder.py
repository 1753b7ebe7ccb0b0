"""Where a protocol's reader puts what it reads: keeps the promises that hold for every protocol.

Text is fit to be written, a call's name comes once, `StreamEnd` comes once, and nothing comes after `StreamError`.
"""

from __future__ import annotations

from routerterm.core.errors import ProviderError
from routerterm.core.events import (
    FinishReason,
    PlanDelta,
    ReasoningDelta,
    RefusalDelta,
    SourcesDelta,
    StreamEnd,
    StreamError,
    TextDelta,
    ToolCallDelta,
    UsageReported,
    WireEvent,
)
from routerterm.core.usage import Usage
from routerterm.protocols.json_utils import SurrogateJoiner, scrub
from routerterm.protocols.think_tags import ThinkSplitter


class EventBuilder:
    """Collects the events of one answer; `take` hands over those that are new."""

    def __init__(self, *, think_tags: bool = False) -> None:
        self._out: list[WireEvent] = []
        self._text, self._reasoning, self._refusal, self._plan = (
            SurrogateJoiner(),
            SurrogateJoiner(),
            SurrogateJoiner(),
            SurrogateJoiner(),
        )
        self._think = ThinkSplitter() if think_tags else None
        self._plain = not think_tags
        self._calls: dict[int, SurrogateJoiner] = {}
        self._named: set[int] = set()
        self._argued: set[int] = set()
        self._usage: Usage | None = None
        self._citations: dict[str, None] = {}
        self.spoke = False
        """Whether any content came."""
        self.stopped = False
        self.broken = False

    @property
    def citations(self) -> tuple[str, ...]:
        """The sources that the provider named beside the text, each once: title and address."""
        return tuple(self._citations)

    def take(self) -> list[WireEvent]:
        """The events since the last time."""
        out, self._out = self._out, []
        return out

    def text(self, piece: str) -> None:
        """A piece of the answer."""
        if self._plain and piece.isascii() and not self._text.holds:
            if piece:
                self.spoke = True
                self._out.append(TextDelta(piece))
            return
        if self._think is None:
            self._say(self._text.feed(piece))
            return
        for thinking, part in self._think.feed(piece):
            if thinking:
                self.reasoning(part)
            else:
                self._say(self._text.feed(part))

    def refusal(self, piece: str) -> None:
        """A piece of a refusal."""
        if piece := self._refusal.feed(piece):
            self.spoke = True
            self._out.append(RefusalDelta(piece))

    def reasoning(self, piece: str, signature: str | None = None, redacted: str | None = None) -> None:
        """A piece of thinking, or the seal that closes it."""
        piece = self._reasoning.feed(piece)
        if piece or signature or redacted:
            self.spoke = True
            self._out.append(ReasoningDelta(piece, scrub(signature) if signature else None, redacted or None))

    def plan(self, piece: str) -> None:
        """A piece of a plan for tools."""
        if piece := self._plan.feed(piece):
            self.spoke = True
            self._out.append(PlanDelta(piece))

    def has_arguments(self, index: int) -> bool:
        """Whether anything of the arguments of call ``index`` was said."""
        return index in self._argued

    def call(self, index: int, id: str = "", name: str = "", arguments: str = "", signature: str | None = None) -> None:
        """A piece of tool call ``index``.  What was already said of it is not said again."""
        if first := index not in self._calls:
            self._calls[index] = SurrogateJoiner()
        if name and index in self._named:
            name = ""
        elif name:
            self._named.add(index)
        if arguments:
            self._argued.add(index)
        arguments = self._calls[index].feed(arguments)
        if first or name or arguments or signature:
            self.spoke = True
            self._out.append(ToolCallDelta(index, scrub(id), scrub(name), arguments, signature))

    def cite(self, title: str, address: str = "") -> None:
        """A source of the answer."""
        line = " ".join(f"{scrub(title)[:300]} {scrub(address)[:2000]}".split())
        if line and len(self._citations) < 1000:
            self._citations[line] = None

    def usage(self, usage: Usage) -> None:
        """Token counts so far; the same ones are not repeated."""
        if usage != self._usage:
            self._usage = usage
            self._out.append(UsageReported(usage))

    def stop(self, reason: FinishReason, raw: str | None) -> None:
        """The answer is whole.  Only the first one counts; the sources that were named stand below the text."""
        if not self.stopped:
            self.flush()
            self.stopped = True
            if self._citations and self.spoke and reason != "tool_calls":
                listed = (f"\n{number}. {line}" for number, line in enumerate(self._citations, 1))
                self._out.append(SourcesDelta("\n\nSources:\n" + "".join(listed)))
            self._out.append(StreamEnd(reason, scrub(raw) if raw else raw))

    def broke(self, error: ProviderError) -> None:
        """The answer failed."""
        if not self.broken:
            self.flush()
            self.broken = True
            self._out.append(StreamError(error))

    def flush(self) -> None:
        """Say what was held back for its other half."""
        for thinking, part in self._think.end() if self._think else ():
            if thinking:
                self.reasoning(part)
            else:
                self._say(self._text.feed(part))
        self._say(self._text.end())
        if rest := self._reasoning.end():
            self._out.append(ReasoningDelta(rest))
        if rest := self._refusal.end():
            self._out.append(RefusalDelta(rest))
        if rest := self._plan.end():
            self._out.append(PlanDelta(rest))
        for index, joiner in self._calls.items():
            if rest := joiner.end():
                self._out.append(ToolCallDelta(index, arguments=rest))

    def _say(self, piece: str) -> None:
        if piece:
            self.spoke = True
            self._out.append(TextDelta(piece))
