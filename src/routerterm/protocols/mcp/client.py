"""`McpClient`: what is said to a server and how its answers are read, in both eras.

A conversation is a generator that yields what is to be sent and is sent the reply; whoever drives it owns sockets,
processes and time.  A server may ask the person to fill in a form.  Sampling, roots and logging are not offered
(deprecated in 2026-07-28), and a server that asks for them is refused.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Generator, Mapping
from typing import Any, TypeAlias

from msgspec import Struct, field

from routerterm.protocols.json_utils import listing, mapping, scrub, text
from routerterm.protocols.mcp import messages
from routerterm.protocols.mcp.elicitation import CAPABILITY, MAX_FIELDS, McpForm, form_of
from routerterm.protocols.mcp.messages import Incoming
from routerterm.protocols.mcp.tools import outcome_of, tool_of
from routerterm.protocols.mcp.values import (
    HANDSHAKE,
    INVALID_PARAMS,
    MAX_PAGES,
    MAX_ROUNDS,
    MAX_TOOLS,
    METHOD_NOT_FOUND,
    MODERN,
    UNSUPPORTED_VERSION,
    McpError,
    McpInvalid,
    McpRefused,
    McpTool,
    ServerFacts,
    ToolOutcome,
)

_ELICIT = "elicitation/create"
_META = "io.modelcontextprotocol/"
_PLAIN = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_MOST_INSTRUCTIONS = 4_000


class Send(Struct, frozen=True):
    """A message that is to go to the server.

    ``id`` is that of the request whose reply is awaited; None for a notice, which has none.  ``headers`` go with it
    where the transport is HTTP.
    """

    body: bytes
    id: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    probe: bool = False
    """Whether silence is an answer too: servers of the older era may ignore what they do not know."""


class Reply(Struct, frozen=True):
    """How a request ended: a result, the server's refusal, or nothing (a probe that was not answered)."""

    result: Mapping[str, Any] | None = None
    error: McpRefused | None = None


class AskPerson(Struct, frozen=True):
    """The person is to fill in a form of the server's; the reply's result is what they answered."""

    form: McpForm


Talk: TypeAlias = Generator[Send | AskPerson, Reply, Any]


class McpClient:
    """One connection's state: ids, and what was agreed with the server."""

    def __init__(self, name: str = "routerterm", version: str = "0") -> None:
        self._info = {"name": name, "version": version}
        self._last_id = 0
        self.facts: ServerFacts | None = None
        """What is known of the server, once it is connected."""

    def connect(self) -> Generator[Send | AskPerson, Reply, ServerFacts]:
        """Find out which era the server is of.  Raises `McpError`.

        ``server/discover`` first: whatever is no clear yes means the handshake, but for a server that says it is newer
        than anything we know.
        """
        facts = self._discovered((yield self._request("server/discover", {}, version=MODERN, probe=True)))
        if facts is None:
            facts = yield from self._handshake()
        if facts is None:  # slow to start: it has read the probe only now, and speaks the newer revision
            facts = self._discovered((yield self._request("server/discover", {}, version=MODERN)))
        if facts is None:
            raise McpError("The server speaks no revision of MCP that routerterm knows.")
        self.facts = facts
        return facts

    def list_tools(self) -> Generator[Send | AskPerson, Reply, tuple[McpTool, ...]]:
        """All tools, page by page; those that break the limits are left out.  Raises `McpError`."""
        facts = self._connected()
        if not facts.has_tools:
            return ()
        found: dict[str, McpTool] = {}
        cursor: str | None = None
        for _ in range(MAX_PAGES):
            result = _result((yield self._request("tools/list", {"cursor": cursor} if cursor else {})))
            for body in listing(result.get("tools"))[: MAX_TOOLS + 1]:
                tool = tool_of(mapping(body))
                if tool is not None:
                    found.setdefault(tool.name, tool)
                if len(found) > MAX_TOOLS:
                    raise McpInvalid(f"The server offers more than {MAX_TOOLS} tools.")
            cursor = text(result.get("nextCursor"))
            if not cursor:
                return tuple(found.values())
        raise McpInvalid(f"The server's list of tools has more than {MAX_PAGES} pages.")

    def call(self, tool: McpTool, arguments: Mapping[str, Any]) -> Generator[Send | AskPerson, Reply, ToolOutcome]:
        """Call a tool.  Raises `McpError`.

        A server that wants to be called again with its own state gets that, and the forms that the person filled in.
        """
        params: dict[str, Any] = {"name": tool.name, "arguments": dict(arguments)}
        headers = {"Mcp-Name": header_value(tool.name), **_argument_headers(tool, arguments)}
        for _ in range(MAX_ROUNDS):
            result = _result((yield self._request("tools/call", params, headers=headers)))
            if result.get("resultType") != "input_required":
                return outcome_of(result)
            state, wanted = result.get("requestState"), mapping(result.get("inputRequests"))
            if not wanted and not isinstance(state, str):
                raise McpInvalid("The server asked to be called again, and did not say with what.")
            params = {"name": tool.name, "arguments": dict(arguments)}
            if isinstance(state, str):
                params["requestState"] = state
            if wanted:
                params["inputResponses"] = yield from self._filled_in(wanted)
        raise McpInvalid("The server asked again and again to be called once more.")

    def _filled_in(self, wanted: Mapping[str, Any]) -> Generator[Send | AskPerson, Reply, dict[str, Any]]:
        """What the person answers to each of a server's forms."""
        if len(wanted) > MAX_FIELDS:
            raise McpInvalid("The server asked for too many forms at once.")
        answers: dict[str, Any] = {}
        for name, request in wanted.items():
            if mapping(request).get("method") != _ELICIT:
                raise McpRefused("The server asked for input, which routerterm does not offer.", METHOD_NOT_FOUND)
            try:
                form = form_of(mapping(mapping(request).get("params")))
            except McpInvalid as error:
                raise McpRefused(f"The server asked for input that cannot be shown. {error}", INVALID_PARAMS) from None
            answers[name] = (yield AskPerson(form)).result
        return answers

    def asks(self, message: Incoming) -> McpForm | None:
        """The form that a server's question wants filled in, if it is such a question and can be shown."""
        if message.answers or message.id is None or message.method != _ELICIT:
            return None
        try:
            return form_of(message.params)
        except McpInvalid:
            return None  # `react` refuses it

    def react(self, message: Incoming) -> bytes | None:
        """The answer to a server's own message, if it wants one."""
        if message.answers or message.id is None:
            return None
        if message.method == "ping":
            return messages.result(message.id, {})
        if message.method == _ELICIT:
            return messages.refusal(message.id, INVALID_PARAMS, "This form cannot be shown.")
        return messages.refusal(message.id, METHOD_NOT_FOUND, "Not supported by this client.")

    def cancel(self, id: int) -> bytes:
        """The notice that the answer to a request is no longer wanted."""
        return messages.notification("notifications/cancelled", {"requestId": id, "reason": "stopped by the user"})

    def _handshake(self) -> Generator[Send, Reply, ServerFacts | None]:
        """What a server of the older era says of itself; None where it turns out to be of the newer one."""
        params = {"protocolVersion": HANDSHAKE[0], "capabilities": dict(CAPABILITY), "clientInfo": self._info}
        reply = yield self._request("initialize", params, version="")
        if reply.error is not None and reply.error.code == UNSUPPORTED_VERSION:
            return None
        result = _result(reply)
        version = text(result.get("protocolVersion"))
        if version not in HANDSHAKE:
            raise McpError(f"The server speaks MCP {scrub(version)[:40] or '?'}, which routerterm does not know.")
        facts = _facts(version, result, mapping(result.get("serverInfo")))
        headers = {"MCP-Protocol-Version": version}
        yield Send(messages.notification("notifications/initialized"), headers=headers)
        return facts

    def _discovered(self, reply: Reply) -> ServerFacts | None:
        """What a server of the newer era says of itself; None where the handshake is to be tried."""
        if reply.error is not None and reply.error.code == UNSUPPORTED_VERSION:
            known = [v for v in listing(mapping(reply.error.data).get("supported")) if isinstance(v, str)]
            if known and not set(known) & {MODERN, *HANDSHAKE}:
                raise McpError(f"The server speaks only MCP {scrub(known[0])[:40]}, which routerterm does not know.")
        if reply.result is None or MODERN not in listing(reply.result.get("supportedVersions")):
            return None
        info = mapping(mapping(reply.result.get("_meta")).get(f"{_META}serverInfo"))
        return _facts(MODERN, reply.result, info)

    def _request(
        self,
        method: str,
        params: Mapping[str, Any],
        *,
        version: str | None = None,
        headers: Mapping[str, str] | None = None,
        probe: bool = False,
    ) -> Send:
        self._last_id += 1
        version = self._connected().version if version is None else version
        sent = {"MCP-Protocol-Version": version} if version else {}
        if version == MODERN:
            about = {"protocolVersion": MODERN, "clientCapabilities": CAPABILITY, "clientInfo": self._info}
            params = {**params, "_meta": {_META + name: value for name, value in about.items()}}
            sent |= {"Mcp-Method": method, **(headers or {})}
        return Send(messages.request(self._last_id, method, params), self._last_id, sent, probe)

    def _connected(self) -> ServerFacts:
        if self.facts is None:
            raise McpError("The server is not connected.")
        return self.facts


def header_value(value: str) -> str:
    """A value as an HTTP header may carry it: as it is, or in base64 with the specification's marks around it."""
    if _PLAIN.fullmatch(value) and not value.startswith("=?base64?"):
        return value
    return f"=?base64?{base64.b64encode(value.encode('utf-8', 'replace')).decode('ascii')}?="


def _argument_headers(tool: McpTool, arguments: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    for header, path in tool.headers.items():
        value: Any = arguments
        for step in path:
            value = mapping(value).get(step)
        if isinstance(value, bool):
            found[f"Mcp-Param-{header}"] = "true" if value else "false"
        elif isinstance(value, str | int):
            found[f"Mcp-Param-{header}"] = header_value(str(value))
    return found


def _result(reply: Reply) -> Mapping[str, Any]:
    if reply.error is not None:
        raise reply.error
    if reply.result is None:
        raise McpError("The server did not answer.")
    return reply.result


def _facts(version: str, result: Mapping[str, Any], info: Mapping[str, Any]) -> ServerFacts:
    return ServerFacts(
        version,
        scrub(text(info.get("name")))[:100],
        scrub(text(info.get("version")))[:40],
        scrub(text(result.get("instructions")))[:_MOST_INSTRUCTIONS],
        "tools" in mapping(result.get("capabilities")),
    )
