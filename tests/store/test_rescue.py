"""Damaged files: set aside, and everything readable saved; backups; checks and mending."""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from routerterm.core.errors import StoreError
from routerterm.store.database import Store
from routerterm.store.errors import Damaged
from routerterm.store.maintenance import CalledOff, back_up, backups
from routerterm.store.rescue import TABLES
from tests.store.seeds import DAY, NOW, seed, sound

PAGE = 4096


async def filled(path: Path, talks: int = 40) -> None:
    store = Store.open(path)
    await store.start()
    await store.close()
    for n in range(talks):
        seed(path, f"talk {n:03d}", [f"message {n} {m} " + "lorem ipsum " * 30 for m in range(12)], NOW + n)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def pages_of(path: Path, table: str) -> list[int]:
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT pageno FROM dbstat WHERE name = ?", (table,)).fetchall()
    connection.close()
    return [row[0] for row in rows]


def spoil(path: Path, *pages: int) -> None:
    with path.open("r+b") as file:
        for page in pages:
            file.seek((page - 1) * PAGE)
            file.write(b"\xee" * PAGE)


async def texts(store: Store) -> set[str]:
    rows = await store.reader.read(lambda connection: connection.execute("SELECT text FROM message").fetchall())
    return {row["text"] for row in rows}


async def test_a_spoilt_header_is_set_aside_and_the_backup_fills_in(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    await filled(path)
    assert back_up(path, NOW, lambda: False)
    spoil(path, 1)
    store = Store.open(path, clock=lambda: NOW)
    opening = await store.start()
    assert opening.rescue is not None
    assert opening.rescue.rows == 0
    assert opening.rescue.from_backup >= 40 * 13
    assert opening.rescue.aside.read_bytes()[:4] == b"\xee" * 4
    assert len(await texts(store)) == 480
    await store.close()
    sound(path)
    assert {file.split(".")[-1] for file in os.listdir(tmp_path)} <= {
        "db", "db-programs", "backups", f"damaged-{opening.rescue.aside.name.split('damaged-')[1]}",
    }  # fmt: skip


async def test_every_table_is_rescued_but_those_that_follow_from_others(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    await filled(path, 1)
    connection = sqlite3.connect(path)
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    for at in range(3):
        connection.execute("INSERT INTO guard_hit (at, rule, action, role) VALUES (?, 'card', 'block', 'user')", (at,))
    connection.commit()
    connection.close()
    follows = {"tally", "streaming", "_sqlite_migrations", "word_due"}
    assert {name for name in tables if "_fts" not in name} - follows == set(TABLES)
    assert back_up(path, NOW, lambda: False)
    store = Store.open(path, clock=lambda: NOW)
    assert (await store.rescue()).rescue is not None
    assert await store.reader.read(lambda c: c.execute("SELECT count(*) FROM guard_hit").fetchone()[0]) == 3
    await store.close()


async def test_spoilt_pages_lose_only_what_stood_on_them(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    await filled(path)
    leaves = sorted(pages_of(path, "message"))[5:]
    spoil(path, *random.Random(3).sample(leaves, 3))
    store = Store.open(path, clock=lambda: NOW)
    await store.start()
    with pytest.raises(Damaged):
        await texts(store)
    assert (await store.check()).damaged
    died = path.with_name("history.db-programs") / "dead"
    died.write_text("")
    await store.close()

    store = Store.open(path, clock=lambda: NOW)
    assert (await store.start()).unclean
    found = await store.maintain()
    assert found is not None
    assert found.damaged
    assert backups(path) == [], "a damaged file is no backup"
    await store.close()

    store = Store.open(path, clock=lambda: NOW)
    opening = await store.start()
    assert opening.rescue is not None
    left = len(await texts(store))
    assert 480 - 3 * 8 <= left < 480
    for conversation in await store.conversations.page(100):
        assert (await store.messages.page(conversation.id)).messages
    await store.close()
    sound(path)


async def test_a_spoilt_index_costs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    await filled(path)
    spoil(path, *pages_of(path, "message_parent")[:1], *pages_of(path, "message_fts_data")[1:3])
    store = Store.open(path, clock=lambda: NOW)
    opening = await store.rescue()
    assert opening.rescue is not None
    assert len(await texts(store)) == 480
    await store.close()
    sound(path)


async def test_a_file_that_another_program_has_open_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    await filled(path, 3)
    other = Store.open(path)
    await other.start()
    spoil(path, 1)
    store = Store.open(path)
    with pytest.raises(StoreError):
        await store.rescue()
    assert path.exists()
    await store.close()
    await other.close()


async def test_seven_daily_backups_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    await filled(path, 1)
    made = [back_up(path, NOW + n * DAY, lambda: False) for n in range(9)]
    assert all(made)
    assert back_up(path, NOW + 8 * DAY, lambda: False) is None
    assert backups(path) == made[2:]
    for backup in backups(path):
        sound(backup)
        assert backup.stat().st_mode & 0o777 == 0o600


async def test_a_backup_neither_blocks_writing_nor_begins_anew_for_it(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    await filled(path, 120)
    store = Store.open(path)
    await store.start()
    done = threading.Event()

    def run() -> None:
        back_up(path, NOW, lambda: False)
        done.set()

    backing_up = asyncio.create_task(asyncio.to_thread(run))
    written = 0
    while not done.is_set():
        await store.conversations.add(store.conversations.new(title=f"meanwhile {written}"))
        written += 1
        await asyncio.sleep(0.002)
    await backing_up
    assert written > 0
    assert await store.conversations.count() == 120 + written
    await store.close()
    sound(backups(path)[0])


async def test_a_backup_never_takes_the_room_that_the_history_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(tmp_path / "history.db")
    await store.start()
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1_000))
    with pytest.raises(StoreError, match="no space for today's backup"):
        await store.maintain()
    assert backups(store.path) == []
    monkeypatch.undo()
    await store.maintain()
    assert len(backups(store.path)) == 1
    await store.close()


async def test_a_backup_that_is_called_off_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    await filled(path, 40)
    with pytest.raises(CalledOff):
        back_up(path, NOW, lambda: True)
    assert list((tmp_path / "backups").iterdir()) == []


async def test_what_a_hand_has_broken_is_mended_in_place(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    await filled(path, 3)
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("DELETE FROM message WHERE id LIKE '%M00003' AND conversation_id LIKE '%001%'")
        connection.execute("UPDATE conversation SET head_id = 'nowhere' WHERE id LIKE '%002%'")
        connection.execute("INSERT INTO message_fts (message_fts, rowid, text, title) VALUES ('delete', 1, 'x', '')")
    connection.close()
    store = Store.open(path)
    found = await store.check()
    assert len(found.problems) == 2
    mended = await store.check(repairs=True)
    assert mended.problems == ()
    assert len(mended.mended) == 3
    await store.close()
    sound(path)
