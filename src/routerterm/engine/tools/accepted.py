"""Which commands and tool descriptions the person has accepted: a changed one must be accepted again.

A server may be harmless when it is looked at and change its tools' descriptions, which models follow, afterwards ("rug
pull").  So what was accepted is kept as digests, beside the history; a tool whose digest differs is not offered.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct, field

from routerterm.config import atomic_file
from routerterm.core.errors import StoreError
from routerterm.engine.tools.values import ToolInfo

FILE = "tools.json"


class AcceptedServer(Struct, frozen=True):
    """The digest of how it is reached, and of each tool by the server's name for it."""

    command: str = ""
    tools: Mapping[str, str] = field(default_factory=dict)


class AcceptedTools:
    """The file of what was accepted, read when it is asked and written at once."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE

    def of(self, server: str) -> AcceptedServer | None:
        """What was accepted of a server; None where it never was."""
        return self._read().get(server)

    def accept(self, server: str, command: str, tools: Sequence[ToolInfo]) -> None:
        """Take a server's way and tools as they are now.  Raises `StoreError`."""
        digests = {tool.own_name: tool.fingerprint for tool in tools}
        self._write({**self._read(), server: AcceptedServer(command, digests)})

    def forget(self, server: str) -> None:
        """Nothing of a server is accepted any more.  Raises `StoreError`."""
        self._write({name: known for name, known in self._read().items() if name != server})

    def _read(self) -> dict[str, AcceptedServer]:
        """A file that cannot be read or understood accepts nothing: everything is asked about again."""
        try:
            return msgspec.json.decode(atomic_file.read_regular(self._file), type=dict[str, AcceptedServer])
        except (OSError, msgspec.DecodeError, msgspec.ValidationError):
            return {}

    def _write(self, body: Mapping[str, AcceptedServer]) -> None:
        try:
            atomic_file.atomic_write(self._file, msgspec.json.encode(body))
        except OSError as error:
            raise StoreError(f"{self._file} cannot be written: {error.strerror}.", "Make it writable.") from error


def digest(way: Sequence[str]) -> str:
    """The digest of a command, or of an address."""
    return hashlib.sha256("\0".join(way).encode("utf-8", "surrogatepass")).hexdigest()[:32]
