"""A provider that talks for as long as it is let: caps hold all the same, and no answer is shortened without need."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from routerterm.catalog.values import ModelInfo, Prices, ProviderInfo
from routerterm.core.errors import OverBudget
from routerterm.core.events import Event, Failed, Finished
from routerterm.core.ledger import Cap
from routerterm.core.messages import Message
from routerterm.core.ports import ApiKey, Ledger
from routerterm.core.request import ChatRequest, Params
from routerterm.core.secret import Secret
from routerterm.core.targets import Target
from routerterm.protocols.base import HttpRequest
from routerterm.router import Limits as RetryLimits
from routerterm.router import Router, RouterOptions, RouterPorts
from routerterm.router.decide.budget import BudgetRules, Limits, PersonalBudget
from routerterm.router.decide.forecast import AnswerLengths, HistoryForecaster
from routerterm.router.ports import RoughEstimator
from routerterm.router.transports.base import HttpResponse, Timeouts, Transport
from routerterm.store.database import Store

TALKER = ModelInfo("talk", "er", 200_000, 100_000, Prices(Decimal("0.000002"), Decimal("0.00001")))
PROVIDER = ProviderInfo("talk", "Talker", "openai-chat", "http://talk.example/v1")


class Greedy:
    """A transport whose model says as many tokens as it may, or fifty thousand."""

    def __init__(self, tier: str = "") -> None:
        self.asked: list[int | None] = []
        self._tier = tier

    @asynccontextmanager
    async def exchange(self, request: HttpRequest, waits: Timeouts) -> AsyncIterator[HttpResponse]:
        body = json.loads(request.body or b"")
        most = body.get("max_tokens") or body.get("max_completion_tokens")
        self.asked.append(most)
        said = most or 50_000
        usage = {"prompt_tokens": 5, "completion_tokens": said, "total_tokens": said + 5}
        events = [
            {"choices": [{"delta": {"content": "word"}, "finish_reason": "length"}]},
            {"usage": usage, "choices": [], "service_tier": self._tier},
        ]

        async def pieces() -> AsyncIterator[bytes]:
            for event in events:
                await asyncio.sleep(0.001)
                yield f"data: {json.dumps(event)}\n\n".encode()
            yield b"data: [DONE]\n\n"

        yield HttpResponse(200, pieces())

    async def aclose(self) -> None:
        pass


class Lookups:
    def provider(self, name: str) -> ProviderInfo | None:
        return PROVIDER if name == "talk" else None

    def providers(self) -> tuple[ProviderInfo, ...]:
        return (PROVIDER,)

    def model(self, target: Target) -> ModelInfo | None:
        return TALKER if target == TALKER.target else None

    def lists(self, target: Target) -> bool:
        return target == TALKER.target


class Keys:
    async def keys(self, provider: str) -> Sequence[ApiKey]:
        return (ApiKey("test", Secret("sk-test-0123456789")),)


def router(store: Store, greedy: Transport, rules: BudgetRules) -> Router:
    estimator = RoughEstimator()
    lengths = AnswerLengths()
    lengths.load(TALKER.target, [400] * 20)
    budget = PersonalBudget(rules, Lookups().model, store.ledger.used)
    ports = RouterPorts(estimator, HistoryForecaster(estimator, lengths), budget=budget)
    options = RouterOptions(limits=RetryLimits(backoff=0.001, backoff_cap=0.01))
    return Router(Lookups(), Keys(), options=options, ledger=store.ledger, transports={"talk": greedy}, ports=ports)


async def ask(router: Router, words: str = "", **more: object) -> Event:
    request = ChatRequest("talk/er", (Message.of("user", f"hello {words}"),), **more)  # type: ignore[arg-type]
    last: Event | None = None
    async with aclosing(router.stream(request)) as events:
        async for event in events:
            last = event
    assert last is not None
    return last


async def test_no_crowd_of_talkers_breaks_a_cap(tmp_path: Path) -> None:
    cap = Decimal("0.056")
    one, two = Store.open(tmp_path / "history.db"), Store.open(tmp_path / "history.db")
    greedy = Greedy()
    routers = [router(store, greedy, BudgetRules(Limits(day=cap))) for store in (one, two)]
    ends = await asyncio.gather(*(ask(routers[n % 2]) for n in range(40)))
    costs = [end.cost.usd or Decimal(0) for end in ends if isinstance(end, Finished)]
    errors = [end.error for end in ends if isinstance(end, Failed)]
    assert sum(costs) <= cap
    assert sum(costs) >= cap * 3 // 4, "and the cap is used, not feared"
    assert errors
    assert all(isinstance(error, OverBudget) for error in errors)
    assert all(limit is not None and limit >= 600 for limit in greedy.asked), "as long as what is left pays for"
    await one.close()
    await two.close()


async def test_without_a_cap_nobody_is_cut_short(tmp_path: Path) -> None:
    store, greedy = Store.open(tmp_path / "history.db"), Greedy()
    await ask(router(store, greedy, BudgetRules(requests_per_day=5)))
    await ask(router(store, greedy, BudgetRules(Limits(day=Decimal(100)))), params=Params(max_output=7))
    assert greedy.asked == [None, 7]
    await store.close()


async def test_a_charge_that_nobody_can_price_keeps_what_was_held_back_for_it(tmp_path: Path) -> None:
    store, greedy = Store.open(tmp_path / "history.db"), Greedy(tier="a class of service that nobody knows")
    asker = router(store, greedy, BudgetRules(Limits(day=Decimal("0.01"))))
    ends = [await ask(asker, params=Params(max_output=300)) for _ in range(6)]
    done = [end for end in ends if isinstance(end, Finished)]
    assert [end.cost.usd for end in done] == [None] * len(done), "it is told as unknown"
    assert len(done) == 3, "300 tokens at $10 a million, three times"
    assert isinstance(ends[-1], Failed)
    assert isinstance(ends[-1].error, OverBudget)
    await store.close()


@dataclass(frozen=True)
class Turn:
    """One request of a crowd: in which program, how long an answer it allows, and what the provider does with it."""

    program: int
    most: int | None
    said: float
    """Of what it may say, how much it says."""
    fate: str


class Crowd:
    """A transport that does with each request what its turn says, and notes what it truly charged."""

    def __init__(self, turns: Sequence[Turn], ledger: Ledger, cap: Cap) -> None:
        self._turns, self._ledger, self._cap = turns, ledger, cap
        self.charged = {"usd": 0, "tokens": 0, "requests": 0}
        self.highest = 0

    @asynccontextmanager
    async def exchange(self, request: HttpRequest, waits: Timeouts) -> AsyncIterator[HttpResponse]:
        body = json.loads(request.body or b"")
        turn = self._turns[int(body["messages"][-1]["content"].split()[-1])]
        await self._look()
        if turn.fate == "refused":
            yield HttpResponse(500, _once(b'{"error":{"message":"boom"}}'))
            return
        most = body.get("max_tokens") or body.get("max_completion_tokens") or 5_000
        said = 1 if turn.fate == "cut" else max(1, int(most * turn.said))
        self.charged["usd"] += 5 * 2_000 + said * 10_000
        self.charged["tokens"] += 5 + said
        self.charged["requests"] += 1
        yield HttpResponse(200, self._pieces(turn, said))

    async def _pieces(self, turn: Turn, said: int) -> AsyncIterator[bytes]:
        words = {"choices": [{"delta": {"content": "word"}, "finish_reason": None}]}
        yield f"data: {json.dumps(words)}\n\n".encode()
        await asyncio.sleep(0)
        await self._look()
        if turn.fate == "cut":
            return
        usage = {"prompt_tokens": 5, "completion_tokens": said, "total_tokens": said + 5}
        end = {"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": usage}
        yield f"data: {json.dumps(end | {'service_tier': 'odd' if turn.fate == 'unpriced' else ''})}\n\n".encode()

    async def _look(self) -> None:
        (used,) = await self._ledger.used([self._cap])
        self.highest = max(self.highest, used)

    async def aclose(self) -> None:
        pass


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


TURNS = st.builds(
    Turn,
    program=st.integers(0, 1),
    most=st.one_of(st.none(), st.integers(1, 2_000)),
    said=st.floats(0, 1),
    fate=st.sampled_from(["well", "well", "well", "refused", "cut", "unpriced"]),
)
CAPS = st.one_of(
    st.integers(0, 60_000_000).map(lambda limit: Cap("day", "usd", limit)),
    st.integers(0, 8_000).map(lambda limit: Cap("day", "tokens", limit)),
    st.integers(0, 6).map(lambda limit: Cap("day", "requests", limit)),
)


@pytest.mark.parametrize("programs", [1, 2])
@settings(max_examples=12, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(cap=CAPS, turns=st.lists(TURNS, min_size=2, max_size=8))
async def test_what_a_crowd_uses_together_never_exceeds_a_cap(programs: int, cap: Cap, turns: list[Turn]) -> None:
    limits = Limits(day=Decimal(cap.limit) / 10**9 if cap.unit == "usd" else None)
    rules = BudgetRules(
        limits,
        requests_per_day=cap.limit if cap.unit == "requests" else None,
        tokens_per_day=cap.limit if cap.unit == "tokens" else None,
    )
    with tempfile.TemporaryDirectory() as folder:
        stores = [Store.open(Path(folder) / "history.db") for _ in range(programs)]
        crowd = Crowd(turns, stores[0].ledger, cap)
        routers = [router(store, crowd, rules) for store in stores]
        await asyncio.gather(
            *(
                ask(routers[turn.program % programs], f"{n}", params=Params(max_output=turn.most))
                for n, turn in enumerate(turns)
            )
        )
        (used,) = await stores[0].ledger.used([cap])
        assert crowd.highest <= cap.limit
        assert used <= cap.limit
        assert crowd.charged[cap.unit] <= cap.limit, "what the provider charged, not only what we believe"
        for store in stores:
            await store.close()
