"""Takes API keys out of conversations that leave the program: those that were loaded, and what has their shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from msgspec.structs import replace

from routerterm.core.messages import Image, Part, Reasoning, Text, ToolCall, ToolResult
from routerterm.core.redact import secret_redactor

if TYPE_CHECKING:
    from routerterm.store.transfer import ConversationBundle


def redacted(carried: ConversationBundle) -> ConversationBundle:
    """The same conversation with ``sk-****1234`` in place of every key that somebody wrote into it."""
    conversation = carried.conversation
    return replace(
        carried,
        conversation=replace(
            conversation,
            title=secret_redactor(conversation.title),
            system=None if conversation.system is None else secret_redactor(conversation.system),
            draft=secret_redactor(conversation.draft),
        ),
        messages=tuple(
            replace(message, text=secret_redactor(message.text), parts=tuple(map(_part, message.parts)))
            for message in carried.messages
        ),
    )


def _part(part: Part) -> Part:
    match part:
        case Text(text) | Reasoning(text) | ToolResult(text=text):
            return replace(part, text=secret_redactor(text))
        case ToolCall(arguments=arguments):
            return replace(part, arguments=secret_redactor(arguments))
        case Image():
            return part
        case _:
            assert_never(part)
