"""What of a long conversation goes to the model: the newest that fits, and always what is pinned.

Pure: how many tokens a message takes is asked of a function that is handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from routerterm.core.messages import Message
from routerterm.engine.chat.tool_parts import split_steps

Count = Callable[[Message], int]
"""How many tokens a message takes in the prompt."""


class Line(Struct, frozen=True):
    """A message of the branch, as far as fitting must know it."""

    id: str
    message: Message
    pinned: bool = False
    held: bool = False
    """Whether the person keeps it from being sent."""


class Fitted(Struct, frozen=True):
    """What goes, oldest first, and what stays behind."""

    lines: tuple[Line, ...]
    left_out: int = 0
    tokens: int = 0
    """Of all that goes, the system prompt included."""
    tokens_left_out: int = 0
    system: str | None = None
    """The system prompt; where the older part was summed up, with that summary under it."""
    summed_up: int = 0
    """How many messages go as a summary."""
    read: tuple[Line, ...] = ()
    """All that was looked at, oldest first, with what the person holds back and what found no room."""

    @property
    def messages(self) -> tuple[Message, ...]:
        """What the router is given."""
        return tuple(step for line in self.lines for step in split_steps(line.message))

    @property
    def origins(self) -> tuple[Line, ...]:
        """The line that each of `messages` is of: an answer that called tools is sent as several."""
        return tuple(line for line in self.lines for _ in split_steps(line.message))


def fit(lines: Sequence[Line], count: Count, room: int | None, system: str | None = None) -> Fitted:
    """The most of ``lines`` (a branch, oldest first, its last one the question) that fits into ``room`` tokens.

    The question, the system prompt and pinned messages always go, even where they alone are too much: then
    the router says so.  Of the rest the newest go, without a gap, and the first of them is a question.
    ``room`` None is unbounded.
    """
    sizes = [count(line.message) for line in lines]
    prompt = Message.of("system", system) if system else None
    base = count(prompt) if prompt else 0
    total = base + sum(sizes)
    if room is None or total <= room or not lines:
        return Fitted(tuple(lines), 0, total, system=system)
    last = len(lines) - 1
    kept = {last} | {index for index, line in enumerate(lines) if line.pinned}
    used = base + sum(sizes[index] for index in kept)
    start = last
    for index in range(last - 1, -1, -1):
        if index not in kept:
            if used + sizes[index] > room:
                break
            used += sizes[index]
        start = index
    while start < last and lines[start].message.role != "user":  # an answer without its question confuses
        start += 1
    going = [index for index in range(len(lines)) if index >= start or index in kept]
    tokens = base + sum(sizes[index] for index in going)
    return Fitted(tuple(lines[index] for index in going), len(lines) - len(going), tokens, total - tokens, system)
