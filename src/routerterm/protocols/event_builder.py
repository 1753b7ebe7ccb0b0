"""Where a protocol's reader puts what it reads: keeps the promises that hold for every protocol.

Text is fit to be written, a call's name comes once, `StreamEnd` comes once, and nothing comes after `StreamError`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, assert_never

from msgspec import Struct

from routerterm.core.errors import ContentBlocked, EmptyAnswer, ProviderError, ServerError
from routerterm.core.events import (
    FinishReason,
    HostedDelta,
    PlanDelta,
    ReasoningDelta,
    RefusalDelta,
    ScoresDelta,
    Source,
    SourcesDelta,
    StreamEnd,
    StreamError,
    TextDelta,
    ThoughtsClosed,
    ToolCallDelta,
    UsageReported,
    WireEvent,
)
from routerterm.core.usage import Usage
from routerterm.protocols.json_utils import SurrogateJoiner, identifier, scrub
from routerterm.protocols.think_tags import Piece, ThinkSplitter

REASONS: Mapping[str, FinishReason] = {
    "stop": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "complete": "stop",
    "completed": "stop",
    "length": "length",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "model_length": "length",
    "model_context_window_exceeded": "length",
    "tool_calls": "tool_calls",
    "tool_call": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "refusal": "content_filter",
    "safety": "content_filter",
    "sensitive": "content_filter",
    "recitation": "content_filter",
    "blocklist": "content_filter",
    "prohibited_content": "content_filter",
    "spii": "content_filter",
    "image_safety": "content_filter",
    "image_prohibited_content": "content_filter",
    "image_recitation": "content_filter",
    "model_armor": "content_filter",
    "error_toxic": "content_filter",
    "error_limit": "length",
}
"""In lower case.  What is not here is ``other``: a new word must never break an answer."""

_LONGEST_NAMELESS = 16_384
"""Characters of a call that are held back for its name: without one it is no call, and no answer."""

FAILURES = frozenset({"error", "insufficient_system_resource", "network_error", "timeout"})
"""Words that stand where a reason should, and say that the answer failed."""


PAUSED = "pause_turn"
"""Anthropic's word for an answer that goes on when it is sent back: it may hold steps of the provider alone."""


class _Nameless(Struct, frozen=True):
    """What came of a call whose name did not come yet."""

    id: str = ""
    arguments: str = ""
    signature: str | None = None


_NOTHING = _Nameless()


class EventBuilder:
    """Collects the events of one answer; `take` hands over those that are new."""

    def __init__(self, *, think_tags: bool = False, names: Mapping[str, str] | None = None) -> None:
        """``names`` are those of tools that went under other ones."""
        self._tool_names = names or {}
        self._out: list[WireEvent] = []
        self._text = SurrogateJoiner()
        self._reasoning = SurrogateJoiner()
        self._refusal = SurrogateJoiner()
        self._plan = SurrogateJoiner()
        self._think = ThinkSplitter() if think_tags else None
        self._calls: dict[int, SurrogateJoiner] = {}
        self._ids: set[str] = set()
        self._named: set[int] = set()
        self._argued: set[int] = set()
        self._nameless: dict[int, _Nameless] = {}
        self._usage: Usage | None = None
        self._citations: dict[str, Source] = {}
        self._ending: StreamEnd | None = None
        self._answered = False
        """Whether anything came that is an answer: words, a call, a refusal, a plan.  Thoughts alone are none."""
        self.spoke = False
        """Whether any content came."""
        self.stopped = False
        self.broken = False
        self.origin: bytes | str = b""
        """The object that is read at present: what a call's id is made of, where the provider gives none."""

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
        think = self._think
        if think is None or (think.is_idle and "<" not in piece and "`" not in piece):
            self._say(self._text.feed(piece))
        else:
            self._split(think.feed(piece))

    def _split(self, pieces: list[Piece]) -> None:
        for kind, part in pieces:
            match kind:
                case "thought":
                    self.reasoning(part)
                case "text":
                    self._say(self._text.feed(part))
                case "closed":
                    self._say(self._text.end())
                    self._answered = False
                    self._out.append(ThoughtsClosed())
                case _:
                    assert_never(kind)

    def scores(self, tokens: Sequence[Mapping[str, Any]]) -> None:
        """How likely the tokens of the text were."""
        if tokens:
            self._out.append(ScoresDelta(scores=tuple(tokens)))

    def refusal(self, piece: str) -> None:
        """A piece of a refusal."""
        self._say_held()
        if piece := self._refusal.feed(piece):
            self.spoke = self._answered = True
            self._out.append(RefusalDelta(piece))

    def reasoning(self, piece: str, signature: str | None = None, redacted: str | None = None) -> None:
        """A piece of thinking, or the seal that closes it."""
        piece = self._reasoning.feed(piece)
        if piece or signature or redacted:
            self.spoke = True
            self._out.append(ReasoningDelta(piece, scrub(signature) if signature else None, redacted or None))

    def hosted(self, step: str) -> None:
        """A step that the provider took by itself, as it came and marked with whose it is."""
        self._say_held()
        self.spoke = True
        self._out.append(HostedDelta(redacted=step))

    def plan(self, piece: str) -> None:
        """A piece of a plan for tools."""
        if piece := self._plan.feed(piece):
            self.spoke = self._answered = True
            self._out.append(PlanDelta(piece))

    def has_arguments(self, index: int) -> bool:
        """Whether anything of the arguments of call ``index`` was said."""
        return index in self._argued

    def call(self, index: int, id: str = "", name: str = "", arguments: str = "", signature: str | None = None) -> None:
        """A piece of tool call ``index``.  What was already said of it is not said again."""
        self._say_held()
        if arguments:
            self._argued.add(index)
        held = self._nameless.get(index, _NOTHING)
        if not name and index not in self._named and len(held.arguments) + len(arguments) < _LONGEST_NAMELESS:
            id = held.id or id or self._made_id(index)
            self._nameless[index] = _Nameless(id, held.arguments + arguments, held.signature or signature)
            return
        if self._nameless.pop(index, None) is not None:
            id, arguments, signature = held.id or id, held.arguments + arguments, held.signature or signature
        if first := index not in self._calls:
            self._calls[index] = SurrogateJoiner()
            id = self._own_id(index, id)
        else:
            id = ""
        if name:
            name = "" if index in self._named else identifier(self._tool_names.get(name, name))
            self._named.add(index)
        arguments = self._calls[index].feed(arguments)
        if first or name or arguments or signature:
            self.spoke = self._answered = True
            self._out.append(ToolCallDelta(index, identifier(id) if id else "", name, arguments, signature))

    def _own_id(self, index: int, id: str) -> str:
        """The id of a call: its provider's, as long as no other call of the answer has it."""
        own = id if id and id not in self._ids else self._made_id(index)
        self._ids.add(own)
        return own

    def _made_id(self, index: int) -> str:
        """An id for a call that came without one of its own: clients pair results by it.

        It is a digest of the object in which the call began, which holds the answer's own id or time.
        """
        origin = self.origin if isinstance(self.origin, bytes) else self.origin.encode("utf-8", "replace")
        return f"call_{sha256(b'%d:' % index + origin).hexdigest()[:24]}"

    def cite(self, title: str, address: str = "") -> None:
        """A source of the answer."""
        source = Source(" ".join(scrub(title)[:300].split()), " ".join(scrub(address)[:2000].split()))
        line = f"{source.title} {source.address}".strip()
        if line and len(self._citations) < 1000:
            self._citations[line] = source

    def usage(self, usage: Usage) -> None:
        """Token counts so far; the same ones are not repeated."""
        if usage != self._usage:
            self._usage = usage
            self._out.append(UsageReported(usage))

    @property
    def is_finishing(self) -> bool:
        """Whether a reason for the end was seen: nothing but what belongs to it, as a rule its usage, is to come."""
        return self.stopped or self._ending is not None

    def ending(self, reason: FinishReason, raw: str | None, sequence: str | None = None) -> None:
        """A reason for the end came.  It ends nothing as long as content may follow; the last one holds."""
        self._ending = StreamEnd(reason, scrub(raw) if raw else raw, scrub(sequence) if sequence else None)

    def stop(self, reason: FinishReason = "other", raw: str | None = None) -> None:
        """The answer is whole, for the last reason that came, else for this one.  One without content is a failure."""
        if self.stopped or self.broken:
            return
        self.flush()
        end = self._ending or StreamEnd(reason, raw)
        if not self._answered and end.reason != "length" and end.raw != PAUSED:
            self.fail(_empty(end))
            return
        self.stopped = True
        if self._citations and self.spoke and end.reason != "tool_calls":
            listed = (f"\n{number}. {line}" for number, line in enumerate(self._citations, 1))
            self._out.append(SourcesDelta("\n\nSources:\n" + "".join(listed), tuple(self._citations.values())))
        self._out.append(end)

    def fail(self, error: ProviderError) -> None:
        """The answer failed."""
        if not self.broken:
            self.flush()
            self.broken = True
            self._out.append(StreamError(error))

    def flush(self) -> None:
        """Say what was held back for its other half."""
        if self._think is not None:
            self._split(self._think.end())
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

    def _say_held(self) -> None:
        """What looked like the beginning of a tag goes before what follows it: no tag spans a call."""
        if self._think is not None and self._think.holds:
            self._split(self._think.end())

    def _say(self, piece: str) -> None:
        if piece:
            if not self._answered:
                self.spoke, self._answered = True, not piece.isspace()
            self._out.append(TextDelta(piece))


def _empty(end: StreamEnd) -> ProviderError:
    """The error of an answer that ended without content, in the provider's own word."""
    word = (end.raw or end.reason)[:60]
    if end.reason == "content_filter":
        return ContentBlocked(
            f"The provider's filter stopped the answer ({word}).", "Rephrase it, or use another model.", code=word
        )
    return EmptyAnswer(f"The provider returned an empty answer ({word}).", "Ask again.", code=word)


def reason(raw: str) -> FinishReason:
    """Our word for a provider's."""
    return REASONS.get(raw) or REASONS.get(raw.lower(), "other")


def finish(raw: str, emit: EventBuilder, sequence: str | None = None) -> None:
    """Note the provider's word for the end of an answer, and the stop sequence that caused it."""
    if raw.lower() in FAILURES:
        emit.fail(broken_off(raw))
    else:
        emit.ending(reason(raw), raw, sequence)


def broken_off(raw: str) -> ProviderError:
    """The error of an answer that the provider itself gave up."""
    return ServerError(f"The provider cut off the answer ({raw[:60]}).", code=raw[:60])
