"""Opening the file: made private, brought up to date, and what a dead program left behind set right."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from msgspec import Struct

from routerterm.core.errors import StoreError
from routerterm.store.errors import Damaged, DiskTrouble, is_damage, is_unwritable, translate
from routerterm.store.instances import Instances
from routerterm.store.migrations import NAMES
from routerterm.store.rescue import Rescue, finish, rescue
from routerterm.store.schema import applied, migrate
from routerterm.store.worker import BUSY_MS, transact


class Opening(Struct, frozen=True):
    """What was found and done when the history was opened."""

    migrated: tuple[str, ...] = ()
    interrupted: int = 0
    """Answers whose program died while they were streaming."""
    unclean: bool = False
    """Whether a program ended without closing the file: an integrity check in the background is due."""
    rescue: Rescue | None = None
    read_only: StoreError | None = None
    """Why nothing can be written, where the file can only be read."""
    aside: tuple[Path, ...] = ()
    """Damaged files of earlier rescues that still lie there: nobody has said yet that nothing is missing."""
    memory: str = ""
    """The address of the copy in memory that is read instead, where there is one."""

    def notices(self) -> tuple[StoreError, ...]:
        """What a person must hear: that nothing can be written; that the file was damaged, until that is settled."""
        told = [self.read_only] if self.read_only is not None else []
        if (rescue := self.rescue) is not None:
            more = f", {rescue.from_backup:,} more from the newest backup" if rescue.from_backup else ""
            told.append(
                StoreError(
                    f"The history was damaged. {rescue.rows:,} entries of it could be read{more}.",
                    f"The damaged file is kept as {rescue.aside}. Delete it once nothing is missing.",
                )
            )
        elif self.aside:
            told.append(
                StoreError(
                    f"The history was damaged earlier and rescued; the damaged file is kept as {self.aside[-1]}.",
                    "Delete it once nothing is missing; until then this message appears at every start.",
                )
            )
        return tuple(told)


def set_aside(path: Path) -> tuple[Path, ...]:
    """The damaged files that earlier rescues have kept, oldest first."""
    return tuple(sorted(p for p in path.parent.glob(f"{path.name}.damaged-*") if p.suffix[-1:].isdigit()))


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
    try:
        return _open_to_write(path, programs, now, damaged=damaged)
    except (sqlite3.OperationalError, OSError, DiskTrouble) as error:
        if not is_unwritable(error) or not path.is_file():
            raise
        reason = translate(error, path)
        try:
            connection = connect_read_only(path)
        except sqlite3.OperationalError:
            raise reason from error
        if len(applied(connection)) == len(NAMES):
            return connection, Opening(read_only=reason)
        address = f"file:routerterm-{programs.me}?mode=memory&cache=shared"
        return _in_memory(connection, address, path), Opening(read_only=reason, memory=address)


def connect_to_memory(address: str) -> sqlite3.Connection:
    """Another connection to a history that is held in memory."""
    connection = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    return connection


def _in_memory(source: sqlite3.Connection, address: str, path: Path) -> sqlite3.Connection:
    """A copy, brought up to date: of a file that is empty, or of an earlier version, and cannot be written."""
    connection = connect_to_memory(address)
    with closing(source):
        source.backup(connection)
    migrate(connection, path)
    return connection


def connect_read_only(path: Path) -> sqlite3.Connection:
    """A connection that needs to write nothing at all.  Raises `sqlite3.OperationalError`.

    A file in WAL mode wants files beside it even of its readers.  Where these cannot be made, it is read as it stands;
    what another program has not yet moved into it is then out of sight.
    """
    address = path.absolute().as_uri()
    for words in ("mode=ro", "mode=ro&immutable=1"):
        connection = sqlite3.connect(f"{address}?{words}", uri=True, isolation_level=None, check_same_thread=False)
        try:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA temp_store = MEMORY")
            connection.execute("PRAGMA query_only = ON")
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        except sqlite3.OperationalError:
            connection.close()
            if "immutable" in words:
                raise
        else:
            return connection
    raise AssertionError("the last of the two ways raises")


def _open_to_write(
    path: Path, programs: Instances, now: int, *, damaged: bool = False
) -> tuple[sqlite3.Connection, Opening]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _refuse_what_is_no_file(path)
    with programs.door():
        finish(path)
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


def _refuse_what_is_no_file(path: Path) -> None:
    """Raises `DiskTrouble` for a folder or a pipe in the place of the history, and a link whose disk is not there."""
    if path.is_symlink() and not path.exists():
        raise DiskTrouble(f"{path} is a link to a file that is not there.", "Mount its disk, or remove the link.")
    if path.exists() and not path.is_file():
        raise DiskTrouble(f"{path} is not a regular file.", "Move it away, or set ROUTERTERM_HOME to another folder.")


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
    return connection, Opening(migrated, interrupted, programs.died > 0, rescued, aside=set_aside(path))


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
