"""A scripted provider in all five protocols, for clients that are asked the same of each: what it says follows from
what it is asked.  Tools get two calls at once, then an answer; a schema gets JSON; the model `broken` an error.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from routerterm.core.errors import BadRequest
from routerterm.core.events import StreamEnd, TextDelta, ToolCallDelta, UsageReported, WireEvent
from routerterm.core.messages import ToolResult
from routerterm.core.request import ChatRequest
from routerterm.core.usage import Usage
from routerterm.protocols import server_codec
from routerterm.protocols.json_utils import mapping

PATHS = {
    "/chat/completions": "openai-chat",
    "/responses": "openai-responses",
    "/messages": "anthropic-messages",
    "/api/chat": "ollama-chat",
}
PROTOCOLS = ("openai-chat", "openai-responses", "anthropic-messages", "gemini", "ollama-chat")


MADE = "4711"
COMMAND = f"printf {MADE} > made.txt && cat made.txt"
"""What a coding agent is told to run, and what the file then holds."""
_TOLD = re.compile(r'(\w+)="([^"]*)"')
SHELLS = ("exec_command", "shell", "shell_command", "bash", "run_shell_command", "run_commands")
"""How coding agents call the tool that runs a command."""


def says(request: ChatRequest) -> Iterator[WireEvent]:
    """The answer."""
    results = [part for message in request.messages for part in message.parts if isinstance(part, ToolResult)]
    if request.json is not None:
        yield TextDelta(json.dumps(_sample(request.json.schema or {}) or {"n": 5}))
    elif not results and (call := _shell_call(request)) is not None:
        yield TextDelta("I look.")
        yield call
        yield UsageReported(Usage(fresh=20, output=9))
        yield StreamEnd("tool_calls")
        return
    elif request.tools and not results:
        names = [tool.name for tool in request.tools]
        if told := dict(_TOLD.findall(request.messages[-1].text)):  # what to call with is said in words
            yield ToolCallDelta(0, "call_0", names[0], json.dumps(told))
            yield UsageReported(Usage(fresh=20, output=9))
            yield StreamEnd("tool_calls")
            return
        other = _sample(request.tools[0].schema)
        for index, arguments in enumerate(({"a": 2, "b": 3}, {"a": 1, "b": 1})):
            given = other if "a" not in other and other else arguments
            yield ToolCallDelta(index, f"call_{index}", names[0], json.dumps(given))
        yield UsageReported(Usage(fresh=20, output=9))
        yield StreamEnd("tool_calls")
        return
    elif results:
        yield TextDelta("The results are " + " and ".join(part.text for part in results))
    else:
        yield from (TextDelta("Hel"), TextDelta("lo"))
    yield UsageReported(Usage(fresh=10, output=5))
    yield StreamEnd("stop")


def _sample(schema: Mapping[str, Any]) -> Any:
    """A value that fits a schema of the plain kinds."""
    if "const" in schema or schema.get("enum"):
        return schema.get("const", next(iter(schema.get("enum", ())), None))
    match schema.get("type"):
        case "object":
            return {name: _sample(inner) for name, inner in mapping(schema.get("properties")).items()}
        case "array":
            return [_sample(mapping(schema.get("items")))]
        case "integer" | "number":
            return 5
        case "boolean":
            return True
        case _:
            return "x"


def _shell_call(request: ChatRequest) -> ToolCallDelta | None:
    """A command for a coding agent, by whichever tool it has for that, in the words of the tool's own schema."""
    for tool in request.tools:
        known = mapping(tool.schema.get("properties"))
        field = next((name for name in ("command", "cmd", "commands") if name in known), "")
        if tool.name.lower() in SHELLS and field:
            as_list = mapping(known[field]).get("type") == "array"
            given = [COMMAND] if field == "commands" else ["sh", "-c", COMMAND] if as_list else COMMAND
            arguments: dict[str, Any] = {field: given}
            arguments |= {name: "Make a file." for name in tool.schema.get("required", ()) if name == "description"}
            return ToolCallDelta(0, "call_shell", tool.name, json.dumps(arguments))
    return None


async def serve() -> asyncio.Server:
    """The provider on a free port."""
    return await asyncio.start_server(_answer, "127.0.0.1", 0)


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        path = head.split(" ", 2)[1].partition("?")[0]
        lengths = [int(line[15:]) for line in head.lower().splitlines() if line.startswith("content-length:")]
        body = await reader.readexactly(lengths[0]) if lengths else b""
        status, kind, data = _reply(path, body)
        fields = f"content-type: {kind}\r\ncontent-length: {len(data)}\r\nconnection: close"
        writer.write(f"HTTP/1.1 {status} X\r\n{fields}\r\n\r\n".encode() + data)
        await writer.drain()
    finally:
        writer.close()


def _reply(path: str, body: bytes) -> tuple[int, str, bytes]:
    model, _, method = path.rpartition("/")[2].partition(":")
    gemini = {"model": model, "stream": method == "streamGenerateContent"} if method else {}
    protocol = "gemini" if method else next((name for end, name in PATHS.items() if path.endswith(end)), "")
    if not protocol:
        return 404, "application/json", b'{"error": {"message": "Nothing here."}}'
    codec = server_codec(protocol)
    asked = codec.decode_request(body, **gemini)
    if "broken" in asked.request.model:
        _, data = codec.encode_error(BadRequest("temperature must be below 2"))
        return 400, "application/json", data
    events = list(says(asked.request))
    if not asked.stream:
        return 200, "application/json", codec.encode_body(events, id="x", model=asked.request.model)
    stream = codec.ServerStream(id="x", model=asked.request.model, created=0, usage=True)
    data = stream.start() + b"".join(map(stream.event, events)) + stream.end()
    return 200, "application/x-ndjson" if protocol == "ollama-chat" else "text/event-stream", data
