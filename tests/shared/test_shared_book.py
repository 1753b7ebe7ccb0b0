"""Several histories over one server: caps hold for all of them, on PostgreSQL and on Redis alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from routerterm.core.ledger import AttemptRecord, Cap, CapReached
from routerterm.core.secret import Secret
from routerterm.store.database import Store, milliseconds
from routerterm.store.errors import SharedStateAway
from routerterm.store.shared.connect import shared_state
from tests.shared.servers import LONG_ENOUGH, PASSWORD, Running

Open = Callable[..., Store]


def record(id: str, cost: int | None = 1_000, **more: object) -> AttemptRecord:
    row = AttemptRecord(
        id, 1, "gateway:app", "smart", "openai", "gpt-5", milliseconds(), input_tokens=100, output_tokens=900,
        cost_nanousd=cost, cost_source="computed",
    )  # fmt: skip
    return replace(row, **more)  # type: ignore[arg-type]


def done(row: AttemptRecord, cost: int) -> AttemptRecord:
    return replace(row, outcome="done", usage_source="reported", cost_nanousd=cost, output_tokens=10)


def day(limit: int, unit: str = "usd") -> Cap:
    return Cap("day", unit, limit, since=milliseconds() - 3_600_000)  # type: ignore[arg-type]


@pytest.fixture
async def stores(server: Running, tmp_path: Path) -> AsyncIterator[Open]:
    """Gateways' histories, each in its own folder, over one server."""
    made: list[Store] = []

    def make(name: str) -> Store:
        made.append(Store.open(tmp_path / f"{name}.db", shared=shared_state(Secret(server.url))))
        return made[-1]

    yield make
    for store in made:
        if not store.is_closing:
            await store.close()


async def test_what_one_holds_back_the_other_cannot_spend(stores: Open) -> None:
    one, two = stores("one"), stores("two")
    assert await one.ledger.reserve(record("a", 700), [day(1_000)]) is None
    cap = day(1_000)
    assert await two.ledger.reserve(record("b", 400), [cap]) == CapReached(cap, used=700, wanted=400)
    await one.ledger.settle(done(record("a"), 50))
    assert await two.ledger.used([day(1_000), day(9, "requests"), day(9, "tokens")]) == (50, 1, 110)
    assert await two.ledger.reserve(record("b", 400), [day(1_000)]) is None


async def test_a_cap_is_exact_under_200_parallel_requests(stores: Open) -> None:
    gateways = 3
    ledgers = [stores(f"gateway {n}").ledger for n in range(gateways)]
    cap = Cap("client", "usd", 50 * 1_000, since=milliseconds() - 3_600_000, value="gateway:app")

    async def ask(n: int) -> bool:
        row = record(f"row {n}")
        if await ledgers[n % gateways].reserve(row, [cap, day(10**9)]) is not None:
            return False
        await ledgers[n % gateways].settle(done(row, 1_000))
        return True

    answered = await asyncio.gather(*map(ask, range(200)))
    assert sum(answered) == 50
    assert await ledgers[0].used([cap]) == (50_000,)
    assert await ledgers[-1].used([day(0, "requests")]) == (50,)


async def test_every_scope_and_unit_counts_for_all(stores: Open) -> None:
    one, two = stores("one"), stores("two")
    await one.ledger.settle(done(record("a"), 50))
    await two.ledger.settle(done(record("b", provider="groq", model="llama", route="fast", client="chat"), 7))
    since = milliseconds() - 60_000
    asked = {"route": "smart", "provider": "groq", "model": "openai/gpt-5", "client": "chat"}
    caps = [Cap(scope, "usd", 1, since, value) for scope, value in asked.items()]  # type: ignore[arg-type]
    assert await one.ledger.used([*caps, Cap("month", "usd", 1, since)]) == (50, 7, 50, 7, 57)
    assert await one.ledger.used([Cap("day", "usd", 1, milliseconds() + 86_400_000)]) == (0,)


async def test_months_and_other_days_are_kept_apart(stores: Open) -> None:
    ledger = stores("one").ledger
    now = milliseconds()
    for days in (0, 1, 20, 45):
        await ledger.settle(
            done(record(f"row {days}", started_at=now - days * 86_400_000), 10**days if days < 9 else days)
        )
    for days, used in ((0.5, 1), (1.5, 11), (30, 31), (400, 76)):
        assert await ledger.used([Cap("month", "usd", 1, now - int(days * 86_400_000))]) == (used,), days


async def test_an_unknown_cost_keeps_what_was_held_back(stores: Open) -> None:
    one = stores("one")
    row = record("a", 600)
    assert await one.ledger.reserve(row, [day(1_000)]) is None
    await one.ledger.settle(replace(row, outcome="done", cost_nanousd=None, cost_source=None, held_nanousd=600))
    assert await stores("two").ledger.used([day(1)]) == (600,)
    (used,) = await one.gateway_keys.used(0)
    assert (used["unpriced"], used["cost_nanousd"]) == (1, 0)
    assert await one.ledger.unpriced([day(1), Cap("provider", "usd", 1, 0, "groq")]) == (True, False)


async def test_settling_twice_counts_once(stores: Open) -> None:
    one = stores("one")
    row = record("a")
    assert await one.ledger.reserve(row, [day(10_000)]) is None
    for _ in range(3):
        await one.ledger.settle(done(row, 30))
    assert await one.ledger.used([day(1)]) == (30,)


async def test_a_refusal_of_the_history_gives_the_reservation_back(stores: Open) -> None:
    one = stores("one")
    project = Cap("project", "usd", 10, value="/somewhere")
    assert await one.ledger.reserve(record("a", 500), [day(1_000), project]) == CapReached(project, 0, 500)
    assert await one.ledger.used([day(1_000)]) == (0,)


async def test_a_free_answer_is_entered_when_it_is_over(stores: Open) -> None:
    one = stores("one")
    free = record("a", 0, cost_source="declared")
    assert await one.ledger.reserve(free, ()) is None
    await one.ledger.settle(done(free, 0))
    (used,) = await stores("two").gateway_keys.used(0)
    assert (used["client"], used["attempts"], used["cost_nanousd"]) == ("gateway:app", 1, 0)
    assert await one.ledger.used([day(9, "requests")]) == (0,)  # what runs here is never held against a cap


async def test_without_the_server_nothing_is_spent_and_nothing_is_lost(stores: Open, server: Running) -> None:
    one, two = stores("one"), stores("two")
    row = record("a", 600)
    assert await one.ledger.reserve(row, [day(1_000)]) is None
    server.stop()
    await one.ledger.settle(done(row, 50))
    with pytest.raises(SharedStateAway) as caught:
        await one.ledger.reserve(record("b", 10), [day(1_000)])
    assert "cannot be reached" in caught.value.message
    assert PASSWORD not in caught.value.message + caught.value.hint
    with pytest.raises(SharedStateAway):
        await one.ledger.used([day(1_000)])
    assert await one.ledger.figures.used([day(1_000)]) == (50,)  # a screen shows what is known here
    free = record("c", 0, cost_source="declared")
    assert await one.ledger.reserve(free, ()) is None
    await one.ledger.settle(done(free, 0))
    server.start()
    await asyncio.sleep(1.1)  # for so long everybody is refused at once
    assert await two.ledger.used([day(1_000)]) == (600,)  # the end is not known there yet: the high end counts
    assert await one.ledger.reserve(record("b", 10), [day(1_000)]) is None
    assert await two.ledger.used([day(1_000), day(9, "requests")]) == (60, 2)


async def test_an_end_that_nobody_was_told_is_told_by_the_next_program(stores: Open, server: Running) -> None:
    one = stores("one")
    row = record("a", 600)
    assert await one.ledger.reserve(row, [day(1_000)]) is None
    server.stop()
    await one.ledger.settle(done(row, 50))
    await one.close()
    server.start()
    again = stores("one")
    assert await again.ledger.used([day(1_000)]) == (50,)


async def test_what_two_programs_of_a_history_could_not_tell_is_told_by_the_next(stores: Open, server: Running) -> None:
    programs = [stores("one"), stores("one")]
    rows = [record("a", 600), record("b", 300)]
    for program, row in zip(programs, rows, strict=True):
        assert await program.ledger.reserve(row, [day(1_000)]) is None
    server.stop()
    for program, row in zip(programs, rows, strict=True):
        await program.ledger.settle(done(row, 50))
    for program in programs:
        await program.close()
    server.start()
    again = stores("one")
    assert await again.ledger.used([day(1_000)]) == (100,)


async def test_a_fault_of_ours_leaves_nobody_waiting(stores: Open) -> None:
    shared = stores("one").shared
    assert shared is not None
    bad = asyncio.create_task(shared.run(("memory/\ud800",), lambda draft: draft.get("memory/\ud800")))
    for _ in range(3):  # until it is on its way, so that the other one comes later
        await asyncio.sleep(0)
    good = asyncio.create_task(shared.run(("memory/a",), lambda draft: draft.get("memory/a")))
    await asyncio.wait({bad, good}, timeout=LONG_ENOUGH)
    assert isinstance(bad.exception(), SharedStateAway)
    assert good.done()
    assert good.result() is None


async def test_a_server_that_says_nothing_is_given_up(
    stores: Open, server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("postgresql", "redis"):
        monkeypatch.setattr(f"routerterm.store.shared.{module}.WORK_SECONDS", 1)
    one = stores("one")
    assert await one.ledger.reserve(record("a", 5), [day(1_000)]) is None
    server.freeze()
    try:
        with pytest.raises(SharedStateAway):
            await one.ledger.reserve(record("b", 5), [day(1_000)])
    finally:
        server.thaw()
    await asyncio.sleep(1.1)
    assert await one.ledger.reserve(record("c", 7), [day(1_000)]) is None
    assert await one.ledger.used([day(1_000)]) == (12,)  # what may have happened all the same was taken back


async def test_a_caller_that_leaves_holds_nothing_back(stores: Open) -> None:
    one = stores("one")
    await one.ledger.used([day(1)])
    asking = asyncio.create_task(one.ledger.reserve(record("a", 5), [day(1_000)]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.wait({asking})
    assert await one.ledger.used([day(1_000)]) == (0 if asking.cancelled() else 5,)


async def test_a_wrong_password_is_said_and_never_shown(server: Running, tmp_path: Path) -> None:
    wrong = server.url.replace(PASSWORD, "not-the-password")
    store = Store.open(tmp_path / "history.db", shared=shared_state(Secret(wrong)))
    with pytest.raises(SharedStateAway) as caught:
        await store.gateway_keys.all()
    await store.close()
    assert "refused the password" in caught.value.message
    assert "not-the-password" not in caught.value.message + caught.value.hint
