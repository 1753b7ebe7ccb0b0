"""Pictures that are written into a text as data, ``![…](data:image/png;base64,…)``.

Thousands of characters that no one reads would be one endless line.  They are taken out of the text as it comes, in
whatever pieces, and a short name stands in their place; the name leads to the bytes and to nothing else.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from zlib import crc32

from routerterm.core.counting import format_bytes

_HEAD = re.compile(r"\]\((data:image/(?:png|jpeg|gif|webp);base64,)")
_HEAD_LENGTH = 30
"""Characters of the longest head."""
_DATA = re.compile(r"[A-Za-z0-9+/=_%-]+")
_NAMED = re.compile(r"data:image/([a-z]+);base64,(\d+)-[0-9a-f]{8}")
LARGEST = 400_000
"""Characters of a picture; the data of a larger one is dropped as it comes."""
MOST = 16
"""Pictures of one text whose data is kept."""
READABLE = 4_000
"""Characters of data that are shown where the text is code."""


class Folder:
    """Takes the data of pictures out of one text."""

    def __init__(self) -> None:
        self.pictures: dict[str, bytes] = {}
        """Bytes by the address that now stands in the text."""
        self._before = ""
        self._head = ""
        self._pieces: list[str] | None = None
        self._size = self._sum = 0

    def feed(self, text: str) -> str:
        """The next piece of the text without data."""
        if self._pieces is None and "," not in text:
            self._before = (self._before + text)[-_HEAD_LENGTH:]
            return text
        out: list[str] = []
        while text:
            text = self._skip(text, out) if self._pieces is not None else self._look(text, out)
        return "".join(out)

    def close(self) -> str:
        """What is still to come of the text."""
        out: list[str] = []
        self._end(out)
        return "".join(out)

    def _look(self, text: str, out: list[str]) -> str:
        """Hand on the text up to where data begins; what follows."""
        seen = self._before + text
        match = _HEAD.search(seen)
        if match is None:
            out.append(text)
            self._before = seen[-_HEAD_LENGTH:]
            return ""
        self._head, self._pieces, self._size, self._sum, self._before = match[1], [], 0, 0, ""
        out.append(seen[len(seen) - len(text) : match.end()])
        return seen[match.end() :]

    def _skip(self, text: str, out: list[str]) -> str:
        """Keep the data; what follows it."""
        assert self._pieces is not None
        match = _DATA.match(text)
        data = match[0] if match else ""
        self._size += len(data)
        self._sum = crc32(data.encode(), self._sum)
        if self._size <= LARGEST:
            self._pieces.append(data)
        else:
            self._pieces.clear()
        if len(data) < len(text):
            self._end(out)
        return text[len(data) :]

    def _end(self, out: list[str]) -> None:
        """Name the picture whose data has come."""
        if self._size:
            name = f"{self._size}-{self._sum:08x}"
            out.append(name)
            data = _decoded("".join(self._pieces or ()))
            if data and len(self.pictures) < MOST:
                self.pictures[self._head + name] = data
        self._pieces, self._size = None, 0


def _decoded(data: str) -> bytes:
    """The bytes of base64; none where it is something else."""
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return b""


def described(address: str) -> str | None:
    """What is said of a picture in place of its address; None for any other address."""
    match = _NAMED.fullmatch(address)
    if match is None:
        return None
    return f"{match[1].upper()}, {format_bytes(int(match[2]) * 3 // 4)}"


def restored(code: str, pictures: Mapping[str, bytes]) -> str:
    """Code as it was written, the data of a small picture with it."""

    def written(match: re.Match[str]) -> str:
        data = pictures.get(match[0])
        if data is None or int(match[2]) > READABLE:
            return match[0]
        return f"data:image/{match[1]};base64,{base64.b64encode(data).decode('ascii')}"

    return _NAMED.sub(written, code) if "base64," in code else code
