"""Reads JSON files of any size a conversation at a time: a list, a wrapper around one, JSON Lines, or a single object.

The text is cut into whole values by looking at brackets and strings alone; one value at a time is decoded, after
its size and its number of parts are known.  So a file that is small when packed cannot take the machine's memory.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from routerterm.engine.transfer.problems import BadArchive

LONGEST: Final = 64 << 20
"""Bytes of one conversation: pictures in our own exports stand in it as base64."""
MOST_PARTS: Final = 500_000
"""Lists, objects and their items in one conversation; each takes some hundred bytes of memory once decoded."""
DEEPEST: Final = 200
"""Levels of nesting: ChatGPT's tool results reach about twenty."""
MOST_STRANGERS: Final = 5_000
"""Items in a row that are not objects, after which a file is no list of conversations."""
WRAPPERS: Final = frozenset({"conversations", "chats", "data", "items"})
"""Names under which exports keep their list of conversations."""
_CHUNK = 1 << 20
_TOKEN = re.compile(rb'[\[\]{}]|"[^"\\]*(?:\\.[^"\\]*)*("|\\?\Z)', re.DOTALL)
_SCALAR = re.compile(rb"[^\s,\[\]{}:\"]+")
_SPACE = b" \t\r\n\x1e"
_WIDE = (
    ("utf-16-le", (b"\xff\xfe", b"[\0", b"{\0")),
    ("utf-16-be", (b"\xfe\xff", b"\0[", b"\0{")),
)
"""How a file of two bytes a letter begins, with a mark (what PowerShell's ``>`` writes) or without one."""
_NOT_JSON = "Not a JSON file, or one that was cut short."


class JsonStream:
    """One file.  ``head`` holds what stood before the list in a wrapper, once `values` has come to the list."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._wide: codecs.IncrementalDecoder | None = None
        self._fresh = True
        self._data = b""
        self._at = 0
        self._strangers = 0
        self.passed_over = 0
        """Items of lists that are no objects."""
        self.lists = 0
        """How many lists have begun."""
        self.head: dict[str, Any] = {}

    def values(self) -> Iterator[Any]:
        """Each object in the file (a `BadArchive` in the place of one that cannot be read).

        Raises `BadArchive` where the rest of the file cannot be read.
        """
        if self._peek() is None:
            raise BadArchive(_NOT_JSON)
        if self._data.startswith(b"\xef\xbb\xbf"):
            self._at = 3
        while (first := self._peek()) is not None:
            match first:
                case b"[":
                    yield from self._list(0)
                case b"{":
                    yield from self._object()
                case b",":
                    self._at += 1
                case _:
                    raise BadArchive(_NOT_JSON, "Choose the zip, or the JSON file in it.")

    def _list(self, level: int) -> Iterator[Any]:
        self._at += 1
        self.lists += 1
        while (first := self._peek()) != b"]":
            match first:
                case None:
                    raise BadArchive(_NOT_JSON)
                case b",":
                    self._at += 1
                case b"{":
                    self._strangers = 0
                    yield self._decoded(self._raw())
                case b"[" if level < 3:
                    self._stranger()
                    yield from self._list(level + 1)
                case _:
                    self.passed_over += 1
                    self._stranger()
                    self._raw()
        self._at += 1

    def _object(self) -> Iterator[Any]:
        """A single object; the list inside it where it is a wrapper."""
        self._at += 1
        members: list[bytes] = []
        wrapped = False
        while (first := self._peek()) != b"}":
            if first == b",":
                self._at += 1
                continue
            name = self._raw() if first == b'"' else None
            if name is None or self._peek() != b":":
                raise BadArchive(_NOT_JSON)
            self._at += 1
            if self._peek() == b"[" and name.strip(b'"').decode("ascii", "replace") in WRAPPERS:
                head = self._decoded(b"{" + b",".join(members) + b"}")
                self.head = head if isinstance(head, dict) else {}
                wrapped = True
                yield from self._list(0)
                continue
            value = self._raw()
            if value is None or sum(map(len, members)) > LONGEST:
                raise BadArchive(f"An entry of the file is larger than {LONGEST >> 20} MB.")
            members.append(name + b":" + value)
        self._at += 1
        if not wrapped:
            yield self._decoded(b"{" + b",".join(members) + b"}")

    def _stranger(self) -> None:
        self._strangers += 1
        if self._strangers > MOST_STRANGERS:
            raise BadArchive("The file is a list, but not of conversations.")

    def _peek(self) -> bytes | None:
        """The next byte that is no space; None at the end of the file."""
        while True:
            while self._at < len(self._data) and self._data[self._at] in _SPACE:
                rest = self._data[self._at : self._at + 4096]
                self._at += len(rest) - len(rest.lstrip(_SPACE))
            if self._at < len(self._data):
                return self._data[self._at : self._at + 1]
            if not self._more():
                return None

    def _more(self) -> bool:
        """Read on; what was passed is let go of.  Longer pieces at a time while a long value is being read."""
        piece = self._file.read(max(_CHUNK, len(self._data) - self._at))
        came = bool(piece)
        if self._fresh:
            self._fresh, self._wide = False, _wide(piece)
        if self._wide is not None:
            piece = self._wide.decode(piece, final=not came).lstrip("\ufeff").encode("utf-8", "replace")
        self._data = self._data[self._at :] + piece
        self._at = 0
        return came

    def _raw(self) -> bytes | None:
        """The next value as it stands; None where it is too long to be kept.  Raises `BadArchive`."""
        first = self._peek()
        if first is None:
            raise BadArchive(_NOT_JSON)
        if first not in (b"[", b"{", b'"'):
            return self._scalar()
        depth = tokens = 0
        looked = self._at
        dropped = False
        while True:
            for token in _TOKEN.finditer(self._data, looked):
                tokens += 1
                sign = token[0][:1]
                if sign == b'"':
                    if token[1] != b'"':
                        looked = token.start()
                        break
                elif sign in (b"[", b"{"):
                    depth += 1
                else:
                    depth -= 1
                if depth == 0:
                    value = self._data[self._at : token.end()]
                    self._at = token.end()
                    return None if dropped else value
                looked = token.end()
                if depth > DEEPEST:
                    raise BadArchive("The file is nested deeper than any conversation.")
            if tokens > 2 * MOST_PARTS:
                raise BadArchive("A conversation in the file has more parts than any real one.")
            if len(self._data) - looked > LONGEST:
                raise BadArchive(f"A text in the file is larger than {LONGEST >> 20} MB.")
            if len(self._data) - self._at > LONGEST:
                dropped, self._at = True, looked
            looked -= self._at
            if not self._more():
                raise BadArchive(_NOT_JSON)

    def _scalar(self) -> bytes:
        while True:
            found = _SCALAR.match(self._data, self._at)
            if found is None:
                raise BadArchive(_NOT_JSON)
            if found.end() < len(self._data) or len(found[0]) > 10_000 or not self._more():
                found = _SCALAR.match(self._data, self._at)
                assert found is not None
                self._at = found.end()
                return found[0]

    def _decoded(self, raw: bytes | None) -> Any:
        if raw is None:
            return BadArchive(f"A conversation in the file is larger than {LONGEST >> 20} MB.")
        if raw.count(b",") > MOST_PARTS and _TOKEN.sub(b"", raw).count(b",") > MOST_PARTS:
            return BadArchive("A conversation in the file has more parts than any real one.")
        try:
            return json.loads(raw.decode("utf-8"))
        except RecursionError:
            return BadArchive("A conversation in the file is nested deeper than any real one.")
        except ValueError:
            return BadArchive("An entry of the file is not JSON.")


def _wide(beginning: bytes) -> codecs.IncrementalDecoder | None:
    """What reads a file of two bytes a letter; None for any other."""
    for name, starts in _WIDE:
        if beginning.startswith(starts):
            return codecs.getincrementaldecoder(name)("replace")
    return None
