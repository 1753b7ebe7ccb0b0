"""A layer under SQLite's own files (a VFS shim by ctypes): slow, full, read-only, and a log for a power cut.

It wraps the default VFS of the libsqlite3 that Python's sqlite3 uses, in this process, while it is worn.
Only SQLite's writes, truncations and syncs pass through it; reads and locks stay SQLite's own.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import random
import sqlite3
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

OK, FULL, READONLY, IOERR = 0, 13, 8, 10
_File = ctypes.c_void_p
_WRITE = ctypes.CFUNCTYPE(ctypes.c_int, _File, ctypes.c_void_p, ctypes.c_int, ctypes.c_longlong)
_TRUNCATE = ctypes.CFUNCTYPE(ctypes.c_int, _File, ctypes.c_longlong)
_SYNC = ctypes.CFUNCTYPE(ctypes.c_int, _File, ctypes.c_int)
_OPEN = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, _File, ctypes.c_int, ctypes.POINTER(ctypes.c_int)
)
_METHODS = 19  # pointer-sized words of sqlite3_io_methods version 3: iVersion, then 18 functions
_X_WRITE, _X_TRUNCATE, _X_SYNC = 3, 4, 5
_DELETE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int)
_VFS_OPEN = 5  # words of sqlite3_vfs before xOpen (version and size, path length, next, name, data); xDelete follows


@dataclass(frozen=True)
class Step:
    """Something that SQLite did to a file."""

    what: str
    path: str
    offset: int = 0
    data: bytes = b""


@dataclass
class Disk:
    """How the disk behaves, and what was done to it."""

    sync_delay: float = 0.0
    room: int | None = None
    """Bytes that may still be written at new places; None is endless."""
    read_only: bool = False
    logging: bool = False
    log: list[Step] = field(default_factory=list)
    syncs: int = 0
    waits: list[tuple[float, float]] = field(default_factory=list)
    """When each delayed sync began and ended."""
    opened: int = 0
    sizes: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def write(self, path: str, data: bytes, offset: int) -> int:
        if self.read_only:
            return READONLY
        grows = max(0, offset + len(data) - self.sizes[path])
        if self.room is not None and grows:
            if grows > self.room:
                return FULL
            self.room -= grows
        self.sizes[path] += grows
        if self.logging:
            self.log.append(Step("write", path, offset, data))
        return OK

    def image(self, cut: int, chance: random.Random, folder: Path) -> None:
        """The files as they may be found after a power cut before step ``cut``.

        What was synced is there; of what came later each write may be there, or not, or be there by half.
        A file's removal is sure once the folder was synced, which SQLite does with the first sync of a new file.
        """
        synced = {step.path: n for n, step in enumerate(self.log[:cut]) if step.what == "sync"}
        first = {step.path: n for n, step in reversed(list(enumerate(self.log[:cut]))) if step.what == "sync"}
        folder_synced = max(first.values(), default=-1)
        files: dict[str, bytearray] = defaultdict(bytearray)
        for n, step in enumerate(self.log[:cut]):
            safe = n < synced.get(step.path, -1)
            fate = 1.0 if safe else chance.choice((0.0, 0.5, 1.0))
            if step.what == "delete" and (n < folder_synced or fate):
                files.pop(step.path, None)
            elif step.what == "truncate" and fate:
                del files[step.path][step.offset :]
            elif step.what == "write" and fate:
                data = step.data[: int(len(step.data) * fate) // 512 * 512 or len(step.data)]
                image = files[step.path]
                image.extend(bytes(max(0, step.offset + len(data) - len(image))))
                image[step.offset : step.offset + len(data)] = data
        for path, image in files.items():
            (folder / Path(path).name).write_bytes(image)


@contextmanager
def worn(disk: Disk) -> Iterator[bool]:
    """Put the disk under every file that SQLite opens meanwhile; False where this Python's SQLite hides from us."""
    name = ctypes.util.find_library("sqlite3")
    if name is None:
        yield False
        return
    library = ctypes.CDLL(name)
    library.sqlite3_libversion.restype = ctypes.c_char_p
    library.sqlite3_vfs_find.restype = ctypes.c_void_p
    if library.sqlite3_libversion().decode() != sqlite3.sqlite_version:
        yield False
        return
    place = ctypes.cast(
        library.sqlite3_vfs_find(None) + _VFS_OPEN * ctypes.sizeof(ctypes.c_void_p), ctypes.POINTER(ctypes.c_void_p)
    )
    real, real_delete = place[0], place[1]
    hook = _Hook(disk, ctypes.cast(real, _OPEN), ctypes.cast(real_delete, _DELETE))
    place[0] = ctypes.cast(hook.open, ctypes.c_void_p).value
    place[1] = ctypes.cast(hook.delete, ctypes.c_void_p).value
    try:
        yield True
    finally:
        place[0], place[1] = real, real_delete
        _ALIVE.append(hook)


_ALIVE: list[Any] = []
"""Callbacks that a file left open may still call."""


class _Hook:
    def __init__(self, disk: Disk, real_open: Any, real_delete: Any) -> None:
        self.disk, self.real_open, self.real_delete = disk, real_open, real_delete
        self.tables: list[Any] = []
        self.paths: dict[int, str] = {}
        self.open = _OPEN(self._open)
        self.delete = _DELETE(self._delete)

    def _delete(self, vfs: int, name: bytes, sync_folder: int) -> int:
        if self.disk.logging:
            self.disk.log.append(Step("delete", name.decode()))
        code: int = self.real_delete(vfs, name, sync_folder)
        return code

    def _open(self, vfs: int, name: int | None, file: int, flags: int, out: Any) -> int:
        code: int = self.real_open(vfs, name, file, flags, out)
        methods = ctypes.cast(file, ctypes.POINTER(ctypes.c_void_p))
        if code == OK and methods[0]:
            path = ctypes.string_at(name).decode() if name else ""
            self.disk.opened += 1
            if path and Path(path).exists():
                self.disk.sizes[path] = Path(path).stat().st_size
            self.paths[file] = path
            methods[0] = self._wrapped(methods[0])
        return code

    def _wrapped(self, original: int) -> int:
        table = (ctypes.c_void_p * _METHODS)()
        ctypes.memmove(table, original, ctypes.sizeof(table))
        write, truncate, sync = (
            kind(table[at]) for kind, at in ((_WRITE, _X_WRITE), (_TRUNCATE, _X_TRUNCATE), (_SYNC, _X_SYNC))
        )
        disk, paths = self.disk, self.paths

        def on_write(file: int, data: int, size: int, offset: int) -> int:
            code = disk.write(paths[file], ctypes.string_at(data, size), offset)
            return code or write(file, data, size, offset)

        def on_truncate(file: int, size: int) -> int:
            if disk.read_only:
                return READONLY
            if disk.logging:
                disk.log.append(Step("truncate", paths[file], size))
            disk.sizes[paths[file]] = min(disk.sizes[paths[file]], size)
            return truncate(file, size)

        def on_sync(file: int, flags: int) -> int:
            if disk.sync_delay:
                begin = time.perf_counter()
                time.sleep(disk.sync_delay)
                disk.waits.append((begin, time.perf_counter()))
            disk.syncs += 1
            code: int = sync(file, flags)
            if disk.logging and code == OK:
                disk.log.append(Step("sync", paths[file]))
            return code

        hooks = (_WRITE(on_write), _TRUNCATE(on_truncate), _SYNC(on_sync))
        for at, hook in zip((_X_WRITE, _X_TRUNCATE, _X_SYNC), hooks, strict=True):
            table[at] = ctypes.cast(hook, ctypes.c_void_p).value
        self.tables.append((table, hooks, write, truncate, sync))
        return ctypes.addressof(table)
