"""The list of keys: labels, places, quotas, notes, order; never a secret.  One small JSON file beside the vault."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from msgspec.structs import asdict

from routerterm.config.keys.errors import VaultDamaged
from routerterm.config.keys.files import atomic_write, file_lock, file_signature
from routerterm.config.keys.values import KeyLocation, KeyRecord

VERSION = 1
Records: TypeAlias = tuple[KeyRecord, ...]
_FIELDS = set(KeyRecord.__struct_fields__)


class KeyIndex:
    """The records in order of preference, shared by all programs of one person.  Methods may block."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, int, int] | None = None
        self._records: Records = ()

    @property
    def stamp(self) -> tuple[int, int, int] | None:
        """What changes whenever any program changes the list."""
        return file_signature(self.path)

    def read(self) -> Records:
        """All records.  Raises `VaultDamaged`."""
        now = file_signature(self.path)
        if now is None:
            self._seen, self._records = None, ()
        elif now != self._seen:
            self._records = _decode(self.path)
            self._seen = now
        return self._records

    def change(self, change: Callable[[Records], Sequence[KeyRecord]]) -> Records:
        """Replace the list by what ``change`` makes of it, as one step among all programs."""
        with file_lock(self.path):
            before = self.read()
            after = tuple(change(before))
            if after != before:
                atomic_write(self.path, _encode(after))
        return self.read()


def _encode(records: Records) -> bytes:
    rows = [{key: value for key, value in asdict(record).items() if value not in (None, "")} for record in records]
    return (json.dumps({"version": VERSION, "keys": rows}, indent=1, ensure_ascii=False) + "\n").encode()


def _decode(path: Path) -> Records:
    try:
        whole = json.loads(path.read_bytes())
        if whole["version"] > VERSION:
            raise VaultDamaged(f"{path} was written by a newer routerterm.", "Use the newer one.")
        return tuple(_record(row) for row in whole["keys"])
    except OSError as error:
        raise VaultDamaged(f"{path} cannot be read: {error.strerror}.", "Check its owner and permissions.") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise VaultDamaged(
            f"The list of keys, {path}, is damaged.",
            "Move it away and add your keys again; the secrets themselves are still where they were.",
        ) from error


def _record(row: dict[str, Any]) -> KeyRecord:
    known = {name: value for name, value in row.items() if name in _FIELDS}
    return KeyRecord(**{**known, "place": KeyLocation(row["place"])})
