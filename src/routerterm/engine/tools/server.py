"""One MCP server: started when it is first needed, its tools read once, its calls carried out in limited time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, TypeAlias, TypeVar

from routerterm import __version__
from routerterm.core.errors import RoutertermError
from routerterm.core.sanitise import one_line
from routerterm.engine.tools.connection import Connection, Fill, drive
from routerterm.engine.tools.streamable_http import SessionLost
from routerterm.protocols.mcp import McpClient, McpError, McpRefused, McpTool, ServerFacts, ToolOutcome

T = TypeVar("T")
REST = 60.0
"""Seconds that a server which failed is left alone: an answer does not wait for it again and again."""
State: TypeAlias = Literal["off", "starting", "ready", "failed"]
Open: TypeAlias = Callable[[McpClient], Awaitable[Connection]]
"""Opens the way to the server.  Raises `RoutertermError`."""


class McpServer:
    """A server by the name of its settings."""

    def __init__(self, name: str, open: Open, timeout: float) -> None:
        self.name = name
        self._open = open
        self._timeout = timeout
        self._connection: Connection | None = None
        self._client: McpClient | None = None
        self._tools: tuple[McpTool, ...] | None = None
        self._lock = asyncio.Lock()
        self.state: State = "off"
        self.trouble: RoutertermError | None = None
        """Why it failed last."""
        self._failed_at = 0.0

    @property
    def facts(self) -> ServerFacts | None:
        """What it said of itself, once it is connected."""
        return self._client.facts if self._client is not None else None

    async def tools(self) -> tuple[McpTool, ...]:
        """Its tools, read when they are first asked for; the server starts if need be.  Raises `RoutertermError`."""
        async with self._lock:
            if self._tools is None:
                if self.trouble is not None and time.monotonic() - self._failed_at < REST:
                    raise self._named(self.trouble)
                self._tools = await self._despite_lost_session(self._listed)
            return self._tools

    async def call(self, tool: McpTool, arguments: Mapping[str, Any], fill: Fill | None = None) -> ToolOutcome:
        """Call a tool, once; forms of the server go to ``fill``.  Raises `RoutertermError`.

        Nothing is sent twice, except where the server says that it has forgotten the session: then it did nothing.
        """
        async with self._lock:
            return await self._despite_lost_session(lambda: self._called(tool, arguments, fill))

    async def aclose(self) -> None:
        """Stop it."""
        async with self._lock:
            await self._close()
            self.state = "off"

    async def _despite_lost_session(self, work: Callable[[], Awaitable[T]]) -> T:
        try:
            return await work()
        except SessionLost:
            await self._close()
            return await work()

    async def _listed(self) -> tuple[McpTool, ...]:
        client, connection = await self._connected()
        return await self._carried(drive(client.list_tools(), connection, self._timeout))

    async def _called(self, tool: McpTool, arguments: Mapping[str, Any], fill: Fill | None) -> ToolOutcome:
        client, connection = await self._connected()
        return await self._carried(drive(client.call(tool, arguments), connection, self._timeout, fill))

    async def _connected(self) -> tuple[McpClient, Connection]:
        if self._connection is not None and self._client is not None:
            return self._client, self._connection
        self.state, self.trouble = "starting", None
        client = McpClient("routerterm", __version__)
        try:
            connection = await self._open(client)
        except RoutertermError as error:
            self._fail(error)
            raise self._named(error) from None
        self._client, self._connection = client, connection
        try:
            await self._carried(drive(client.connect(), connection, self._timeout))
        except BaseException:  # also where the person stopped it: half a connection is none
            await asyncio.shield(self._close())
            raise
        self.state = "ready"
        return client, connection

    async def _carried(self, work: Awaitable[T]) -> T:
        """The result of an exchange.  After a failure the connection is closed: the next one starts afresh.

        An error that the server answered with is no failure of the connection.
        """
        try:
            return await work
        except (McpRefused, SessionLost) as error:
            raise error if isinstance(error, SessionLost) else self._named(error) from None
        except McpError as error:
            await self._close()
            self._fail(error)
            raise self._named(error) from None

    def _fail(self, error: RoutertermError) -> None:
        self.state, self.trouble, self._failed_at = "failed", error, time.monotonic()

    async def _close(self) -> None:
        connection, self._connection, self._client = self._connection, None, None
        if connection is not None:
            await connection.aclose()

    def _named(self, error: RoutertermError) -> McpError:
        return McpError(f"{self.name}: {one_line(error.message)}", error.hint)
