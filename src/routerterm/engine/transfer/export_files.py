"""The pictures that lie beside the conversations in an export, found by the id that their names begin with."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Final

from routerterm.core.messages import Image
from routerterm.engine.chat.attachments import LARGEST_PICTURE
from routerterm.engine.transfer.problems import BadArchive
from routerterm.protocols.images import sniffed_type

MOST_BYTES: Final = 100_000_000
"""Of all pictures of one conversation: it is held in memory until it is stored."""
_MOST_FILES: Final = 50_000
_ID = re.compile(r"(?:sediment|file-service)://([A-Za-z0-9_#-]{8,100})")
_NAME = re.compile(r"file[-_][A-Za-z0-9]{8,60}")


class ExportFiles:
    """Files by id; none of their paths is followed beyond the archive or the folder."""

    def __init__(self, found: dict[str, Callable[[], bytes]]) -> None:
        self._found = found

    @classmethod
    def of_zip(cls, archive: zipfile.ZipFile) -> ExportFiles:
        """Those in a zip."""
        found: dict[str, Callable[[], bytes]] = {}
        for member in archive.infolist():
            if (name := _NAME.match(PurePosixPath(member.filename).name)) and not member.flag_bits & 1:
                found.setdefault(name[0], lambda member=member: _member(archive, member))  # type: ignore[misc]
        return cls(found)

    @classmethod
    def of_folder(cls, folder: Path) -> ExportFiles:
        """Those in a folder and the folders in it."""
        found: dict[str, Callable[[], bytes]] = {}
        seen = 0
        for place, _, names in os.walk(folder):
            seen += len(names)
            for each in names if seen <= _MOST_FILES else ():
                if name := _NAME.match(each):
                    found.setdefault(name[0], lambda path=Path(place, each): _file(path))  # type: ignore[misc]
        return cls(found)

    def picture(self, pointer: str) -> Image | None:
        """The picture that an ``asset_pointer`` names; None where it is not there, or is none."""
        id = _ID.match(pointer)
        name = _NAME.match(id[1].partition("#")[0]) if id else None
        read = self._found.get(name[0]) if name else None
        if read is None:
            return None
        try:
            data = read()
        except (BadArchive, OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError, ValueError, EOFError):
            return None
        kind = sniffed_type(data) if len(data) <= LARGEST_PICTURE else ""
        return Image(kind, data) if kind else None


NO_FILES: Final = ExportFiles({})


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    with archive.open(member) as file:
        return file.read(LARGEST_PICTURE + 1)


def _file(path: Path) -> bytes:
    from routerterm.engine.transfer.sources import opened

    with opened(path) as file:
        return file.read(LARGEST_PICTURE + 1)
