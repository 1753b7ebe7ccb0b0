"""Tells tool calls apart that come in pieces, also where a server leaves out the index or the id."""

from __future__ import annotations

from typing import Any


class CallIndex:
    """Gives every call its number.  A piece belongs to its index, else to its id, else to the last call."""

    def __init__(self) -> None:
        self._by_key: dict[int | str, int] = {}
        self._ids: dict[int, str] = {}
        self._names: set[int] = set()
        self._last = -1
        self._next = 0

    def place(self, index: Any, id: str, name: str) -> int:
        """The number of the call that a piece with these marks belongs to."""
        if isinstance(index, int) and not isinstance(index, bool):
            number = self._by_key.get(index)
            # A server that numbers every parallel call 0 gives itself away by a new id with a new name.
            if number is None or (id and name and self._ids.get(number, id) != id):
                number = self._new()
                self._by_key[index] = number
        elif id and id in self._by_key:
            number = self._by_key[id]
        elif self._last < 0 or id or (name and self._last in self._names):
            number = self._new()
        else:
            number = self._last
        if id:
            self._ids.setdefault(number, id)
            self._by_key.setdefault(id, number)
        if name:
            self._names.add(number)
        self._last = number
        return number

    def another(self, index: Any) -> int:
        """A new call on an index that has one already."""
        number = self._last = self._new()
        if isinstance(index, int) and not isinstance(index, bool):
            self._by_key[index] = number
        return number

    def _new(self) -> int:
        self._next += 1
        return self._next - 1
