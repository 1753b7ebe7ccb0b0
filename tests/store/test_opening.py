"""Opening: private, migrated by one road, refused when too new, and what the dead left behind set right."""

from __future__ import annotations

import asyncio
import gzip
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from routerterm.core.errors import StoreError
from routerterm.core.messages import Message, Text
from routerterm.store.database import Store
from routerterm.store.errors import DiskTrouble, TooNew
from routerterm.store.migrations import NAMES
from routerterm.store.migrations.steps import ALL
from routerterm.store.turns import Answer
from tests.store.seeds import seed, sound

SCHEMAS = Path(__file__).parent / "schemas"


def schema(path: Path) -> list[tuple[str, str]]:
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name").fetchall()
    connection.close()
    return [(name, " ".join(sql.split())) for name, sql in rows]


async def made(path: Path) -> Path:
    store = Store.open(path)
    await store.start()
    await store.close()
    return path


def write_old(released: Path, path: Path) -> None:
    path.write_bytes(gzip.decompress(released.read_bytes()))


@contextmanager
def running(code: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A program of its own that prints when it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)], stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


STREAMING = """
    import asyncio, sys
    from pathlib import Path
    from routerterm.core.messages import Message, Text
    from routerterm.store.database import Store
    from routerterm.store.turns import Answer

    async def main():
        store = Store.open(Path(sys.argv[1]))
        talk = store.conversations.new()
        turn = store.turns.plan(talk.id)
        await store.turns.begin(turn, talk, None, Message.of("user", "Q"), "m", new=True)
        await store.turns.checkpoint(turn, Answer((Text("so far"),), "streaming"))
        print("ready", flush=True)
        await asyncio.sleep(60)

    asyncio.run(main())
"""


async def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    path = await made(tmp_path / "new" / "history.db")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_every_migration_is_named_in_its_order() -> None:
    assert tuple(ALL) == NAMES


async def test_opening_for_the_second_time_needs_no_migrations(tmp_path: Path) -> None:
    path = await made(tmp_path / "history.db")
    code = """
        import asyncio, sys
        from pathlib import Path
        from routerterm.store.database import Store
        async def main():
            store = Store.open(Path(sys.argv[1]))
            assert not (await store.start()).migrated
            await store.conversations.page()
            await store.close()
        asyncio.run(main())
        print("sqlite_utils" in sys.modules)
    """
    with running(code, path) as process:
        assert process.communicate()[0] == "False\n"


@pytest.mark.parametrize("released", sorted(SCHEMAS.glob("*.db.gz")), ids=lambda path: path.name)
async def test_every_released_schema_becomes_todays(released: Path, tmp_path: Path) -> None:
    old = tmp_path / "old.db"
    write_old(released, old)
    assert schema(await made(old)) == schema(await made(tmp_path / "fresh.db"))
    store = Store.open(old)
    assert [c.title for c in await store.conversations.page()] == ["An old talk"]
    await store.close()
    sound(old)


def test_no_step_is_without_its_fixture() -> None:
    """A new migration wants one: python -m tests.store.release_schema"""
    assert {path.name for path in SCHEMAS.glob("*.db.gz")} == {f"{name}.db.gz" for name in ALL}


async def test_a_newer_file_is_refused_by_name(tmp_path: Path) -> None:
    path = await made(tmp_path / "history.db")
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("UPDATE meta SET value = '9.9' WHERE name = 'version'")
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('routerterm', '0042_future', '')"
        )
    connection.close()
    before = path.read_bytes()
    store = Store.open(path)
    with pytest.raises(TooNew) as caught:
        await store.start()
    await store.close()
    assert "9.9" in caught.value.message
    assert caught.value.hint
    assert path.read_bytes() == before


def test_a_migration_killed_half_way_starts_over(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    code = """
        import asyncio, os, sys
        from pathlib import Path
        from routerterm.store import schema
        from routerterm.store.migrations import NAMES, steps
        from routerterm.store.database import Store

        def half(db):
            db.execute("CREATE TABLE extra (a)")
            db.execute("UPDATE conversation SET title = 'changed'")
            if sys.argv[2] == "die":
                os.kill(os.getpid(), 9)

        async def main():
            store = Store.open(Path(sys.argv[1]))
            await store.start()
            await store.close()

        if sys.argv[2] != "first":
            schema.NAMES = (*NAMES, "0099_half")
            steps.ALL = {**steps.ALL, "0099_half": half}
        asyncio.run(main())
    """
    with running(code, path, "first") as process:
        process.communicate()
    seed(path, "before", ["q", "a"])
    for _ in range(3):
        with running(code, path, "die") as process:
            process.communicate()
            assert process.returncode == -signal.SIGKILL
        connection = sqlite3.connect(path)
        assert connection.execute("SELECT title FROM conversation").fetchall() == [("before",)]
        assert not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'extra'").fetchone()
        connection.close()
    with running(code, path, "live") as process:
        process.communicate()
        assert process.returncode == 0
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT title FROM conversation").fetchall() == [("changed",)]
    connection.close()
    sound(path)


async def test_answers_of_the_dead_are_interrupted_those_of_the_living_are_not(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    with running(STREAMING, path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        store = Store.open(path)
        opening = await store.start()
        assert (opening.interrupted, opening.unclean) == (0, False)
        conversation = (await store.conversations.page())[0]
        assert (await store.messages.page(conversation.id)).messages[-1].status == "streaming"
        process.kill()
        process.wait()
        assert await store.recover() == 1
        reply = (await store.messages.page(conversation.id)).messages[-1]
        assert (reply.status, reply.text, reply.finished_at) == ("interrupted", "so far", None)
        await store.close()


async def test_an_unclean_end_is_noticed_and_the_file_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    with running(STREAMING, path) as process:
        assert process.stdout is not None
        process.stdout.readline()
    store = Store.open(path)
    opening = await store.start()
    assert (opening.interrupted, opening.unclean) == (1, True)
    found = await store.maintain()
    assert found is not None
    assert found.problems == ()
    await store.close()
    store = Store.open(path)
    assert (await store.start()).unclean is False
    assert await store.maintain() is None
    await store.close()


async def test_a_row_that_streams_for_nobody_is_interrupted(tmp_path: Path) -> None:
    path = await made(tmp_path / "history.db")
    id = seed(path, "seeded", ["q", "a"])
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("UPDATE message SET status = 'streaming' WHERE role = 'assistant'")
    connection.close()
    store = Store.open(path)
    assert (await store.start()).interrupted == 1
    assert (await store.messages.page(id)).messages[-1].status == "interrupted"
    await store.close()
    sound(path)


async def test_what_one_program_writes_another_sees_within_a_second(tmp_path: Path) -> None:
    path = await made(tmp_path / "history.db")
    here, there = Store.open(path), Store.open(path)
    seen = asyncio.Event()

    async def watch() -> None:
        async for _ in here.changes():
            seen.set()

    watcher = asyncio.create_task(watch())
    await asyncio.sleep(0.1)
    await here.conversations.add(here.conversations.new(title="mine"))
    await asyncio.sleep(0.6)
    assert not seen.is_set(), "one's own writing is no news"
    await there.conversations.add(there.conversations.new(title="theirs"))
    await asyncio.wait_for(seen.wait(), 1.0)
    assert {c.title for c in await here.conversations.page()} == {"mine", "theirs"}
    watcher.cancel()
    await here.close()
    await there.close()


async def test_many_writers_never_hear_of_a_lock(tmp_path: Path) -> None:
    path = await made(tmp_path / "history.db")
    stores = [Store.open(path) for _ in range(4)]

    async def write(store: Store, n: int) -> None:
        for m in range(25):
            talk = store.conversations.new()
            turn = store.turns.plan(talk.id)
            await store.turns.begin(turn, talk, None, Message.of("user", f"{n}-{m}"), "m", new=True)
            await store.turns.finish(turn, Answer((Text("a"),), "done"))
            await store.memory.change("count", lambda state: {"n": (state or {"n": 0})["n"] + 1})

    await asyncio.gather(*(write(store, n) for n, store in enumerate(stores)))
    assert await stores[0].conversations.count() == 100
    assert (await stores[1].memory.read("count"))["count"] == {"n": 100}
    for store in stores:
        await store.close()
    sound(path)


async def test_two_programs_make_the_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    stores = [Store.open(path) for _ in range(6)]
    openings = await asyncio.gather(*(store.start() for store in stores))
    assert sum(bool(opening.migrated) for opening in openings) == 1
    for store in stores:
        await store.close()
    assert schema(path)
    assert list(ALL) == [name for opening in openings for name in opening.migrated]


async def test_a_home_that_cannot_be_used_is_one_sentence_and_a_hint(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = Store.open(tmp_path / "file" / "history.db")
    with pytest.raises(StoreError) as caught:
        await store.start()
    assert str(tmp_path / "file") in caught.value.message
    assert caught.value.hint
    await store.close()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (Path.mkdir, "not a regular file"),
        (os.mkfifo, "not a regular file"),
        (lambda path: path.symlink_to("/nowhere/at/all"), "not there"),
    ],
)
async def test_what_is_no_file_in_its_place_is_told(tmp_path: Path, make: Callable[[Path], None], said: str) -> None:
    path = tmp_path / "history.db"
    make(path)
    store = Store.open(path)
    with pytest.raises(DiskTrouble, match=said):
        await store.start()
    await store.close()
