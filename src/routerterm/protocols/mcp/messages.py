"""JSON-RPC 2.0 as MCP uses it: one message to and from bytes, within limits.

Source: modelcontextprotocol.io/specification, basic protocol.  Batches existed in 2025-03-26 alone; no server needs
them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from routerterm.protocols.json_utils import EMPTY, NotJson, dumps, loads, mapping, scrub, text
from routerterm.protocols.mcp.values import MAX_DEPTH, MAX_MESSAGE, McpInvalid, McpRefused

_MOST_ERROR = 500
_BRACKET_OR_STRING = re.compile(rb'[\[\]{}]|"(?:[^"\\]|\\.)*+"', re.DOTALL)


class Incoming(Struct, frozen=True):
    """One message of a server: an answer (``id``, no ``method``), a question (both) or a notice (only ``method``)."""

    id: int | str | None = None
    method: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    result: Mapping[str, Any] | None = None
    error: McpRefused | None = None

    @property
    def answers(self) -> bool:
        """Whether it is the answer to a request of ours."""
        return not self.method


def request(id: int, method: str, params: Mapping[str, Any]) -> bytes:
    """A request: one line, without the line break."""
    return dumps({"jsonrpc": "2.0", "id": id, "method": method, "params": params})


def notification(method: str, params: Mapping[str, Any] = EMPTY) -> bytes:
    """A notice that wants no answer."""
    return dumps({"jsonrpc": "2.0", "method": method} | ({"params": params} if params else {}))


def result(id: int | str, value: Mapping[str, Any]) -> bytes:
    """The answer to a server's question."""
    return dumps({"jsonrpc": "2.0", "id": id, "result": value})


def refusal(id: int | str, code: int, message: str, data: Any = None) -> bytes:
    """The refusal of the other side's request."""
    more = {} if data is None else {"data": data}
    return dumps({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message, **more}})


def parse_message(data: bytes) -> Incoming:
    """The message in these bytes.  Raises `McpInvalid`."""
    if len(data) > MAX_MESSAGE:
        raise McpInvalid(f"The server sent a message of more than {MAX_MESSAGE // 1_048_576} MiB.")
    if too_deep(data):
        raise McpInvalid("The server sent a message that is nested too deeply.")
    try:
        body = loads(data)
    except NotJson:
        raise McpInvalid("The server sent something that is not JSON.", "An MCP server must log to stderr.") from None
    if not isinstance(body, dict) or body.get("jsonrpc") != "2.0":
        raise McpInvalid("The server sent a message that is not JSON-RPC 2.0.")
    id, method = body.get("id"), body.get("method")
    if isinstance(id, bool) or not isinstance(id, int | str | None):
        raise McpInvalid("The server sent a message with an invalid id.")
    if isinstance(method, str) and method:
        return Incoming(id, method, mapping(body.get("params")))
    if isinstance(body.get("error"), dict):
        return Incoming(id, error=_error(body["error"]))
    if id is None or not isinstance(body.get("result"), dict):
        raise McpInvalid("The server sent a message that is neither an answer nor a request.")
    return Incoming(id, result=body["result"])


def _error(body: Mapping[str, Any]) -> McpRefused:
    code = body.get("code")
    number = code if isinstance(code, int) and not isinstance(code, bool) and abs(code) < 2**53 else 0
    said = scrub(text(body.get("message")))[:_MOST_ERROR] or f"error {number}"
    return McpRefused(said, number, body.get("data"))


def too_deep(data: bytes, most: int = MAX_DEPTH) -> bool:
    """Whether brackets nest deeper than ``most``, counted without building anything."""
    if data.count(b"[") + data.count(b"{") <= most:
        return False
    depth = 0
    for found in _BRACKET_OR_STRING.finditer(data):
        bracket = found[0]
        if bracket in (b"[", b"{"):
            depth += 1
            if depth > most:
                return True
        elif bracket in (b"]", b"}"):
            depth -= 1
    return False
