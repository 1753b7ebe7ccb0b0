"""The provider of the soak test and the line to it: every fault, calls of a tool, and what each request is charged."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from dataclasses import dataclass, field

from tests.router.faults.provider import Call, FaultyProvider, chunk, error, ok, send, stream_head, tail

SCALE = 0.05
"""The provider's waits, as a share of what they are in use."""


@dataclass
class SoakProvider(FaultyProvider):
    """Knows one fault more: ``tools`` asks for a call of ``pad__note`` before it answers, each with a number."""

    scale: float = SCALE
    billed: dict[int, str] | None = field(default_factory=dict)
    arrived: dict[int, str] = field(default_factory=dict)
    """What each request was, by its tokens: the fault, when it came, and how its last message begins."""

    async def answer(self, call: Call) -> bool:
        """See `FaultyProvider`."""
        if not call.body:  # it is asked which models it has, which is no request of the ledger's
            self.counts[call.fault] -= 1
            return await error(call, 404, {"error": {"message": "no such list"}})
        last = str(call.body.get("messages", [{}])[-1].get("content"))[:40]
        self.arrived[call.prompt_tokens] = f"{call.fault} {time.time():.2f} {last}"
        if call.fault != "tools":
            return await super().answer(call)
        if call.body.get("messages", [{}])[-1].get("role") == "tool" or not call.body.get("tools"):
            return await ok(self, call)
        await stream_head(call)
        function = {"name": "pad__note", "arguments": json.dumps({"n": call.n})}
        one = {"index": 0, "id": f"c{call.n}", "type": "function", "function": function}
        await send(call, chunk({"tool_calls": [one]}))
        return await tail(call)


@dataclass
class Line:
    """The provider, and the line to it, which can be cut."""

    provider: SoakProvider = field(default_factory=SoakProvider)
    port: int = 0
    _server: asyncio.Server | None = None
    _serving: set[asyncio.Task[None]] = field(default_factory=set)

    async def up(self) -> None:
        """Listen, where it listened before."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def down(self) -> None:
        """Refuse connections, and cut those that are open."""
        if self._server is not None:
            self._server.close()
        for task in list(self._serving):
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def serve() -> None:
            try:
                await self.provider.handle(reader, writer)
            finally:
                writer.close()

        task = asyncio.create_task(serve())
        self._serving.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._serving.discard(task)
        with contextlib.suppress(asyncio.CancelledError):
            task.exception()  # a client that left in the middle is no news
