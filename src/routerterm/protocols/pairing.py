"""Calls and their results, for protocols whose clients pair them by name and order and leave out the ids."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable

from msgspec.structs import replace

from routerterm.core.messages import Message, Part, ToolCall, ToolResult


def paired(messages: Iterable[Message]) -> tuple[Message, ...]:
    """The messages with an id for every call, and at every result the id of the first call of its name that waits."""
    waiting = _Waiting()
    found: list[Message] = []
    for message in messages:
        parts: list[Part] = []
        for part in message.parts:
            if isinstance(part, ToolCall):
                part = waiting.add(part)
            elif isinstance(part, ToolResult) and (call := waiting.take(part)) is not None:
                part = replace(part, call_id=call.id, name=part.name or call.name)
            parts.append(part)
        found.append(Message(message.role, tuple(parts)))
    return tuple(found)


class _Waiting:
    """Calls without a result, found at once by id, by name or by order, however many there are."""

    def __init__(self) -> None:
        self._calls: dict[int, ToolCall] = {}
        self._made = 0
        self._by_id: dict[str, deque[int]] = defaultdict(deque)
        self._by_name: dict[str, deque[int]] = defaultdict(deque)
        self._in_order: deque[int] = deque()

    def add(self, call: ToolCall) -> ToolCall:
        """Note a call; it gets an id where it has none."""
        self._made += 1
        call = call if call.id else replace(call, id=f"call_{self._made}")
        self._calls[self._made] = call
        for place in (self._by_id[call.id], self._by_name[call.name], self._in_order):
            place.append(self._made)
        return call

    def take(self, result: ToolResult) -> ToolCall | None:
        """The first call that a result may answer; it waits no longer."""
        if result.call_id:
            place = self._by_id.get(result.call_id)
        else:
            place = self._by_name.get(result.name) if result.name else self._in_order
        while place:
            if (call := self._calls.pop(place.popleft(), None)) is not None:
                return call
        return None
