"""A provider on loopback that speaks Chat Completions and breaks on purpose.

The fault is the first part of the path: ``http://127.0.0.1:PORT/FAULT/v1``.  ``scale`` shortens its waits.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import ssl
import struct
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from typing import Any

ANSWER = " ".join(f"word{number} of the whole answer," for number in range(12)) + " and that is the end."
WORDS = [word if place == 0 else f" {word}" for place, word in enumerate(ANSWER.split(" "))]
HALF = len(WORDS) // 2
COMPLETION = 70
"""Tokens of an answer, as it reports them."""


@dataclass
class Call:
    """One request as the server saw it."""

    fault: str
    body: dict[str, Any]
    writer: asyncio.StreamWriter
    n: int
    """Which request for this fault, from 1."""
    prompt_tokens: int = 20
    """What it is charged for."""
    charge: Callable[[int], None] = lambda tokens: None
    """Told of the tokens when they were sent to the client."""

    @property
    def begun(self) -> str:
        """The beginning of an answer that is to be continued."""
        last = (self.body.get("messages") or [{}])[-1]
        return str(last.get("content")) if last.get("role") == "assistant" else ""


@dataclass
class FaultyProvider:
    """The server.  ``hung_up`` is set when a client left in the middle of an answer."""

    scale: float = 1.0
    now: Callable[[], float] = field(default=lambda: asyncio.get_running_loop().time())
    counts: Counter[str] = field(default_factory=Counter)
    while_down: int = 0
    down_until: float = 0.0
    recovered_at: float | None = None
    """When it was first asked again after that."""
    served: list[float] = field(default_factory=list)
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)
    headers: list[dict[str, str]] = field(default_factory=list)
    port: int = 0
    billed: dict[int, str] | None = None
    """Where it is kept: each request has tokens of its own, and these are the ones that clients were told, by fault."""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until the client or a fault ends it."""
        try:
            while (request := await _read(reader)) is not None:
                path, headers, body = request
                fault = path.split("/")[1]
                self.headers.append(headers)
                self.counts[fault] += 1
                call = Call(fault, body, writer, self.counts[fault])
                if (billed := self.billed) is not None:
                    call.prompt_tokens = 1_000 + len(self.headers)
                    call.charge = partial(_note, billed, fault)
                if not await self.answer(call):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            self.hung_up.set()
        finally:
            writer.close()

    async def answer(self, call: Call) -> bool:
        """Answer as the fault says; whether the connection goes on."""
        return await FAULTS[call.fault](self, call)

    async def pause(self, seconds: float) -> None:
        """Seconds at full length."""
        await asyncio.sleep(seconds * self.scale)

    async def hang(self, call: Call, seconds: float = 3600.0) -> None:
        """Keep the line open and say nothing; notice when the client leaves."""
        for _ in range(int(seconds * 20)):
            await asyncio.sleep(0.05)
            if call.writer.transport.is_closing() or _left(call.writer):
                self.hung_up.set()
                return


def _note(billed: dict[int, str], fault: str, tokens: int) -> None:
    billed[tokens] = fault


def _left(writer: asyncio.StreamWriter) -> bool:
    sock = writer.get_extra_info("socket")
    if sock is None:
        return True
    try:
        raw = socket.socket(fileno=socket.dup(sock.fileno()))
    except OSError:
        return True
    with raw:
        raw.setblocking(False)
        try:
            return raw.recv(1, socket.MSG_PEEK) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True


async def _read(reader: asyncio.StreamReader) -> tuple[str, dict[str, str], dict[str, Any]] | None:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return lines[0].split(" ")[1], headers, json.loads(body or b"{}")


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return data({"id": "x", "object": "chat.completion.chunk", "choices": [choice], **more})


def data(payload: Any) -> bytes:
    return b"data: " + (payload if isinstance(payload, bytes) else json.dumps(payload).encode()) + b"\n\n"


async def head(call: Call, status: int = 200, **headers: str) -> None:
    """The status line; the body's end is the connection's, unless a length is given."""
    lines = [f"HTTP/1.1 {status} X", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    call.writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
    await call.writer.drain()


async def stream_head(call: Call) -> None:
    await head(call, content_type="text/event-stream", transfer_encoding="chunked")


async def send(call: Call, payload: bytes) -> None:
    call.writer.write(f"{len(payload):x}\r\n".encode() + payload + b"\r\n")
    await call.writer.drain()


async def close(call: Call) -> bool:
    call.writer.write(b"0\r\n\r\n")
    await call.writer.drain()
    return True


async def error(call: Call, status: int, payload: Any, **headers: str) -> bool:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    headers.setdefault("content_type", "application/json")
    await head(call, status, content_length=str(len(body)), **headers)
    call.writer.write(body)
    await call.writer.drain()
    return True


def reset(call: Call) -> bool:
    """An RST instead of a FIN."""
    sock = call.writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    call.writer.transport.abort()
    return False


async def words(self: FaultyProvider, call: Call, upto: int | None = None, pace: float = 0.01) -> None:
    """The answer from where it was begun."""
    text = "".join(WORDS[:upto])
    rest = text[len(call.begun) :] if call.begun and text.startswith(call.begun) else text
    for start in range(0, len(rest), 24):
        await send(call, chunk({"content": rest[start : start + 24]}))
        await self.pause(pace)


async def tail(call: Call, *, done: bool = True, usage: bool = True) -> bool:
    await send(call, chunk({}, "stop"))
    if usage:
        total = call.prompt_tokens + COMPLETION
        counts = {"prompt_tokens": call.prompt_tokens, "completion_tokens": COMPLETION, "total_tokens": total}
        await send(call, data({"id": "x", "choices": [], "usage": counts}))
        call.charge(call.prompt_tokens)
    if done:
        await send(call, data(b"[DONE]"))
    return await close(call)


async def ok(self: FaultyProvider, call: Call) -> bool:
    await stream_head(call)
    await words(self, call)
    self.served.append(self.now())
    return await tail(call)


async def rate_once(self: FaultyProvider, call: Call) -> bool:
    if call.n == 1:
        return await error(call, 429, {"error": {"message": "slow down"}}, retry_after=f"{2 * self.scale:.3f}")
    return await ok(self, call)


async def rate_forever(self: FaultyProvider, call: Call) -> bool:
    return await error(call, 429, {"error": {"message": "slow down", "code": "rate_limit_exceeded"}})


async def fails_once(self: FaultyProvider, call: Call) -> bool:
    return await error(call, 500, {"error": {"message": "oops"}}) if call.n == 1 else await ok(self, call)


async def down(self: FaultyProvider, call: Call) -> bool:
    return await error(call, 503, b"<html><h1>503</h1></html>", content_type="text/html")


async def reset_before_headers(self: FaultyProvider, call: Call) -> bool:
    return reset(call)


async def reset_in_body(self: FaultyProvider, call: Call) -> bool:
    await stream_head(call)
    await words(self, call, HALF)
    await self.pause(0.2)
    return reset(call)


async def silence(self: FaultyProvider, call: Call) -> bool:
    await self.hang(call)
    return False


async def late(self: FaultyProvider, call: Call) -> bool:
    await stream_head(call)
    await self.pause(20)
    return await ok_body(self, call)


async def ok_body(self: FaultyProvider, call: Call) -> bool:
    await words(self, call)
    return await tail(call)


async def cut(self: FaultyProvider, call: Call) -> bool:
    await stream_head(call)
    await words(self, call, HALF)
    return await close(call)


async def stall(self: FaultyProvider, call: Call) -> bool:
    await stream_head(call)
    await words(self, call, HALF)
    await self.hang(call)
    return False


async def comments(self: FaultyProvider, call: Call) -> bool:
    await stream_head(call)
    while True:
        await send(call, b": keep-alive\n\n")
        await self.pause(2)


async def malformed(self: FaultyProvider, call: Call) -> bool:
    await stream_head(call)
    await send(call, b'data: {"choices": [{"delta": {"content": "wo\n\n')
    return await tail(call)


async def malformed_later(self: FaultyProvider, call: Call) -> bool:
    await stream_head(call)
    await words(self, call, HALF)
    await send(call, b'data: {"choices": [{"delta": {"content": "wo\n\n')
    return await tail(call)


async def no_done(self: FaultyProvider, call: Call) -> bool:
    await stream_head(call)
    await words(self, call)
    return await tail(call, done=False)


async def open_after_end(self: FaultyProvider, call: Call) -> bool:
    await stream_head(call)
    await words(self, call)
    await send(call, chunk({}, "stop"))
    await self.hang(call)
    return False


async def error_as_body(self: FaultyProvider, call: Call) -> bool:
    return await error(call, 200, {"error": {"message": "overloaded", "type": "server_error", "code": 503}})


async def error_first(self: FaultyProvider, call: Call) -> bool:
    await stream_head(call)
    await send(call, data({"error": {"message": "overloaded", "type": "server_error", "code": 503}}))
    return await close(call)


async def error_in_stream(self: FaultyProvider, call: Call) -> bool:
    await stream_head(call)
    await words(self, call, HALF)
    await send(call, data({"error": {"message": "overloaded", "type": "server_error", "code": 503}}))
    return await close(call)


async def too_long(self: FaultyProvider, call: Call) -> bool:
    return await error(call, 400, {"error": {"message": "too long", "code": "context_length_exceeded"}})


async def filtered(self: FaultyProvider, call: Call) -> bool:
    return await error(call, 400, {"error": {"message": "filtered", "code": "content_filter"}})


async def no_prefill(self: FaultyProvider, call: Call) -> bool:
    if call.begun:
        return await error(call, 400, {"error": {"message": "no prefill here", "type": "invalid_request_error"}})
    return await ok(self, call)


async def down_a_while(self: FaultyProvider, call: Call) -> bool:
    if self.now() < self.down_until:
        self.while_down += 1
        return await error(call, 503, {"error": {"message": "maintenance"}})
    self.recovered_at = self.recovered_at or self.now()
    return await ok(self, call)


async def no_usage(self: FaultyProvider, call: Call) -> bool:
    await stream_head(call)
    await words(self, call)
    return await tail(call, usage=False)


async def endless(self: FaultyProvider, call: Call) -> bool:
    await stream_head(call)
    while True:
        await send(call, chunk({"content": "on and "}))
        await self.pause(0.5)


async def redirect(self: FaultyProvider, call: Call) -> bool:
    return await error(call, 307, b"", location="http://127.0.0.1:9/elsewhere")


async def web_page(self: FaultyProvider, call: Call) -> bool:
    return await error(call, 200, b"<!doctype html><title>Log in</title>", content_type="text/html")


async def bad_key(self: FaultyProvider, call: Call) -> bool:
    return await error(call, 401, {"error": {"message": "Incorrect API key", "code": "invalid_api_key"}})


async def unpaid(self: FaultyProvider, call: Call) -> bool:
    return await error(call, 429, {"error": {"message": "quota", "code": "insufficient_quota"}})


async def gone(self: FaultyProvider, call: Call) -> bool:
    return await error(call, 404, {"error": {"message": "no such model", "code": "model_not_found"}})


async def caller_fault(self: FaultyProvider, call: Call) -> bool:
    return await error(call, 400, {"error": {"message": "bad request", "type": "invalid_request_error"}})


async def empty(self: FaultyProvider, call: Call) -> bool:
    await stream_head(call)
    return await tail(call)


async def withheld(self: FaultyProvider, call: Call) -> bool:
    await stream_head(call)
    await send(call, chunk({}, "content_filter"))
    return await close(call)


async def late_usage(self: FaultyProvider, call: Call) -> bool:
    await stream_head(call)
    await words(self, call)
    await send(call, chunk({}, "stop"))
    await asyncio.sleep(2.5)
    counts = {"prompt_tokens": 20, "completion_tokens": 70, "total_tokens": 90}
    await send(call, data({"id": "x", "choices": [], "usage": counts}))
    return await close(call)


async def nonsense_usage(self: FaultyProvider, call: Call) -> bool:
    await stream_head(call)
    await words(self, call)
    await send(call, chunk({}, "stop"))
    await send(call, data({"id": "x", "choices": [], "usage": {"prompt_tokens": -5, "completion_tokens": 10**20}}))
    return await close(call)


async def firewall(self: FaultyProvider, call: Call) -> bool:
    return await error(call, 403, b"<!doctype html><title>Just a moment...</title>", content_type="text/html")


async def larger_than_the_rate(self: FaultyProvider, call: Call) -> bool:
    said = "Request too large on tokens per minute (TPM): Limit 8000, Requested 14137"
    return await error(call, 413, {"error": {"message": said, "code": "rate_limit_exceeded"}})


async def spent(self: FaultyProvider, call: Call) -> bool:
    return await error(call, 400, {"error": {"message": "You have reached your specified API usage limits."}})


async def affords_less(self: FaultyProvider, call: Call) -> bool:
    if call.body.get("max_tokens") or call.body.get("max_completion_tokens"):
        return await ok(self, call)
    said = "This request requires more credits, or fewer max_tokens. You requested up to 8192, but can only afford 900."
    return await error(call, 402, {"error": {"message": said, "code": 402}})


async def tools_missing(self: FaultyProvider, call: Call) -> bool:
    return await error(call, 404, {"error": {"message": "No endpoints found that support tool use.", "code": 404}})


async def region(self: FaultyProvider, call: Call) -> bool:
    said = {"message": "Country, region, or territory not supported", "code": "unsupported_country_region_territory"}
    return await error(call, 403, {"error": said})


async def wrapped(self: FaultyProvider, call: Call) -> bool:
    said = {"message": "Provider returned error", "code": 429, "metadata": {"raw": "rate limited upstream"}}
    return await error(call, 502, {"error": said})


async def template(self: FaultyProvider, call: Call) -> bool:
    said = "jinja2.exceptions.TemplateError: Conversation roles must alternate user/assistant/user/assistant"
    return await error(call, 500, {"error": {"message": said}})


async def wrong_address(self: FaultyProvider, call: Call) -> bool:
    return await error(call, 404, b"404 page not found", content_type="text/plain")


async def thoughts_alone(self: FaultyProvider, call: Call) -> bool:
    await stream_head(call)
    await send(call, chunk({"reasoning_content": "Let me think about it."}))
    return await tail(call)


async def early_end(self: FaultyProvider, call: Call) -> bool:
    await stream_head(call)
    for word in WORDS:
        await send(call, chunk({"content": word}, "stop"))
    await send(call, data(b"[DONE]"))
    return await close(call)


@cache
def endless_comments() -> bytes:
    """Packing it takes a third of a second, in which nothing else of the wall moves."""
    return gzip.compress(b": comment\n\n" * 4_000_000, 9)


async def bomb(self: FaultyProvider, call: Call) -> bool:
    body = endless_comments()
    await head(call, content_type="text/event-stream", content_encoding="gzip", content_length=str(len(body)))
    call.writer.write(body)
    await call.writer.drain()
    return True


async def tool_cut(self: FaultyProvider, call: Call) -> bool:
    await stream_head(call)
    function = {"name": "look", "arguments": '{"where": '}
    await send(call, chunk({"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": function}]}))
    return await close(call)


async def strict(self: FaultyProvider, call: Call) -> bool:
    """A server of the strictest kind: histories, schemas and fields as its model's template can take them."""
    roles = [turn["role"] for turn in call.body["messages"] if turn["role"] not in ("system", "tool")]
    alternate = roles[:1] == ["user"] and all(one != two for one, two in pairwise(roles))
    if not alternate or not all(turn.get("content") or turn.get("tool_calls") for turn in call.body["messages"]):
        return await error(call, 400, {"error": {"message": "turns must alternate and say something"}})
    schemas = [tool["function"].get("parameters", {}) for tool in call.body.get("tools", ())]
    if any("$ref" in json.dumps(schema) or schema.get("type") != "object" for schema in schemas):
        return await error(call, 400, {"error": {"message": "a schema that cannot be followed"}})
    if unknown := call.body.keys() - {"model", "messages", "stream", "stream_options", "tools", "temperature"}:
        return await error(call, 400, {"error": {"message": f"extra inputs: {sorted(unknown)}"}})
    return await ok(self, call)


async def tags(self: FaultyProvider, call: Call) -> bool:
    """Thoughts in the text, as models say them whose server knows no better."""
    await stream_head(call)
    await send(call, chunk({"content": "<thi"}))
    await send(call, chunk({"content": "nk>hm</think>\n"}))
    await words(self, call)
    return await tail(call)


async def in_members(self: FaultyProvider, call: Call) -> bool:
    """A compressed answer in two members."""
    pieces = [chunk({"content": word}) for word in WORDS]
    whole = [b"".join(pieces[:HALF]), b"".join(pieces[HALF:]) + chunk({}, "stop") + data(b"[DONE]")]
    packed = b"".join(gzip.compress(piece) for piece in whole)
    await head(call, content_type="text/event-stream", content_encoding="gzip", content_length=str(len(packed)))
    call.writer.write(packed)
    await call.writer.drain()
    return True


async def not_for_this_key(self: FaultyProvider, call: Call) -> bool:
    return await error(call, 403, {"error": {"message": "Your team is not permitted to use model m"}})


async def one_good_key(self: FaultyProvider, call: Call) -> bool:
    """Nine keys of ten were revoked."""
    return await (ok if self.headers[-1]["authorization"].endswith("-9") else bad_key)(self, call)


async def too_big(self: FaultyProvider, call: Call) -> bool:
    """What a web server in front says of a body that it does not pass on."""
    page = b"<html><head><title>413 Request Entity Too Large</title></head></html>"
    return await error(call, 413, page, content_type="text/html")


async def dependency(self: FaultyProvider, call: Call) -> bool:
    return await error(call, 424, {"error": {"message": "Failed Dependency"}})


async def went_stale(self: FaultyProvider, call: Call) -> bool:
    """A kept connection that is gone when the second request comes over it."""
    return reset(call) if call.n == 2 else await ok(self, call)


FAULTS: dict[str, Callable[[FaultyProvider, Call], Awaitable[bool]]] = {
    function.__name__: function
    for function in (
        ok, rate_once, rate_forever, fails_once, down, reset_before_headers, reset_in_body, silence, late, cut,
        stall, comments, malformed, malformed_later, no_done, open_after_end, error_as_body, error_first,
        error_in_stream, too_long, filtered, no_prefill, down_a_while, no_usage, endless, redirect, web_page,
        bad_key, unpaid, gone, caller_fault, tool_cut,
        empty, withheld, late_usage, nonsense_usage, firewall, larger_than_the_rate, spent, affords_less, tools_missing,
        region, wrapped, template, wrong_address, thoughts_alone, early_end, bomb,
        strict, tags, in_members, not_for_this_key, one_good_key, too_big, dependency, went_stale,
    )
}  # fmt: skip


@asynccontextmanager
async def running(scale: float = 1.0, tls: ssl.SSLContext | None = None) -> AsyncIterator[FaultyProvider]:
    """The server on a free port of loopback."""
    provider = FaultyProvider(scale)
    serving: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(provider.handle(reader, writer))
        serving.add(task)
        task.add_done_callback(serving.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    provider.port = server.sockets[0].getsockname()[1]
    try:
        yield provider
    finally:
        server.close()
        for task in list(serving):
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


def self_signed(folder: Path) -> ssl.SSLContext:
    """A certificate that nobody trusts."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "nobody")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1)).sign(key, hashes.SHA256())
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    path = folder / "nobody.pem"
    path.write_bytes(pem + made.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context
