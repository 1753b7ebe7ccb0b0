"""Care for the file in the background: a backup every day, a check after an unclean end, old deletions carried out.

Each runs on a thread and a connection of its own, so that neither typing nor streaming waits for it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from routerterm.core.errors import StoreError
from routerterm.store.errors import is_damage

KEPT = 7
"""How many daily backups are kept."""
INDEXES = ("message_fts", "conversation_fts")
_STEP = 256
"""Pages copied at a time; between two steps others get their turn."""


class Check(Struct, frozen=True):
    """What an integrity check found: ``problems`` is empty when all is well."""

    problems: tuple[str, ...] = ()
    damaged: bool = False
    """Whether the file itself is damaged: only a rescue at the next start helps."""
    mended: tuple[str, ...] = ()


def backups(database: Path) -> list[Path]:
    """The backups that there are, oldest first."""
    return sorted((database.parent / "backups").glob("history-????-??-??.db"))


class CalledOff(Exception):
    """The program ends: what takes long is left for another time."""


def back_up(database: Path, now: int, called_off: Callable[[], bool], kept: int = KEPT) -> Path | None:
    """Write today's backup if it is not there yet, and let go of the oldest; None if nothing was due.

    It is written under another name and appears only when it is whole and on disk.  It holds on to one moment
    of the history, so that what is written meanwhile neither delays it nor makes it begin anew.
    """
    day = datetime.fromtimestamp(now / 1000, UTC).strftime("%Y-%m-%d")
    folder = database.parent / "backups"
    target = folder / f"history-{day}.db"
    if target.exists() or not database.exists():
        return None
    folder.mkdir(mode=0o700, exist_ok=True)
    for left_over in folder.glob("*.part*"):
        left_over.unlink(missing_ok=True)
    _make_sure_of_room(database, folder)
    part = folder / f"history-{day}.db.part"
    try:
        make_private(part)
        with closing(sqlite3.connect(database, timeout=5)) as source, closing(sqlite3.connect(part)) as copy:
            source.execute("BEGIN")
            source.execute("SELECT 1 FROM sqlite_schema").fetchone()
            source.backup(copy, pages=_STEP, sleep=0.01, progress=lambda *_: _go_on(called_off))
            copy.execute("PRAGMA journal_mode = DELETE")
        _flush(part)
        part.replace(target)
        _flush(folder)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    for old in backups(database)[:-kept]:
        old.unlink(missing_ok=True)
    return target


def _make_sure_of_room(database: Path, folder: Path) -> None:
    """A backup must not take the room that the history itself needs.  Raises `StoreError`."""
    import shutil  # with its four kinds of compression, for one call a day

    wal = database.with_name(database.name + "-wal")
    size = database.stat().st_size + (wal.stat().st_size if wal.exists() else 0)
    if shutil.disk_usage(folder).free < 2 * size:
        raise StoreError(
            f"There is no space for today's backup of the history: it needs {max(1, size // 1_000_000)} MB.",
            f"Free some space on the disk of {folder}; the history itself is intact.",
        )


def _go_on(called_off: Callable[[], bool]) -> None:
    if called_off():
        raise CalledOff


def make_private(path: Path) -> None:
    """Make an empty file for its owner alone, for SQLite to fill; what lies in the way is never followed."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600))


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def check(connection: sqlite3.Connection, called_off: Callable[[], bool] = lambda: False) -> Check:
    """Look at every page and every reference; reads only."""
    connection.set_progress_handler(lambda: int(called_off()), 100_000)
    try:
        damage = [row[0] for row in connection.execute("PRAGMA integrity_check(20)") if row[0] != "ok"]
        return Check((*damage, *_broken_references(connection)), bool(damage))
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        return Check(("the file cannot be read completely",), damaged=True)


def _broken_references(connection: sqlite3.Connection) -> list[str]:
    problems = [
        f"a row of {row[0]} refers to a missing row of {row[2]}"
        for row in connection.execute("PRAGMA foreign_key_check").fetchmany(20)
    ]
    lost = connection.execute(
        "SELECT count(*) FROM conversation WHERE head_id <> '' AND head_id NOT IN (SELECT id FROM message)"
    ).fetchone()[0]
    return problems + ([f"{lost} conversations point to a missing message"] if lost else [])


def check_index(connection: sqlite3.Connection) -> bool:
    """Whether the search index agrees with the messages; needs a connection that may write."""
    try:
        for index in INDEXES:
            connection.execute(f"INSERT INTO {index} ({index}, rank) VALUES ('integrity-check', 1)")
    except sqlite3.DatabaseError:
        return False
    return True


def repair(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Put right what can be put right in place; what was done, in words."""
    done = []
    orphans = connection.execute(
        "UPDATE message SET parent_id = NULL WHERE parent_id IS NOT NULL AND parent_id NOT IN (SELECT id FROM message)"
    ).rowcount
    if orphans:
        done.append(f"{orphans} messages without a parent became first messages")
    strays = connection.execute(
        "DELETE FROM message WHERE conversation_id NOT IN (SELECT id FROM conversation)"
    ).rowcount
    if strays:
        done.append(f"{strays} messages of conversations that are gone were removed")
    lost = connection.execute(
        "UPDATE conversation SET head_id = NULL WHERE head_id <> '' AND head_id NOT IN (SELECT id FROM message)"
    ).rowcount
    if lost:
        done.append(f"{lost} conversations show their newest message again")
    if not check_index(connection):
        for index in INDEXES:
            connection.execute(f"INSERT INTO {index} ({index}) VALUES ('rebuild')")
        connection.execute("DELETE FROM word_fts")
        connection.execute("INSERT OR IGNORE INTO word_due (number) SELECT rowid FROM message")
        connection.execute("INSERT OR IGNORE INTO word_due (number) SELECT -rowid FROM conversation")
        done.append("the search index was rebuilt")
    return tuple(done)
