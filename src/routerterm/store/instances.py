"""Which programs have the history open: each holds a lock on a file of its own while it lives.

The system drops the lock when the program ends, however it ends, so a crash is seen at once and a laptop
that slept is not taken for dead.  Nothing is written while nothing happens: memory cards are spared.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int, *, wait: bool, shared: bool = False) -> bool:  # noqa: ARG001 - Windows has no shared ones
        try:
            msvcrt.locking(handle, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(handle: int, *, wait: bool, shared: bool = False) -> bool:
        try:
            fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        return True


class Instances:
    """The lock files beside a database, in the folder ``history.db-programs``."""

    def __init__(self, database: Path, me: str) -> None:
        self.me = me
        self._folder = database.with_name(database.name + "-programs")
        self._handle: int | None = None
        self.died = 0
        """How many programs were found to have ended without saying so."""

    def enter(self) -> None:
        """Be counted among the living."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        while self._handle is None:
            handle = os.open(self._folder / self.me, os.O_RDWR | os.O_CREAT, 0o600)
            _lock(handle, wait=True)
            if (self._folder / self.me).exists():
                self._handle = handle
            else:  # another program took the file for one of the dead before we held it
                os.close(handle)

    def leave(self) -> None:
        """Be counted no longer."""
        if self._handle is not None:
            with suppress(OSError):
                (self._folder / self.me).unlink()
            os.close(self._handle)
            self._handle = None

    def living(self) -> frozenset[str]:
        """The programs that are alive, this one included; what the dead have left is cleared away."""
        alive = set()
        for file in sorted(self._folder.iterdir()) if self._folder.is_dir() else ():
            if file.name == _DOOR:
                continue
            if file.name == self.me or not _is_dead(file):
                alive.add(file.name)
            else:
                self.died += 1
        return frozenset(alive)

    def others(self) -> int:
        """How many other programs have the history open; what the dead have left stays where it is."""
        files = self._folder.iterdir() if self._folder.is_dir() else ()
        return sum(1 for file in files if file.name not in (_DOOR, self.me) and not _is_dead(file, clear=False))

    @contextmanager
    def door(self) -> Iterator[None]:
        """Held while the file is opened, migrated, recovered or replaced: one program at a time."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        handle = os.open(self._folder / _DOOR, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(handle, wait=True)
            yield
        finally:
            os.close(handle)


_DOOR = "door"


def _is_dead(file: Path, *, clear: bool = True) -> bool:
    """Whether nobody holds the file's lock; then it is removed, if asked for."""
    try:
        handle = os.open(file, os.O_RDWR)
    except FileNotFoundError:
        return True
    try:
        if not _lock(handle, wait=False, shared=True):
            return False
        if clear:
            with suppress(OSError):
                file.unlink()
        return True
    finally:
        os.close(handle)
