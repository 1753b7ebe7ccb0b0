"""SQLite's errors as sentences for a person.

StoreError
├── Damaged      the file is not (or no longer) a sound database
├── TooNew       a later routerterm wrote it
├── Busy         another program holds it for very long
├── DiskTrouble  full, read-only, gone, not permitted
├── Replaced     another file stands in its place while the program runs
└── SharedStateAway  the server that several gateways share cannot be asked
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from routerterm.core.errors import StoreError


class Damaged(StoreError):
    """The file is not (or no longer) a sound database."""


class TooNew(StoreError):
    """The file was written by a later version of the program."""


class Busy(StoreError):
    """Another program kept the file to itself for longer than anyone should."""


class DiskTrouble(StoreError):
    """The disk is full, read-only, gone, or does not let us."""


class Replaced(StoreError):
    """Another file took the place of the history while the program had it open."""


class SharedStateAway(StoreError):
    """The server that several gateways share cannot be asked: what must be paid is refused, all else goes on."""

    retry_after = 2.0
    """Seconds."""
    unsure = False
    """Whether what was asked may have happened all the same."""


def translate(error: Exception, path: Path) -> StoreError:
    """What SQLite or the system said about the file at ``path``, as one of ours."""
    if isinstance(error, StoreError):
        return error
    if isinstance(error, sqlite3.Error):
        return _of_sqlite(error, path)
    if isinstance(error, PermissionError):
        return DiskTrouble(f"No permission to use {path}.", "Check who owns the folder, or set ROUTERTERM_HOME.")
    if isinstance(error, OSError):
        return DiskTrouble(f"{path} cannot be used: {error.strerror or type(error).__name__}.", "Check the disk.")
    return StoreError(f"The history could not be used: {type(error).__name__}.", "routerterm doctor checks it.")


def is_busy(error: sqlite3.Error) -> bool:
    """Whether waiting may help."""
    return _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def is_damage(error: Exception) -> bool:
    """Whether the file itself is at fault."""
    return isinstance(error, Damaged) or (
        isinstance(error, sqlite3.Error) and _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    )


def is_unwritable(error: Exception) -> bool:
    """Whether the disk or its permissions stand in the way of writing; reading may still work."""
    if isinstance(error, sqlite3.Error):
        return _code(error) in _UNWRITABLE
    return isinstance(error, DiskTrouble | OSError)


_UNWRITABLE = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_IOERR,
    }
)


def _code(error: sqlite3.Error) -> int:
    """The primary result code; Python names none for errors of its own making."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _of_sqlite(error: sqlite3.Error, path: Path) -> StoreError:
    match _code(error):
        case sqlite3.SQLITE_FULL:
            return DiskTrouble(f"The disk that holds {path} is full.", "Free some space; nothing is saved until then.")
        case sqlite3.SQLITE_READONLY:
            return DiskTrouble(
                f"{path} cannot be written: it is read-only.", "Make it writable; nothing is saved until then."
            )
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return DiskTrouble(
                f"{path} cannot be opened.", "Check that its folder exists and belongs to you, or set ROUTERTERM_HOME."
            )
        case sqlite3.SQLITE_IOERR:
            return DiskTrouble(
                f"The disk reported an error while {path} was used.", "Check whether it is full or failing."
            )
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return Damaged(
                f"{path} is damaged.", "Start routerterm again: it sets the file aside and saves what it can."
            )
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return Busy("Another program is busy with the history.", "Close the other routerterm, or wait a moment.")
        case _:
            return StoreError(f"The history could not be used: {error}.", "routerterm doctor checks it.")
