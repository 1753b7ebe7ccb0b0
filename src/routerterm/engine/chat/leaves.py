"""What leaves this machine with the next message, line by line: from the request as it is encoded, not from a guess.

The lines come from the request that the router would send first, and each is looked for in the bytes of its body.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from routerterm.catalog.pricing import amount, is_declared_free, prices_for
from routerterm.core.counting import format_bytes
from routerterm.core.messages import Image, Message, Part, Reasoning, Text, ToolCall, ToolResult
from routerterm.core.request import ChatRequest
from routerterm.core.usage import Usage
from routerterm.engine.chat.context import system_with
from routerterm.protocols.evidence import Evidence

if TYPE_CHECKING:
    from routerterm.catalog.values import ModelInfo
    from routerterm.core.request import Tool
    from routerterm.core.targets import Forecast, Target
    from routerterm.engine.chat.truncation import Fitted, Line
    from routerterm.router.decide.prompt_cache import WarmCache
    from routerterm.router.ports import Estimator
    from routerterm.router.run.outgoing import Outgoing

Kind: TypeAlias = Literal[
    "system", "summary", "tool", "message", "file", "image", "call", "result", "thinking", "added"
]
State: TypeAlias = Literal["sent", "left out", "too long", "not supported"]
SYSTEM, UNSENT, HOSTED = "system", "unsent", "hosted"
"""The ids of the system prompt's line, of those of the message that is being written, and of the provider's tools."""


class OutgoingLine(Struct, frozen=True):
    """Something that leaves, or that could and does not."""

    id: str
    """Of the message on disk, `SYSTEM`, `UNSENT`, or ``tool:NAME``."""
    kind: Kind
    who: str
    text: str
    """As it leaves: with placeholders for what the guard took out."""
    state: State = "sent"
    tokens: int = 0
    usd: Decimal | None = None
    cached: bool = False
    """Whether the provider very likely has it in its cache still."""
    pinned: bool = False
    part: int = 0
    """Which part of its message it is."""

    @property
    def is_sent(self) -> bool:
        """Whether it leaves."""
        return self.state == "sent"


class Sheet(Struct, frozen=True):
    """All that leaves, in the order of the prompt."""

    target: Target
    host: str
    """Where it goes."""
    why: str
    lines: tuple[OutgoingLine, ...]
    settings: tuple[str, ...]
    """How the provider is told to answer, field by field of the body."""
    redacted: Mapping[str, str]
    """What the guard took out, by the placeholder in its place."""
    body: bytes
    """The very bytes."""
    forecast: Forecast | None
    marks: int = 0
    """Places up to which the provider is told to keep the prompt in its cache."""
    left_out: int = 0
    """Messages that find no room in the model's window."""
    summed_up: int = 0
    """Messages that go as a summary."""
    unsaid: tuple[str, ...] = ()
    """What was asked for and this provider cannot be told."""

    @property
    def tokens(self) -> int:
        """Of all that leaves."""
        return sum(line.tokens for line in self.lines)

    @property
    def usd(self) -> Decimal | None:
        """What reading it costs, without the answer."""
        costs = [line.usd for line in self.lines if line.is_sent]
        return None if None in costs else sum((usd for usd in costs if usd is not None), Decimal(0))


def sheet_of(outgoing: Outgoing, fitted: Fitted, estimator: Estimator, warm: WarmCache | None = None) -> Sheet:
    """The lines of a request, of whose beginning the provider still holds ``warm``."""
    evidence = Evidence(outgoing.http.body)
    request = outgoing.request
    lines = [*_hosted(evidence), *_first_lines(request, fitted), *_message_lines(fitted, request, evidence)]
    said = [_words(part) for message in request.messages for part in message.parts]
    said += [request.system or "", *_tool_words(request.tools)]
    lines += [OutgoingLine("", "added", "added", words) for words in evidence.added(said)]
    total = outgoing.forecast.prompt_tokens if outgoing.forecast is not None else 0
    weights = [_weight(line, request, estimator, outgoing.model) if line.is_sent else 0 for line in lines]
    counted = shares(total, weights)
    return Sheet(
        target=outgoing.target,
        host=outgoing.http.url.partition("://")[2].partition("/")[0],
        why=outgoing.why,
        lines=tuple(_priced(lines, counted, outgoing.model, total, _in_cache(lines, fitted, warm))),
        settings=tuple(f"{name} {_short(value)}" for name, value in evidence.settings.items()),
        redacted=outgoing.redacted,
        body=outgoing.http.body,
        forecast=outgoing.forecast,
        marks=evidence.marks,
        left_out=fitted.left_out,
        summed_up=fitted.summed_up,
        unsaid=outgoing.left_out,
    )


def _hosted(evidence: Evidence) -> Iterator[OutgoingLine]:
    for number, tool in enumerate(evidence.hosted_tools):
        yield OutgoingLine(HOSTED, "tool", "provider tool", json.dumps(tool), part=number)


def shares(total: int, weights: Sequence[int]) -> list[int]:
    """Whole numbers in proportion to ``weights`` that add up to ``total``."""
    whole = sum(weights)
    if whole <= 0:
        return [0] * len(weights)
    found, before, so_far = [], 0, 0
    for weight in weights:
        so_far += weight
        upto = total * so_far // whole
        found.append(upto - before)
        before = upto
    return found


def _first_lines(request: ChatRequest, fitted: Fitted) -> Iterator[OutgoingLine]:
    """What stands before the messages: tools, the system prompt, and a summary with it."""
    for tool in request.tools:
        yield OutgoingLine(f"tool:{tool.name}", "tool", "tool", _tool_text(tool))
    system = request.system or ""
    if fitted.summed_up:
        heading = system_with(None, "")
        own, _, summary = system.partition(heading)
        if own.strip():
            yield OutgoingLine(SYSTEM, "system", "system", own.strip())
        yield OutgoingLine("", "summary", "summary", summary.strip() or system)
    elif system:
        yield OutgoingLine(SYSTEM, "system", "system", system)


def _message_lines(fitted: Fitted, request: ChatRequest, evidence: Evidence) -> Iterator[OutgoingLine]:
    """The messages, each part a line; those that are held back or found no room stand in their places."""
    going: dict[int, list[Message]] = {}
    for line, message in zip(fitted.origins, request.messages, strict=False):
        going.setdefault(id(line), []).append(message)
    for line in fitted.read:
        sent = going.get(id(line))
        parts = [(message, part) for message in sent or (line.message,) for part in message.parts]
        for number, (message, part) in enumerate(parts):
            if isinstance(part, Text) and not part.text.strip():
                continue
            if sent is not None:
                state: State = "sent" if evidence.has_part(part) else "not supported"
            else:
                state = "left out" if line.held else "too long"
            if isinstance(part, Reasoning) and state != "sent":
                continue  # thoughts of another provider never leave, and nobody expects them to
            yield _line(line, message, part, number, state)


def _line(line: Line, message: Message, part: Part, number: int, state: State) -> OutgoingLine:
    speakers = {"user": "you", "assistant": "answer", "system": "system", "tool": "tool"}
    kind: Kind = "message"
    who = speakers[message.role]
    own = line.message.parts
    # A model without tools is told of calls and results in words: they stay what they are.
    match own[number] if number < len(own) and isinstance(own[number], ToolCall | ToolResult) else part:
        case Text(name=str() as name):
            kind, who = "file", f"file {name.rstrip('/').rpartition('/')[2]}"
        case Image():
            kind, who = "image", "image"
        case ToolCall():
            kind, who = "call", "call"
        case ToolResult():
            kind, who = "result", "result"
        case Reasoning():
            kind, who = "thinking", "thinking"
        case Text():
            pass
    return OutgoingLine(line.id or UNSENT, kind, who, _words(part), state, pinned=line.pinned, part=number)


def _words(part: Part) -> str:
    """A part as text; of a picture what is known of it."""
    match part:
        case Text(text) | Reasoning(text) | ToolResult(text=text):
            return text
        case ToolCall(name=name, arguments=arguments):
            return f"{name} {arguments}"
        case Image(media_type, data, url, name):
            size = format_bytes(len(data)) if data else url or ""
            return " · ".join(filter(None, (name or "", media_type, size)))


def _tool_text(tool: Tool) -> str:
    return f"{tool.name}: {tool.description} {json.dumps(tool.schema, ensure_ascii=False)}"


def _tool_words(tools: Sequence[Tool]) -> Iterator[str]:
    for tool in tools:
        yield from (tool.name, tool.description)


def _weight(line: OutgoingLine, request: ChatRequest, estimator: Estimator, model: ModelInfo) -> int:
    """Tokens of a line by itself: how the whole count is shared out."""
    if line.kind == "tool" and line.id != HOSTED:
        tools = tuple(tool for tool in request.tools if line.id == f"tool:{tool.name}")
        return estimator.prompt(ChatRequest("", (), tools=tools), model)
    if line.kind == "image":
        images = [part for message in request.messages for part in message.images if _words(part) == line.text]
        return estimator.prompt(ChatRequest("", (Message("user", tuple(images[:1])),)), model)
    return max(1, estimator.text(line.text, model))


def _priced(
    lines: Sequence[OutgoingLine],
    counted: Sequence[int],
    model: ModelInfo,
    total: int,
    held: Callable[[OutgoingLine, int], bool],
) -> Iterator[OutgoingLine]:
    prices, free, so_far = prices_for(model, total), is_declared_free(model), 0
    for line, tokens in zip(lines, counted, strict=True):
        so_far += tokens
        warm = line.is_sent and held(line, so_far)
        usage = Usage(cache_read=tokens) if warm else Usage(fresh=tokens)
        usd = Decimal(0) if free or not line.is_sent else amount(usage, prices)
        yield replace(line, tokens=tokens, usd=usd, cached=warm)


def _in_cache(
    lines: Sequence[OutgoingLine], fitted: Fitted, warm: WarmCache | None
) -> Callable[[OutgoingLine, int], bool]:
    """Whether the provider holds a line that ends after so many tokens."""
    messages, most = (warm.messages, warm.tokens) if warm is not None else (0, 0)
    ids = {line.id or UNSENT for line in fitted.origins[:messages]}
    ids |= {line.id for line in lines if line.kind in ("tool", "system")}
    return lambda line, tokens: (line.id in ids or line.kind == "summary") and tokens <= most


def _short(value: object) -> str:
    words = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return words if len(words) <= 60 else f"{words[:59]}…"
