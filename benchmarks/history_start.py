"""How long a person waits for the program itself on a large history, next to a small one, in turn in one run.

    python -m benchmarks.history_start [--conversations 10000] [--messages 1000000] [--keep FOLDER] [--rounds 7]

Started in a terminal of 120×40, it is timed to its first picture (the keys' line: one can type now) and until the
list of conversations stands beside it (all is put together: one can send).  Then, without a terminal, inside one
program: opening ``/tree`` on the longest conversation, and all of its messages in it, to the picture.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.history import fill
from benchmarks.startup import start
from tests.tui.chat.program import configure, running, until

from routerterm.config.paths import Paths
from routerterm.store.database import Store
from routerterm.tui.widgets.rows import RowList

COMMAND = [sys.executable, "-m", "routerterm"]


async def newest_title(path: Path) -> bytes:
    """The beginning of what the list's first line says."""
    store = Store.open(path)
    (newest,) = await store.conversations.page(1)
    await store.close()
    return newest.title[:8].encode()


def starts(homes: dict[str, Path], rounds: int) -> dict[str, list[float]]:
    """Milliseconds to each mark, by what was waited for."""
    found: dict[str, list[float]] = {}
    for home in homes.values():
        configure(Paths.find({"ROUTERTERM_HOME": str(home)}))
    titles = {name: asyncio.run(newest_title(home / "history.db")) for name, home in homes.items()}
    for round in range(rounds + 1):
        for name, home in homes.items():
            for mark, word in (("first picture", b"Quit"), ("list of conversations", titles[name])):
                took = start(COMMAND, word, str(home)).seconds * 1000
                if round:
                    found.setdefault(f"{mark}, {name}", []).append(took)
    return found


async def tree(home: Path, rounds: int) -> dict[str, list[float]]:
    """Milliseconds until the tree of the longest conversation is drawn, and until all its messages are."""
    found: dict[str, list[float]] = {"/tree of the longest": [], "all its messages": []}
    async with running(Paths.find({"ROUTERTERM_HOME": str(home)}), (120, 40)) as (app, pilot):
        assert app.services is not None
        sql = "SELECT id FROM conversation ORDER BY created_at LIMIT 1"
        longest = await app.services.store.reader.read(lambda connection: connection.execute(sql).fetchone()[0])
        await app.chat.conversation.open(longest)
        await pilot.pause()
        for _ in range(rounds):
            begin = time.perf_counter()
            await app.action_command("tree")
            await until(
                pilot, lambda: len(app.screen.query(RowList)) == 1 and len(app.screen.query_one(RowList).rows) > 0
            )
            await pilot.pause()
            found["/tree of the longest"].append((time.perf_counter() - begin) * 1000)
            begin = time.perf_counter()
            await app.screen.run_action("all")
            await pilot.pause()
            found["all its messages"].append((time.perf_counter() - begin) * 1000)
            await pilot.press("escape")
            await pilot.pause()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--conversations", type=int, default=10_000)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    os.environ.pop("ROUTERTERM_HOME", None)
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.keep or Path(scratch)
        homes = {"small": folder / "10-1000", "large": folder / f"{asked.conversations}-{asked.messages}"}
        for home, size in zip(homes.values(), ((10, 1000), (asked.conversations, asked.messages)), strict=True):
            if not (home / "history.db").exists():
                asyncio.run(fill(home / "history.db", *size))
        times = starts(homes, asked.rounds) | asyncio.run(tree(homes["large"], asked.rounds))
    print(f"{'milliseconds':32}{'median':>10}{'least':>10}{'most':>10}")
    for name, each in times.items():
        print(f"{name:32}{statistics.median(each):10.0f}{min(each):10.0f}{max(each):10.0f}")


if __name__ == "__main__":
    main()
