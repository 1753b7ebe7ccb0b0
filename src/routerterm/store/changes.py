"""Noticing that another program has written to the history."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncGenerator
from pathlib import Path

from routerterm.core.errors import StoreError
from routerterm.store.errors import Replaced
from routerterm.store.worker import Worker

POLL = 0.6
"""Seconds between two looks at whether another program has written: what it spent is on the screen within a second."""


async def changes(path: Path, writer: Worker, notices: list[StoreError], every: float = POLL) -> AsyncGenerator[None]:
    """Yields whenever another program has changed the file, at most once per look.

    A look is two questions to the file system; SQLite is asked, on its thread, only where one of them was answered
    otherwise than before: by another program's writing or by ours.
    """
    stamp = _stamp(path)
    seen = await writer.read(_version)
    while True:
        await asyncio.sleep(every)
        if stamp == (stamp := _stamp(path)) and os.name != "nt":  # there a file that is open keeps its old time
            continue
        told = len(notices)
        try:
            now = await writer.read(_version)
        except Replaced as error:
            notices.append(error)
            yield
            return
        if now != seen or len(notices) > told:
            seen = now
            yield


def _stamp(path: Path) -> tuple[int, ...]:
    """What changes whenever anybody writes to a database in WAL mode, or replaces its file."""
    found: list[int] = []
    for file in (path, path.with_name(f"{path.name}-wal")):
        try:
            each = file.stat()
        except OSError:
            found.append(0)
        else:
            found += (each.st_ino, each.st_mtime_ns, each.st_size)
    return tuple(found)


def _version(connection: sqlite3.Connection) -> int:
    """A number that changes when, and only when, another connection has committed."""
    return int(connection.execute("PRAGMA data_version").fetchone()[0])
