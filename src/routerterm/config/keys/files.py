"""Files that are whole or not there at all, and that two programs do not write at once."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from routerterm.config import atomic_file
from routerterm.config.paths import make_private_folder
from routerterm.core.errors import VaultError

LOCK_PATIENCE = 10.0
"""Seconds to wait for another program that writes the same file."""


@contextmanager
def file_lock(path: Path, patience: float = LOCK_PATIENCE) -> Iterator[None]:
    """The only writer of ``path`` on this machine, by a lock on a file beside it.  Raises `VaultError`.

    The lock is the system's: it ends with the process, however that ends.
    """
    make_private_folder(path.parent)
    lock = path.with_name(f"{path.name}.lock")
    try:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        deadline = time.monotonic() + patience
        while not _try_lock(handle):
            if time.monotonic() > deadline:
                raise VaultError(f"Another program is writing {path.name}.", "Try again when it is done.")
            time.sleep(0.02)
        yield
    finally:
        os.close(handle)


def atomic_write(path: Path, data: bytes) -> None:
    """Replace the file by ``data``, mode 0600: a reader sees the old or the new, never a part.  Raises `VaultError`."""
    try:
        atomic_file.atomic_write(path, data, follow=True)
    except OSError as error:
        raise _unwritable(path, error) from error


def file_signature(path: Path) -> tuple[int, int, int] | None:
    """What changes whenever the file is replaced; None where there is no file."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _unwritable(path: Path, error: OSError) -> VaultError:
    return VaultError(f"{path} cannot be written: {error.strerror or error}.", "The previous content is unchanged.")


if sys.platform == "win32":
    import msvcrt

    def _try_lock(handle: int) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
