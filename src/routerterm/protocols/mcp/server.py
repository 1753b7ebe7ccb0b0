"""The server's side of MCP: what is answered to a client of either era, without a session.  Pure.

A server of the older era need not open a session, so each message is answered by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from routerterm.protocols.json_utils import mapping, text
from routerterm.protocols.mcp import messages
from routerterm.protocols.mcp.messages import Incoming
from routerterm.protocols.mcp.values import (
    HANDSHAKE,
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    MODERN,
    UNSUPPORTED_VERSION,
    McpTool,
)

_META = "io.modelcontextprotocol/"


class Called(Struct, frozen=True):
    """A client calls a tool; `answered` and `refused` make the reply."""

    id: int | str
    tool: McpTool
    arguments: Mapping[str, Any]


class Replied(Struct, frozen=True):
    """What is sent at once; an empty body where nothing is, and status 400 where the version is not spoken."""

    body: bytes = b""
    status: int = 200


class McpServerCodec:
    """What the server is, and its tools."""

    def __init__(self, name: str, version: str, tools: Sequence[McpTool]) -> None:
        self._info = {"name": name, "version": version}
        self._tools = {tool.name: tool for tool in tools}

    def take(self, message: Incoming) -> Called | Replied:
        """The reply to a client's message, or the call that must be carried out for it."""
        if message.id is None or message.answers:
            return Replied(status=202)
        version = text(mapping(message.params.get("_meta")).get(f"{_META}protocolVersion"))
        if version and version != MODERN:
            data = {"supported": [MODERN, *HANDSHAKE], "requested": version[:40]}
            return Replied(messages.refusal(message.id, UNSUPPORTED_VERSION, "Unsupported version.", data), 400)
        if message.method == "tools/call":
            return self._call(message, message.id)
        result = self._result(message.method, message.params, modern=bool(version))
        if result is None:
            return Replied(messages.refusal(message.id, METHOD_NOT_FOUND, "Unknown method."))
        return Replied(messages.result(message.id, result))

    def answered(self, called: Called, said: str, *, is_error: bool = False) -> bytes:
        """The reply to a call that was carried out."""
        content = [{"type": "text", "text": said}]
        return messages.result(called.id, {"content": content, "isError": is_error, "resultType": "complete"})

    def _call(self, message: Incoming, id: int | str) -> Called | Replied:
        tool = self._tools.get(text(message.params.get("name")))
        if tool is None:
            return Replied(messages.refusal(id, INVALID_PARAMS, "There is no such tool."))
        return Called(id, tool, mapping(message.params.get("arguments")))

    def _result(self, method: str, params: Mapping[str, Any], *, modern: bool) -> Mapping[str, Any] | None:
        whole: dict[str, Any] = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"} if modern else {}
        if modern:
            whole["_meta"] = {f"{_META}serverInfo": self._info}
        match method:
            case "initialize":
                asked = text(params.get("protocolVersion"))
                version = asked if asked in HANDSHAKE else HANDSHAKE[0]
                return {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": self._info}
            case "server/discover":
                return {**whole, "supportedVersions": [MODERN], "capabilities": {"tools": {}}}
            case "ping":
                return {}
            case "tools/list":
                return {**whole, "tools": [_described(tool) for tool in self._tools.values()]}
            case _:
                return None


def _described(tool: McpTool) -> dict[str, Any]:
    hints = {"readOnlyHint": tool.read_only, "destructiveHint": tool.destructive, "openWorldHint": tool.open_world}
    return {
        "name": tool.name,
        "description": tool.description,
        "inputSchema": dict(tool.schema),
        "annotations": hints,
    }
