"""Folds the pieces of an answer into the parts of a message, in time linear in their number."""

from __future__ import annotations

from msgspec import Struct, field

from routerterm.core.events import Content, HostedDelta, ReasoningDelta, TextDelta, ThoughtsClosed, ToolCallDelta
from routerterm.core.messages import Part, Reasoning, Text, ToolCall


class _Span(Struct):
    """A run of pieces of one kind that becomes one part."""

    kind: type[Content]
    pieces: list[str] = field(default_factory=list)
    index: int = 0
    id: str = ""
    name: str = ""
    signature: str | None = None
    redacted: str | None = None

    def part(self) -> Part | None:
        text = "".join(self.pieces)
        if self.kind is ToolCallDelta:
            return ToolCall(self.id, self.name, text, self.signature)
        if self.kind is ReasoningDelta:
            empty = not text and self.signature is None and self.redacted is None
            return None if empty else Reasoning(text, self.signature, self.redacted)
        return Text(text) if text else None


class ReplyBuilder:
    """An answer while it grows.  Parts keep the order in which they began."""

    def __init__(self) -> None:
        self._spans: list[_Span] = []
        self._calls: dict[int, _Span] = {}
        self._text_length = 0
        self._sealed: tuple[Part, ...] = ()

    def add(self, delta: Content) -> None:
        """Fold one piece in."""
        match delta:
            case HostedDelta():
                self._spans.append(_Span(ReasoningDelta, redacted=delta.redacted))
            case ThoughtsClosed():
                self._turn_text_into_thoughts()
            case TextDelta(text):
                self._text_length += len(text)
                self._open(TextDelta).pieces.append(text)
            case ReasoningDelta(text, signature, redacted):
                span = self._open(ReasoningDelta)
                span.pieces.append(text)
                span.signature, span.redacted = signature or span.signature, redacted or span.redacted
            case ToolCallDelta():
                self._add_call(delta)

    @property
    def text(self) -> str:
        """The text so far."""
        before = [part.text for part in self._sealed if isinstance(part, Text)]
        return "".join([*before, *(piece for span in self._spans if span.kind is TextDelta for piece in span.pieces)])

    @property
    def text_length(self) -> int:
        """Characters of text so far, without joining them."""
        return self._text_length

    @property
    def has_tool_calls(self) -> bool:
        """Whether a tool call has begun: such an answer is never continued by another model."""
        return bool(self._calls)

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all has come."""
        return not self.parts()

    def parts(self) -> tuple[Part, ...]:
        """The parts so far."""
        return (*self._sealed, *(part for span in self._spans if (part := span.part()) is not None))

    def seal(self, *more: Part) -> None:
        """Close what there is, and append parts: what follows is of another request, whose calls count from 0."""
        self._sealed = (*self.parts(), *more)
        self._text_length += sum(len(part.text) for part in more if isinstance(part, Text))
        self._spans, self._calls = [], {}

    def restarted(self) -> ReplyBuilder:
        """A fresh one with what was sealed alone: the rest is said again."""
        fresh = ReplyBuilder()
        fresh.seal(*self._sealed)
        return fresh

    def _open(self, kind: type[Content]) -> _Span:
        """The last span if pieces of this kind may go on in it, else a new one."""
        last = self._spans[-1] if self._spans else None
        if last is None or last.kind is not kind or last.signature is not None or last.redacted is not None:
            last = _Span(kind)
            self._spans.append(last)
        return last

    def _turn_text_into_thoughts(self) -> None:
        """A closing tag without an opening one came: what looked like the answer was thinking."""
        for span in self._spans:
            if span.kind is TextDelta:
                span.kind = ReasoningDelta
        self._text_length = sum(len(part.text) for part in self._sealed if isinstance(part, Text))

    def _add_call(self, delta: ToolCallDelta) -> None:
        span = self._calls.get(delta.index)
        if span is None:
            span = self._calls[delta.index] = _Span(ToolCallDelta, index=delta.index)
            self._spans.append(span)
        span.id, span.name = span.id or delta.id, span.name or delta.name
        span.signature = delta.signature or span.signature
        span.pieces.append(delta.arguments)
