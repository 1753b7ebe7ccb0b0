"""The outbox: what waits is sent once and only once, whatever dies, jumps or races; batches cost half."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.cli.program import PROGRAM, routerterm
from tests.money.batch_provider import BatchProvider, serving_batches

from routerterm.catalog.values import OffPeak, Prices, Window
from routerterm.cli.batch_questions import read_questions
from routerterm.core.errors import OverBudget, RoutertermError
from routerterm.core.messages import Message
from routerterm.engine.outbox.when import next_cheap, parse_when
from routerterm.store.database import Store
from routerterm.wiring import Services, open_app
from routerterm.wiring.batches import AGAIN
from routerterm.wiring.outbox import Draft, Outbox, When

NOW = datetime(2026, 11, 30, 21, 15, tzinfo=ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("text", "mode", "at", "rest"),
    [
        ("online", "online", "2026-11-30 21:15", ""),
        ("batch Explain WAL", "batch", "2026-11-30 21:15", "Explain WAL"),
        ("off-peak", "off-peak", "2026-11-30 21:15", ""),
        ("22:30 What is new?", "time", "2026-11-30 22:30", "What is new?"),
        ("8:00", "time", "2026-12-01 08:00", ""),
        ("tomorrow 7.45 Hi", "time", "2026-12-01 07:45", "Hi"),
        ("tomorrow", "time", "2026-12-01 08:00", ""),
        ("in 2h now in two hours", "time", "2026-11-30 23:15", "now in two hours"),
        ("1h30m", "time", "2026-11-30 22:45", ""),
        ("90min x", "time", "2026-11-30 22:45", "x"),
        ("3d", "time", "2026-12-03 21:15", ""),
        ("2026-12-24 18:00 Sing", "time", "2026-12-24 18:00", "Sing"),
        ("2026-12-24", "time", "2026-12-24 08:00", ""),
        ("tomorrow 9am What is the weather?", "time", "2026-12-01 09:00", "What is the weather?"),
        ("tomorrow at 9 pm Hi", "time", "2026-12-01 21:00", "Hi"),
        ("at 12:15 AM Hi", "time", "2026-12-01 00:15", "Hi"),
        ("in 2 hours am I right?", "time", "2026-11-30 23:15", "am I right?"),
        ("in 1 day 30 minutes", "time", "2026-12-01 21:45", ""),
        ("22:30 am I right?", "time", "2026-11-30 22:30", "am I right?"),
        ("2026-12-24 at 18:00 Sing it", "time", "2026-12-24 18:00", "Sing it"),
    ],
)
def test_times_are_read_as_people_write_them(text: str, mode: str, at: str, rest: str) -> None:
    when, found = parse_when(text, NOW)
    due = datetime.fromtimestamp(when.due_at / 1000, NOW.tzinfo)
    assert (when.mode, f"{due:%Y-%m-%d %H:%M}", found) == (mode, at, rest)


@pytest.mark.parametrize(
    "text", ["", "soon", "25:00", "13pm", "0 am", "9", "2 hours", "2026-13-01", "2026-11-01", "in", "999d", "0", "h"]
)
def test_what_is_no_time_is_said(text: str) -> None:
    with pytest.raises(RoutertermError) as refused:
        parse_when(text, NOW)
    assert refused.value.message.endswith(".")


def test_the_next_cheap_hour() -> None:
    cheap = OffPeak((Window(frozenset({1, 2, 3, 4, 5}), 16 * 60, 24 * 60),), Prices())
    friday = datetime(2026, 11, 27, 15, 59, 30, tzinfo=UTC)
    assert next_cheap(cheap, friday) == datetime(2026, 11, 27, 16, 0, tzinfo=UTC)
    assert next_cheap(cheap, friday + timedelta(days=1)) == datetime(2026, 11, 30, 16, 0, tzinfo=UTC)
    with pytest.raises(RoutertermError):
        next_cheap(OffPeak((), Prices()), friday)


SETTINGS = """
[providers.openai]
base_url = "{url}/v1"
keys = [{{ ref = "env:TEST_KEY" }}]
[providers.anthropic]
base_url = "{url}/v1"
keys = [{{ ref = "env:TEST_KEY" }}]
[providers.gemini]
base_url = "{url}/v1beta"
keys = [{{ ref = "env:TEST_KEY" }}]
[providers.mistral]
base_url = "{url}/v1"
keys = [{{ ref = "env:TEST_KEY" }}]
[models."openai/m"]
price_in = 1.0
price_out = 2.0
context = 100000
max_output = 1000
[models."anthropic/m"]
price_in = 1.0
price_out = 2.0
[models."gemini/m"]
price_in = 1.0
price_out = 2.0
[models."mistral/m"]
price_in = 1.0
price_out = 2.0
"""


@pytest.fixture
def provider(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[BatchProvider]:
    monkeypatch.setenv("ROUTERTERM_HOME", str(tmp_path))
    monkeypatch.setenv("TEST_KEY", "sk-test-0123456789")
    with serving_batches() as found:
        (tmp_path / "config.toml").write_text(SETTINGS.format(url=found.url))
        yield found


@asynccontextmanager
async def outboxes(shift: list[int] | None = None) -> AsyncIterator[tuple[Services, Outbox]]:
    """A program with its outbox; ``shift`` moves its clock, in milliseconds."""
    async with open_app() as app:
        if shift is not None:
            clock = app.store._clock
            app.store._clock = lambda: clock() + shift[0]
        yield app, Outbox(app)


def draft(
    app: Services, text: str, mode: str = "online", ahead: int = 0, model: str = "openai/m", **more: object
) -> Draft:
    return Draft(Message.of("user", text), model, When(mode, app.store.now() + ahead), **more)  # type: ignore[arg-type]


async def answers(app: Services) -> list[str]:
    rows = await app.store.reader.read(
        lambda c: c.execute("SELECT text FROM message WHERE role = 'assistant' ORDER BY created_at, id").fetchall()
    )
    return [row[0] for row in rows]


async def held(app: Services) -> tuple[int, int]:
    """Rows of the ledger that are not settled, and what they hold back."""
    row = await app.store.reader.read(
        lambda c: c.execute(
            "SELECT count(*), coalesce(sum(cost_nanousd), 0) FROM attempt WHERE outcome = 'running'"
        ).fetchone()
    )
    return row[0], row[1]


async def test_a_question_waits_for_its_time_is_sent_once_and_its_answer_is_unread(provider: BatchProvider) -> None:
    shift = [0]
    async with outboxes(shift) as (app, outbox):
        queued = await outbox.add([draft(app, "later", "time", 60_000)])
        assert (await held(app))[0] == 1
        assert queued.held == Decimal((await held(app))[1]) / 10**9 > 0
        shift[0] = -3_600_000  # the clock is set back: it is not sent, and not lost
        assert await outbox.tick() == 0
        shift[0] = 61_000
        assert await outbox.tick() == 1
        assert await outbox.tick() == 0
        assert await answers(app) == ["Answer to later"]
        assert await app.store.outbox.unread() == frozenset(queued.conversation_ids)
        assert await app.store.outbox.read(queued.conversation_ids[0])
        assert not await app.store.outbox.unread()
        assert (await held(app))[0] == 0
        assert await app.store.outbox.rows() == ()
    assert provider.asked == {"later": 1}


async def test_two_programs_send_it_once(provider: BatchProvider) -> None:
    async with outboxes() as (app, one), outboxes() as (_, other):
        await one.add([draft(app, f"q{n}") for n in range(4)])
        await one.add([draft(app, f"b{n}", "batch") for n in range(3)])
        wanted = sorted([f"Answer to q{n}" for n in range(4)] + [f"Answer to b{n}" for n in range(3)])
        for _ in range(20):  # what one of them finds locked is taken up the next time
            await asyncio.gather(*(outbox.tick() for outbox in (one, other, one, other)))
            provider.done = len(provider.asked) == 7
            await app.store.writer.write(lambda c: c.execute("UPDATE outbox SET polled_at = 0") and None)
            if sorted(await answers(app)) == wanted:
                break
        assert sorted(await answers(app)) == wanted
    assert set(provider.asked.values()) == {1}, provider.asked
    assert len(provider.asked) == 7


@pytest.mark.parametrize("name", ["openai", "anthropic", "gemini", "mistral"])
async def test_batches_of_four_providers_cost_half(provider: BatchProvider, name: str) -> None:
    shift = [0]
    async with outboxes(shift) as (app, outbox):
        await outbox.add([draft(app, text, "batch", model=f"{name}/m", system="Be brief.") for text in ("one", "two")])
        held_back = await held(app)
        await outbox.tick()
        assert (provider.submissions, provider.asked) == (1, {"one": 1, "two": 1})
        shift[0] = 61_000
        assert await outbox.tick() == 0, "it is still worked on"
        assert await held(app) == held_back
        provider.done, shift[0] = True, 122_000
        assert await outbox.tick() == 2
        assert sorted(await answers(app)) == ["Answer to one", "Answer to two"]
        rows = await app.store.reader.read(
            lambda c: c.execute(
                "SELECT cost_nanousd, outcome, input_tokens, output_tokens, provider FROM attempt"
            ).fetchall()
        )
        each = (1000 * 1000 + 100 * 2000) // 2  # nano-dollars: a micro-dollar a token of the prompt, two of the answer
        assert [tuple(row) for row in rows] == [(each, "done", 1000, 100, name)] * 2
        assert len(await app.store.outbox.unread()) == 2
        shift[0] = 200_000
        assert await outbox.tick() == 0
    secret = [value for headers in provider.headers for value in headers.values() if "sk-test" in value]
    assert secret, "the key went along"
    assert provider.submissions == 1


async def die(app: Services) -> None:
    """The program ends without a word: nothing of what it claimed is given back."""
    await app.store.close()


async def test_what_a_dead_program_had_claimed(provider: BatchProvider, tmp_path: Path) -> None:
    async with outboxes() as (app, outbox):
        await outbox.add([draft(app, "never left"), draft(app, "handed in", "batch"), draft(app, "lost", "batch")])
        dead = Store.open(tmp_path / "history.db")
        await dead.start()
        ids = {row.text: row.id for row in await app.store.outbox.rows()}
        assert await dead.outbox.claim([ids["never left"]])
        assert await dead.outbox.claim([ids["lost"]], "a batch")
        assert not await app.store.outbox.claim([ids["never left"]]), "it is another's"
        await dead.close()
        await outbox.tick()
        assert await answers(app) == ["Answer to never left"]
        states = {row.text: row.state for row in await app.store.outbox.rows()}
        assert states == {"handed in": "submitted", "lost": "unsure"}
        await outbox.tick()
        assert provider.asked == {"never left": 1, "handed in": 1}, "what may have left is not sent again by itself"
        assert await app.store.outbox.hurry(ids["lost"])
        await outbox.tick()
    assert provider.asked == {"never left": 1, "handed in": 1, "lost": 1}


async def test_a_batch_of_which_nothing_was_heard_is_found_again(provider: BatchProvider) -> None:
    shift = [0]
    async with outboxes(shift) as (app, outbox):
        provider.silent = True
        await outbox.add([draft(app, "one", "batch"), draft(app, "two", "batch")])
        await outbox.tick()
        assert {row.state for row in await app.store.outbox.rows()} == {"unsure"}
        provider.silent, shift[0] = False, 61_000
        await outbox.tick()
        assert {(row.state, row.job) for row in await app.store.outbox.rows()} == {("submitted", "batch_1")}
        provider.done, shift[0] = True, 122_000
        await outbox.tick()
        assert len(await answers(app)) == 2
    assert (provider.submissions, set(provider.asked.values())) == (1, {1})


@pytest.mark.parametrize("name", ["openai", "anthropic", "gemini", "mistral"])
async def test_a_batch_that_the_provider_no_longer_knows_can_be_dropped(provider: BatchProvider, name: str) -> None:
    shift = [0]
    async with outboxes(shift) as (app, outbox):
        await outbox.add([draft(app, "one", "batch", model=f"{name}/m")])
        await outbox.tick()
        provider.forgets, shift[0] = True, 61_000
        assert await outbox.tick() == 0, "it may be too new to be known everywhere"
        shift[0] = 25 * 3_600_000
        assert await outbox.tick() == 1
        (row,) = await app.store.outbox.rows(every=True)
        assert (row.state, await held(app)) == ("failed", (0, 0))
        assert row.note
        assert await app.store.outbox.drop(row.id)


@pytest.mark.parametrize("name", ["openai", "mistral", "gemini"])
async def test_two_batches_of_which_nothing_was_heard_are_told_apart(provider: BatchProvider, name: str) -> None:
    shift = [0]
    async with outboxes(shift) as (app, outbox):
        provider.silent = True
        for text in ("one", "two", "three"):
            await outbox.add([draft(app, text, "batch", model=f"{name}/m")])
            await outbox.tick()
        assert {row.state for row in await app.store.outbox.rows()} == {"unsure"}
        provider.silent = False
        provider.jobs.pop("batch_2")  # the second one never came into being
        shift[0] = 61_000
        await outbox.tick()
        found = {row.text: (row.state, row.job) for row in await app.store.outbox.rows()}
        place = "batches/" if name == "gemini" else ""
        assert found == {
            "one": ("submitted", f"{place}batch_1"),
            "two": ("unsure", None),
            "three": ("submitted", f"{place}batch_3"),
        }
        provider.done, shift[0] = True, 200_000
        await outbox.tick()
        assert sorted(await answers(app)) == ["Answer to one", "Answer to three"]
        (left,) = await app.store.outbox.rows()
        assert await app.store.outbox.hurry(left.id)  # a person says so
        await outbox.tick()
        shift[0] = 300_000
        await outbox.tick()
        assert sorted(await answers(app)) == ["Answer to one", "Answer to three", "Answer to two"]
    assert provider.asked == {"one": 1, "two": 2, "three": 1}


async def test_batches_of_a_provider_that_keeps_no_name_are_known_by_their_results(provider: BatchProvider) -> None:
    shift = [0]
    async with outboxes(shift) as (app, outbox):
        provider.silent = True
        for text in ("one", "two"):
            await outbox.add([draft(app, text, "batch", model="anthropic/m")])
            await outbox.tick()
        provider.silent, shift[0] = False, 61_000
        await outbox.tick()
        assert {row.state for row in await app.store.outbox.rows()} == {"unsure"}, "nobody can tell yet"
        provider.done, shift[0] = True, 122_000
        await outbox.tick()
        found = {row.text: row.job for row in await app.store.outbox.rows()}
        assert found == {"one": "batch_1", "two": "batch_2"}
        shift[0] = 200_000
        await outbox.tick()
        assert sorted(await answers(app)) == ["Answer to one", "Answer to two"]
    assert provider.asked == {"one": 1, "two": 1}


async def test_a_batch_that_cannot_have_been_made_is_handed_in_again(provider: BatchProvider) -> None:
    """The file of its questions did not arrive, or the provider has too much to do: nothing was taken."""
    shift = [0]
    async with outboxes(shift) as (app, outbox):
        await outbox.add([draft(app, "one", "batch"), draft(app, "two", "batch", model="mistral/m")])
        before = await held(app)
        provider.broken_files, provider.refuses = True, 429
        await outbox.tick()
        rows = await app.store.outbox.rows()
        assert [(row.state, bool(row.note)) for row in rows] == [("waiting", True)] * 2
        assert await held(app) == before
        provider.broken_files, provider.refuses, shift[0] = False, 0, 61_000
        await outbox.tick()
        assert {row.state for row in await app.store.outbox.rows()} == {"submitted"}
    assert provider.asked == {"one": 1, "two": 1}


async def test_a_batch_is_held_against_caps_at_the_price_of_batches(provider: BatchProvider, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    async with outboxes() as (app, outbox):
        whole = await outbox.add([draft(app, "one", "time", 3_600_000)])
        half = await outbox.add([draft(app, "one", "batch", 3_600_000)])
        assert whole.held is not None
        assert half.held == whole.held / 2
        for row in await app.store.outbox.rows():
            await app.store.outbox.drop(row.id)
    config.write_text(f"[budget]\nday = {whole.held * 3 / 4}\n" + config.read_text())
    async with outboxes() as (app, outbox):
        with pytest.raises(RoutertermError, match="today"):
            await outbox.add([draft(app, "one", "time", 3_600_000)])
        await outbox.add([draft(app, "one", "batch")])
        await outbox.tick()
        (body,) = [body for _, items in provider.jobs.values() for _, body in items]
        most = body.get("max_completion_tokens") or body.get("max_tokens")
        assert most == 1000, "under a cap the answer cannot cost more than what is held back for it"


async def test_a_private_question_knocks_at_no_foreign_door(provider: BatchProvider, tmp_path: Path) -> None:
    config, knocks = tmp_path / "config.toml", list[object]()

    def knocked(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        knocks.append(writer)
        writer.close()

    async with await asyncio.start_server(knocked, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        where = f'base_url = "http://127.0.0.1:{port}/v1"\nneeds_key = false\n'
        config.write_text(f'[providers.far]\nprotocol = "openai-chat"\n{where}' + config.read_text())
        async with outboxes() as (app, outbox):
            queued = await outbox.add([draft(app, "mine", model="far/m")])
            change = "UPDATE conversation SET private = 1 WHERE id = ?"
            await app.store.writer.write(lambda c: c.execute(change, queued.conversation_ids) and None)
            await outbox.tick()
            (row,) = await app.store.outbox.rows(every=True)
            assert (row.state, "private" in row.note) == ("failed", True)
    assert knocks == []


async def test_the_caps_of_conversation_and_project_hold_for_what_waits(
    provider: BatchProvider, tmp_path: Path
) -> None:
    config = tmp_path / "config.toml"
    async with outboxes() as (app, outbox):
        one = await outbox.add([draft(app, "one", "time", 3_600_000)])
        here = one.conversation_ids[0]
    assert one.held is not None
    config.write_text(f"[budget]\nconversation = {one.held * 3 / 2}\n" + config.read_text())
    async with outboxes() as (app, outbox):
        await outbox.add([draft(app, "elsewhere", "time", 3_600_000)])
        with pytest.raises(RoutertermError, match="conversation"):
            await outbox.add([draft(app, "two", "time", 3_600_000, conversation_id=here)])


async def test_what_the_provider_refuses_is_told_and_gives_the_budget_free(provider: BatchProvider) -> None:
    provider.refuses = 400
    async with outboxes() as (app, outbox):
        queued = await outbox.add([draft(app, "one", "batch")])
        await outbox.tick()
        (row,) = await app.store.outbox.rows(every=True)
        assert (row.state, "no batches today" in row.note) == ("failed", True)
        assert (await held(app))[0] == 0
        assert await app.store.outbox.unread() == frozenset(queued.conversation_ids)
        with pytest.raises(RoutertermError, match="takes no batches"):
            await outbox.add([draft(app, "x", "batch", model="demo/echo")])
        with pytest.raises(RoutertermError, match="the same at every hour"):
            await outbox.add([draft(app, "x", "off-peak")])


async def test_a_batch_that_failed_is_sent_again_only_within_the_caps(provider: BatchProvider) -> None:
    provider.refuses = 400
    async with outboxes() as (app, outbox):
        await outbox.add([draft(app, "one", "batch"), draft(app, "two", "batch")])
        await outbox.tick()
        failed = await app.store.outbox.rows(every=True)
        assert await app.store.outbox.hurry(failed[0].id)
        (again,) = await app.store.outbox.rows()
        assert again.mode == "online", "nothing is held back for it: the router holds it to the caps anew"


async def test_what_can_never_be_sent_holds_nothing_back(provider: BatchProvider) -> None:
    async with outboxes() as (app, outbox):
        await outbox.add([draft(app, "mine", "time", 3_600_000)])
        (row,) = await app.store.outbox.rows()
        async for _event in app.session(row.conversation_id).regenerate(row.question_id, model="openai/m"):
            pass
        assert (await held(app))[0] == 1
        await outbox.tick()
        assert (await app.store.outbox.rows(), (await held(app))[0]) == ((), 0)


async def test_a_conversation_made_private_leaves_in_no_batch(provider: BatchProvider) -> None:
    async with outboxes() as (app, outbox):
        queued = await outbox.add([draft(app, "one", "batch")])
        change = "UPDATE conversation SET private = 1 WHERE id = ?"
        await app.store.writer.write(lambda c: c.execute(change, queued.conversation_ids) and None)
        await outbox.tick()
        (row,) = await app.store.outbox.rows(every=True)
        assert (row.state, "private now" in row.note) == ("failed", True)
    assert provider.asked == {}


async def test_caps_hold_for_what_waits(provider: BatchProvider, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    async with outboxes() as (app, outbox):
        one = await outbox.add([draft(app, "one", "time", 3_600_000)])
    assert one.held is not None
    config.write_text(f"[budget]\nday = {one.held * 5 / 2}\n" + config.read_text())
    async with outboxes() as (app, outbox):
        await outbox.add([draft(app, "two", "time", 3_600_000)])
        before = await app.store.outbox.rows()
        with pytest.raises(OverBudget):
            await outbox.add([draft(app, "three", "time", 3_600_000)])
        assert await app.store.outbox.rows() == before
        assert await app.store.outbox.drop(before[0].id)
        await outbox.add([draft(app, "three", "time", 3_600_000)])


async def test_offline_waits_and_an_answered_question_is_not_sent(provider: BatchProvider, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(
        '[providers.gone]\nprotocol = "openai-chat"\nbase_url = "http://127.0.0.1:9/v1"\nneeds_key = false\n'
        + config.read_text()
    )
    shift = [0]
    async with outboxes(shift) as (app, outbox):
        await outbox.add([draft(app, "nobody there", model="gone/m"), draft(app, "mine", "time", 60_000)])
        assert await outbox.tick() == 0
        waiting = {row.text: row for row in await app.store.outbox.rows()}
        assert waiting["nobody there"].state == "waiting"
        session = app.session(waiting["mine"].conversation_id)
        async for _event in session.regenerate(waiting["mine"].question_id, model="openai/m"):
            pass
        shift[0] = AGAIN + 1_000
        await outbox.tick()
        assert provider.asked == {"mine": 1}, "it was answered by hand in the meantime"


def test_a_kill_in_the_middle_of_an_answer_sends_nothing_again(provider: BatchProvider, tmp_path: Path) -> None:
    async def queue() -> None:
        async with outboxes() as (app, outbox):
            await outbox.add([draft(app, "killed")])

    asyncio.run(queue())
    provider.slow = 30.0
    process = subprocess.Popen([*PROGRAM, "outbox", "--run"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not provider.asked and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    provider.slow = 0.0
    ran = routerterm("outbox", "--run")
    assert ran.code == 0
    assert "answered" in ran.out, "it is told as one that has an answer to look at"
    assert provider.asked == {"killed": 1}


def killed_while_it_stalls(provider: BatchProvider) -> None:
    """A program that does what is due is killed while the provider has its request, and has not answered."""
    provider.stalls, provider.stalled = 60.0, 0
    process = subprocess.Popen([*PROGRAM, "outbox", "--run"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not provider.stalled and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    provider.stalls = 0.0


def test_a_kill_while_a_batch_is_handed_in_or_fetched_sends_and_loses_nothing(provider: BatchProvider) -> None:
    async def queue() -> None:
        async with outboxes() as (app, outbox):
            await outbox.add([draft(app, text, "batch") for text in ("one", "two")])

    async def look(shift: int) -> tuple[list[str], list[str], tuple[int, int]]:
        async with outboxes([shift]) as (app, outbox):
            await outbox.tick()
            return [row.state for row in await app.store.outbox.rows()], await answers(app), await held(app)

    asyncio.run(queue())
    killed_while_it_stalls(provider)
    states, _, _ = asyncio.run(look(0))
    assert states == ["submitted", "submitted"], "the provider was asked, and has it"
    provider.done = True
    asyncio.run(set_polled())
    killed_while_it_stalls(provider)
    states, found, holds = asyncio.run(look(3_600_000))
    assert (states, sorted(found), holds) == ([], ["Answer to one", "Answer to two"], (0, 0))
    assert asyncio.run(look(7_200_000))[1:] == (found, holds)
    assert (provider.submissions, provider.asked) == (1, {"one": 1, "two": 1})


async def set_polled() -> None:
    """As if the last look at the batch was long ago."""
    async with open_app() as app:
        await app.store.writer.write(lambda c: c.execute("UPDATE outbox SET polled_at = 0") and None)


def test_ask_batch_from_a_file_and_again(provider: BatchProvider, tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_text('"one"\n\n{"prompt": "two", "system": "Be brief.", "id": "2"}\n')
    first = routerterm("ask", "--batch", file, "-m", "openai/m")
    assert (first.code, "2 questions queued" in first.out) == (0, True), first.err
    again = routerterm("ask", "--batch", file, "-m", "openai/m", "--json")
    assert json.loads(again.out)["queued"] == 0
    assert (provider.submissions, provider.asked) == (1, {"one": 1, "two": 1})
    listed = [json.loads(line) for line in routerterm("outbox", "--json").out.splitlines()]
    assert [row["state"] for row in listed] == ["submitted", "submitted"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "Line 1 is not JSON."),
        ('{"prompt": ""}', "Line 1 has no prompt."),
        ("[1]", "Line 1 has no prompt."),
        ('{"prompt": "x", "n": "1"}', "Line 1: 'n' is not understood."),
        ("", "The file has 0 questions; 1 to 10,000 can be asked."),
    ],
)
def test_a_file_of_questions_that_is_none(line: str, said: str) -> None:
    with pytest.raises(RoutertermError) as refused:
        list(read_questions(line.encode(), "openai/m", None, 0))
    assert refused.value.message == said
