"""The book of spending: caps hold for all programs together, and nothing is lost with a program."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from routerterm.core.ledger import AttemptRecord, Cap, CapReached
from routerterm.store.database import Store
from routerterm.store.ledger import recover

NOW = 1_790_000_000_000


def record(id: str, cost: int | None = 1_000, **more: object) -> AttemptRecord:
    row = AttemptRecord(
        id, 1, "test", "smart", "openai", "gpt-5", NOW, input_tokens=100, output_tokens=900, cost_nanousd=cost
    )
    return replace(row, **more)  # type: ignore[arg-type]


def done(row: AttemptRecord, cost: int, output: int = 10) -> AttemptRecord:
    return replace(row, outcome="done", usage_source="reported", cost_nanousd=cost, output_tokens=output)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = Store.open(tmp_path / "history.db")
    yield store
    await store.close()


def day(limit: int, unit: str = "usd") -> Cap:
    return Cap("day", unit, limit, since=NOW - 1000)  # type: ignore[arg-type]


async def test_a_reservation_holds_its_high_end_until_it_is_settled(store: Store) -> None:
    assert await store.ledger.reserve(record("a", 700), [day(1_000)]) is None
    refused = await store.ledger.reserve(record("b", 400), [day(1_000)])
    assert refused == CapReached(day(1_000), used=700, wanted=400)
    await store.ledger.settle(done(record("a"), 50))
    assert await store.ledger.used([day(1_000)]) == (50,)
    assert await store.ledger.reserve(record("b", 400), [day(1_000)]) is None


async def test_a_refused_reservation_leaves_no_row(store: Store) -> None:
    assert await store.ledger.reserve(record("a", 2_000), [day(1_000)]) is not None
    assert await store.ledger.used([day(1_000, "requests")]) == (0,)


@pytest.mark.parametrize(
    ("cap", "held"),
    [
        (Cap("request", "usd", 999), True),
        (Cap("request", "usd", 1_000), False),
        (Cap("request", "tokens", 999), True),
        (day(1, "requests"), True),
        (day(2, "requests"), False),
        (day(1_999, "tokens"), True),
        (day(2_000, "tokens"), False),
        (Cap("route", "usd", 1_500, value="smart"), True),
        (Cap("route", "usd", 1_500, value="fast"), False),
        (Cap("provider", "usd", 1_500, value="openai"), True),
        (Cap("provider", "usd", 1_500, value="groq"), False),
        (Cap("conversation", "usd", 1_500, value="C"), True),
        (Cap("conversation", "usd", 1_500, value="D"), False),
        (Cap("client", "usd", 1_500, value="test"), True),
        (Cap("month", "usd", 1_500, since=NOW + 1), False),
    ],
)
async def test_each_kind_of_cap_counts_what_it_says(store: Store, cap: Cap, held: bool) -> None:
    await store.ledger.reserve(record("a", conversation_id="C"), [])
    refused = await store.ledger.reserve(record("b", conversation_id="C"), [cap])
    assert (refused is not None) == held


async def test_all_columns_come_back_as_they_were_written(store: Store) -> None:
    row = AttemptRecord(
        "id", 2, "tui", "smart", "p", "m", NOW, "M", "C", "work", "failed", "transient", 503, 12, 34, 1, 2, 3, 4, 5,
        "reported", 6, "computed", "2026-11-21", 7,
    )  # fmt: skip
    await store.ledger.settle(row)
    assert await store.ledger.rows("M") == (row,)


async def test_an_unknown_cost_is_null_in_the_book(store: Store, tmp_path: Path) -> None:
    await store.ledger.settle(replace(record("a", None), outcome="done"))
    with sqlite3.connect(tmp_path / "history.db") as connection:
        assert connection.execute("SELECT cost_nanousd FROM attempt").fetchone() == (None,)


async def test_two_hundred_reservations_at_once_never_break_a_cap(tmp_path: Path) -> None:
    stores = [Store.open(tmp_path / "history.db") for _ in range(4)]
    cap = day(50_500)
    try:
        answers = await asyncio.gather(
            *(stores[n % 4].ledger.reserve(record(f"{n:03}", 1_000), [cap]) for n in range(200))
        )
        assert sum(answer is None for answer in answers) == 50
        assert await stores[0].ledger.used([cap]) == (50_000,)
        allowed = [n for n, answer in enumerate(answers) if answer is None]
        await asyncio.gather(*(stores[n % 4].ledger.settle(done(record(f"{n:03}"), 10)) for n in allowed))
        assert await stores[1].ledger.used([cap]) == (500,)
    finally:
        for store in stores:
            await store.close()


HAMMER = """
    import asyncio, sys
    from pathlib import Path
    from routerterm.core.ledger import AttemptRecord, Cap
    from routerterm.store.database import Store

    async def main(path, name, now):
        store = Store.open(Path(path))
        cap = Cap("day", "usd", 60_500, since=now - 1)
        print("ready", flush=True)
        sys.stdin.readline()
        allowed = 0
        for n in range(100):
            row = AttemptRecord(f"{name}{n}", 1, "t", "r", "p", "m", now, cost_nanousd=1_000)
            allowed += await store.ledger.reserve(row, [cap]) is None
        print(allowed, flush=True)
        if name == "dies":
            sys.stdin.readline()
        await store.close()

    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


def hammer(path: Path, name: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(HAMMER), str(path), name, str(NOW)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def say(program: subprocess.Popen[str], line: str = "go") -> None:
    assert program.stdin is not None
    program.stdin.write(line + "\n")
    program.stdin.flush()


def hear(program: subprocess.Popen[str]) -> str:
    assert program.stdout is not None
    return program.stdout.readline().strip()


async def test_two_programs_at_once_never_break_a_cap_and_the_dead_hold_nothing(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    first, second = hammer(path, "dies"), hammer(path, "lives")
    try:
        assert (hear(first), hear(second)) == ("ready", "ready")
        say(first)
        say(second)
        allowed = int(hear(first)), int(hear(second))
        assert sum(allowed) == 60
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        second.wait(20)
    finally:
        for program in (first, second):
            program.kill()
            program.communicate()
    store = Store.open(path)
    try:
        await store.start()
        await store.ledger.recover(store._instances.living())
        # the dead program's rows still count as spent, for the providers were asked, and none is held any more
        with sqlite3.connect(path) as connection:
            states = connection.execute("SELECT DISTINCT outcome, usage_source FROM attempt").fetchall()
        assert states == [("lost", "estimated")]
        assert await store.ledger.used([day(1)]) == (60_000,)
        assert await store.ledger.recover(store._instances.living()) == 0
    finally:
        await store.close()


async def test_a_lost_answer_costs_its_prompt_and_what_came_of_it(store: Store, tmp_path: Path) -> None:
    await store.ledger.reserve(record("a", 3_700_000, message_id="M", conversation_id="C"), [])
    with sqlite3.connect(tmp_path / "history.db") as connection:
        connection.execute("INSERT INTO conversation (id, created_at, updated_at) VALUES ('C', 1, 1)")
        connection.execute(
            "INSERT INTO message (id, conversation_id, role, text, created_at) VALUES ('M', 'C', 'assistant', ?, 1)",
            ("x" * 300,),
        )
        connection.row_factory = sqlite3.Row
        assert recover(connection, []) == 1
        (lost,) = connection.execute("SELECT * FROM attempt").fetchall()
    assert (lost["outcome"], lost["usage_source"], lost["output_tokens"]) == ("lost", "estimated", 200)
    assert 100_000 < lost["cost_nanousd"] == round(3_700_000 * (100 + 4 * 200) / (100 + 4 * 900))


async def test_the_living_keep_their_reservations(store: Store) -> None:
    await store.ledger.reserve(record("a"), [])
    assert await store.ledger.recover({store.program}) == 0
    assert await store.ledger.used([day(1)]) == (1_000,)
