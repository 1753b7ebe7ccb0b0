"""How quick a large history is, next to a small one in the same run.

    python benchmarks/history.py [--conversations 10000] [--messages 1000000] [--keep FOLDER] [--rounds 40] [--json]

Makes both histories (the large one takes some minutes; ``--keep`` keeps it for the next run) and prints, for each
thing a person waits for, the median and the 95th percentile in milliseconds; ``work`` is the 95th percentile of the
process's own time, which a busy machine does not spoil; and the ratio large : small of the median work.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

from routerterm.core.ids import ulid
from routerterm.store.database import Store, milliseconds
from routerterm.store.query import parse

LONGEST = 10_000
"""Messages of the longest conversation."""
TARGETS = {"list": 30.0, "open newest": 50.0, "open longest": 50.0, "search as you type": 50.0}
"""What is asked for at the 95th percentile, in milliseconds."""


def vocabulary(chance: random.Random, size: int = 30_000) -> tuple[list[str], list[float]]:
    """Made-up words and their cumulative weights: a few short ones everywhere, most rare, as in any language."""
    letters = "etaoinshrdlucmfwypvbgkjqxz"
    weights = [1 / (n + 1) for n in range(26)]
    words = {"".join(chance.choices(letters, weights, k=chance.randint(2, 10))) for _ in range(size * 2)}
    chosen = sorted(words)[:size]
    chance.shuffle(chosen)
    chosen.sort(key=lambda word: len(word) + chance.random() * 4)
    return chosen, list(itertools.accumulate(1 / (n + 2) for n in range(len(chosen))))


def lengths(conversations: int, messages: int) -> Iterator[int]:
    """How many messages each conversation has: the longest first, the rest share what is left."""
    longest = min(LONGEST, messages // 2)
    yield longest
    rest, others = messages - longest, max(1, conversations - 1)
    for n in range(others):
        yield rest // others + (n < rest % others)


async def fill(path: Path, conversations: int, messages: int) -> None:
    """Make a history with plain rows; the search index follows by itself."""
    chance = random.Random(1)
    words, weights = vocabulary(chance)
    store = Store.open(path)
    await store.start()
    start = milliseconds() - conversations * 3_600_000

    def text(n: int) -> str:
        return " ".join(chance.choices(words, cum_weights=weights, k=n))

    for number, length in enumerate(lengths(conversations, messages)):
        at = start + number * 3_600_000

        def job(connection, number=number, length=length, at=at):  # type: ignore[no-untyped-def]
            id = ulid(at, number.to_bytes(10, "big"))
            ids = [ulid(at + n, chance.randbytes(10)) for n in range(length)]
            connection.execute(
                "INSERT INTO conversation (id, title, model, created_at, updated_at, head_id)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (id, text(5), "demo/echo", at, at + length, ids[-1] if ids else None),
            )
            for n, message in enumerate(ids):
                said = text(20 if n % 2 == 0 else 60)
                connection.execute(
                    "INSERT INTO message (id, conversation_id, parent_id, role, parts, text, status, model, created_at,"
                    " finished_at) VALUES (?, ?, ?, ?, ?, ?, 'done', ?, ?, ?)",
                    (
                        message,
                        id,
                        ids[n - 1] if n else None,
                        "assistant" if n % 2 else "user",
                        json.dumps([{"type": "text", "text": said}]),
                        said,
                        "demo/echo" if n % 2 else None,
                        at + n,
                        at + n,
                    ),
                )

        await store.writer.write(job)
        if number % 1000 == 999:
            print(f"  {number + 1} conversations", file=sys.stderr)
    await store.close()


Times = list[tuple[float, float]]
"""Milliseconds of each round: by the clock on the wall, and of this process's own work in all its threads."""


async def once(work: Awaitable[object]) -> tuple[float, float]:
    """How long it takes."""
    begin, begun = time.perf_counter(), time.process_time()
    await work
    return (time.perf_counter() - begin) * 1000, (time.process_time() - begun) * 1000


async def timed(rounds: int, work: Callable[[int], Awaitable[object]]) -> Times:
    """Each round, the first (which warms the caches of this process) left out."""
    return [await once(work(n)) for n in range(rounds + 1)][1:]


async def measure(path: Path, rounds: int) -> dict[str, Times]:
    """Everything that a person waits for."""

    async def start(store: Store) -> None:
        await store.start()
        await store.conversations.page(50)

    starts: Times = []
    for _ in range(5):
        store = Store.open(path)
        starts.append(await once(start(store)))
        await store.close()
    store = Store.open(path)
    newest = (await store.conversations.page(1))[0]

    def longest_of(connection):  # type: ignore[no-untyped-def]
        sql = "SELECT id FROM conversation ORDER BY created_at LIMIT 1"
        return connection.execute(sql).fetchone()[0]

    longest = await store.reader.read(longest_of)
    chance = random.Random(2)
    words, weights = vocabulary(random.Random(1))
    looked_for = chance.choices(words, cum_weights=weights, k=rounds) + chance.sample(words, rounds)
    typed = [word[:n] for word in looked_for for n in range(2, len(word) + 1)]
    typed += [f"{a} {b}" for a, b in itertools.pairwise(looked_for)]

    async def page_down(_: int) -> None:
        page = (await store.conversations.page(50))[-1]
        await store.conversations.page(50, after=page)

    async def back(_: int) -> None:
        page = await store.messages.page(longest, 100)
        await store.messages.branch(None, 100, before=page.messages[0].id)

    found = {
        "start and list": starts,
        "list": await timed(rounds, lambda _: store.conversations.page(50)),
        "list, next page": await timed(rounds, page_down),
        "open newest": await timed(rounds, lambda _: store.messages.page(newest.id, 100)),
        "open longest": await timed(rounds, lambda _: store.messages.page(longest, 100)),
        "scroll back in longest": await timed(rounds, back),
        "search as you type": await timed(
            len(typed) - 1, lambda n: store.search.find(parse(typed[n], milliseconds(), typing=True))
        ),
        "search by filter alone": await timed(
            5, lambda _: store.search.find(parse("role:assistant model:echo", milliseconds()))
        ),
    }
    await store.close()
    return found


def alone(path: Path, rounds: int) -> tuple[dict[str, Times], float]:
    """Measure in a process of its own; also its memory at the most, in MB."""
    command = [sys.executable, __file__, "--measure", str(path), "--rounds", str(rounds)]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found["times"], found["memory"]


def percentile(times: Sequence[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--conversations", type=int, default=10_000)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        times = asyncio.run(measure(asked.measure, asked.rounds))
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"times": times, "memory": memory}))
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.keep or Path(scratch)
        large = folder / f"{asked.conversations}-{asked.messages}" / "history.db"
        small = folder / "10-1000" / "history.db"
        for path, conversations, messages in ((small, 10, 1000), (large, asked.conversations, asked.messages)):
            if not path.exists():
                asyncio.run(fill(path, conversations, messages))
        (few, few_mb), (many, many_mb) = alone(small, asked.rounds), alone(large, asked.rounds)
        report(few, many, few_mb, many_mb, large.stat().st_size, as_json=asked.json)


def report(
    few: dict[str, Times],
    many: dict[str, Times],
    few_mb: float,
    many_mb: float,
    size: int,
    *,
    as_json: bool,
) -> None:
    if as_json:
        print(json.dumps({"small": few, "large": many, "small_mb": few_mb, "large_mb": many_mb, "bytes": size}))
        return
    heads = ("small p50", "p95", "work", "large p50", "p95", "work", "ratio", "target")
    print(f"{'':24}" + "".join(f"{head:>10}" for head in heads))
    for name, times in many.items():
        target = f"{TARGETS[name]:.0f}" if name in TARGETS else ""
        a, b = (statistics.median(work for _, work in side) for side in (few[name], times))
        print(f"{name:24}{_figures(few[name])}{_figures(times)}{b / a:10.1f}{target:>10}")
    print(f"{'memory, MB':24}{few_mb:10.1f}{'':20}{many_mb:10.1f}{'':20}{many_mb / few_mb:10.2f}")
    print(f"{'file, MB':24}{'':30}{size / 1e6:10.0f}")


def _figures(times: Times) -> str:
    walls, works = zip(*times, strict=True)
    return f"{statistics.median(walls):10.2f}{percentile(walls, 0.95):10.2f}{percentile(works, 0.95):10.2f}"


if __name__ == "__main__":
    main()
