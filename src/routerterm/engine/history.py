"""Reads as much of a branch as fits into a model's window, from its end, and no more."""

from __future__ import annotations

from typing import Protocol

from routerterm.core.messages import Message
from routerterm.engine.context import Fitted, Line, fit
from routerterm.store.messages import Messages
from routerterm.store.values import StoredMessage

PAGE = 200


class Fitting(Protocol):
    """What must be known of models to fit a conversation into one."""

    def room(self, model: str) -> int | None:
        """Tokens of prompt that the model (or the roomiest of the route) takes; None where it is not known."""
        ...

    def count(self, message: Message, model: str) -> int:
        """Tokens that the message takes in the prompt."""
        ...


class NoFitting:
    """Everything goes."""

    def room(self, model: str) -> int | None:
        """Unbounded."""
        return None

    def count(self, message: Message, model: str) -> int:
        """Nobody asks."""
        return 0


async def context_of(messages: Messages, leaf: str | None, system: str | None, model: str, fitting: Fitting) -> Fitted:
    """What goes to ``model`` of the branch that ends at ``leaf``; pages are read until the window is full."""
    if leaf is None:
        return Fitted(())
    room = fitting.room(model)
    lines: list[Line] = []
    sizes: dict[int, int] = {}  # each message is counted once, by the page, so that the loop gets its turn

    def size(message: Message) -> int:
        if (known := sizes.get(id(message))) is None:
            known = sizes[id(message)] = 0 if room is None else fitting.count(message, model)
        return known

    page = await messages.branch(leaf, PAGE)
    tokens = 0
    while True:
        new = [Line(m.id, m.message, m.pinned) for m in page.messages if _goes(m)]
        lines[:0] = new
        tokens += sum(size(line.message) for line in new)
        if not page.earlier or (room is not None and tokens > room):
            break
        page = await messages.branch(leaf, PAGE, before=page.messages[0].id)
    unread = 0
    if page.earlier:
        here = {line.id for line in lines}
        pinned = [Line(m.id, m.message, True) for m in await messages.pinned(leaf) if m.id not in here and _goes(m)]
        unread = await messages.depth(page.messages[0].id) - 1 - len(pinned)
        lines[:0] = pinned
    fitted = fit(lines, size, room, system)
    return Fitted(fitted.lines, fitted.left_out + unread, fitted.tokens, fitted.tokens_left_out)


def _goes(message: StoredMessage) -> bool:
    """An answer that never came, or is still coming, is nothing to send."""
    return bool(message.parts) and message.status != "streaming"
