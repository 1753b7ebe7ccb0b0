"""What is in force beside the model, in a few words each: of a conversation, and of one question."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from routerterm.core.sanitise import one_line

if TYPE_CHECKING:
    from routerterm.core.request import Params
    from routerterm.tui.chat.conversation import ConversationController

SHORT = 24
"""Letters of a system prompt without a name that are shown."""


def in_force(conversation: ConversationController) -> Iterator[str]:
    """What is in force in this conversation."""
    if conversation.project_name:
        yield f"project: {_short(conversation.project_name)}"
    if conversation.forks:
        yield "new branch, Esc leaves" if conversation.may_end_fork else "new branch"
    if conversation.editing is not None:
        yield f"editing the {conversation.editing_what}"
    if conversation.system:
        name = conversation.system_name or one_line(conversation.system)
        yield f"system: {_short(name)}"
    yield from words_of(conversation.params)


def words_of(params: Params) -> Iterator[str]:
    """What these parameters ask for."""
    if params.temperature is not None:
        yield f"temp {params.temperature:g}"
    if params.web:
        yield "web search"
    if params.tools_only:
        yield f"tools: {_short(', '.join(params.tools_only))}"
    elif params.tools is not None:
        yield f"tools {'on' if params.tools else 'off'}"
    if params.effort is not None:
        yield f"reasoning {params.effort}"
    if params.max_output is not None:
        yield f"max {params.max_output:,} tok"


def _short(name: str) -> str:
    return f"{name[:SHORT].rstrip()}…" if len(name) > SHORT else name
