"""Notices that the history was deleted or replaced while the program has it open.

An open file outlives its name: without a look at the name, everything said from then on would go into nothing.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeAlias

from routerterm.core.errors import StoreError
from routerterm.store.errors import Replaced
from routerterm.store.maintenance import make_private
from routerterm.store.opening import connect

_Identity: TypeAlias = tuple[int, int]


class Presence:
    """Knows which file was opened, and whether it is still the one of that name."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._connection = connection
        self._opened = _identity(path)

    def restored(self) -> StoreError | None:
        """What to tell the person where the file had gone and is there again; None where nothing happened.

        A deleted file is written again from what is still open.  What somebody put in its place is never overwritten,
        unless another routerterm restored it just so.  Raises `Replaced`.
        """
        found = _identity(self._path)
        if found == self._opened or self._opened is None:
            return None
        if found is None:
            self._write_again()
        elif not self._is_ours():
            raise Replaced(
                f"{self._path} was replaced by another file while routerterm was running, so nothing is saved.",
                "Put the old file back, or quit and start again to use the new one.",
            )
        return StoreError(
            f"{self._path} was deleted while routerterm was running. It was written again: nothing is lost.",
            "To delete it, quit first.",
        )

    def _write_again(self) -> None:
        """Write all that the open file holds under its old name, which appears when it is whole."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = self._path.with_name(f"{self._path.name}.again-{os.getpid()}")
        with suppress(FileNotFoundError):
            part.unlink()
        try:
            make_private(part)
            with closing(sqlite3.connect(part, isolation_level=None)) as copy:
                self._connection.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")
                copy.execute("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", (_MARK, str(self._opened)))
            for end in ("-wal", "-shm"):
                with suppress(FileNotFoundError):
                    self._path.with_name(self._path.name + end).unlink()
            os.link(part, self._path)  # unlike a rename, it never takes the place of a file that has come meanwhile
        finally:
            with suppress(FileNotFoundError):
                part.unlink()

    def _is_ours(self) -> bool:
        """Whether another program restored the file that we had open, too."""
        try:
            with closing(sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
                row = connection.execute("SELECT value FROM meta WHERE name = ?", (_MARK,)).fetchone()
        except sqlite3.Error:
            return False
        return row is not None and row[0] == str(self._opened)


_MARK = "restored"


def reconnected(path: Path) -> sqlite3.Connection:
    """A connection for writing to a restored file."""
    connection = connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    return connection


def _identity(path: Path) -> _Identity | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
