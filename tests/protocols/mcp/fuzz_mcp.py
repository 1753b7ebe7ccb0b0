"""Broken MCP messages of any number: `python -m tests.protocols.mcp.fuzz_mcp --cases 1000000`.

Whatever a server says must become a value or one `McpError`, in bounded time, and every text must be writable as UTF-8.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from typing import Any

from routerterm.protocols.mcp import McpClient, McpError, McpTool, Reply, ServerFacts, parse_message
from tests.protocols.mcp.driving import drive

_SCHEMA = {"type": "object", "properties": {"a": {"type": "string", "x-mcp-header": "A"}}, "required": ["a"]}
_FORM: dict[str, Any] = {
    "message": "who",
    "requestedSchema": {
        "properties": {
            "a": {"type": "string", "enum": ["x"], "enumNames": ["X"], "default": "x"},
            "b": {"type": "integer", "default": 3},
            "c": {"type": "array", "items": {"anyOf": [{"const": "y", "title": "Y"}]}},
        },
        "required": ["a"],
    },
}
_SEEDS: tuple[dict[str, Any], ...] = (
    {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}, "instructions": "x"},
    {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "s", "version": "1"}},
    {"tools": [{"name": "t", "description": "d", "inputSchema": _SCHEMA, "annotations": {"readOnlyHint": True}}]},
    {"content": [{"type": "text", "text": "hi"}, {"type": "resource", "resource": {"text": "r"}}], "isError": False},
    {"resultType": "input_required", "requestState": "s", "inputRequests": {}},
    {"resultType": "input_required", "inputRequests": {"q": {"method": "elicitation/create", "params": _FORM}}},
)
_ODD: tuple[Any, ...] = (None, True, -1, 1e300, "", "\ud800", "\x1b[2J", [], {}, [[]], "x" * 5_000, {"text": 1})
_BYTES = (b"{", b"}", b"[", b'"', b"\\", b"\x00", b"\xff", b"\xed\xa0\x80", b"NaN", b"1e999", b",", b"null", b"\n")


def _twisted(value: Any, chance: random.Random) -> Any:
    """The value with some of its places holding something else."""
    if chance.random() < 0.12:
        return chance.choice((*_ODD, *_SEEDS))
    if isinstance(value, dict):
        return {name: _twisted(each, chance) for name, each in value.items() if chance.random() > 0.05}
    return [_twisted(each, chance) for each in value] if isinstance(value, list) else value


def _answer(chance: random.Random) -> Reply:
    body: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "result": _twisted(chance.choice(_SEEDS), chance)}
    if chance.random() < 0.1:
        body["error"] = _twisted({"code": -32022, "message": "no", "data": {"supported": ["2031"]}}, chance)
    data = bytearray(json.dumps(body).encode())
    for _ in range(chance.choice((0, 0, 0, 1, 3))):
        place = chance.randrange(len(data) + 1)
        data[place : place + chance.randrange(3)] = chance.choice(_BYTES) * chance.choice((1, 1, 200))
    message = parse_message(bytes(data))
    return Reply(message.result, message.error)


def case(seed: int) -> str:
    """One conversation with a broken server, and how it ended."""
    chance = random.Random(seed)

    def serve(method: str, params: dict[str, Any]) -> Reply:
        return _answer(chance)

    client = McpClient()
    if chance.random() < 0.7:
        client.facts = ServerFacts(chance.choice(("2026-07-28", "2025-11-25")))
    try:
        if client.facts is None:
            facts = drive(client.connect(), serve)
            json.dumps([facts.name, facts.release, facts.instructions], ensure_ascii=False).encode()
        for tool in drive(client.list_tools(), serve):
            json.dumps([tool.name, tool.title, tool.description], ensure_ascii=False).encode()
        drive(client.call(McpTool("t", headers={"A": ("a",)}), {"a": chance.choice(_ODD)}), serve).text.encode()
    except McpError as error:
        error.message.encode()
        return type(error).__name__
    return "read"


def main() -> int:
    """Run for the asked number of cases."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    for seed in range(options.first, options.first + options.cases):
        try:
            case(seed)
        except Exception:
            print(f"case {seed}")
            raise
    print(f"{options.cases} conversations: values and typed errors, nothing else")
    return 0


if __name__ == "__main__":
    sys.exit(main())
