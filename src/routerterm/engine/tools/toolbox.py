"""All the tools of one person: the built-in ones and those of the MCP servers in the settings.

A server starts when its tools are first wanted, never before.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct
from msgspec.structs import replace

from routerterm.config.keys.values import KeyLocation, KeyRecord
from routerterm.config.schema import Settings
from routerterm.config.schema_tools import McpSettings
from routerterm.core.errors import RoutertermError
from routerterm.core.redact import secret_redactor
from routerterm.core.secret import Secret
from routerterm.engine.tools.accepted import AcceptedServer, AcceptedTools, digest
from routerterm.engine.tools.built_in import built_in_tools
from routerterm.engine.tools.connection import Connection, Fill
from routerterm.engine.tools.permission import permission
from routerterm.engine.tools.server import McpServer, State
from routerterm.engine.tools.values import BUILT_IN, CallResult, ToolInfo, offered_name
from routerterm.protocols.mcp import McpClient, McpTool, ServerFacts
from routerterm.protocols.mcp.tools import fingerprint
from routerterm.router.transports.http import HttpTransport


class SecretSource(Protocol):
    """Where the secrets are that the settings refer to."""

    async def secret(self, row: KeyRecord) -> Secret:
        """The value of one reference.  Raises `VaultError`."""
        ...


class ServerView(Struct, frozen=True):
    """A server and its tools, as a person is shown them."""

    name: str
    state: State
    way: str
    """The command or the address."""
    tools: tuple[ToolInfo, ...] = ()
    trouble: str = ""
    accepted: bool = True
    """Whether its command or address is the one that was accepted."""
    local: bool = False


class Toolbox:
    """The tools by the settings of the moment."""

    def __init__(
        self,
        settings: Settings,
        secrets: SecretSource,
        folder: Path,
        *,
        forbidden: Sequence[Path] = (),
        environ: Mapping[str, str] | None = None,
        before: Toolbox | None = None,
    ) -> None:
        """``folder`` keeps what was accepted; ``forbidden`` folders are never read by `read_file`.

        Servers of the tools ``before`` a change of the settings that are reached as they were go on running.
        """
        self.settings = settings
        self.accepted = AcceptedTools(folder)
        self._secrets = secrets
        self._environ = os.environ if environ is None else environ
        self._built_in = built_in_tools(settings.tools, settings.router.proxy, forbidden)
        self._servers = {
            name: (before and before.server(name, own)) or McpServer(name, self._opener(name, own), own.timeout)
            for name, own in settings.mcp.items()
            if own.enabled
        }
        self._known: dict[str, tuple[ToolInfo, McpTool]] = {}
        """The tools of servers that were read, by the name they are offered under."""

    @property
    def names(self) -> tuple[str, ...]:
        """The servers' names."""
        return tuple(self._servers)

    def server(self, name: str, own: McpSettings) -> McpServer | None:
        """The server of that name, if it is reached in this way."""
        known = self.settings.mcp.get(name)
        same = known is not None and _way(known) == _way(own) and known.timeout == own.timeout
        return self._servers.get(name) if same else None

    async def offers(self, *, private: bool = False) -> tuple[ToolInfo, ...]:
        """Every tool that may be offered: accepted, not denied, and local where the conversation is ``private``.

        A server that cannot be reached offers nothing; `views` says why.
        """
        wanted = [name for name in self._servers if self.settings.mcp[name].local or not private]
        await asyncio.gather(*(self.learn(name) for name in wanted), return_exceptions=True)
        return self.known(private=private)

    def known(self, *, private: bool = False) -> tuple[ToolInfo, ...]:
        """The same as far as the servers have been asked already; none is started."""
        wanted = [name for name in self._servers if self.settings.mcp[name].local or not private]
        found = [tool for tool, _ in self._built_in.values()]
        # In the order of the settings, whichever answered first: a prompt that changes its order loses its cache.
        found += [tool for server in wanted for tool, _ in self._known.values() if tool.server == server]
        return tuple(t for t in found if t.permission != "deny" and t.accepted and (t.local or not private))

    async def learn(self, server: str) -> tuple[ToolInfo, ...]:
        """The server's tools, which starts it; those of a server that was never seen are accepted as they are.

        The person named the server in the settings or with `routerterm mcp add`: that is the consent to what it is now.
        Raises `RoutertermError`.
        """
        own, known = self.settings.mcp[server], self.accepted.of(server)
        if known is not None and known.command != digest(_way(own)):
            raise RoutertermError(
                f"{server}: its command or address has changed since you accepted it.",
                f"Look at it and accept it: routerterm mcp test {server} --accept",
            )
        tools = await self._servers[server].tools()
        names = {name: None for name, (tool, _) in self._known.items() if tool.server != server}
        self._known = {name: pair for name, pair in self._known.items() if pair[0].server != server}
        infos = []
        for tool in tools:
            name = offered_name(server, tool.name, {**names, **self._built_in})
            names[name] = None
            info = _info(name, server, tool, own, known)
            self._known[name] = (info, tool)
            infos.append(info)
        if known is None:
            self.accepted.accept(server, digest(_way(own)), infos)
        return tuple(infos)

    async def accept(self, server: str) -> tuple[ToolInfo, ...]:
        """Accept the server and its tools as they are now.  Raises `RoutertermError`."""
        self.accepted.forget(server)
        return await self.learn(server)

    async def call(self, tool: ToolInfo, arguments: Mapping[str, Any], fill: Fill | None = None) -> CallResult:
        """Carry a call out, once; forms that its server asks for meanwhile go to ``fill``.

        What fails is a result that says so: the model may try something else."""
        try:
            if tool.server == BUILT_IN:
                result = await self._built_in[tool.name][1](arguments)
            else:
                outcome = await self._servers[tool.server].call(self._meant(tool), arguments, fill)
                result = CallResult(outcome.text, outcome.is_error)
        except RoutertermError as error:
            result = CallResult(error.message, is_error=True)
        return CallResult(self._cut(secret_redactor(result.text)), result.is_error)

    def _meant(self, tool: ToolInfo) -> McpTool:
        """The server's tool, if it still is what was offered and approved.  Raises `RoutertermError`."""
        known, now = self._known.get(tool.name, (None, None))
        if known is None or now is None or (known.server, known.fingerprint) != (tool.server, tool.fingerprint):
            raise RoutertermError(f"{tool.shown} is gone or has changed since it was offered.")
        return now

    def _cut(self, text: str) -> str:
        """A result as long as it may be, and what is missing of it.  Four characters to a token, as an estimate."""
        most = self.settings.tools.result_tokens * 4
        return text if len(text) <= most else f"{text[:most]}\n[… {len(text) - most} more characters are cut off]"

    def views(self) -> tuple[ServerView, ...]:
        """Every server with its state, without starting any."""
        return tuple(self._view(name, own) for name, own in self.settings.mcp.items())

    def facts(self, server: str) -> ServerFacts | None:
        """What a server said of itself; None until it is connected."""
        return self._servers[server].facts

    def built_in(self) -> tuple[ToolInfo, ...]:
        """The tools that need no server."""
        return tuple(tool for tool, _ in self._built_in.values())

    async def aclose(self) -> None:
        """Stop every server."""
        await asyncio.gather(*(server.aclose() for server in self._servers.values()), return_exceptions=True)

    def _view(self, name: str, own: McpSettings) -> ServerView:
        server, known = self._servers.get(name), self.accepted.of(name)
        return ServerView(
            name,
            server.state if server is not None else "off",
            own.url or " ".join(own.command),
            tools=tuple(tool for tool, _ in self._known.values() if tool.server == name),
            trouble=server.trouble.message if server is not None and server.trouble is not None else "",
            accepted=known is None or known.command == digest(_way(own)),
            local=own.local,
        )

    def _opener(self, name: str, own: McpSettings) -> Any:
        async def open(client: McpClient) -> Connection:
            if own.url is not None:
                from routerterm.engine.tools.streamable_http import HttpConnection

                headers = {header: await self._value(name, header, ref) for header, ref in own.headers.items()}
                return HttpConnection(client, HttpTransport(self.settings.router.proxy), own.url, headers)
            from routerterm.engine.tools.stdio import StdioConnection

            values = {variable: await self._value(name, variable, ref) for variable, ref in own.env.items()}
            plain = {n: value.reveal() if isinstance(value, Secret) else value for n, value in values.items()}
            return await StdioConnection.open(client, own.command, plain, self._environ)

        return open

    async def _value(self, server: str, name: str, reference: str) -> str | Secret:
        """What a reference of the settings means.  Raises `VaultError`."""
        place, _, rest = reference.partition(":")
        if place == "text":
            return rest
        return await self._secrets.secret(KeyRecord(f"mcp {server}", name, KeyLocation(place), where=rest.strip()))


def _way(own: McpSettings) -> Sequence[str]:
    """What decides which program or address is spoken to, the settings' variables and headers included."""
    more = (*sorted(own.env.items()), *sorted(own.headers.items()))
    return (own.url or "", *own.command, *(f"{name}={ref}" for name, ref in more))


def _info(name: str, server: str, tool: McpTool, own: McpSettings, known: AcceptedServer | None) -> ToolInfo:
    rules, mark = own.tools, fingerprint(tool)
    may = permission(
        tool.name,
        allow=rules.allow,
        ask=rules.ask,
        deny=rules.deny,
        read_only=tool.read_only,
        trusted=own.trusted,
    )
    info = ToolInfo(
        name,
        server,
        tool.name,
        description=tool.description,
        schema=tool.schema,
        title=tool.title,
        permission=may,
        read_only=tool.read_only,
        trusted=own.trusted,
        local=own.local,
    )
    return replace(info, fingerprint=mark, accepted=known is None or known.tools.get(tool.name) == mark)
