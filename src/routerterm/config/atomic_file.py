"""The one way in which the program replaces a file: whole or not at all, and its owner's alone from the first byte.

Nothing that lies in the way is followed or written through: the new content goes into a file that did not exist before,
beside the old one, and takes its place in one step.  What is not a regular file (a link, a pipe, a device, a folder) is
never replaced.
"""

from __future__ import annotations

import os
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


class NotAFile(OSError):
    """Something else than a regular file has the name that was to be written."""

    def __init__(self, path: Path) -> None:
        super().__init__(None, "it is a link, a pipe or a device, not a regular file", str(path))
        self.strerror = "it is a link, a pipe or a device, not a regular file"


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
    beside = path.with_name(f".{path.name[:80]}.{secrets.token_hex(6)}.new")
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


def _refuse_what_is_no_file(path: Path) -> None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISREG(found.st_mode):
        raise NotAFile(path)


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
