"""Calls and their results, for protocols whose clients pair them by name and order and leave out the ids."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from routerterm.core.messages import Message, Part, ToolCall, ToolResult


def paired(messages: Iterable[Message]) -> tuple[Message, ...]:
    """The messages with an id for every call, and at every result the id of the first call of its name that waits."""
    waiting: list[ToolCall] = []
    made = 0
    found: list[Message] = []
    for message in messages:
        parts: list[Part] = []
        for part in message.parts:
            if isinstance(part, ToolCall):
                made += 1
                part = part if part.id else replace(part, id=f"call_{made}")
                waiting.append(part)
            elif isinstance(part, ToolResult):
                call = next((call for call in waiting if _answers(part, call)), None)
                if call is not None:
                    waiting.remove(call)
                    part = replace(part, call_id=call.id, name=part.name or call.name)
            parts.append(part)
        found.append(Message(message.role, tuple(parts)))
    return tuple(found)


def _answers(result: ToolResult, call: ToolCall) -> bool:
    if result.call_id:
        return result.call_id == call.id
    return not result.name or result.name == call.name
