"""What carries the messages of an MCP client to its server, and drives its conversations."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator, Mapping
from typing import Any, Protocol, TypeAlias, TypeVar

from routerterm.core.errors import RoutertermError
from routerterm.protocols.mcp import AskPerson, McpForm, Reply, Send
from routerterm.protocols.mcp.elicitation import accepted, refused

R = TypeVar("R")
Fill: TypeAlias = Callable[[McpForm], Awaitable[Mapping[str, Any] | None]]
"""Lets the person fill in a server's form: the values, or None where they say no."""

PROBE_WAIT = 20.0
"""Seconds that a server has to answer whether it is of the newer era; silence means that it is not."""
MOST_NOTICES = 10_000
"""Messages that nobody asked for while one answer is awaited: more is a flood."""


MOST_FORMS = 8
"""Forms of one call: a server that asks on and on is told no."""


class Connection(Protocol):
    """One open way to a server.  One exchange at a time."""

    async def exchange(self, send: Send, timeout: float, fill: Fill | None = None) -> Reply:
        """Send, and wait ``timeout`` seconds for the reply where there is one to come.  Raises `McpError`.

        Forms that the server asks for meanwhile go to ``fill``; the person's time is not the server's.
        """
        ...

    async def aclose(self) -> None:
        """End it, and the server where that is our child."""
        ...


class Waiting:
    """The time that an answer has, which stands still while a person is asked."""

    def __init__(self, limit: asyncio.Timeout, seconds: float, fill: Fill | None) -> None:
        self._limit = limit
        self._seconds = seconds
        self._fill = fill
        self._forms = 0

    async def asked(self, form: McpForm) -> dict[str, Any]:
        """What the person answers."""
        self._forms += 1
        if self._forms > MOST_FORMS:
            return refused(by_person=False)
        self._limit.reschedule(None)
        said = await answer_of(self._fill, form)
        self._limit.reschedule(asyncio.get_running_loop().time() + self._seconds)
        return said


async def answer_of(fill: Fill | None, form: McpForm) -> dict[str, Any]:
    """The answer to a form, as the protocol has it."""
    if fill is None:
        return refused(by_person=False)
    try:
        content = await fill(form)
    except RoutertermError:  # the guard: what may not leave is not sent
        content = None
    return refused(by_person=True) if content is None else accepted(content)


async def drive(
    talk: Generator[Send | AskPerson, Reply, R], connection: Connection, timeout: float, fill: Fill | None = None
) -> R:
    """Carry a conversation to its end.  Raises `McpError`."""
    try:
        send = next(talk)
        while True:
            if isinstance(send, AskPerson):
                reply = Reply(await answer_of(fill, send.form))
            else:
                reply = await connection.exchange(send, min(timeout, PROBE_WAIT) if send.probe else timeout, fill)
            send = talk.send(reply)
    except StopIteration as end:
        result: R = end.value
        return result
    finally:
        talk.close()
