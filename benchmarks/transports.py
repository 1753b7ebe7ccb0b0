"""What our transport costs beside stock httpx: a request, and each event of an answer at 1 and at 20 streams at once.

One run, the contenders in turn over the same server, processor time, medians:  python benchmarks/transports.py
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable

CHUNKS = 400
REQUESTS = 200
ROUNDS = 7
EVENT = b'data: {"id":"x","choices":[{"index":0,"delta":{"content":" word"},"finish_reason":null}]}\n\n'
Read = Callable[[str], Awaitable[int]]


async def serve() -> None:
    """A provider in a process of its own: ``/short`` at once, ``/long`` a piece at a time."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    piece = b"%x\r\n%s\r\n" % (len(EVENT), EVENT)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                asked = await reader.readuntil(b"\r\n\r\n")
                lengths = [line for line in asked.lower().split(b"\r\n") if line.startswith(b"content-length")]
                await reader.readexactly(int(lengths[0][15:]) if lengths else 0)
                writer.write(head)
                for _ in range(CHUNKS if b"/long" in asked else 1):
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0)
                writer.write(b"0\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def contenders() -> dict[str, tuple[Read, Callable[[], Awaitable[None]]]]:
    """How each reads an answer; the number of events, however many came together."""
    from routerterm.protocols.base import HttpRequest
    from routerterm.router.transports.base import Timeouts
    from routerterm.router.transports.http import HttpTransport

    transport = HttpTransport("")
    import httpx  # after ours, as in the program: without its command line

    client = httpx.AsyncClient(timeout=60, trust_env=False)
    headers = (("authorization", "Bearer sk-bench"), ("content-type", "application/json"))
    body = b'{"model": "m", "messages": [{"role": "user", "content": "Hello"}], "stream": true}'

    async def stock(url: str) -> int:
        size = 0
        async with client.stream("POST", url, content=body, headers=headers) as response:
            async for piece in response.aiter_bytes():
                size += len(piece)
        return size // len(EVENT)

    async def ours(url: str) -> int:
        size = 0
        async with transport.exchange(HttpRequest("POST", url, headers, body), Timeouts()) as answer:
            async for piece in answer.body:
                size += len(piece)
        return size // len(EVENT)

    return {"httpx": (stock, client.aclose), "ours": (ours, transport.aclose)}


async def measure(base: str) -> dict[str, dict[str, float]]:
    """Microseconds of processor time by contender and figure."""
    found: dict[str, dict[str, list[float]]] = {}
    made = contenders()
    for _ in range(ROUNDS):
        for name, (read, _close) in made.items():
            rows = found.setdefault(name, {})
            await read(f"{base}/short")
            begun = time.process_time()
            for _ in range(REQUESTS):
                await read(f"{base}/short")
            rows.setdefault("request", []).append((time.process_time() - begun) / REQUESTS * 1e6)
            for streams in (1, 20):
                begun = time.process_time()
                counts = await asyncio.gather(*(read(f"{base}/long") for _ in range(streams)))
                spent = (time.process_time() - begun) / sum(counts) * 1e6
                rows.setdefault(f"chunk, {streams} at once", []).append(spent)
    for _, close in made.values():
        await close()
    return {name: {figure: statistics.median(times) for figure, times in rows.items()} for name, rows in found.items()}


def main() -> None:
    """Start the server, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if given.serve:
        asyncio.run(serve())
        return
    server = subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        base = f"http://127.0.0.1:{int(server.stdout.readline())}"
        found = asyncio.run(measure(base))
    finally:
        server.kill()
        server.wait()
    if given.json:
        print(json.dumps(found))
        return
    print(f"{'µs of processor time':<22}{'httpx':>10}{'ours':>10}")
    for figure, control in found["httpx"].items():
        own = found["ours"][figure]
        print(f"{figure:<22}{control:>10.1f}{own:>10.1f}   {own / control:.2f} ×")


if __name__ == "__main__":
    main()
