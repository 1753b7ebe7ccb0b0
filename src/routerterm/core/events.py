"""The one vocabulary of a stream, for the screen, the disk, the command line and the gateway.

A decoder speaks the first group; `Router.stream` adds the second, and an answer with tools `ToolStarted`,
`ToolFinished` and `StepEnded`.  Exactly one `Finished` or `Failed` ends a router's stream; a decoder's ends with
`StreamEnd` or `StreamError`, or with neither where it was cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from msgspec import Struct, field

from routerterm.core.errors import ProviderError, RoutertermError
from routerterm.core.messages import ToolResult
from routerterm.core.money import UNKNOWN_COST, Cost
from routerterm.core.targets import Decision, Target
from routerterm.core.usage import Usage

FinishReason: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter", "other"]
OnCut: TypeAlias = Literal["continue", "restart"]


class TextDelta(Struct, frozen=True):
    """A piece of the answer."""

    text: str


class RefusalDelta(TextDelta, frozen=True):
    """A piece of a refusal, where the provider tells it apart from an answer: shown and kept as text."""


class Source(Struct, frozen=True):
    """Something that an answer rests on."""

    title: str
    address: str = ""


class SourcesDelta(TextDelta, frozen=True):
    """The sources that a provider named beside its answer, as a list below it: shown and kept as text."""

    sources: tuple[Source, ...] = ()
    """The same, one by one."""


class ScoresDelta(TextDelta, frozen=True):
    """How likely the tokens of the text so far were, as OpenAI tells it: ``token``, ``logprob``, ``top_logprobs``.

    Its own ``text`` is empty, so that whoever does not know it loses nothing.
    """

    text: str = ""
    scores: tuple[Mapping[str, Any], ...] = ()


class ReasoningDelta(Struct, frozen=True):
    """A piece of what the model thinks aloud; a ``signature`` or ``redacted`` block closes a part."""

    text: str
    signature: str | None = None
    redacted: str | None = None


class ThoughtsClosed(ReasoningDelta, frozen=True):
    """What was sent as text so far was thinking: the tag that closes it came, and none had opened it.

    Its own ``text`` is empty, so that whoever does not know it loses nothing.
    """

    text: str = ""


class PlanDelta(ReasoningDelta, frozen=True):
    """A piece of what the model means to do with its tools, where the provider tells it apart from thinking."""


class HostedDelta(ReasoningDelta, frozen=True):
    """A step that the provider took by itself (a search of the web, say): ``redacted`` holds it as it came, marked.

    It means something to that provider alone, and to a client that speaks its protocol: to all others it is nothing.
    """

    text: str = ""


class ToolCallDelta(Struct, frozen=True):
    """A piece of a tool call.  ``index`` tells calls apart; ``id`` and ``name`` come once, ``arguments`` in pieces."""

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""
    signature: str | None = None


class UsageReported(Struct, frozen=True):
    """Token counts so far; the last one of an attempt holds."""

    usage: Usage


class StreamEnd(Struct, frozen=True):
    """The provider said that the answer is whole, and why it ends there.  ``raw`` is the provider's word."""

    reason: FinishReason
    raw: str | None = None
    sequence: str | None = None
    """The stop sequence that ended it, where the provider tells."""


class StreamError(Struct, frozen=True):
    """The provider said that the answer failed, in the middle of a stream or instead of one."""

    error: ProviderError


Content: TypeAlias = TextDelta | ReasoningDelta | ToolCallDelta
WireEvent: TypeAlias = Content | UsageReported | StreamEnd | StreamError


class RouteDecided(Struct, frozen=True):
    """Who will be asked in which order, and who will not, and why."""

    decision: Decision


class AttemptStarted(Struct, frozen=True):
    """Attempt ``n`` (from 1) leaves for a provider."""

    n: int
    target: Target
    key_label: str | None
    why: str
    left_out: tuple[str, ...] = ()
    """The names of what the request asks and this provider cannot be told."""
    cache_marks: int = 0
    """Places up to which the provider is told to keep the prompt in its cache."""


class AttemptFailed(Struct, frozen=True):
    """Attempt ``n`` failed; ``next`` says in words what happens now, after ``wait`` seconds."""

    n: int
    target: Target
    error: ProviderError
    next: str
    wait: float = 0.0


class Recovered(Struct, frozen=True):
    """The answer was cut after ``characters`` of text and goes on.

    ``continue``: what follows is appended.  ``restart``: what follows is a new answer, and the partial
    one so far is set aside, to be kept as its sibling.
    """

    how: OnCut
    characters: int
    target: Target


class Timing(Struct, frozen=True):
    """Milliseconds from sending the request to the first content, and to the end."""

    ttft_ms: int | None
    total_ms: int


class ToolStarted(Struct, frozen=True):
    """A tool is about to be called, or the person to be asked about it.  ``arguments`` is JSON text."""

    call_id: str
    tool: str
    arguments: str


class ToolFinished(Struct, frozen=True):
    """A call has its result."""

    result: ToolResult


class StepEnded(Struct, frozen=True):
    """One request of an answer with tools is over, and another follows.

    ``kept`` False: what it said was half a call, and is dropped; the step is asked again.
    """

    step: int
    kept: bool = True


class Finished(Struct, frozen=True):
    """The answer is whole."""

    reason: FinishReason
    target: Target
    usage: Usage = field(default_factory=Usage)
    cost: Cost = UNKNOWN_COST
    timing: Timing = Timing(None, 0)
    attempts: int = 1
    raw: str | None = None
    """The provider's own word for the end."""
    sequence: str | None = None
    """The stop sequence that ended it, where the provider tells."""


class Failed(Struct, frozen=True):
    """No answer, or not the whole of one: what came before is the partial answer and is kept."""

    error: RoutertermError
    usage: Usage = field(default_factory=Usage)
    cost: Cost = UNKNOWN_COST
    attempts: int = 0


Event: TypeAlias = (
    RouteDecided
    | AttemptStarted
    | TextDelta
    | ReasoningDelta
    | ToolCallDelta
    | UsageReported
    | AttemptFailed
    | Recovered
    | ToolStarted
    | ToolFinished
    | StepEnded
    | Finished
    | Failed
)
