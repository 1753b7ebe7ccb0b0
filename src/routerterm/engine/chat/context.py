"""Reads as much of a branch as fits into a model's window, from its end, and no more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from msgspec.structs import replace

from routerterm.core.messages import Image, Text
from routerterm.engine.chat.tool_parts import finished_calls
from routerterm.engine.chat.truncation import Fitted, Line, fit

if TYPE_CHECKING:
    from routerterm.core.messages import Message
    from routerterm.store.messages import Messages
    from routerterm.store.values import StoredMessage

PAGE = 200
SUMMARY = "summary"
"""Where a message's ``params`` hold the summary of the branch down to it."""
NO_IMAGES = "no_images"
"""Where a message's ``params`` say that its images are sent no more."""
NOT_SENT = "not_sent"
"""Where a message's ``params`` say that it is not sent, until the person wants it to be again."""
LEFT_OUT = "[an image was here; it is left out]"
_HEADING = "Summary of the earlier part of this conversation:"


class ContextWindow(Protocol):
    """What must be known of models to fit a conversation into one."""

    def room(self, model: str, *, answer: int = 0, private: bool = False) -> int | None:
        """Tokens of prompt that the model (or the roomiest of the route) takes; None where it is not known.

        ``answer`` tokens stay free for the answer where so many were asked for; ``private``: on this machine only.
        """
        ...

    def count(self, message: Message, model: str) -> int:
        """Tokens that the message takes in the prompt."""
        ...


class UnlimitedWindow:
    """Everything goes."""

    def room(self, model: str, *, answer: int = 0, private: bool = False) -> int | None:
        """Unbounded."""
        return None

    def count(self, message: Message, model: str) -> int:
        """Nobody asks."""
        return 0


async def context_of(
    messages: Messages,
    leaf: str | None,
    system: str | None,
    model: str,
    window: ContextWindow,
    *,
    answer: int = 0,
    private: bool = False,
    question: Message | None = None,
) -> Fitted:
    """What goes to ``model`` of the branch that ends at ``leaf``; pages are read until the window is full.

    ``question`` comes after it, where it is on no disk yet.
    """
    unsent = [Line("", question)] if question is not None else []
    if leaf is None:
        return Fitted(tuple(unsent), system=system, read=tuple(unsent))
    room = window.room(model, answer=answer, private=private)
    lines: list[Line] = list(unsent)
    sizes: dict[int, int] = {}  # each message is counted once, by the page, so that the loop gets its turn

    def size(message: Message) -> int:
        if (known := sizes.get(id(message))) is None:
            known = sizes[id(message)] = 0 if room is None else window.count(message, model)
        return known

    tokens, before, summary = sum(size(line.message) for line in unsent), None, None
    while True:
        page = await messages.branch(leaf, PAGE, before)
        fresh, summary = _since_summary(page.messages)
        new = [Line(m.id, as_sent(m), m.pinned, _is_held(m)) for m in fresh if _goes(m)]
        lines[:0] = new
        tokens += sum(size(line.message) for line in new if not line.held)
        if summary or not page.earlier or (room is not None and tokens > room):
            break
        before = page.messages[0].id
    above = unread = 0
    if summary or page.earlier:
        here = {line.id for line in lines}
        kept = [m for m in await messages.pinned(leaf) if m.id not in here and _goes(m)]
        pinned = [Line(m.id, as_sent(m), True, _is_held(m)) for m in kept]
        above = await messages.depth(summary.id) if summary else 0
        unread = 0 if summary else await messages.depth(page.messages[0].id) - 1 - len(pinned)
        lines[:0] = pinned
    going = [line for line in lines if not line.held]
    fitted = fit(going, size, room, system_with(system, summary.params[SUMMARY]) if summary else system)
    return replace(fitted, left_out=fitted.left_out + unread, summed_up=above, read=tuple(lines))


def as_sent(message: StoredMessage) -> Message:
    """The message as models are sent it: without images that were left out of the conversation."""
    if message.role == "assistant" and message.status != "done":
        message = replace(message, parts=finished_calls(message.parts))
    if not message.params.get(NO_IMAGES) or not message.message.images:
        return message.message
    parts = tuple(Text(LEFT_OUT) if isinstance(part, Image) else part for part in message.parts)
    return replace(message.message, parts=parts)


def system_with(system: str | None, summary: str) -> str:
    """The system prompt with the summary of what is not sent."""
    return f"{system}\n\n{_HEADING}\n{summary}" if system else f"{_HEADING}\n{summary}"


def _since_summary(page: Sequence[StoredMessage]) -> tuple[Sequence[StoredMessage], StoredMessage | None]:
    """What follows the last message up to which the branch was summed up, and that message."""
    for index in range(len(page) - 1, -1, -1):
        if isinstance(page[index].params.get(SUMMARY), str) and page[index].params[SUMMARY]:
            return page[index + 1 :], page[index]
    return page, None


def _goes(message: StoredMessage) -> bool:
    """An answer that never came, or is still coming, is nothing to send."""
    return bool(message.parts) and message.status != "streaming"


def _is_held(message: StoredMessage) -> bool:
    return bool(message.params.get(NOT_SENT))
