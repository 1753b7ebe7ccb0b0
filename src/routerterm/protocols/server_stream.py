"""What the writers of streamed answers do alike: one class that the served protocols fill in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, assert_never

from routerterm.core.errors import RoutertermError
from routerterm.core.events import (
    HostedDelta,
    ReasoningDelta,
    ScoresDelta,
    StreamEnd,
    StreamError,
    TextDelta,
    ToolCallDelta,
    UsageReported,
    WireEvent,
)
from routerterm.core.reply import ReplyBuilder
from routerterm.core.usage import Usage
from routerterm.protocols.json_utils import dumps

COMMENT = b": waiting\n\n"
"""A comment of an event stream, which clients skip."""


def data_line(value: Any) -> bytes:
    """One event without a name."""
    return b"data: " + dumps(value) + b"\n\n"


class BaseServerStream(ABC):
    """Fulfils `server_base.AnswerStream`: each event's place, and that nothing passes for whole that was cut.

    ``usage`` is whether the client wants to be told of it.
    """

    heartbeat: ClassVar[bytes] = COMMENT
    """What a client may get at any time while it waits."""

    def __init__(self, *, usage: bool = True) -> None:
        self._wants_usage = usage
        self._usage: Usage | None = None
        self._stopped: StreamEnd | None = None
        self._broken = False

    def start(self) -> bytes:
        """What a client gets first; nothing where the first bytes are the first content."""
        return b""

    def event(self, event: WireEvent) -> bytes:
        """The bytes of one event; none for what waits for the end."""
        match event:
            case ScoresDelta():
                return self._scores(event)
            case TextDelta():
                return self._text(event)
            case HostedDelta():
                return self._hosted(event)
            case ReasoningDelta():
                return self._reasoning(event)
            case ToolCallDelta():
                return self._call(event)
            case UsageReported(usage):
                self._usage = usage
                return self._counted(usage)
            case StreamEnd():
                self._stopped = event
                return self._reason(event)
            case StreamError(error):
                return self.error(error)
            case _:
                assert_never(event)

    def ping(self) -> bytes:
        """What a client may get at any time while it waits."""
        return self.heartbeat

    def error(self, error: RoutertermError) -> bytes:
        """An error in the middle of the stream, which ends it."""
        self._broken = True
        return self._failure(error)

    def end(self) -> bytes:
        """What ends the stream; of an answer that was cut no more than what closes its content."""
        if self._broken:
            return b""
        tail = self._close()
        return tail if self._stopped is None else tail + self._finish(self._stopped)

    @abstractmethod
    def _text(self, delta: TextDelta) -> bytes:
        """A piece of the answer."""

    @abstractmethod
    def _reasoning(self, delta: ReasoningDelta) -> bytes:
        """A piece of what the model thinks aloud."""

    @abstractmethod
    def _call(self, delta: ToolCallDelta) -> bytes:
        """A piece of a tool call."""

    @abstractmethod
    def _failure(self, error: RoutertermError) -> bytes:
        """An error in the protocol's own shape."""

    @abstractmethod
    def _finish(self, stopped: StreamEnd) -> bytes:
        """What follows the last content of a whole answer."""

    def _hosted(self, step: HostedDelta) -> bytes:
        """A step that the provider took by itself, for clients of its own protocol."""
        return b""

    def _scores(self, delta: ScoresDelta) -> bytes:
        """How likely the tokens of the text were."""
        return b""

    def _counted(self, usage: Usage) -> bytes:
        return b""

    def _reason(self, stopped: StreamEnd) -> bytes:
        return b""

    def _close(self) -> bytes:
        """The ends of what is open, in protocols that open and close content."""
        return b""


class WholeCalls(BaseServerStream):
    """The same for protocols in which a call is told only when it is complete."""

    def __init__(self, *, usage: bool = True) -> None:
        super().__init__(usage=usage)
        self._calls = ReplyBuilder()

    def _call(self, delta: ToolCallDelta) -> bytes:
        self._calls.add(delta)
        return b""
