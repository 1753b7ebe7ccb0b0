"""The soak test: chats, a chat on a terminal, a gateway with clients and commands, all on one history, against the wall
of faults.  They are killed and stopped, their clocks jump, disks are full or slow, the network goes.

`python -m tests.soak [--minutes 3] [--seed N]` prints what was sent, survived and lost.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import socket
import sys
import tempfile
import time
from pathlib import Path

from routerterm.config.paths import Paths
from routerterm.wiring import open_app
from tests.soak.checks import lost
from tests.soak.faults import settings
from tests.soak.programs import Place, Told, chatting, commanding, serving, typing
from tests.soak.provider import SCALE, Line


async def cut_the_line(line: Line, place: Place, chance: random.Random) -> None:
    """No network now and then, for some seconds."""
    while place.left:
        await asyncio.sleep(chance.uniform(6, 20))
        await line.down()
        place.told.counts["network lost"] += 1
        await asyncio.sleep(chance.uniform(0.5, 3))
        await line.up()


async def report(place: Place, line: Line) -> None:
    """A line every minute."""
    begun = time.monotonic()
    while place.left:
        await asyncio.sleep(min(60.0, place.left))
        memory = ", ".join(f"{name} {values[-1]:.0f} MB" for name, values in place.told.memory.items())
        minutes = (time.monotonic() - begun) / 60
        print(
            f"  {minutes:4.0f} min: {line.provider.counts.total():,} requests, {len(place.told.asked):,} questions, "
            f"{len(place.told.imported):,} imported, {memory}, {len(place.told.wrong)} wrong",
            flush=True,
        )


def furnish(home: Path, port: int) -> None:
    """A home whose settings know every fault."""
    home.mkdir()
    (home / "config.toml").write_text(settings(port, home / "written"))


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


async def soak(minutes: float, seed: int, home: Path) -> tuple[Told, Line]:
    """Everything at once; when it ends, all have ended and the history has been opened once more."""
    line = Line()
    await line.up()
    await asyncio.to_thread(furnish, home, line.port)
    place = Place(home, Told(), time.monotonic() + minutes * 60)

    def chance(what: str) -> random.Random:
        return random.Random(f"{seed} {what}")

    running = [
        asyncio.create_task(one)
        for one in (
            chatting(1, place, chance("first"), steady=False),
            chatting(2, place, chance("second"), steady=True),
            typing(place, chance("terminal")),
            commanding(place, chance("commands")),
            serving(place, _free_port(), chance("gateway")),
        )
    ]
    cutting = asyncio.create_task(cut_the_line(line, place, chance("line")))
    telling = asyncio.create_task(report(place, line))
    await asyncio.sleep(place.left)
    (home / "stop").touch()
    await asyncio.gather(*running)
    for task in (cutting, telling):
        task.cancel()
    await asyncio.gather(cutting, telling, return_exceptions=True)
    await line.down()
    os.environ["ROUTERTERM_HOME"] = str(home)
    async with open_app(Paths.find()):
        pass  # what was interrupted is marked as such now
    return place.told, line


def main() -> int:
    """Soak, and print; 1 if anything was lost."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10_000))
    parser.add_argument("--keep", type=Path, help="a folder that does not exist yet, for the home")
    given = parser.parse_args()
    print(f"{given.minutes:g} minutes, seed {given.seed}, waits × {SCALE:g}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        home = given.keep or Path(folder) / "home"
        told, line = asyncio.run(soak(given.minutes, given.seed, home))
        for what, count in sorted(told.counts.items()):
            print(f"    {what:<48}{count:>6}")
        (home / "arrived.json").write_text(json.dumps(line.provider.arrived, indent=0))
        (home / "told.json").write_text(json.dumps(told.ends, indent=0))
        wrong = 0
        print()
        for what, count, figures in lost(told, line, home / "history.db", home / "written"):
            wrong += count
            print(f"    {what:<46}{'holds' if not count else f'LOST {count}':<10}{figures}")
    print(f"\n{'nothing was lost' if not wrong else f'{wrong} LOST'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
