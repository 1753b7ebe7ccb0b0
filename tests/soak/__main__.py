"""The soak test: two programs chat on one database against the wall of faults; they are killed, their clocks jump,
the network goes.  `python -m tests.soak [--minutes 3] [--seed N]` prints what was sent, survived and lost.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from routerterm.config.paths import Paths
from routerterm.wiring import open_app
from tests.router.faults.provider import ANSWER, FaultyProvider
from tests.soak.faults import settings

PROGRAMS = 2
SCALE = 0.05
"""The provider's waits, as a share of what they are in use."""


@dataclass
class Line:
    """The provider, and the line to it, which can be cut."""

    provider: FaultyProvider = field(default_factory=lambda: FaultyProvider(SCALE))
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
        if not task.cancelled():
            task.exception()  # a client that left in the middle is no news


@dataclass
class Told:
    """What the programs said."""

    asked: set[str] = field(default_factory=set)
    ends: dict[str, str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

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


async def keep_running(number: int, home: Path, told: Told, until: float, chance: random.Random) -> None:
    """One program, killed and started again until the time is over; what it says on standard error is shown."""
    life = 0
    while time.monotonic() < until:
        life += 1
        program = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.soak.program", f"{number}-{life}"),
            env=os.environ | {"ROUTERTERM_HOME": str(home)},
            stdout=asyncio.subprocess.PIPE,
        )
        assert program.stdout is not None
        lives_until = min(until, time.monotonic() + chance.uniform(4, 30))

        async def listen(stream: asyncio.StreamReader = program.stdout) -> None:
            async for line in stream:
                if line.endswith(b"\n"):
                    told.take(line.decode())

        listening = asyncio.create_task(listen())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(program.wait(), max(0.0, lives_until - time.monotonic()))
        if program.returncode is not None:
            told.counts["DIED BY ITSELF"] += 1
        elif time.monotonic() < until:
            program.kill()
            told.counts["killed"] += 1
        else:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(program.wait(), 60)
            if program.returncode is None:
                program.kill()
                told.counts["DID NOT END"] += 1
        await program.wait()
        await listening


async def cut_the_line(line: Line, told: Told, until: float, chance: random.Random) -> None:
    """No network now and then, for some seconds."""
    while time.monotonic() < until:
        await asyncio.sleep(chance.uniform(6, 20))
        await line.down()
        told.counts["network lost"] += 1
        await asyncio.sleep(chance.uniform(0.5, 3))
        await line.up()


def furnish(home: Path, port: int) -> None:
    """A home whose settings know every fault."""
    home.mkdir()
    (home / "config.toml").write_text(settings(port))


async def soak(minutes: float, seed: int, home: Path) -> tuple[Told, Line]:
    """Everything at once; when it ends, both programs have ended and the history has been opened once more."""
    chance, told, line = random.Random(seed), Told(), Line()
    await line.up()
    furnish(home, line.port)
    until = time.monotonic() + minutes * 60
    cutting = asyncio.create_task(cut_the_line(line, told, until, random.Random(seed + 1)))
    running = [
        asyncio.create_task(keep_running(number, home, told, until, random.Random(chance.random())))
        for number in range(PROGRAMS)
    ]
    await asyncio.sleep(max(0.0, until - time.monotonic()))
    (home / "stop").touch()
    await asyncio.gather(*running)
    cutting.cancel()
    await asyncio.gather(cutting, return_exceptions=True)
    await line.down()
    os.environ["ROUTERTERM_HOME"] = str(home)
    async with open_app(Paths.find()):
        pass  # what was interrupted is marked as such now
    return told, line


def lost(told: Told, line: Line, database: Path) -> Iterator[tuple[str, int, str]]:
    """What must hold: its name, how often it does not, and the figures."""
    with closing(sqlite3.connect(database)) as db:
        rows = db.execute("SELECT id, parent_id, role, text, status FROM message").fetchall()
        questions = {text: id for id, _, role, text, _ in rows if role == "user"}
        answers = {parent: (text, status) for _, parent, role, text, status in rows if role == "assistant"}
        missing = told.asked - questions.keys()
        yield "questions that were on disk are there", len(missing), f"{len(told.asked)} asked"
        finished = [text for text, end in told.ends.items() if end == "finished"]
        kept = [answers.get(questions.get(text, ""), ("", "")) for text in finished]
        gone = sum(status != "done" for _, status in kept)
        yield "finished answers are there, and done", gone, f"{len(finished)} finished"
        torn = sum(status == "done" and text != ANSWER for text, status in answers.values())
        whole = sum(status == "done" for _, status in answers.values())
        yield "no cut answer passes for a whole one", torn, f"{whole} whole"
        streaming = sum(status == "streaming" for _, status in answers.values())
        statuses = Counter(status for _, status in answers.values())
        yield "no answer hangs in mid-air", streaming, ", ".join(f"{n} {what}" for what, n in statuses.most_common())
        orphans = len(questions) - sum(id in answers for id in questions.values())
        yield "every question has its answer's row", orphans, f"{len(questions)} questions"
        broken = [row[0] for row in db.execute("PRAGMA integrity_check") if row[0] != "ok"]
        broken += [str(row) for row in db.execute("PRAGMA foreign_key_check")]
        yield "the database is sound", len(broken), "integrity and foreign keys"
        outcomes = Counter(row[0] for row in db.execute("SELECT outcome FROM attempt"))
        figures = ", ".join(f"{n} {what}" for what, n in outcomes.most_common())
        unbooked = max(0, sum(line.provider.counts.values()) - outcomes.total())
        yield (
            "every request that arrived is in the ledger",
            unbooked,
            f"{sum(line.provider.counts.values())} arrived; {figures}",
        )
        yield "no attempt is still running", outcomes["running"], ""
    yield "no program ended unasked", told.counts["DIED BY ITSELF"] + told.counts["DID NOT END"], ""


def main() -> int:
    """Soak, and print; 1 if anything was lost."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10_000))
    given = parser.parse_args()
    print(f"{PROGRAMS} programs, {given.minutes:g} minutes, seed {given.seed}, waits × {SCALE:g}")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        told, line = asyncio.run(soak(given.minutes, given.seed, home))
        for what, count in told.counts.items():
            print(f"    {what:<28}{count:>6}")
        wrong = 0
        print()
        for what, count, figures in lost(told, line, home / "history.db"):
            wrong += count
            print(f"    {what:<46}{'holds' if not count else f'LOST {count}':<10}{figures}")
    print(f"\n{'nothing was lost' if not wrong else f'{wrong} LOST'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
