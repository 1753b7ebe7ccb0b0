"""What carries the messages of an MCP client to its server, and drives its conversations."""

from __future__ import annotations

from collections.abc import Generator
from typing import Protocol, TypeVar

from routerterm.protocols.mcp import Reply, Send

R = TypeVar("R")

PROBE_WAIT = 20.0
"""Seconds that a server has to answer whether it is of the newer era; silence means that it is not."""
MOST_NOTICES = 10_000
"""Messages that nobody asked for while one answer is awaited: more is a flood."""


class Connection(Protocol):
    """One open way to a server.  One exchange at a time."""

    async def exchange(self, send: Send, timeout: float) -> Reply:
        """Send, and wait ``timeout`` seconds for the reply where there is one to come.  Raises `McpError`."""
        ...

    async def aclose(self) -> None:
        """End it, and the server where that is our child."""
        ...


async def drive(talk: Generator[Send, Reply, R], connection: Connection, timeout: float) -> R:
    """Carry a conversation to its end.  Raises `McpError`."""
    try:
        send = next(talk)
        while True:
            reply = await connection.exchange(send, min(timeout, PROBE_WAIT) if send.probe else timeout)
            send = talk.send(reply)
    except StopIteration as end:
        result: R = end.value
        return result
    finally:
        talk.close()
