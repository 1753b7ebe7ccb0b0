"""The tables, and the migrations that make them: named, ordered, each in one transaction, never edited.

New and old databases walk the same road.  sqlite-utils is imported only when there is something to migrate.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Final

from routerterm import __version__
from routerterm.store.errors import TooNew
from routerterm.store.migrations import NAMES

if TYPE_CHECKING:
    from pathlib import Path

SET: Final = "routerterm"
APPLICATION_ID: Final = 0x52545254
"""``RTRT`` in the file's header: tools such as file(1) can tell whose database it is."""


def applied(connection: sqlite3.Connection) -> tuple[str, ...]:
    """The names of the migrations that this database has been through."""
    if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = '_sqlite_migrations'").fetchone():
        return ()
    rows = connection.execute("SELECT name FROM _sqlite_migrations WHERE migration_set = ? ORDER BY rowid", (SET,))
    return tuple(row[0] for row in rows)


def migrate(connection: sqlite3.Connection, path: Path) -> tuple[str, ...]:
    """Bring the database up to date; all of it happens, or nothing.  The names of what was applied.

    Raises `TooNew` if a later version of the program has changed it in ways this one does not know.
    """
    if set(done := applied(connection)) <= set(NAMES) and len(done) == len(NAMES):
        return ()
    connection.execute("BEGIN IMMEDIATE")
    try:
        done = applied(connection)
        refuse_unknown(connection, path, done)
        new = tuple(name for name in NAMES if name not in done)
        if new:
            _apply(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return new


def _apply(connection: sqlite3.Connection) -> None:
    from sqlite_utils import Database
    from sqlite_utils.migrations import Migrations

    from routerterm.store.migrations.steps import ALL

    migrations = Migrations(SET)
    for name, step in ALL.items():
        migrations(name=name)(step)
    migrations.apply(Database(connection, recursive_triggers=False, execute_plugins=False))
    connection.execute("INSERT OR REPLACE INTO meta (name, value) VALUES ('version', ?)", (__version__,))
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def refuse_unknown(connection: sqlite3.Connection, path: Path, done: tuple[str, ...]) -> None:
    """Raises `TooNew` if the database has been through a migration of a later version."""
    unknown = [name for name in done if name not in NAMES]
    if not unknown:
        return
    row = connection.execute("SELECT value FROM meta WHERE name = 'version'").fetchone()
    version = row[0] if row else "a later version"
    raise TooNew(
        f"{path} was written by routerterm {version}, which is newer than this {__version__} (unknown: {unknown[0]}).",
        "Update routerterm, or set ROUTERTERM_HOME to another folder.",
    )
