"""Files, safely: the one way to replace one, and the one way to read one that may be something else.

A file is replaced whole or not at all, and is its owner's alone from the first byte.  Nothing that lies in the way is
followed or written through: the new content goes into a file that did not exist before, beside the old one, and
takes its place in one step.  What is not a regular file (a link, a pipe, a device, a folder) is never replaced.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

MOST_READ = 8_000_000
"""Bytes of a file that a person writes by hand, such as settings and themes."""


class NotAFile(OSError):
    """Something else than a regular file has the name that was to be written."""

    def __init__(self, path: Path, mode: int) -> None:
        what = "it is a folder" if stat.S_ISDIR(mode) else "it is a link, a pipe or a device, not a regular file"
        super().__init__(None, what, str(path))
        self.strerror = what


def atomic_write(path: Path, data: bytes | str, *, follow: bool = False) -> None:
    """Replace the file by ``data`` (text as UTF-8), mode 0600; when this returns it is on disk.

    ``follow`` writes to where a link leads, for settings that people keep elsewhere.  Raises `OSError`.
    """
    with atomic_file(path, follow=follow) as file:
        file.write(data.encode("utf-8") if isinstance(data, str) else data)


@contextmanager
def atomic_file(path: Path, *, follow: bool = False) -> Iterator[BinaryIO]:
    """A file to write to, which takes the place of ``path`` at the end unless an error ends it.  Raises `OSError`."""
    if follow:
        path = path.resolve()
    _refuse_what_is_no_file(path)
    stem = f".{path.name[:80]}"
    _clear_left_over(path.parent, stem)
    beside = path.with_name(f"{stem}.{os.getpid()}-{os.urandom(4).hex()}.new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    handle = os.open(beside, flags, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _refuse_what_is_no_file(path)
        os.replace(beside, path)
    except BaseException:
        with suppress(OSError):
            beside.unlink()
        raise
    sync_folder(path.parent)


def open_regular(path: Path) -> BinaryIO:
    """A regular file, for reading.  A pipe that nobody writes to never blocks this.  Raises `OSError`, `NotAFile`."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode):
        os.close(handle)
        raise NotAFile(path, mode)
    return os.fdopen(handle, "rb")


def read_regular(path: Path, most: int = MOST_READ) -> bytes:
    """All of a regular file, which may have ``most`` bytes.  Raises `OSError`, `NotAFile`."""
    with open_regular(path) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(None, f"it is larger than {most // 1_000_000} MB", str(path))
    return data


def _refuse_what_is_no_file(path: Path) -> None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISREG(found.st_mode):
        raise NotAFile(path, found.st_mode)


def _clear_left_over(folder: Path, stem: str) -> None:
    """Take away what programs that were killed while they wrote this file have left."""
    from glob import escape

    for left in folder.glob(f"{escape(stem)}.*.new"):
        writer = left.name[len(stem) + 1 :].split("-")[0]
        if writer.isdigit() and int(writer) != os.getpid() and not is_alive(int(writer)):
            with suppress(OSError):
                left.unlink()


def is_alive(pid: int) -> bool:
    """Whether a process of this number runs; also where that cannot be known."""
    if sys.platform == "win32":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def sync_folder(folder: Path) -> None:
    """Make a rename in it last; not every system can."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:  # some network file systems refuse; the rename itself is done
        pass
    finally:
        os.close(handle)
