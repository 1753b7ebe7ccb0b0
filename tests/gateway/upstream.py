"""A provider on loopback that speaks Chat Completions as each test needs it: whole, cut, slow, with tools."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

Say = Callable[["Talk"], Any]


@dataclass
class Talk:
    """One request, and the ways to answer it."""

    body: dict[str, Any]
    writer: asyncio.StreamWriter
    headers: str = ""

    async def head(self, status: int = 200, kind: str = "text/event-stream") -> None:
        self.writer.write(f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\nconnection: close\r\n\r\n".encode())
        await self.writer.drain()

    async def event(self, delta: dict[str, Any], finish: str | None = None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        await self.data({"id": "x", "model": self.body["model"], "choices": [choice]})

    async def data(self, value: Any) -> None:
        self.writer.write(b"data: " + json.dumps(value).encode() + b"\n\n")
        await self.writer.drain()

    async def text(self, *pieces: str) -> None:
        for piece in pieces:
            await self.event({"content": piece})

    async def end(self, finish: str = "stop", prompt: int = 10, answer: int = 5) -> None:
        await self.event({}, finish)
        usage = {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer}
        await self.data({"id": "x", "choices": [], "usage": usage})
        self.writer.write(b"data: [DONE]\n\n")
        await self.writer.drain()

    async def fails(self, status: int, message: str, code: str | None = None) -> None:
        await self.head(status, "application/json")
        self.writer.write(json.dumps({"error": {"message": message, "code": code}}).encode())


@dataclass
class Upstream:
    """What each model says, and what was asked."""

    url: str = ""
    models: dict[str, Say] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)
    open: int = 0
    """Answers under way."""
    hung_up: int = 0
    flooded: int = 0

    def model(self, name: str) -> Callable[[Say], Say]:
        def keep(say: Say) -> Say:
            self.models[name] = say
            return say

        return keep

    def says(self, name: str, *pieces: str, **end: Any) -> None:
        """A model that answers so, whole."""

        async def say(talk: Talk) -> None:
            await talk.head()
            await talk.text(*pieces)
            await talk.end(**end)

        self.models[name] = say

    def breaks(self, name: str, *pieces: str) -> None:
        """A model that breaks off after these pieces."""

        async def say(talk: Talk) -> None:
            await talk.head()
            await talk.text(*pieces)

        self.models[name] = say

    def floods(self, name: str) -> None:
        """A model that never ends; ``flooded`` counts the characters that were taken from it."""

        async def say(talk: Talk) -> None:
            await talk.head()
            while True:
                await talk.text("x" * 10_000)
                self.flooded += 10_000

        self.models[name] = say

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            length = next(int(line[15:]) for line in head.lower().splitlines() if line.startswith("content-length:"))
            body = json.loads(await reader.readexactly(length))
            self.asked.append(body)
            talk = Talk(body, writer, head)
            saying = asyncio.ensure_future(self.models[body["model"]](talk))
            leaving = asyncio.ensure_future(reader.read(1))
            await asyncio.wait({saying, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not saying.done():
                self.hung_up += 1
            for task in (saying, leaving):
                task.cancel()
            with suppress(asyncio.CancelledError, ConnectionError):
                await saying
        finally:
            self.open -= 1
            writer.close()


@asynccontextmanager
async def upstream() -> AsyncIterator[Upstream]:
    up = Upstream()
    server = await asyncio.start_server(up.answer, "127.0.0.1", 0, backlog=1024)
    up.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield up
    finally:
        server.close()
