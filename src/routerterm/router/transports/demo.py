"""The demonstration provider: a server in this process that speaks Chat Completions, without key or network.

Its models answer the same every time, and some fail on purpose so that a person can watch the router cope:
``flaky`` says 429 to every other request, ``cut`` breaks off half way, ``down`` always fails, ``silent``
never says a word.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from msgspec import Struct

from routerterm.core.errors import StreamInterrupted
from routerterm.protocols.base import HttpRequest
from routerterm.router.transports.base import HttpResponse, Timeouts
from routerterm.router.transports.demo_texts import CODE, CUT, MARKDOWN, SLOW, TABLE, THOUGHTS, TOOLS, WEATHER

_TEXTS = {"markdown": MARKDOWN, "code": CODE, "table": TABLE, "slow": SLOW, "cut": CUT, "reasoning": WEATHER}
MODELS = {
    "echo": "says what you say",
    "markdown": "headings, lists, a table and code",
    "code": "a longer program",
    "table": "a wide table",
    "reasoning": "thinks before it answers",
    "tools": "calls a tool",
    "slow": "begins late, and writes slowly",
    "flaky": "every other request meets a rate limit, which is waited out",
    "cut": "an answer that is cut off, and continued",
    "down": "always fails: a provider that is gone",
    "silent": "never answers; Esc stops it",
}
"""Every model, as in ``demo/echo``, and what it shows."""

_PACE = 0.02
"""Seconds between two pieces: about fifty a second."""
_SLOW_START, _SLOW_PACE = 3.0, 0.25
_PIECE = re.compile(r"\s*\S+\s*?(?=\s|$)|\s+")


class _Script(Struct, frozen=True):
    """What one answer will do."""

    text: str
    thoughts: str = ""
    start: float = 0.0
    pace: float = _PACE
    cut: bool = False
    tool: tuple[str, str] | None = None


class DemoTransport:
    """Fulfils `Transport`.  ``tempo`` scales every wait; 0 takes no time at all."""

    def __init__(self, tempo: float = 1.0) -> None:
        self._tempo = tempo
        self._asked = 0

    @asynccontextmanager
    async def exchange(self, request: HttpRequest, waits: Timeouts) -> AsyncIterator[HttpResponse]:
        """See `Transport.exchange`."""
        await asyncio.sleep(0)
        if request.method == "GET":
            listing = {"object": "list", "data": [{"id": name, "object": "model"} for name in MODELS]}
            yield _json(200, listing)
            return
        body = json.loads(request.body)
        model = str(body.get("model", ""))
        if (refused := self._refusal(model)) is not None:
            yield refused
            return
        if model == "silent":
            await asyncio.sleep(3600)
        if request.url.endswith("/embeddings"):
            yield _json(200, _embeddings(body))
            return
        yield HttpResponse(200, self._stream(body, _script(model, body)), {"content-type": "text/event-stream"})

    async def aclose(self) -> None:
        """See `Transport.aclose`."""

    def _refusal(self, model: str) -> HttpResponse | None:
        if model == "down":
            return _json(503, {"error": {"message": "demo/down is always down.", "type": "server_error"}})
        if model == "flaky":
            self._asked += 1
            if self._asked % 2:
                error = {
                    "message": "demo/flaky is rate limited for a moment.",
                    "type": "requests",
                    "code": "rate_limit_exceeded",
                }
                return _json(429, {"error": error}, {"retry-after": "1"})
        if model not in MODELS:
            message = f"There is no demo model {model!r}; there are {', '.join(MODELS)}."
            return _json(404, {"error": {"message": message, "code": "model_not_found"}})
        return None

    async def _stream(self, body: Mapping[str, Any], script: _Script) -> AsyncIterator[bytes]:
        """The answer as server-sent events, a word at a time."""
        model = str(body["model"])
        await self._pause(script.start)
        yield _event(model, {"role": "assistant", "content": ""})
        for piece in _PIECE.findall(script.thoughts):
            yield _event(model, {"reasoning_content": piece})
            await self._pause(script.pace)
        pieces = _PIECE.findall(script.text)
        for piece in pieces[: len(pieces) // 2] if script.cut else pieces:
            yield _event(model, {"content": piece})
            await self._pause(script.pace)
        if script.cut:
            raise StreamInterrupted("demo/cut was cut off in the middle of its answer, as always.", code="reset")
        if script.tool is not None:
            name, arguments = script.tool
            yield _event(model, {"tool_calls": [{"index": 0, "id": "call_demo", "type": "function",
                                                 "function": {"name": name, "arguments": ""}}]})  # fmt: skip
            for start in range(0, len(arguments), 8):
                piece = {"index": 0, "function": {"arguments": arguments[start : start + 8]}}
                yield _event(model, {"tool_calls": [piece]})
                await self._pause(script.pace)
        yield _event(model, {}, "tool_calls" if script.tool is not None else "stop")
        prompt = sum(len(_content(message)) for message in body.get("messages", ())) // 4 + 1
        usage = {"prompt_tokens": prompt, "completion_tokens": (len(script.text) + len(script.thoughts)) // 4 + 1}
        usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]
        yield _data({"id": "demo", "object": "chat.completion.chunk", "model": model, "choices": [], "usage": usage})
        yield b"data: [DONE]\n\n"

    async def _pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds * self._tempo)


def _embeddings(body: Mapping[str, Any]) -> dict[str, Any]:
    """A vector for each text: the same text has always the same one."""
    texts = [str(words) for words in body.get("input", ())]
    size = min(int(body.get("dimensions") or 8), 4096)
    rows = [{"index": n, "embedding": [seen / 255 for seen in _digest(words, size)]} for n, words in enumerate(texts)]
    tokens = sum(len(words) // 4 + 1 for words in texts)
    return {"object": "list", "data": rows, "usage": {"prompt_tokens": tokens, "total_tokens": tokens}}


def _digest(words: str, size: int) -> bytes:
    return hashlib.shake_128(words.encode("utf-8", "replace")).digest(size)


def _script(model: str, body: Mapping[str, Any]) -> _Script:
    messages = body.get("messages") or []
    begun = _content(messages[-1]) if messages and messages[-1].get("role") == "assistant" else ""
    if model == "tools":
        return _tool_script(body)
    if model in ("echo", "flaky"):
        asked = [_content(message) for message in messages if message.get("role") == "user"]
        text = asked[-1] if asked else ""
        text = text or "You said nothing."
    else:
        text = _TEXTS[model]
    cut = model == "cut" and not begun
    if begun and text.startswith(begun):
        text = text[len(begun) :]
    if model == "slow":
        return _Script(text, start=_SLOW_START, pace=_SLOW_PACE)
    return _Script(text, THOUGHTS if model == "reasoning" else "", cut=cut)


def _tool_script(body: Mapping[str, Any]) -> _Script:
    """Call the first tool that is offered, once; then speak of its result."""
    results = [message for message in body.get("messages", ()) if message.get("role") == "tool"]
    if results:
        return _Script(f"The tool answered: {_content(results[-1])}")
    tools = body.get("tools") or []
    if not tools:
        return _Script(TOOLS)
    function = tools[0].get("function", {})
    properties = function.get("parameters", {}).get("properties", {})
    arguments = {name: _example(schema) for name, schema in properties.items()}
    return _Script("", tool=(str(function.get("name", "")), json.dumps(arguments)))


def _example(schema: object) -> object:
    """A value that fits a small JSON Schema."""
    if not isinstance(schema, Mapping):
        return "demo"
    if schema.get("enum"):
        return schema["enum"][0]
    examples: dict[object, object] = {"integer": 1, "number": 1.5, "boolean": True, "array": [], "object": {}}
    return examples.get(schema.get("type"), "demo")


def _content(message: Mapping[str, Any]) -> str:
    """The text of a message in the protocol's form: a string or a list of parts."""
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping))


def _event(model: str, delta: dict[str, Any], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return _data({"id": "demo", "object": "chat.completion.chunk", "model": model, "choices": [choice]})


def _data(payload: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(payload, ensure_ascii=False)}\n\n".encode()


def _json(status: int, payload: dict[str, Any], headers: Mapping[str, str] | None = None) -> HttpResponse:
    async def body() -> AsyncIterator[bytes]:
        yield json.dumps(payload).encode()

    return HttpResponse(status, body(), {"content-type": "application/json", **(headers or {})})
