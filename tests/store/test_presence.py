"""A history that goes, is replaced, or cannot be written while it is open: nothing is lost, nothing overwritten."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from routerterm.core.ledger import AttemptRecord, Cap
from routerterm.store.database import Store
from routerterm.store.errors import DiskTrouble, Replaced
from routerterm.store.query import parse
from tests.store.seeds import sound


async def titles(store: Store) -> set[str]:
    return {row.title for row in await store.conversations.page()}


async def test_a_deleted_history_is_written_again_with_all_that_was_in_it(store: Store) -> None:
    await store.conversations.add(store.conversations.new(title="before"))
    for end in ("", "-wal", "-shm"):
        store.path.with_name(store.path.name + end).unlink(missing_ok=True)
    await store.conversations.add(store.conversations.new(title="after"))
    assert await titles(store) == {"before", "after"}
    assert "deleted while routerterm was running" in store.notices[0].message
    again = Store.open(store.path)
    assert await titles(again) == {"before", "after"}
    await again.close()
    sound(store.path)


async def test_two_programs_agree_on_the_restored_file(store: Store) -> None:
    other = Store.open(store.path)
    await store.conversations.add(store.conversations.new(title="one"))
    await other.conversations.add(other.conversations.new(title="two"))
    for end in ("", "-wal", "-shm"):
        store.path.with_name(store.path.name + end).unlink(missing_ok=True)
    await store.conversations.add(store.conversations.new(title="three"))
    await other.conversations.add(other.conversations.new(title="four"))
    assert await titles(other) == {"one", "two", "three", "four"}
    await other.close()


async def test_a_file_in_its_place_is_never_overwritten(store: Store, tmp_path: Path) -> None:
    await store.conversations.add(store.conversations.new(title="ours"))
    with closing(sqlite3.connect(tmp_path / "theirs")) as connection:
        connection.execute("CREATE TABLE t (a)")
    os.replace(tmp_path / "theirs", store.path)
    for end in ("-wal", "-shm"):  # else SQLite takes them for parts of the new file
        store.path.with_name(store.path.name + end).unlink()
    with pytest.raises(Replaced):
        await store.conversations.add(store.conversations.new(title="lost?"))
    with closing(sqlite3.connect(store.path)) as connection:
        assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == [("t",)]


async def test_what_cannot_be_written_can_be_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = Store.open(store.path)
    await writer.conversations.add(writer.conversations.new(title="kept words"))
    await writer.close()

    def full(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("routerterm.store.instances.os.open", full)
    reader = Store.open(store.path)
    opening = await reader.start()
    assert opening.read_only is not None
    assert opening.notices() == (opening.read_only,)
    assert [hit.title for hit in (await reader.search.find(parse("words", 0))).hits] == ["kept words"]
    with pytest.raises(DiskTrouble):
        await reader.conversations.add(reader.conversations.new(title="new"))
    await reader.close()


async def test_money_counts_in_memory_while_the_disk_is_full(store: Store) -> None:
    def row(id: str, cost: int) -> AttemptRecord:
        return AttemptRecord(id, 1, "chat", "", "p", "m", 1_000, cost_nanousd=cost)

    cap = (Cap("day", "usd", 100),)
    await store.ledger.reserve(row("a", 40), cap)
    store.writer.refusal = DiskTrouble("The disk is full.")
    assert await store.ledger.reserve(row("b", 40), cap) is None
    assert await store.ledger.reserve(row("c", 40), cap) is not None
    assert store.ledger.unwritten == 1
    store.writer.refusal = None
    await store.ledger.settle(row("d", 1))
    assert store.ledger.unwritten == 0
    assert await store.ledger.used(cap) == (81,)
