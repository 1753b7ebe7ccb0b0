"""Opening the file: made private, brought up to date, and what a dead program left behind set right."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from routerterm.store.errors import Damaged, is_damage
from routerterm.store.instances import Instances
from routerterm.store.rescue import Rescue, rescue
from routerterm.store.schema import migrate
from routerterm.store.worker import BUSY_MS, transact


@dataclass(frozen=True, slots=True)
class Opening:
    """What was found and done when the history was opened."""

    migrated: tuple[str, ...] = ()
    interrupted: int = 0
    """Answers whose program died while they were streaming."""
    unclean: bool = False
    """Whether a program ended without closing the file: an integrity check in the background is due."""
    rescue: Rescue | None = None


def connect(path: Path) -> sqlite3.Connection:
    """A connection that waits for others, keeps foreign keys, and leaves transactions to us."""
    connection = sqlite3.connect(path, timeout=BUSY_MS / 1000, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


def connect_to_read(path: Path) -> sqlite3.Connection:
    """A connection that cannot write."""
    connection = connect(path)
    connection.execute("PRAGMA query_only = ON")
    return connection


def open_file(
    path: Path, programs: Instances, now: int, *, damaged: bool = False
) -> tuple[sqlite3.Connection, Opening]:
    """Open the file for writing, making, migrating or rescuing it as needed; one program does so at a time.

    ``damaged`` rescues it even if it opens: damage may lie deep inside.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with programs.door():
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        with suppress(OSError):
            path.chmod(0o600)
        programs.enter()
        living = programs.living()
        try:
            if damaged or _mark(path).exists():
                raise Damaged(f"{path} is damaged.")
            return _opened(path, programs, living, None)
        except (sqlite3.DatabaseError, Damaged) as error:
            if not is_damage(error):
                raise
            if living - {programs.me}:
                raise Damaged(
                    f"{path} is damaged, and another routerterm has it open.", "Close the other one and start again."
                ) from error
            rescued = rescue(path, now)
            _mark(path).unlink(missing_ok=True)
            return _opened(path, programs, living, rescued)


def mark_damaged(path: Path) -> None:
    """Have the file rescued when it is opened next."""
    _mark(path).touch(0o600)


def _mark(path: Path) -> Path:
    return path.with_name(path.name + "-damaged")


def _opened(
    path: Path, programs: Instances, living: frozenset[str], rescued: Rescue | None
) -> tuple[sqlite3.Connection, Opening]:
    connection = connect(path)
    try:
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            connection.execute("PRAGMA journal_mode = WAL")
        migrated = migrate(connection, path)
        interrupted = transact(connection, lambda c: mark_interrupted(c, living)) if _unfinished(connection) else 0
    except BaseException:
        connection.close()
        raise
    return connection, Opening(migrated, interrupted, programs.died > 0, rescued)


def _unfinished(connection: sqlite3.Connection) -> bool:
    sql = (
        "SELECT EXISTS (SELECT 1 FROM message WHERE status = 'streaming')"
        " OR EXISTS (SELECT 1 FROM attempt WHERE outcome = 'running')"
    )
    return bool(connection.execute(sql).fetchone()[0])


def mark_interrupted(connection: sqlite3.Connection, living: frozenset[str]) -> int:
    """Label the answers whose program is dead as interrupted, and settle its attempts; how many answers."""
    from routerterm.store.ledger import recover

    marks = ",".join("?" * len(living))
    dead = (
        "SELECT m.id FROM message m LEFT JOIN streaming s ON s.message_id = m.id"
        f" WHERE m.status = 'streaming' AND (s.program IS NULL OR s.program NOT IN ({marks}))"
    )
    ids = [(row["id"],) for row in connection.execute(dead, list(living)).fetchall()]
    connection.executemany("UPDATE message SET status = 'interrupted' WHERE id = ?", ids)
    connection.executemany("DELETE FROM streaming WHERE message_id = ?", ids)
    recover(connection, living)
    return len(ids)
