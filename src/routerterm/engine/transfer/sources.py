"""The files of an import: one file, those in a folder, or those in a zip; none of them is ever unpacked to disk.

Links, pipes and devices are not followed or opened; what is too big or not what it says is refused in words.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, Final

from msgspec import Struct
from msgspec.structs import replace

from routerterm.config.atomic_file import NotAFile, open_regular
from routerterm.engine.transfer.export_files import NO_FILES, ExportFiles
from routerterm.engine.transfer.packed import (
    DAMAGE,
    ENDINGS,
    MOST_UNPACKED,
    Bounded,
    is_tar,
    packing,
    tar_members,
    unpacked,
)
from routerterm.engine.transfer.problems import BadArchive, Skipped

MOST: Final = 1 << 30
"""Bytes of one file in a zip, unpacked."""
MOST_NESTED: Final = 96 << 20
"""Bytes of a zip within a zip: it is held in memory."""
MOST_FILES: Final = 20_000
_READ: Final = frozenset({".json", ".jsonl", ".ndjson", ".yaml", ".yml", ".zip"})
_DATABASES: Final = frozenset({".db", ".sqlite", ".sqlite3"})
_MEDIA: Final = frozenset(
    {".png", ".jpg", ".jpeg", ".gif", ".webp", ".heic", ".bmp", ".svg", ".dat"}
    | {".wav", ".mp3", ".m4a", ".ogg", ".webm", ".mp4", ".mov"}
)
"""Pictures and recordings, which belong to conversations: those that lack are named there."""
_DOUBLES: Final = frozenset({"chat.html"})
"""Pages that show once more what stands in the files beside them."""
_TEXT: Final = (b"[", b"{", b"S", b"")
"""How JSON and databases begin, which need not be looked through for a zip at their end."""
_DEEPEST = 6
"""Levels of folders below the one that was named."""


class Source(Struct, frozen=True):
    """A file to be read.  ``path`` is set where it lies on the disk by itself."""

    name: str
    folder: str
    open: Callable[[], BinaryIO]
    path: Path | None = None
    files: ExportFiles = NO_FILES
    """What lies beside it."""

    @property
    def suffix(self) -> str:
        """The end of its name, in small letters."""
        return PurePosixPath(self.name).suffix.lower()


def opened(path: Path) -> BinaryIO:
    """A regular file, for reading.  Raises `BadArchive` for anything else; a pipe nobody writes to never blocks it."""
    try:
        return open_regular(path)
    except NotAFile:
        raise BadArchive(f"{path} is not a regular file.", "Save it as a file first, then import that.") from None
    except OSError as error:
        raise BadArchive(f"{path} cannot be read: {error.strerror}.") from None


def sources(path: Path, skipped: Skipped) -> Iterator[Source]:
    """Every file that may hold conversations.  Raises `BadArchive`."""
    if path.is_dir():
        files = ExportFiles.of_folder(path)
        for source in _folder(path, skipped, 0):
            yield source if source.files is not NO_FILES else replace(source, files=files)
        return
    with opened(path) as file:
        head = file.read(512)
        zipped = head.startswith(b"PK") or (head[:1] not in _TEXT and zipfile.is_zipfile(file))
    if zipped:
        yield from _zip(path.name, lambda: opened(path), skipped, 0)
    elif how := packing(head):
        yield from _packed(path, how, skipped)
    else:
        yield Source(path.name, path.absolute().parent.name, lambda: opened(path), path)


def _packed(path: Path, how: str, skipped: Skipped) -> Iterator[Source]:
    """A file that another program than zip packed, or the files in a tar."""

    def inside(most: int) -> BinaryIO:
        return unpacked(opened(path), path.name, how, most)

    if how != "tar":
        with closing(inside(MOST)) as file:
            tarred = is_tar(file)
        if not tarred:
            yield Source(path.name.rpartition(".")[0], path.absolute().parent.name, lambda: inside(MOST))
            return
    with closing(inside(MOST_UNPACKED)) as file:
        for member, content in tar_members(file, path.name, MOST, skipped):
            if "__MACOSX" in member.parts or member.name.startswith("."):
                continue
            if member.suffix.lower() in _READ - {".zip"}:
                folder = member.parent.name or path.name.partition(".")[0]
                yield Source(member.name, folder, lambda content=content: content)  # type: ignore[misc]
            else:
                _note_other(member.name, skipped)


def _note_other(name: str, skipped: Skipped) -> None:
    """A file that is not read.  What belongs to conversations is spoken of there."""
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in _DATABASES:
        skipped.note("databases inside an archive, which must be unpacked first", name)
    elif suffix not in _MEDIA and name not in _DOUBLES:
        skipped.note("files of other kinds", name)


def _folder(path: Path, skipped: Skipped, level: int) -> Iterator[Source]:
    if level > _DEEPEST:
        skipped.note("folders nested too deep", path.name)
        return
    try:
        entries = sorted(os.scandir(path), key=lambda entry: entry.name)
    except OSError as error:
        raise BadArchive(f"{path} cannot be read: {error.strerror}.") from None
    if len(entries) > MOST_FILES:
        raise BadArchive(f"{path} holds more than {MOST_FILES:,} files.", "Choose the file or a smaller folder.")
    for entry in entries:
        inside = Path(entry.path)
        suffix = inside.suffix.lower()
        if entry.name.startswith(".") and not entry.is_dir(follow_symlinks=False):
            continue
        if entry.is_dir(follow_symlinks=False):
            if entry.name != "branches":
                yield from _folder(inside, skipped, level + 1)
            else:
                skipped.note("folders of other branches", f"{path.name}/branches")
        elif not entry.is_file(follow_symlinks=False):
            skipped.note("links, pipes or devices", entry.name)
        elif suffix == ".zip":
            yield from _zip(entry.name, lambda inside=inside: opened(inside), skipped, 0)  # type: ignore[misc]
        elif suffix in ENDINGS:
            with opened(inside) as file:
                how = packing(file.read(512))
            if how is not None:
                yield from _packed(inside, how, skipped)
            else:
                _note_other(entry.name, skipped)
        elif suffix in _READ | _DATABASES:
            yield Source(entry.name, path.name, lambda inside=inside: opened(inside), inside)  # type: ignore[misc]
        else:
            _note_other(entry.name, skipped)


def _zip(name: str, open_it: Callable[[], IO[bytes]], skipped: Skipped, level: int) -> Iterator[Source]:
    """The members of a zip, and of zips in it."""
    try:
        with closing(open_it()) as file, zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            if len(members) > 10 * MOST_FILES:
                raise BadArchive(f"{name} holds more than {10 * MOST_FILES:,} files.")
            if any(_escapes(member.filename) for member in members):
                raise BadArchive(f"{name} contains paths that point outside it.", "The archive may be malicious.")
            files = ExportFiles.of_zip(archive)
            for member in members:
                for source in _member(name, archive, member, skipped, level):
                    yield source if source.files is not NO_FILES else replace(source, files=files)
    except DAMAGE as error:
        raise BadArchive(f"{name} is not a readable archive: {error}.") from None


def _member(
    name: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo, skipped: Skipped, level: int
) -> Iterator[Source]:
    inside = PurePosixPath(member.filename)
    suffix = inside.suffix.lower()
    if member.is_dir() or "__MACOSX" in inside.parts or inside.name.startswith("."):
        return
    if suffix not in _READ:
        _note_other(inside.name, skipped)
        return
    if member.flag_bits & 1:
        skipped.note("encrypted files", inside.name)
    elif member.file_size > (MOST_NESTED if suffix == ".zip" else MOST):
        skipped.note("files that are too large", inside.name)
    elif suffix == ".zip":
        if level >= 2:
            skipped.note("zips nested too deep", inside.name)
            return
        with archive.open(member) as file:
            data = file.read(MOST_NESTED + 1)
        yield from _zip(inside.name, lambda: _held(data), skipped, level + 1)
    else:
        folder = inside.parent.name or PurePosixPath(name).stem
        yield Source(inside.name, folder, lambda: _opened_member(archive, member))


def _held(data: bytes) -> IO[bytes]:
    import io

    return io.BytesIO(data)


def _opened_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> BinaryIO:
    try:
        return Bounded(archive.open(member), "The zip", MOST)  # type: ignore[return-value]  # it reads and closes
    except DAMAGE as error:
        raise BadArchive(f"The zip is damaged: {error}.") from None


def _escapes(name: str) -> bool:
    return name.startswith(("/", "\\")) or ".." in PurePosixPath(name.replace("\\", "/")).parts or ":" in name[:2]
