"""Files that are packed by other programs than zip: gzip, bzip2 and xz, and tar inside them; never unpacked to disk."""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from lzma import LZMAError
from pathlib import PurePosixPath
from typing import IO, Any, BinaryIO, Final

from routerterm.engine.transfer.problems import BadArchive, Skipped

ENDINGS: Final = frozenset({".gz", ".tgz", ".bz2", ".xz", ".tar"})
"""Of what is read here."""
_SIGNS: Final = ((b"\x1f\x8b", "gzip"), (b"BZh", "bz2"), (b"\xfd7zXZ\0", "xz"))
_TAR: Final = slice(257, 262)
MOST_UNPACKED: Final = 4 << 30
"""Bytes of a tar, unpacked."""
_MOST_MEMBERS: Final = 200_000
DAMAGE: Final = (
    zipfile.BadZipFile, tarfile.TarError, LZMAError, zlib.error, EOFError, OSError, ValueError, RuntimeError,
)  # fmt: skip
"""What a damaged archive of any kind raises."""


def packing(head: bytes) -> str | None:
    """How a file is packed that begins so: ``gzip``, ``bz2``, ``xz`` or ``tar``; None where it is not."""
    return next((name for sign, name in _SIGNS if head.startswith(sign)), "tar" if head[_TAR] == b"ustar" else None)


def unpacked(file: IO[bytes], name: str, how: str, most: int) -> BinaryIO:
    """The file as it was before it was packed.  Reading raises `BadArchive` where it is damaged or too large."""
    if how == "gzip":
        import gzip

        inside: Any = gzip.GzipFile(fileobj=file, mode="rb")
    elif how == "bz2":
        import bz2

        inside = bz2.BZ2File(file)
    elif how == "xz":
        import lzma

        inside = lzma.LZMAFile(file)  # noqa: SIM115  # closed by whom it is handed to
    else:
        inside = file
    return Bounded(inside, name, most)  # type: ignore[return-value]  # it reads and closes, no more


def is_tar(file: IO[bytes]) -> bool:
    """Whether what is read from the beginning is a tar.  Raises `BadArchive`."""
    return file.read(_TAR.stop)[_TAR] == b"ustar"


def tar_members(file: IO[bytes], name: str, most: int, skipped: Skipped) -> Iterator[tuple[PurePosixPath, BinaryIO]]:
    """The regular files in a tar, one after the other; each must be read before the next.  Raises `BadArchive`."""
    try:
        with tarfile.open(fileobj=file, mode="r|") as archive:
            for number, member in enumerate(archive):
                inside = PurePosixPath(member.name)
                if number > _MOST_MEMBERS:
                    raise BadArchive(f"{name} holds more than {_MOST_MEMBERS:,} files.")
                if member.isdir():
                    continue
                if not member.isreg():
                    skipped.note("links, pipes or devices", inside.name)
                elif member.size > most:
                    skipped.note("files that are too large", inside.name)
                elif (content := archive.extractfile(member)) is not None:
                    yield inside, Bounded(content, name, most)  # type: ignore[misc]
    except DAMAGE as error:
        raise BadArchive(f"{name} is not a readable archive: {error}.") from None


class Bounded:
    """A packed file, whose size may be another than the archive says."""

    def __init__(self, file: IO[bytes], name: str, most: int) -> None:
        self._file = file
        self._name = name
        self._most = self._left = most

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes more.  Raises `BadArchive`."""
        try:
            data = self._file.read(size)
        except DAMAGE as error:
            raise BadArchive(f"{self._name} is damaged: {error}.") from None
        self._left -= len(data)
        if self._left < 0:
            raise BadArchive(f"{self._name} holds a file that is larger than {self._most >> 20} MB.")
        return data

    def close(self) -> None:
        """Close it."""
        self._file.close()
