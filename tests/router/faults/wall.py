"""The wall: every fault, with a healthy candidate behind it and alone, and what must come of it."""

from __future__ import annotations

import asyncio
import socket
import tempfile
import time
from collections.abc import Collection, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from msgspec.structs import replace

from routerterm.catalog.values import ModelInfo, Prices, ProviderInfo
from routerterm.core.errors import DeadlineExceeded
from routerterm.core.events import (
    AttemptFailed,
    AttemptStarted,
    Failed,
    Finished,
    ReasoningDelta,
    Recovered,
    TextDelta,
    ToolCallDelta,
)
from routerterm.core.ledger import AttemptRecord, Cap, CapReached
from routerterm.core.messages import Message, ToolCall
from routerterm.core.ports import ApiKey, InMemoryStateStore, StateStore
from routerterm.core.request import ChatRequest, Params, Tool
from routerterm.core.secret import Secret
from routerterm.core.targets import Target
from routerterm.router import Limits, Router, RouterOptions, RouterPorts, TimeoutOptions
from routerterm.router.decide.circuit_breaker import avoided
from routerterm.router.guard import GuardRules, PersonalGuard, Rule
from routerterm.router.options import BreakerLimits, KeyLimits
from routerterm.router.transports.base import Transport
from routerterm.router.transports.http import HttpTransport
from tests.router.faults.provider import ANSWER, FaultyProvider, running, self_signed

QUESTION = ChatRequest("primary/model", (Message.of("user", "Say it all."),))


@dataclass(frozen=True)
class Brick:
    """One fault and what must come of it: ``whole`` or the class of the error, and how many attempts."""

    fault: str
    title: str
    backed: str
    backed_attempts: int
    alone: str
    alone_attempts: int
    backup: str = "ok"
    how: str = ""
    """How the answer goes on, where it was cut."""
    request: ChatRequest = QUESTION
    guarded: bool = False
    """Whether a rule forbids a word of the answer."""
    paused: bool = False
    """Whether the person left the first model aside."""
    keys: int = 1
    """How many keys there are for each provider."""
    warm: bool = False
    """Whether a request went well before, over a connection that was kept."""


_LOOP = {"$ref": "#/$defs/Place", "$defs": {"Place": {"type": "object", "properties": {"where": {"type": "string"}}}}}
ODD = replace(
    QUESTION,
    messages=(
        Message.of("assistant", "An answer to nobody."),
        Message.of("user", "A question that nobody answered."),
        Message("assistant", (ToolCall("", "look", "{}"),)),
        Message.of("user", "  "),
        Message.of("user", "Say it all."),
    ),
    tools=(Tool("look", "d", _LOOP), Tool("rest", "d", {})),
    params=Params(temperature=0.5, more={"brand_new?": True, "inference_geo": "eu"}),
)
"""What strict servers refuse: a history, schemas and fields as they come from elsewhere."""
WALL = (
    Brick("ok", "healthy", "whole", 1, "whole", 1),
    Brick("rate_once", "429 once, with Retry-After", "whole", 2, "whole", 2),
    Brick("rate_forever", "429 for ever, without", "whole", 2, "RateLimited", 2),
    Brick("fails_once", "500 once", "whole", 2, "whole", 2),
    Brick("down", "503 for ever", "whole", 3, "ServerError", 2),
    Brick("reset_before_headers", "reset before headers", "whole", 3, "ServerError", 2),
    Brick("reset_in_body", "reset in the body", "whole", 3, "StreamInterrupted", 2, how="continue"),
    Brick("silence", "silence", "whole", 2, "ResponseTimeout", 1),
    Brick("late", "late first token", "whole", 2, "whole", 1),
    Brick("cut", "cut in the stream", "whole", 3, "StreamInterrupted", 2, how="continue"),
    Brick("stall", "stalls, line open", "whole", 2, "StreamInterrupted", 1, how="continue"),
    Brick("comments", "comments only", "whole", 2, "ResponseTimeout", 1),
    Brick("malformed", "malformed chunk", "whole", 2, "InvalidResponse", 1),
    Brick("malformed_later", "malformed in the stream", "whole", 2, "StreamInterrupted", 1, how="continue"),
    Brick("no_done", "no [DONE]", "whole", 1, "whole", 1),
    Brick("open_after_end", "line open after the end", "whole", 1, "whole", 1),
    Brick("error_as_body", "error as body of a 200", "whole", 3, "ServerError", 2),
    Brick("error_first", "error first on a 200", "whole", 3, "ServerError", 2),
    Brick("error_in_stream", "error in the stream", "whole", 3, "StreamInterrupted", 2, how="continue"),
    Brick("too_long", "context too long", "whole", 2, "ContextTooLong", 1),
    Brick("filtered", "content filter", "whole", 2, "ContentBlocked", 1),
    Brick("cut", "cut, prefill refused", "whole", 4, "StreamInterrupted", 2, backup="no_prefill", how="restart"),
    Brick("no_usage", "usage missing", "whole", 1, "whole", 1),
    Brick("endless", "slower than the deadline", "DeadlineExceeded", 1, "DeadlineExceeded", 1),
    Brick("certificate", "certificate error", "whole", 2, "Unreachable", 1),
    Brick("refused", "connection refused", "whole", 2, "Unreachable", 2),
    Brick("redirect", "redirect", "whole", 2, "InvalidResponse", 1),
    Brick("web_page", "body of the wrong type", "whole", 2, "InvalidResponse", 1),
    Brick("bad_key", "key refused", "whole", 2, "InvalidKey", 1),
    Brick("unpaid", "out of credit, as a 429", "whole", 2, "InsufficientCredit", 1),
    Brick("gone", "model gone", "whole", 2, "ModelNotFound", 1),
    Brick("caller_fault", "caller's fault", "whole", 2, "BadRequest", 1),
    Brick("empty", "an end without a word", "whole", 2, "EmptyAnswer", 1),
    Brick("withheld", "all of it withheld by a filter", "whole", 2, "ContentBlocked", 1),
    Brick("late_usage", "usage long after the end", "whole", 1, "whole", 1),
    Brick("nonsense_usage", "usage beyond all bounds", "whole", 1, "whole", 1),
    Brick("firewall", "a firewall's page as a 403", "whole", 2, "AccessDenied", 1),
    Brick("larger_than_the_rate", "larger than the account's rate", "whole", 2, "RequestTooLarge", 1),
    Brick("spent", "an account's limit as a 400", "whole", 2, "InsufficientCredit", 1),
    Brick("affords_less", "credit for a shorter answer", "whole", 2, "whole", 2),
    Brick("tools_missing", "no endpoint with tools, as a 404", "whole", 2, "UnsupportedRequest", 1),
    Brick("region", "a region that is refused, as a 403", "whole", 2, "AccessDenied", 1),
    Brick("wrapped", "another server's 429 inside a 502", "whole", 2, "RateLimited", 2),
    Brick("template", "a chat template's error as a 500", "whole", 2, "UnsupportedRequest", 1),
    Brick("wrong_address", "a base_url that leads nowhere", "whole", 2, "InvalidResponse", 1),
    Brick("thoughts_alone", "thoughts without an answer", "whole", 2, "StreamInterrupted", 1, how="restart"),
    Brick("early_end", "a reason for the end in every chunk", "whole", 1, "whole", 1),
    Brick("bomb", "a compressed body that grows without end", "whole", 2, "InvalidResponse", 1),
    Brick("strict", "a strict server, odd history", "whole", 1, "whole", 1, request=ODD),
    Brick("tags", "thoughts as tags in the text", "whole", 1, "whole", 1),
    Brick("in_members", "gzip in two members", "whole", 1, "whole", 1),
    Brick("not_for_this_key", "a model not for this key", "whole", 2, "ModelForbidden", 1),
    Brick("ok", "a word that a rule forbids", "whole", 1, "whole", 1, guarded=True),
    Brick("ok", "paused by the person", "whole", 1, "CircuitOpen", 0, paused=True),
    Brick("one_good_key", "nine keys of ten refused", "whole", 10, "whole", 10, keys=10),
    Brick("too_big", "413 of a web server", "whole", 2, "ContextTooLong", 1),
    Brick("dependency", "424, failed dependency", "whole", 3, "ServerError", 2),
    Brick("went_stale", "a kept connection that died", "whole", 1, "whole", 1, warm=True),
    Brick("tool_cut", "cut in a tool call", "StreamInterrupted", 1, "StreamInterrupted", 1),
)


@dataclass
class RecordingLedger:
    """A ledger that keeps its rows in a list."""

    rows: dict[str, AttemptRecord] = field(default_factory=dict)
    settlements: list[str] = field(default_factory=list)

    async def reserve(self, record: AttemptRecord, caps: Sequence[Cap]) -> CapReached | None:
        self.rows[record.id] = record
        return None

    async def settle(self, record: AttemptRecord) -> None:
        assert record.id in self.rows
        self.settlements.append(record.id)
        self.rows[record.id] = record


@dataclass(frozen=True)
class FakeCatalog:
    """Providers at the faulty server."""

    infos: dict[str, ProviderInfo]
    infos_models: dict[str, ModelInfo]

    def provider(self, name: str) -> ProviderInfo | None:
        return self.infos.get(name)

    def providers(self) -> tuple[ProviderInfo, ...]:
        return tuple(self.infos.values())

    def model(self, target: Target) -> ModelInfo | None:
        return self.infos_models.get(target.provider)

    def lists(self, target: Target) -> bool:
        return self.model(target) is not None


@dataclass(frozen=True)
class FakeKeys:
    """As many keys for everybody."""

    count: int = 1

    async def keys(self, provider: str) -> Sequence[ApiKey]:
        first = ApiKey("test", Secret(f"sk-test-{provider}-0123456789"))
        more = (ApiKey(f"test {n}", Secret(f"sk-test-{provider}-0123456789-{n}")) for n in range(1, self.count))
        return (first, *more)


@dataclass
class Leg:
    """One attempt as the events told it."""

    content: bool = False
    error: str | None = None

    @property
    def entry(self) -> tuple[str, str | None]:
        """What the ledger must say of it."""
        return ("done" if self.error is None else "cut" if self.content else "failed"), self.error


@dataclass
class Row:
    """What came of one run."""

    brick: Brick
    backed: bool
    outcome: str
    attempts: int
    seconds: float
    text: str
    message: str
    how: str
    ledger: list[AttemptRecord]
    asked: int
    """Requests that reached the faulty provider."""
    terminal_events: int
    deadline: float
    usage_source: str = ""
    legs: list[Leg] = field(default_factory=list)


def scaled(scale: float, deadline: float = 600.0) -> RouterOptions:
    """The true waits, shortened."""
    timeouts, limits = TimeoutOptions(), Limits()
    return RouterOptions(
        fallbacks={"primary/model": ("backup/model",)},
        timeouts=replace(
            timeouts,
            first_token=timeouts.first_token * scale,
            first_token_alone=timeouts.first_token_alone * scale,
            idle=timeouts.idle * scale,
            idle_alone=timeouts.idle_alone * scale,
        ),
        limits=replace(
            limits,
            patience=limits.patience * scale,
            patience_alone=limits.patience_alone * scale,
            backoff=limits.backoff * scale,
            backoff_cap=limits.backoff_cap * scale,
            warming=limits.warming * scale,
            deadline=deadline * scale,
        ),
        breaker=replace(BreakerLimits(), open_for=4.0 * scale, open_most=60.0 * scale),
        keys=replace(KeyLimits(), first_cooldown=10.0 * scale, cooldown=300.0 * scale),
    )


def catalog(urls: dict[str, str], local: Collection[str] = (), price: str | None = None) -> FakeCatalog:
    infos = {
        name: ProviderInfo(name, name, "openai-chat", url, local=name in local, flags=frozenset({"instant"}))
        for name, url in urls.items()
    }
    prices = Prices() if price is None else Prices(Decimal(price), Decimal(price))
    models = {
        name: ModelInfo(
            name,
            "model",
            context=8_000 if name == "primary" else 200_000,
            prices=prices,
            tools=True,
            prefill=True,
            local=name in local,
        )
        for name in urls
    }
    return FakeCatalog(infos, models)


def make_router(
    urls: dict[str, str],
    options: RouterOptions,
    ledger: RecordingLedger | None = None,
    memory: StateStore | None = None,
    ports: RouterPorts | None = None,
    transport: Transport | None = None,
    local: Collection[str] = (),
    price: str | None = None,
    keys: int = 1,
) -> Router:
    transports = dict.fromkeys(urls, transport) if transport is not None else None
    return Router(
        catalog(urls, local, price),
        FakeKeys(keys),
        options=options,
        ledger=ledger,
        memory=memory,
        ports=ports,
        transports=transports,
    )


async def run(router: Router, request: ChatRequest = QUESTION) -> tuple[str, list[object]]:
    """The text that a person ends up with, and all events."""
    pieces: list[str] = []
    events: list[object] = []
    async with aclosing(router.stream(request)) as stream:
        async for event in stream:
            events.append(event)
            match event:
                case TextDelta(text):
                    pieces.append(text)
                case Recovered(how="restart"):
                    pieces.clear()
    return "".join(pieces), events


async def lay(brick: Brick, *, backed: bool, scale: float, tls: FaultyProvider, transport: Transport) -> Row:
    """Run one fault against a server of its own."""
    async with running(scale) as server:
        base = f"http://127.0.0.1:{server.port}"
        urls = {"primary": f"{base}/{brick.fault}/v1"}
        if brick.fault == "certificate":
            urls["primary"] = f"https://127.0.0.1:{tls.port}/ok/v1"
        if brick.fault == "refused":
            urls["primary"] = f"http://127.0.0.1:{_free_port()}/v1"
        if backed:
            urls["backup"] = f"{base}/{brick.backup}/v1"
        ledger = RecordingLedger()
        options = scaled(scale, 30.0 if brick.fault == "endless" else 600.0)
        memory = InMemoryStateStore()
        if brick.paused:
            await memory.change("health:primary/model", lambda state: avoided(state, time.time() + 3600.0))
        rule = Rule("a word", "block", regex="that is the end", roles=("assistant",))
        ports = RouterPorts(guard=PersonalGuard(GuardRules((rule,)))) if brick.guarded else None
        router = make_router(urls, options, ledger, memory, ports, transport, keys=brick.keys)
        if brick.warm:
            await run(make_router(urls, options, transport=transport))
        deadline = options.limits.deadline or 0.0
        begun = time.monotonic()
        async with asyncio.timeout(deadline + 120.0):
            text, events = await run(router, brick.request)
        last = events[-1]
        return Row(
            brick,
            backed,
            "whole" if isinstance(last, Finished) else type(getattr(last, "error", None)).__name__,
            sum(isinstance(event, AttemptStarted) for event in events),
            time.monotonic() - begun,
            text,
            last.error.message if isinstance(last, Failed) else "",
            next((event.how for event in events if isinstance(event, Recovered)), ""),
            sorted(ledger.rows.values(), key=lambda row: row.n),
            server.counts[brick.fault],
            sum(isinstance(event, Finished | Failed) for event in events),
            deadline,
            last.usage.source if isinstance(last, Finished | Failed) else "",
            legs_of(events),
        )


def legs_of(events: Sequence[object]) -> list[Leg]:
    """The attempts as the events told them."""
    legs: list[Leg] = []
    for event in events:
        match event:
            case AttemptStarted():
                legs.append(Leg())
            case TextDelta() | ReasoningDelta() | ToolCallDelta():
                legs[-1].content = True
            case AttemptFailed(n, error=error):
                legs[n - 1].error = error.kind
            case Failed(DeadlineExceeded()):
                legs[-1].error = "deadline"
    return legs


@dataclass
class Outage:
    """What came of twenty requests to a provider that is down for a while."""

    whole: int = 0
    while_down: int = 0
    """Attempts that reached it then."""
    first: str = ""
    """Who answered the first request."""
    back_after: float = 0.0
    """Seconds from its recovery to its first answer."""
    seconds: float = 0.0


async def outage(scale: float, lasts: float = 20.0, patience: float = 40.0) -> Outage:
    """One request a second, twenty times, then on until the provider is used again; seconds at full length."""
    async with running(scale) as server:
        base = f"http://127.0.0.1:{server.port}"
        router = make_router({"primary": f"{base}/down_a_while/v1", "backup": f"{base}/ok/v1"}, scaled(scale))
        await run(router, replace(QUESTION, model="backup/model"))  # the first connection takes its time
        begun = server.now()
        recovers = server.down_until = begun + lasts * scale
        found, winner, asked = Outage(), "", 0
        while asked < 20 or ("primary" not in winner and server.now() < recovers + patience * scale + 10.0):
            asked += 1
            text, events = await run(router)
            winner = str(getattr(events[-1], "target", ""))
            found.first = found.first or winner
            found.whole += asked <= 20 and text == ANSWER
            await asyncio.sleep(scale)
        found.while_down = server.while_down
        found.back_after = ((server.recovered_at or float("inf")) - recovers) / scale
        found.seconds = server.now() - begun
        await router.aclose()
    return found


async def lay_all(scale: float) -> list[Row]:
    """Every fault at once, each with its own server."""
    with tempfile.TemporaryDirectory() as folder:
        async with AsyncExitStack() as stack:
            tls = await stack.enter_async_context(running(scale, self_signed(Path(folder))))
            transport = HttpTransport()
            stack.push_async_callback(transport.aclose)
            # Warm, because the clocks are short here and reading certificates is not.
            await lay(WALL[0], backed=False, scale=1.0, tls=tls, transport=transport)
            few = asyncio.Semaphore(12)

            async def one(brick: Brick, backed: bool) -> Row:
                async with few:
                    return await lay(brick, backed=backed, scale=scale, tls=tls, transport=transport)

            return list(await asyncio.gather(*(one(brick, backed) for brick in WALL for backed in (True, False))))


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def wrong(row: Row) -> list[str]:
    """What does not hold of a run."""
    brick, found = row.brick, list[str]()
    expected = brick.backed if row.backed else brick.alone
    attempts = brick.backed_attempts if row.backed else brick.alone_attempts
    if row.outcome != expected:
        found.append(f"{row.outcome} instead of {expected}")
    if row.attempts != attempts:
        found.append(f"{row.attempts} attempts instead of {attempts}")
    if row.attempts > 4 and brick.keys == 1:
        found.append("more than 4 attempts")
    if brick.guarded and "that is the end" in row.text:
        found.append("the forbidden word was said")
    elif row.outcome == "whole" and row.text != ANSWER and not brick.guarded:
        found.append("the answer is not whole")
    if row.terminal_events != 1:
        found.append(f"{row.terminal_events} ends")
    if row.backed and row.how != brick.how and expected == "whole":
        found.append(f"goes on by {row.how or 'nothing'}")
    entered = [(record.outcome, record.error_class) for record in row.ledger]
    if entered != [leg.entry for leg in row.legs]:
        found.append(f"the ledger says {entered}, but it was {[leg.entry for leg in row.legs]}")
    if row.seconds > row.deadline + 15.0:
        found.append(f"took {row.seconds:.1f} s, and the deadline was {row.deadline:.1f} s")
    if brick.fault in ("silence", "comments") and row.asked > 1:
        found.append("a silent route was asked twice")
    if row.outcome == "whole" and row.ledger and row.ledger[-1].outcome != "done":
        found.append(f"the last row says {row.ledger[-1].outcome}")
    if row.outcome != "whole" and not row.message:
        found.append("an error without a word")
    return found
