"""A damaged file is set aside, and all of it that can still be read goes into a new one.

Rows are read in order of their numbers; where a page cannot be read the stretch is halved until only what
stands on that page is left out.  What the damaged file no longer gives comes from the newest backup.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from routerterm.store.maintenance import make_private
from routerterm.store.schema import migrate

TABLES = (
    "conversation",
    "message",
    "attempt",
    "imported_attempt",
    "memory",
    "prompt",
    "meta",
    "gateway_key",
    "gateway_response",
    "guard_hit",
    "outbox",
    "draft_file",
    "draft_for",
)
UNNAMED = frozenset({"guard_hit", "draft_file", "draft_for"})
"""Tables whose rows have no key by which one could see that they are there already, or were sent since the backup."""
_PATIENCE = 200_000
"""Failed readings after which the rest of a table is given up."""


class Rescue(Struct, frozen=True):
    """What became of a damaged history."""

    aside: Path
    """Where the damaged file lies now."""
    rows: int
    """Rows read from the damaged file."""
    from_backup: int
    """Rows that only the newest backup still had."""


def rescue(path: Path, now: int) -> Rescue:
    """Set the file aside and make a new one from what it still gives.  No other program may have it open."""
    stamp = datetime.fromtimestamp(now / 1000, UTC).strftime("%Y%m%d-%H%M%S")
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    make_private(fresh)
    with closing(sqlite3.connect(fresh, isolation_level=None)) as target:
        target.row_factory = sqlite3.Row
        migrate(target, fresh)
        read = _fill(target, _copy_of(path, target))
        backups = sorted((path.parent / "backups").glob("history-*.db"))
        added = _fill(target, backups[-1]) if backups else 0
        _mend(target)
    for end in ("-shm", "-wal", ""):
        with suppress(FileNotFoundError):
            path.with_name(path.name + end).rename(aside.with_name(aside.name + end))
    fresh.replace(path)
    return Rescue(aside, read, added)


def finish(path: Path) -> None:
    """Complete a rescue that ended between its last two steps: the damaged file is aside, the new one not in place."""
    fresh = path.with_name(path.name + ".new")
    if not path.exists() and fresh.exists():
        fresh.replace(path)


def _copy_of(path: Path, sound: sqlite3.Connection) -> Path:
    """A working copy, so that opening it cannot change the evidence; its header and schema are made whole in it."""
    import shutil

    work = path.with_name(path.name + ".work")
    for end in ("", "-wal"):
        if (source := path.with_name(path.name + end)).exists():
            copy = work.with_name(work.name + end)
            copy.unlink(missing_ok=True)
            make_private(copy)
            shutil.copyfile(source, copy)
    _mend_header(work)
    with suppress(sqlite3.DatabaseError):
        _mend_schema(work, sound)
    return work


_MAGIC = b"SQLite format 3\0"


def _mend_header(work: Path) -> None:
    """Write the first hundred bytes anew where they are not those of a database: they hold nothing of the person's.

    The layout is that of SQLite's documentation ("The Database Header"); our files have pages of 4,096 bytes.
    """
    with work.open("r+b") as file:
        head = file.read(100)
        if head.startswith(_MAGIC) or len(head) < 100:
            return
        pages = work.stat().st_size // _PAGE
        fields = (_PAGE, 2, 2, 0, 64, 32, 32, 1, pages, 0, 0, 1, 4, 0, 0, 1, 0, 0, 0)
        file.seek(0)
        file.write(_MAGIC + struct.pack(">HBBBBBB12I", *fields) + bytes(20) + struct.pack(">II", 1, 3_040_001))


_PAGE = 4096


def _mend_schema(work: Path, sound: sqlite3.Connection) -> None:
    """Put our own words in the place of the schema's, and leave out what holds no rows: triggers, views, indexes.

    The tables of every version have the columns of today's in the same order, the last of them perhaps missing.
    """
    words = {row[0]: row[1] for row in sound.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table'")}
    with closing(sqlite3.connect(work, isolation_level=None)) as damaged:
        damaged.execute("PRAGMA writable_schema = ON")
        found = damaged.execute("SELECT rowid, type, name, tbl_name, sql FROM sqlite_schema").fetchall()
        for number, kind, name, table, sql in found:
            ours = next((each for each in (name, table) if each in words and kind == "table"), None)
            if ours is not None and not str(sql).startswith("CREATE TABLE"):
                damaged.execute(
                    "UPDATE sqlite_schema SET name = ?, tbl_name = ?, sql = ? WHERE rowid = ?",
                    (ours, ours, words[ours], number),
                )
            elif sql is not None and (kind != "table" or str(sql).startswith("CREATE VIRTUAL")):
                damaged.execute("DELETE FROM sqlite_schema WHERE rowid = ?", (number,))
        damaged.execute("PRAGMA writable_schema = RESET")


def _fill(target: sqlite3.Connection, source: Path) -> int:
    """Add every row of ``source`` that can be read and is not there yet; how many were added."""
    added = 0
    try:
        with closing(sqlite3.connect(source, isolation_level=None)) as damaged:
            for table in TABLES:
                if table in UNNAMED and target.execute(f"SELECT 1 FROM {table}").fetchone():
                    continue
                target.execute("BEGIN")
                for row in _rows(damaged, table):
                    added += _add(target, table, row)
                target.execute("COMMIT")
    finally:
        if source.name.endswith(".work"):
            for end in ("", "-wal", "-shm"):
                source.with_name(source.name + end).unlink(missing_ok=True)
    return added


def _add(target: sqlite3.Connection, table: str, row: dict[str, object]) -> int:
    known = {column[1] for column in target.execute(f"PRAGMA table_info({table})")}
    row = {name: value for name, value in row.items() if name in known}
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    try:
        return target.execute(f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})", list(row.values())).rowcount
    except sqlite3.Error:  # a value that the damage made impossible
        return 0


def _rows(damaged: sqlite3.Connection, table: str) -> Iterator[dict[str, object]]:
    try:
        columns = [column[1] for column in damaged.execute(f"PRAGMA table_info({table})")]
        keyed_by_number = bool(columns) and _has_rowid(damaged, table)
    except sqlite3.DatabaseError:
        return
    if not columns:
        return
    if not keyed_by_number:
        with suppress(sqlite3.DatabaseError):
            for row in damaged.execute(f"SELECT * FROM {table}"):
                yield dict(zip(columns, row, strict=True))
        return
    highest = max(1 << 20, _size(damaged))  # numbers count up from 1, and no row is smaller than a byte
    for row in _stretch(damaged, table, 0, highest, [_PATIENCE]):
        yield dict(zip(columns, row, strict=True))


def _has_rowid(damaged: sqlite3.Connection, table: str) -> bool:
    sql = damaged.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (table,)).fetchone()[0]
    return "WITHOUT ROWID" not in sql.upper()


def _size(damaged: sqlite3.Connection) -> int:
    return Path(damaged.execute("PRAGMA database_list").fetchone()[2]).stat().st_size


def _stretch(
    damaged: sqlite3.Connection, table: str, low: int, high: int, patience: list[int]
) -> Iterator[tuple[object, ...]]:
    """The readable rows numbered from ``low`` up to, not including, ``high``."""
    sql = f"SELECT rowid, * FROM {table} NOT INDEXED WHERE rowid >= ? AND rowid < ? ORDER BY rowid"
    while low < high and patience[0] > 0:
        try:
            for row in damaged.execute(sql, (low, high)):
                yield row[1:]
                low = row[0] + 1
            return
        except sqlite3.DatabaseError:
            patience[0] -= 1
            if high - low == 1:
                return
        middle = (low + high) // 2
        yield from _stretch(damaged, table, low, middle, patience)
        low = middle


def _mend(target: sqlite3.Connection) -> None:
    """Make whole what refers to something lost: messages move up to a living ancestor's place, or to the root."""
    target.execute("BEGIN")
    target.execute(
        "INSERT OR IGNORE INTO conversation (id, title, created_at, updated_at)"
        " SELECT conversation_id, 'Recovered conversation', min(created_at), max(created_at) FROM message"
        " WHERE conversation_id NOT IN (SELECT id FROM conversation) GROUP BY conversation_id"
    )
    target.execute(
        "UPDATE message SET parent_id ="
        " (SELECT max(p.id) FROM message p WHERE p.conversation_id = message.conversation_id"
        "  AND p.rowid < message.rowid)"
        " WHERE parent_id IS NOT NULL AND parent_id NOT IN (SELECT id FROM message)"
    )
    target.execute("COMMIT")
