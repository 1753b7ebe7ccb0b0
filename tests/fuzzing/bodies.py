"""What clients send to the gateway, bent: as JSON of the wrong shapes, as broken bytes, compressed and not."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable
from typing import Any

from routerterm.gateway.embeddings import read_request
from routerterm.gateway.http_errors import HttpError
from routerterm.gateway.request import unpack
from routerterm.gateway.request_options import request_options
from routerterm.protocols import PROTOCOLS, codec, dialects, server_codec
from tests.engine.fuzz_imports import bent

LARGEST = 4_000_000
_CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
_SCHEMA = {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"type": ["string", "null"]}}}
_DATA = "data:image/png;base64,iVBORw0KGgo="
_IMAGE = {"type": "image_url", "image_url": {"url": _DATA}}
_CHAT = {
    "model": "a/b",
    "messages": [
        {"role": "system", "content": "s"},
        {"role": "user", "content": [{"type": "text", "text": "x"}, _IMAGE]},
        {"role": "assistant", "content": None, "tool_calls": [_CALL]},
        {"role": "tool", "tool_call_id": "c", "content": "r"},
    ],
    "tools": [{"type": "function", "function": {"name": "f", "parameters": _SCHEMA}}],
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": _SCHEMA, "strict": True}},
    "max_tokens": 5, "temperature": 0.5, "stop": ["a"], "seed": 1, "reasoning_effort": "low", "stream": True,
}  # fmt: skip
_RESPONSES = {
    "model": "a/b",
    "input": [
        {"role": "user", "content": [{"type": "input_text", "text": "x"}, {"type": "input_image", "image_url": _DATA}]},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "r"},
        {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": "t"}], "encrypted_content": "e"},
    ],
    "tools": [{"type": "function", "name": "f", "parameters": _SCHEMA}, {"type": "custom", "name": "g"}],
    "text": {"format": {"type": "json_schema", "name": "n", "schema": _SCHEMA}}, "reasoning": {"effort": "low"},
}  # fmt: skip
_MESSAGES = {
    "model": "a/b",
    "max_tokens": 9,
    "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "x"},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}]},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "t", "signature": "s"},
            {"type": "tool_use", "id": "c", "name": "f", "input": {"a": 1}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": "r"}]},
    ],
    "tools": [{"name": "f", "input_schema": _SCHEMA}], "thinking": {"type": "enabled", "budget_tokens": 1024},
}  # fmt: skip
_GEMINI = {
    "contents": [
        {"role": "user", "parts": [{"text": "x"}, {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}]},
        {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"a": 1}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"result": "r"}}}]},
    ],
    "tools": [{"functionDeclarations": [{"name": "f", "parameters": {"type": "OBJECT"}}]}],
    "generationConfig": {"maxOutputTokens": 5, "topK": 3, "responseSchema": {"type": "STRING"}},
    "systemInstruction": {"parts": [{"text": "s"}]},
}  # fmt: skip
_OLLAMA = {
    "model": "a/b", "think": True, "format": _SCHEMA, "options": {"num_predict": 5, "stop": ["a"], "top_k": 3},
    "messages": [{"role": "user", "content": "x", "images": ["iVBORw0KGgo="]}],
    "tools": [{"type": "function", "function": {"name": "f", "parameters": _SCHEMA}}],
}  # fmt: skip
SEEDS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("openai-chat", _CHAT),
    ("openai-responses", _RESPONSES),
    ("anthropic-messages", _MESSAGES),
    ("gemini", _GEMINI),
    ("ollama-chat", _OLLAMA),
    ("ollama-generate", {"model": "a/b", "prompt": "x", "images": ["iVBORw0KGgo="], "context": [1]}),
    ("openai-completions", {"model": "a/b", "prompt": ["x"], "max_tokens": 5, "echo": False}),
    ("embeddings openai", {"model": "a/b", "input": ["x", "y"], "dimensions": 8, "encoding_format": "base64"}),
    ("embeddings ollama", {"model": "a/b", "input": "x"}),
    ("embeddings gemini", {"requests": [{"model": "a/b", "content": {"parts": [{"text": "x"}]}}]}),
)
ODD: tuple[Any, ...] = (
    None, True, -1, 0, 1e300, 2**70, "", "x", "\ud800", "\x1b[2J", [], {}, [[]], [None], {"type": {}}, "x" * 5_000,
    {"text": 1}, {"$ref": "#"}, {"$ref": "#/$defs/A"}, "9" * 400,
)  # fmt: skip
_HEADERS = ("x-routerterm-sort", "x-routerterm-only", "x-routerterm-max-price", "x-routerterm-fallbacks", "x-title")


def twisted(value: Any, chance: random.Random, rate: float = 0.06) -> Any:
    """The value with some of its places holding something else, missing, or there many times."""
    if chance.random() < rate:
        return chance.choice(ODD)
    if isinstance(value, dict):
        return {name: twisted(each, chance, rate) for name, each in value.items() if chance.random() > rate / 2}
    if isinstance(value, list):
        return [twisted(each, chance, rate) for each in value] * chance.choice((1,) * 12 + (0, 2, 60))
    return value


def body(seed: dict[str, Any], chance: random.Random) -> bytes:
    """One body."""
    data = json.dumps(twisted(seed, chance, chance.choice((0.0, 0.01, 0.02, 0.06)))).encode()
    return bent(chance, data) if chance.random() < 0.15 else data


def request(chance: random.Random) -> tuple[str, Callable[[], object]]:
    """A body that is read as a request, and a request that is then written for a provider."""
    protocol, seed = chance.choice(SEEDS)
    data = body(seed, chance)
    to = chance.choice(PROTOCOLS)
    dialect = chance.choice(dialects(to))

    def read() -> object:
        kind, _, style = protocol.partition(" ")
        if kind == "embeddings":
            return read_request(style, data, "a/b")
        served = server_codec(kind).decode_request(data)
        wire = codec(to, dialect)
        wire.left_out(served.request)
        return wire.encode(served.request, base_url="http://x/v1", model="m", key=None)

    return protocol, _typed(read)


def packed(chance: random.Random) -> tuple[str, Callable[[], object]]:
    """A compressed body, which may be a bomb."""
    inside = bytes(chance.choice((0, 100, 30_000_000))) if chance.random() < 0.1 else body(SEEDS[0][1], chance)
    data = gzip.compress(inside, 1)
    for _ in range(chance.choice((0, 0, 1))):
        data += gzip.compress(inside[:1000])
    data = bent(chance, data) if chance.random() < 0.6 else data
    coding = chance.choice(("gzip", "deflate", "x-gzip"))
    return "compressed", _typed(lambda: unpack(data, coding, LARGEST))


def headers(chance: random.Random) -> tuple[str, Callable[[], object]]:
    """Headers with which a client steers its request."""
    given = {name: bent(chance, b"a/b, c ; 1.5").decode("latin-1")[:8000] for name in _HEADERS if chance.random() < 0.6}
    return "headers", _typed(lambda: request_options(given))


def _typed(call: Callable[[], object]) -> Callable[[], object]:
    """The same; the gateway's own errors count as ours."""

    def done() -> object:
        try:
            return call()
        except HttpError as error:
            raise error.error from error

    return done
