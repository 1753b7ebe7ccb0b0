"""A provider that talks for as long as it is let: caps hold all the same, and no answer is shortened without need."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from decimal import Decimal
from pathlib import Path

from routerterm.catalog.values import ModelInfo, Prices, ProviderInfo
from routerterm.core.errors import OverBudget
from routerterm.core.events import Event, Failed, Finished
from routerterm.core.messages import Message
from routerterm.core.ports import ApiKey
from routerterm.core.request import ChatRequest, Params
from routerterm.core.secret import Secret
from routerterm.core.targets import Target
from routerterm.protocols.base import HttpRequest
from routerterm.router import Router, RouterPorts
from routerterm.router.decide.budget import BudgetRules, Limits, PersonalBudget
from routerterm.router.decide.forecast import AnswerLengths, HistoryForecaster
from routerterm.router.ports import RoughEstimator
from routerterm.router.transports.base import HttpResponse, Timeouts
from routerterm.store.database import Store

TALKER = ModelInfo("talk", "er", 200_000, 100_000, Prices(Decimal("0.000002"), Decimal("0.00001")))
PROVIDER = ProviderInfo("talk", "Talker", "openai-chat", "http://talk.example/v1")


class Greedy:
    """A transport whose model says as many tokens as it may, or fifty thousand."""

    def __init__(self) -> None:
        self.asked: list[int | None] = []

    @asynccontextmanager
    async def exchange(self, request: HttpRequest, waits: Timeouts) -> AsyncIterator[HttpResponse]:
        body = json.loads(request.body or b"")
        most = body.get("max_tokens") or body.get("max_completion_tokens")
        self.asked.append(most)
        said = most or 50_000
        usage = {"prompt_tokens": 5, "completion_tokens": said, "total_tokens": said + 5}
        events = [
            {"choices": [{"delta": {"content": "word"}, "finish_reason": "length"}]},
            {"usage": usage, "choices": []},
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


def router(store: Store, greedy: Greedy, rules: BudgetRules) -> Router:
    estimator = RoughEstimator()
    lengths = AnswerLengths()
    lengths.load(TALKER.target, [400] * 20)
    budget = PersonalBudget(rules, Lookups().model, store.ledger.used)
    ports = RouterPorts(estimator, HistoryForecaster(estimator, lengths), budget=budget)
    return Router(Lookups(), Keys(), ledger=store.ledger, transports={"talk": greedy}, ports=ports)


async def ask(router: Router, **more: object) -> Event:
    request = ChatRequest("talk/er", (Message.of("user", "hello"),), **more)  # type: ignore[arg-type]
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
