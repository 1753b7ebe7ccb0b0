"""What the gateway adds: beside the bare provider, and beside litellm's proxy where that is to be had, in one run.

    python benchmarks/gateway.py [--streams 20,200] [--requests 2000] [--memory 10000] [--litellm PATH]

A fake provider on loopback answers in 50 pieces, 20 ms apart.  Each subject gets the same requests from the same
client: so many streams running at any time, short whole answers by 16 workers (requests a second), and its memory
over many requests.  Provider, client and subject are programs of their own.

The time to the first token is taken from the last byte of a request's sending, on a fresh connection, to its first
piece of content, for every stream while the others run; streams begin one after the other over a second, and each is
followed by another.  "Added" is the subject's figure less the provider's own, asked in the same way.  Every text is
held against what the provider says for its word: a lost or mixed up stream ends the run.  The figures of one machine
mean little to another; the differences within one run are what counts.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

PIECES, PAUSE = 50, 0.020
WORKERS = 16
FIGURE_EVERY = 1000


async def provide(port: int) -> None:
    """The fake provider: echoes the word it was asked, so that mixed-up streams show."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-len"))
                body = json.loads(await reader.readexactly(length))
                await (stream if body.get("stream") else whole)(writer, body)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def stream(writer: asyncio.StreamWriter, body: dict) -> None:
        word = str(body["messages"][-1]["content"])
        pieces, pause = (1, 0.0) if word.startswith("short") else (PIECES, PAUSE)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        for number in range(pieces):
            writer.write(chunk({"choices": [{"index": 0, "delta": {"content": f"{word}-{number} "}}]}))
            await writer.drain()
            await asyncio.sleep(pause)
        usage = {"prompt_tokens": 10, "completion_tokens": pieces, "total_tokens": 10 + pieces}
        writer.write(chunk({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}))
        writer.write(chunk({"choices": [], "usage": usage}) + framed(b"data: [DONE]\n\n") + b"0\r\n\r\n")
        await writer.drain()

    async def whole(writer: asyncio.StreamWriter, body: dict) -> None:
        message = {"role": "assistant", "content": str(body["messages"][-1]["content"]) + "-0 "}
        usage = {"prompt_tokens": 10, "completion_tokens": 1, "total_tokens": 11}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        text = json.dumps({"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice],
                           "usage": usage}).encode()  # fmt: skip
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(text)}\r\n\r\n"
        writer.write(head.encode() + text)
        await writer.drain()

    def chunk(value: dict) -> bytes:
        body = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m"} | value
        return framed(b"data: " + json.dumps(body).encode() + b"\n\n")

    def framed(data: bytes) -> bytes:
        return f"{len(data):x}\r\n".encode() + data + b"\r\n"

    server = await asyncio.start_server(answer, "127.0.0.1", port, backlog=1024)
    async with server:
        await server.serve_forever()


@dataclass
class Subject:
    """Something that answers."""

    name: str
    port: int
    model: str
    pid: int

    @property
    def megabytes(self) -> float:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0.0

    @property
    def cpu(self) -> float:
        """Seconds of processor that it has used: what a machine that is busy otherwise does not blur."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass
class Heard:
    """One answer."""

    first: float
    total: float
    text: str
    whole: bool


async def ask(subject: Subject, word: str, *, stream: bool) -> Heard:
    """One request on a connection of its own; times are seconds."""
    body = {"model": subject.model, "stream": stream, "messages": [{"role": "user", "content": word}]}
    data = json.dumps(body).encode()
    head = "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    head += f"Authorization: Bearer sk-bench\r\nConnection: close\r\nContent-Length: {len(data)}\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", subject.port)
    begun, first, text, seen = time.perf_counter(), 0.0, [], b""
    try:
        writer.write(head.encode() + data)
        if not stream:
            answer = await answer_of(reader)
            text.append(json.loads(answer)["choices"][0]["message"]["content"])
            whole = True
        else:
            while line := await reader.readline():
                seen = line.strip() or seen
                if line.startswith(b"data: {"):
                    for choice in json.loads(line[6:]).get("choices") or ():
                        piece = (choice.get("delta") or {}).get("content")
                        if piece:
                            first = first or time.perf_counter() - begun
                            text.append(piece)
                if line.startswith(b"data: [DONE]"):
                    break
            whole = line.startswith(b"data: [DONE]")
        return Heard(first, time.perf_counter() - begun, "".join(text), whole)
    finally:
        writer.close()


async def answer_of(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(head.split(b"\r\n")[0].decode())
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return await reader.readexactly(int(line[15:]))
    raise RuntimeError("an answer without a length")


async def streams(subject: Subject, count: int, rounds: int) -> list[Heard]:
    """So many running at any time, begun one after the other, not in one instant; each must be whole and its own."""
    heard: list[Heard] = []

    async def work(number: int) -> None:
        await asyncio.sleep(number / count * PIECES * PAUSE)
        for turn in range(rounds):
            word = f"w{number}-{turn}"
            answer = await ask(subject, word, stream=True)
            expected = "".join(f"{word}-{piece} " for piece in range(PIECES))
            if not answer.whole or answer.text != expected:
                raise SystemExit(f"{subject.name}: stream {word} was lost or mixed up: {answer.text[:80]!r}")
            heard.append(answer)

    await asyncio.gather(*(work(number) for number in range(count)))
    return heard


async def many(subject: Subject, count: int) -> float:
    """Requests a second, by so many workers."""
    left = iter(range(count))

    async def work() -> None:
        for number in left:
            answer = await ask(subject, f"short{number}", stream=False)
            if answer.text != f"short{number}-0 ":
                raise SystemExit(f"{subject.name}: an answer was mixed up")

    begun = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(WORKERS)))
    return count / (time.perf_counter() - begun)


async def idle(subject: Subject, count: int) -> str:
    """What so many connections that say nothing take, and whether others are served meanwhile."""
    before, held = subject.megabytes, []
    try:
        for _ in range(count):
            held.append((await asyncio.open_connection("127.0.0.1", subject.port))[1])  # noqa: PERF401 - closed below
        begun = time.perf_counter()
        answer = await ask(subject, "short0", stream=False)
        waited = (time.perf_counter() - begun) * 1000
        if answer.text != "short0-0 ":
            raise SystemExit(f"{subject.name}: it serves nobody else")
        return f"{before:.1f} MB before, {subject.megabytes:.1f} MB with them; another is answered in {waited:.0f} ms"
    finally:
        for writer in held:
            writer.close()


def centile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def started(command: list[str], port: int, env: dict[str, str], patience: float = 120.0):
    """A program that listens at a port."""
    program = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: ASYNC220
    try:
        end = time.monotonic() + patience
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            except OSError:
                if program.poll() is not None or time.monotonic() > end:
                    raise SystemExit(f"{command[0]} did not start") from None
                await asyncio.sleep(0.1)
        yield program.pid
    finally:
        program.send_signal(signal.SIGTERM)
        try:
            program.wait(20)
        except subprocess.TimeoutExpired:
            program.kill()


async def main(wanted: argparse.Namespace) -> None:
    env = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        provider = free_port()
        command = [sys.executable, __file__, "--provide", str(provider)]
        subjects = [
            Subject("the provider", provider, "m", await stack.enter_async_context(started(command, provider, env)))
        ]
        base = f"http://127.0.0.1:{provider}/v1"
        (folder / "config.toml").write_text(
            f'[providers.fake]\nprotocol = "openai-chat"\nbase_url = "{base}"\n'
            '[models."fake/m"]\ncontext = 100000\nprice_in = 1\nprice_out = 1\n'
        )
        port = free_port()
        command = [sys.executable, "-m", "routerterm", "serve", "--port", str(port)]
        pid = await stack.enter_async_context(started(command, port, env | {"ROUTERTERM_HOME": str(folder)}))
        subjects.append(Subject("routerterm serve", port, "fake/m", pid))
        if wanted.litellm:
            subjects.append(await litellm(stack, wanted.litellm, folder, base, env))
        else:
            print("litellm is not here: --litellm PATH names its program.\n")
        await compare(subjects, wanted)


async def litellm(stack: AsyncExitStack, path: str, folder: Path, base: str, env: dict[str, str]) -> Subject:
    """litellm's proxy, as its manual has it, over the same provider."""
    port = free_port()
    (folder / "litellm.yaml").write_text(
        "model_list:\n  - model_name: m\n    litellm_params:\n      model: openai/m\n"
        f"      api_base: {base}\n      api_key: sk-bench\n"
    )
    command = [path, "--config", str(folder / "litellm.yaml"), "--host", "127.0.0.1", "--port", str(port)]
    own = env | {"LITELLM_MASTER_KEY": "sk-bench", "LITELLM_LOG": "ERROR"}
    pid = await stack.enter_async_context(started(command, port, own, patience=240.0))
    return Subject("litellm proxy", port, "m", pid)


async def compare(subjects: list[Subject], wanted: argparse.Namespace) -> None:
    for subject in subjects:
        await streams(subject, 5, 1)  # warm
    bare: dict[int, list[float]] = {}
    for count in wanted.streams:
        rounds = max(2, 400 // count)
        print(f"{count} streams running at any time, each followed by the next: {count * rounds} in all")
        print(f"  {'':18}{'first token':>12}{'p95':>9}{'added p50':>11}{'added p95':>11}{'whole':>9}{'CPU each':>11}")
        for subject in subjects:
            before = subject.cpu
            heard = await streams(subject, count, rounds)
            spent = (subject.cpu - before) * 1000 / len(heard)
            firsts = [answer.first * 1000 for answer in heard]
            reference = bare.setdefault(count, firsts)
            middle, late = statistics.median(firsts), centile(firsts, 0.95)
            added = middle - statistics.median(reference), late - centile(reference, 0.95)
            whole = statistics.median(answer.total * 1000 for answer in heard)
            figures = (
                f"{middle:9.1f} ms{late:6.1f} ms{added[0]:8.1f} ms{added[1]:8.1f} ms{whole:6.0f} ms{spent:8.1f} ms"
            )
            print(f"  {subject.name:18}{figures}   all whole, each its own", flush=True)
    print(f"\n{wanted.requests} short whole answers, {WORKERS} workers")
    for subject in subjects:
        before = subject.cpu
        rate = await many(subject, wanted.requests)
        spent = (subject.cpu - before) * 1000 / wanted.requests
        print(f"  {subject.name:18}{rate:8.0f} requests/s{spent:8.2f} ms of processor each", flush=True)
    if wanted.idle:
        room_for_sockets()
        print(f"\n{wanted.idle} connections that say nothing")
        print(f"  {subjects[1].name:18}{await idle(subjects[1], wanted.idle)}", flush=True)
    print(f"\nmemory over {wanted.memory} requests, a figure every {FIGURE_EVERY}")
    for subject in subjects[1:]:
        if subject.name.startswith("litellm") and not wanted.litellm_memory:
            print(f"  {subject.name:18}{subject.megabytes:6.0f} MB now")
            continue
        figures = [subject.megabytes]
        for _ in range(wanted.memory // FIGURE_EVERY):
            await many(subject, FIGURE_EVERY)
            figures.append(subject.megabytes)
        print(f"  {subject.name:18}" + " ".join(f"{figure:.1f}" for figure in figures) + " MB", flush=True)


def room_for_sockets() -> None:
    """As many open files as there are to have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def numbers(text: str) -> list[int]:
    return [int(word) for word in text.split(",")]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=numbers, default=[20, 200])
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--memory", type=int, default=10_000)
    parser.add_argument("--idle", type=int, default=10_000, help="connections that say nothing")
    parser.add_argument("--litellm", default=shutil.which("litellm"))
    parser.add_argument("--litellm-memory", action="store_true", help="measure litellm's memory too (slow)")
    parser.add_argument("--provide", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    asyncio.run(provide(arguments.provide) if arguments.provide else main(arguments))
