"""How a disk that takes 300 ms for every sync is felt: the whole program types and streams on it, headless.

    python -m benchmarks.slow_disk [--delay 0.3] [--json]

The disk is slowed by a layer under SQLite's files (tests/store/shim.py).  Printed are the loop's pauses in
milliseconds, on a quick disk and on the slow one in the same run: while keys are typed, and while an answer streams
that is checkpointed every second.  What is asked for: no pause over 50 ms that the quick disk has not got too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.store.shim import Disk, worn
from tests.tui.chat.program import configure, running, until

from routerterm.config.paths import Paths
from routerterm.core.gc_control import put_off

TARGET = 50.0
STEP = 0.004


@contextmanager
def watched() -> Iterator[list[float]]:
    """The loop's pauses meanwhile, in milliseconds beyond the time asked for."""
    pauses: list[float] = []

    async def watch() -> None:
        while True:
            begin = time.perf_counter()
            await asyncio.sleep(STEP)
            pauses.append((time.perf_counter() - begin - STEP) * 1000)

    watcher = asyncio.get_running_loop().create_task(watch())
    try:
        yield pauses
    finally:
        watcher.cancel()


async def used(home: Path, disk: Disk, delay: float) -> dict[str, list[float]]:
    """Type, send, stream, type while it streams; with every sync delayed."""
    paths = Paths.find({"ROUTERTERM_HOME": str(home)})
    configure(paths, default="demo/markdown")
    put_off()  # as the program does at its start
    found: dict[str, list[float]] = {}
    async with running(paths, (100, 30)) as (app, pilot):
        await pilot.pause(4)  # start and upkeep are over
        disk.sync_delay = delay
        with watched() as found["typing"]:
            for letter in "how do you feel about slow memory cards":
                await pilot.press("space" if letter == " " else letter)
            await pilot.pause(0.5)
        with watched() as found["streaming"]:
            await pilot.press("enter")
            await until(pilot, lambda: app.chat.turns.any)
            await until(pilot, lambda: not app.chat.turns.any)
        with watched() as found["streaming and typing"]:
            app.chat.composer.put("again")
            await pilot.press("enter")
            await until(pilot, lambda: app.chat.turns.any)
            while app.chat.turns.any:
                await pilot.press("x")
        with watched() as found["upkeep"]:
            assert app.services is not None
            await app.services.store.maintain()
            await pilot.pause(0.2)
        disk.sync_delay = 0.0
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--delay", type=float, default=0.3)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    disk = Disk()
    with tempfile.TemporaryDirectory() as scratch, worn(disk) as fits:
        if not fits:
            raise SystemExit("This Python carries an SQLite of its own, which cannot be slowed from outside.")
        quick = asyncio.run(used(Path(scratch) / "quick", disk, 0.0))
        before = disk.syncs
        slow = asyncio.run(used(Path(scratch) / "slow", disk, asked.delay))
    if asked.json:
        print(json.dumps({"quick": quick, "slow": slow, "syncs": disk.syncs - before}))
        return
    print(f"{'pauses in ms':24}{'quick p50':>10}{'p99':>8}{'max':>8}{'slow p50':>10}{'p99':>8}{'max':>8}{'target':>8}")
    for name, pauses in slow.items():
        print(f"{name:24}{_figures(quick[name])}  {_figures(pauses)}{TARGET:8.0f}")
    print(f"{disk.syncs - before} syncs of {asked.delay * 1000:.0f} ms each")


def _figures(pauses: list[float]) -> str:
    high = sorted(pauses)[min(len(pauses) - 1, int(len(pauses) * 0.99))]
    return f"{statistics.median(pauses):8.1f}{high:8.1f}{max(pauses):8.1f}"


if __name__ == "__main__":
    main()
