"""What the router costs beside raw httpx and json, against the same local server in the same run.

    python benchmarks/router_overhead.py [--litellm PYTHON] [--json]

Every contender runs in a process of its own, the server in another.  PYTHON is an interpreter that has
litellm, to measure its Router beside ours; without one it is left out, and the output says so.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, aclosing
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from routerterm.protocols.base import HttpRequest
    from routerterm.router.transports.base import HttpResponse, Timeouts

CHUNKS = 2000
LONG_RUNS, SHORT_RUNS, TOGETHER = 5, 200, 10
PIECES = [f"word{number} " for number in range(16)]
"""They differ: litellm takes a hundred equal ones for a model that is stuck."""


async def serve() -> None:
    """An OpenAI-compatible server: 2,000 pieces for ``long``, three for anything else."""

    def event(delta: dict[str, str], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        body = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
        payload = b"data: " + json.dumps(body).encode() + b"\n\n"
        return f"{len(payload):x}\r\n".encode() + payload + b"\r\n"

    pieces = [event({"content": piece}) for piece in PIECES]
    done = b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    int(line.split(b":")[1])
                    for line in head.split(b"\r\n")
                    if line.lower().startswith(b"content-length")
                )
                body = json.loads(await reader.readexactly(length))
                writer.write(
                    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
                )
                for n in range(CHUNKS if body["model"].endswith("long") else 3):
                    writer.write(pieces[n % len(pieces)])
                    await writer.drain()
                    await asyncio.sleep(0)
                writer.write(event({}, "stop") + done)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


BEFORE: list[float] = []
"""Seconds of processor time that our Router took before each request left."""

Ask = Callable[[str], Awaitable[tuple[int, float]]]
"""Asks a model; gives the number of pieces and the seconds to the first."""


async def raw(base: str) -> tuple[Ask, Callable[[], Awaitable[None]]]:
    """The control: httpx and json, nothing else."""
    import httpx

    client = httpx.AsyncClient(timeout=60, trust_env=False)

    async def ask(model: str) -> tuple[int, float]:
        begun, first, pieces = time.perf_counter(), 0.0, 0
        body = {"model": model, "messages": [{"role": "user", "content": "Hello"}], "stream": True}
        headers = {"authorization": "Bearer sk-bench"}
        async with client.stream("POST", f"{base}/chat/completions", json=body, headers=headers) as response:
            async for line in response.aiter_lines():
                if not line.startswith("data: ") or line == "data: [DONE]":
                    continue
                if json.loads(line[6:])["choices"][0]["delta"].get("content"):
                    first = first or time.perf_counter() - begun
                    pieces += 1
        return pieces, first

    return ask, client.aclose


async def ours(base: str) -> tuple[Ask, Callable[[], Awaitable[None]]]:
    """Our Router, as the library has it: routes, breaker, keys and ledger's hooks in the way."""
    from routerterm.catalog import Catalog
    from routerterm.catalog.values import ProviderInfo
    from routerterm.core.events import TextDelta
    from routerterm.core.messages import Message
    from routerterm.core.request import ChatRequest
    from routerterm.router import Router
    from routerterm.router.environment_keys import EnvironmentKeys
    from routerterm.router.transports.http import HttpTransport

    class Noting(HttpTransport):
        """Notes the processor time at which a request reaches the network's door."""

        def exchange(self, request: HttpRequest, waits: Timeouts) -> AbstractAsyncContextManager[HttpResponse]:
            BEFORE.append(time.process_time() - begun_cpu)
            return super().exchange(request, waits)

    begun_cpu = 0.0
    catalog = Catalog.builtin().merged(providers=[ProviderInfo("bench", "Bench", "openai-chat", base)])
    keys = EnvironmentKeys(catalog.provider, {"BENCH_API_KEY": "sk-bench-0123456789"})
    router = Router(catalog, keys, transports={"bench": Noting()})

    async def ask(model: str) -> tuple[int, float]:
        nonlocal begun_cpu
        begun_cpu = time.process_time()
        begun, first, pieces = time.perf_counter(), 0.0, 0
        request = ChatRequest(f"bench/{model}", (Message.of("user", "Hello"),))
        async with aclosing(router.stream(request)) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    first = first or time.perf_counter() - begun
                    pieces += 1
        return pieces, first

    return ask, router.aclose


async def litellm(base: str) -> tuple[Ask, Callable[[], Awaitable[None]]]:
    """litellm's Router, streaming from the same server."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    from litellm import Router

    def deployment(model: str) -> dict[str, Any]:
        return {
            "model_name": model,
            "litellm_params": {"model": f"openai/{model}", "api_base": base, "api_key": "sk-bench"},
        }

    router = Router(model_list=[deployment("long"), deployment("short")])

    async def ask(model: str) -> tuple[int, float]:
        begun, first, pieces = time.perf_counter(), 0.0, 0
        messages = [{"role": "user", "content": "Hello"}]
        async for part in await router.acompletion(model=model, messages=messages, stream=True):
            if part.choices and part.choices[0].delta.content:
                first = first or time.perf_counter() - begun
                pieces += 1
        return pieces, first

    async def close() -> None:
        router.discard()

    return ask, close


async def measure(contender: str, base: str) -> dict[str, float]:
    """All figures of one contender."""
    ask, close = await {"raw": raw, "ours": ours, "litellm": litellm}[contender](base)
    await ask("short")
    await ask("long")
    cpu, pieces = time.process_time(), 0
    for _ in range(LONG_RUNS):
        count, _ = await ask("long")
        pieces += count
    per_chunk = (time.process_time() - cpu) / pieces
    assert pieces == LONG_RUNS * CHUNKS, pieces
    BEFORE.clear()
    firsts = [(await ask("short"))[1] for _ in range(SHORT_RUNS)]
    before = statistics.median(BEFORE) if BEFORE else 0.0
    begun = time.perf_counter()

    async def some() -> None:
        for _ in range(SHORT_RUNS // TOGETHER):
            await ask("short")

    await asyncio.gather(*(some() for _ in range(TOGETHER)))
    rate = SHORT_RUNS / (time.perf_counter() - begun)
    await close()
    return {
        "before_ms": before * 1000,
        "first_token_ms": statistics.median(firsts) * 1000,
        "chunk_us": per_chunk * 1e6,
        "requests_per_s": rate,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def run(python: str, contender: str, base: str) -> dict[str, float]:
    """Measure a contender in a process of its own."""
    environ = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    done = subprocess.run(
        [python, __file__, "--contender", contender, "--base", base],
        capture_output=True, text=True, check=False, env=environ,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{contender} failed:\n{done.stderr[-2000:]}")
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def best(pythons: Mapping[str, str], base: str, rounds: int) -> dict[str, dict[str, float]]:
    """The least disturbed of some rounds, in which the contenders take turns."""
    found: dict[str, list[dict[str, float]]] = {contender: [] for contender in pythons}
    for _ in range(rounds):
        for contender, python in pythons.items():
            found[contender].append(run(python, contender, base))
    return {
        contender: {
            name: (max if name == "requests_per_s" else min)(figures[name] for figures in rows) for name in rows[0]
        }
        for contender, rows in found.items()
    }


def report(results: dict[str, dict[str, float]]) -> None:
    """Figures, and ratios to the control."""
    names = {"first_token_ms": "first token, ms", "chunk_us": "CPU per chunk, µs",
             "requests_per_s": "short answers/s", "peak_mb": "peak memory, MB"}  # fmt: skip
    print(f"{'':<20}" + "".join(f"{contender:>24}" for contender in results))
    for name, title in names.items():
        cells = (
            f"{figures[name]:>12.2f} {'(' + format(figures[name] / results['raw'][name], '.2f') + ' ×)':>11}"
            for figures in results.values()
        )
        print(f"{title:<20}" + "".join(cells))
    ours, control = results["ours"], results["raw"]
    print(
        f"\n{ours['first_token_ms'] - control['first_token_ms']:.2f} ms more to the first token, one request at a time"
    )
    held = [
        ("before the request leaves, ms of processor time", ours["before_ms"], "at most", 1.0),
        ("per chunk, times raw httpx", ours["chunk_us"] / control["chunk_us"], "at most", 2.0),
        ("peak memory, MB", ours["peak_mb"], "at most", 60.0),
    ]
    if "litellm" in results:
        held.append(
            ("per chunk, litellm times ours", results["litellm"]["chunk_us"] / ours["chunk_us"], "at least", 5.0)
        )
    for what, figure, bound, target in held:
        holds = figure <= target if bound == "at most" else figure >= target
        print(f"{what:<50}{figure:>8.2f}   {bound} {target:g}{'' if holds else '   MISSED'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--litellm", metavar="PYTHON", help="an interpreter that has litellm")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--contender", help=argparse.SUPPRESS)
    parser.add_argument("--base", help=argparse.SUPPRESS)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        asyncio.run(serve())
    if asked.contender:
        print(json.dumps(asyncio.run(measure(asked.contender, asked.base))))
        return
    with subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            base = f"http://127.0.0.1:{server.stdout.readline().strip()}/v1"
            pythons = {"raw": sys.executable, "ours": sys.executable}
            if asked.litellm:
                pythons["litellm"] = asked.litellm
            results = best(pythons, base, asked.rounds)
        finally:
            server.terminate()
    if asked.json:
        print(json.dumps(results, indent=2))
        return
    report(results)
    if "litellm" not in results:
        print("litellm was left out (give --litellm PYTHON, or `make bench-router LITELLM=1`)")


if __name__ == "__main__":
    main()
