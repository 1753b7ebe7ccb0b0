"""The programs of the soak test, seen from outside: started, stopped for a while, killed, and started again.

Each takes the place of a person: the library's chats, the terminal's chat in a pty, a gateway with its clients, and
commands one after another.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import pty
import random
import signal
import struct
import sys
import termios
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.router.faults.provider import ANSWER
from tests.soak.faults import FAULTS

GRACE = 90.0
"""Seconds in which a program that was asked to end has ended, on a machine that has other things to do."""


@dataclass
class Told:
    """What the programs said and were seen to do."""

    asked: set[str] = field(default_factory=set)
    ends: dict[str, str] = field(default_factory=dict)
    imported: set[str] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
    memory: dict[str, list[float]] = field(default_factory=dict)
    """Megabytes of programs that live long, by name, as time goes by."""
    wrong: list[str] = field(default_factory=list)
    """What a program did that none may do."""

    def take(self, line: str) -> None:
        """One line of a program."""
        what, text, *more = line.split()
        self.counts[what] += 1
        if what == "asked":
            self.asked.add(text)
        elif what in ("finished", "failed", "stopped"):
            self.ends[text] = what
        if more:
            self.counts[f"  {more[0]}"] += 1


@dataclass
class Place:
    """Where it all happens."""

    home: Path
    told: Told
    until: float
    """When it is over, as `time.monotonic` has it."""

    @property
    def left(self) -> float:
        """Seconds."""
        return max(0.0, self.until - time.monotonic())

    @property
    def environ(self) -> dict[str, str]:
        """Of its programs."""
        return os.environ | {"ROUTERTERM_HOME": str(self.home), "TERM": "xterm-256color", "PYTHONWARNINGS": "ignore"}


async def _lives(process: asyncio.subprocess.Process, place: Place, seconds: float, chance: random.Random) -> bool:
    """Let it live so long, and stand still now and then; whether it lives yet."""
    end = min(place.until, time.monotonic() + seconds)
    while time.monotonic() < end:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), min(chance.uniform(2, 20), end - time.monotonic()))
        if process.returncode is not None:
            return False
        if chance.random() < 0.3 and time.monotonic() < end:
            process.send_signal(signal.SIGSTOP)
            place.told.counts["stood still (SIGSTOP)"] += 1
            await asyncio.sleep(min(chance.uniform(0.3, 8), max(0.0, end - time.monotonic())))
            process.send_signal(signal.SIGCONT)
    return process.returncode is None


async def _ends(process: asyncio.subprocess.Process, place: Place, name: str) -> None:
    """Wait for the end of a program that was asked to end."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), GRACE)
    if process.returncode is None:
        place.told.wrong.append(f"{name} did not end")
        process.kill()
        await process.wait()


async def chatting(number: int, place: Place, chance: random.Random, *, steady: bool) -> None:
    """A chat of the library, killed and started again until the time is over; a steady one lives all the time."""
    life = 0
    while place.left:
        life += 1
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.soak.program", f"{number}-{life}"),
            env=place.environ,
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        listening = asyncio.create_task(_listen(process.stdout, place.told))
        watching = asyncio.create_task(watch(process, place.told, f"chat {number}")) if steady else None
        alive = await _lives(process, place, place.left if steady else chance.uniform(4, 30), chance)
        if not alive:
            place.told.wrong.append(f"chat {number} ended by itself with {process.returncode}")
        elif place.left:
            process.kill()
            place.told.counts["killed"] += 1
        else:
            await _ends(process, place, f"chat {number}")
        await process.wait()
        await listening
        if watching is not None:
            watching.cancel()


async def _listen(stream: asyncio.StreamReader, told: Told) -> None:
    async for line in stream:
        if line.endswith(b"\n"):
            told.take(line.decode())


async def watch(process: asyncio.subprocess.Process, told: Told, name: str) -> None:
    """Note its memory every few seconds."""
    page = os.sysconf("SC_PAGE_SIZE")
    while process.returncode is None:
        await asyncio.sleep(5)
        with contextlib.suppress(OSError):
            pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])  # noqa: ASYNC240
            told.memory.setdefault(name, []).append(pages * page / 2**20)


async def typing(place: Place, chance: random.Random) -> None:
    """The chat on a terminal: questions are typed, and it ends in every way in which a terminal's program can."""
    life = 0
    while place.left:
        life += 1
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.soak.command", f"tui-{life}"),
            env=place.environ, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        os.set_blocking(ours, False)
        drawing, screen = asyncio.get_running_loop(), bytearray()
        drawing.add_reader(ours, _drain, ours, screen)
        hands = asyncio.create_task(_type(ours, f"t-{life}", chance))
        alive = await _lives(process, place, chance.uniform(15, 90), chance)
        hands.cancel()
        await asyncio.gather(hands, return_exceptions=True)
        if not alive:
            place.told.wrong.append(f"the terminal's chat ended by itself with {process.returncode}")
        else:
            end = chance.choice((signal.SIGKILL, signal.SIGTERM, signal.SIGHUP))
            place.told.counts[f"terminal's chat ended by {end.name}"] += 1
            process.send_signal(end)
        await _ends(process, place, "the terminal's chat")
        if b"Traceback" in screen or b"routerterm crashed" in screen:
            place.told.wrong.append("the terminal's chat crashed")
            (place.home / f"crashed-{life}").write_bytes(screen)
        drawing.remove_reader(ours)
        os.close(ours)


def _drain(terminal: int, screen: bytearray) -> None:
    with contextlib.suppress(OSError):
        screen += os.read(terminal, 1 << 16)
        del screen[:-200_000]


async def _type(terminal: int, seed: str, chance: random.Random) -> None:
    number = 0
    while True:
        await asyncio.sleep(chance.uniform(2, 7))
        number += 1
        keys = chance.choice(("\x1b", "", "", "", "\x0e"))  # Esc leaves what is open, Ctrl+N a new conversation
        with contextlib.suppress(OSError):
            os.write(terminal, keys.encode())
            await asyncio.sleep(0.3)
            os.write(terminal, f"{seed}-{number}".encode())
            await asyncio.sleep(0.3)
            os.write(terminal, b"\r")


async def commanding(place: Place, chance: random.Random) -> None:
    """Commands one after another, some of them killed: questions with tools, imports that grow, reading."""
    number, turns = 0, Counter[int]()
    while place.left:
        number += 1
        archive, talk = place.home / "archive.json", chance.randrange(12)
        turns[talk] += 2 * chance.randrange(2)
        words = chance.choice((
            ("ask", "-m", "tools/model", "--tool", "pad", "--approve", "all", f"c-{number}"),
            ("ask", "-m", f"to-{chance.choice(FAULTS)}", "--no-stream", f"c-{number}"),
            ("import", str(archive)), ("import", str(archive)),
            ("find", "word"), ("stats",), ("export", "all", "-f", "json", "-o", str(place.home / "all.json")),
        ))  # fmt: skip
        texts = _write_archive(archive, turns) if words[0] == "import" else set()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.soak.command", f"command-{number}", *words),
            env=place.environ, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        reading = asyncio.create_task(process.communicate())
        if not await _lives(process, place, chance.choice((chance.uniform(0.3, 6), GRACE, GRACE)), chance):
            place.told.counts[f"{words[0]}: {process.returncode}"] += 1
            if process.returncode == 0 and words[0] == "import":
                place.told.imported |= texts
        else:
            process.kill()
            place.told.counts[f"{words[0]}: killed"] += 1
        said = (await reading)[0]
        if b"Traceback" in said or b"crashed" in said:
            place.told.wrong.append(f"{' '.join(words)}: {said.decode(errors='replace')[-600:]}")


def _write_archive(path: Path, turns: Counter[int]) -> set[str]:
    """An export of Claude's with conversations that have grown; every text in it."""
    at, texts, talks = "2025-01-02T03:04:05Z", set(), []
    for talk, count in turns.items():
        said = [f"i-{talk}-{n}" for n in range(count)]
        texts |= set(said)
        talks.append({
            "uuid": f"talk-{talk}", "name": f"Talk {talk}", "created_at": at, "updated_at": at, "account": {},
            "chat_messages": [
                {"uuid": text, "text": text, "sender": ("human", "assistant")[n % 2], "created_at": at,
                 "content": [{"type": "text", "text": text}], "attachments": [], "files": []}
                for n, text in enumerate(said)
            ],
        })  # fmt: skip
    path.write_text(json.dumps(talks))
    return texts


async def serving(place: Place, port: int, chance: random.Random) -> None:
    """A gateway with clients: undisturbed in the first half (its memory is looked at), killed again and again then."""
    half, life = time.monotonic() + place.left / 2, 0
    asking = [asyncio.create_task(_client(place, port, number, chance)) for number in range(2)]
    while place.left:
        life += 1
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.soak.command", f"gateway-{life}", "serve", "--port", str(port)),
            env=place.environ, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        watching = asyncio.create_task(watch(process, place.told, "gateway")) if life == 1 else None
        alive = await _lives(process, place, max(chance.uniform(10, 60), half - time.monotonic()), chance)
        if not alive:
            place.told.wrong.append(f"the gateway ended by itself with {process.returncode}")
            await asyncio.sleep(1)
        else:
            end = chance.choice((signal.SIGKILL, signal.SIGTERM)) if place.left else signal.SIGTERM
            place.told.counts[f"gateway ended by {end.name}"] += 1
            process.send_signal(end)
        await _ends(process, place, "the gateway")
        if watching is not None:
            watching.cancel()
    for client in asking:
        client.cancel()
    await asyncio.gather(*asking, return_exceptions=True)


async def _client(place: Place, port: int, which: int, chance: random.Random) -> None:
    number = 0
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as http:
        while True:
            number += 1
            body = {
                "model": f"to-{chance.choice(FAULTS)}",
                "messages": [{"role": "user", "content": f"g-{which}-{number}"}],
                "stream": chance.random() < 0.6,
            }
            if chance.random() < 0.1:
                body["messages"] *= 200
            try:
                end = await _answer(http, body)
            except httpx.HTTPError:
                end = "cut or not reached"
                await asyncio.sleep(0.5)
            if end == "whole, but another":
                place.told.wrong.append(f"the gateway passed a cut answer for a whole one: g-{which}-{number}")
            place.told.counts[f"gateway's answer: {end}"] += 1


async def _answer(http: httpx.AsyncClient, body: dict[str, object]) -> str:
    """How a client's request ended."""
    text, reason, done = "", None, not body["stream"]
    async with http.stream("POST", "/v1/chat/completions", json=body) as response:
        if response.status_code != 200:
            await response.aread()
            return f"status {response.status_code}"
        if not body["stream"]:
            choice = json.loads(await response.aread())["choices"][0]
            text, reason = choice["message"]["content"] or "", choice["finish_reason"]
        else:
            async for line in response.aiter_lines():
                if line == "data: [DONE]":
                    done = True
                elif line.startswith("data: "):
                    event = json.loads(line[6:])
                    if "error" in event:
                        return "error in the stream"
                    for choice in event.get("choices", ()):
                        text += choice["delta"].get("content") or ""
                        reason = choice["finish_reason"] or reason
    if not done or reason != "stop":
        return f"ended with {reason}"
    return "whole" if text == ANSWER else "whole, but another"
