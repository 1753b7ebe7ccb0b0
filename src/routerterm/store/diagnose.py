"""Looks at a history from outside, for `routerterm doctor`: nothing is migrated, rescued or written."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from msgspec import Struct

from routerterm.store.errors import is_busy, is_damage, translate
from routerterm.store.instances import Instances
from routerterm.store.maintenance import Check, backups, check, check_index
from routerterm.store.migrations import NAMES
from routerterm.store.opening import set_aside
from routerterm.store.schema import applied, refuse_unknown

_SOUND = Check()


class Diagnosis(Struct, frozen=True):
    """What was found in the file and beside it."""

    size: int
    """Bytes, the write-ahead log included."""
    conversations: int = 0
    messages: int = 0
    pending: tuple[str, ...] = ()
    """Migrations that the next start will carry out."""
    found: Check = _SOUND
    index_agrees: bool | None = None
    """Whether the search index agrees with the messages; None where another program was too busy to ask."""
    backups: tuple[Path, ...] = ()
    set_aside: tuple[Path, ...] = ()
    """Damaged files of earlier rescues."""
    others: int = 0
    """Other programs that have the history open."""


def diagnose(path: Path) -> Diagnosis | None:
    """See `Diagnosis`; None where there is no history yet.  Takes seconds for a large one.  Raises `StoreError`."""
    if not path.exists():
        return None
    try:
        return _examined(path)
    except (sqlite3.Error, OSError) as error:
        raise translate(error, path) from error


def _examined(path: Path) -> Diagnosis:
    beside = {
        "size": sum(part.stat().st_size for end in ("", "-wal") if (part := Path(f"{path}{end}")).exists()),
        "backups": tuple(backups(path)),
        "set_aside": set_aside(path),
        "others": Instances(path, "").others(),
    }
    with closing(sqlite3.connect(path, isolation_level=None, timeout=5)) as connection:
        connection.row_factory = sqlite3.Row
        try:
            done = applied(connection)
            if not done:
                return Diagnosis(**beside, pending=NAMES)  # type: ignore[arg-type]
            refuse_unknown(connection, path, done)
            return Diagnosis(
                **beside,  # type: ignore[arg-type]
                conversations=_count(connection, "conversation WHERE deleted_at IS NULL"),
                messages=_count(connection, "message"),
                pending=tuple(name for name in NAMES if name not in done),
                found=check(connection),
                index_agrees=_index(connection) if len(done) == len(NAMES) else None,
            )
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            return Diagnosis(**beside, found=Check(("the file cannot be read completely",), damaged=True))  # type: ignore[arg-type]


def newest_message(path: Path) -> int | None:
    """When the newest message was written, in milliseconds; None where there is none.  Raises `StoreError`."""
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(path, isolation_level=None, timeout=5)) as connection:
            newest = connection.execute("SELECT max(created_at) FROM message").fetchone()[0]
    except sqlite3.Error as error:
        raise translate(error, path) from error
    return None if newest is None else int(newest)


def _count(connection: sqlite3.Connection, what: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {what}").fetchone()[0])


def _index(connection: sqlite3.Connection) -> bool | None:
    """FTS5 answers only one who may write; nothing is written."""
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if is_busy(error):
            return None
        raise
    try:
        return check_index(connection)
    finally:
        connection.execute("ROLLBACK")
