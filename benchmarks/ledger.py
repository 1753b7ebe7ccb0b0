"""How long questions to the ledger take: 10,000 and 1,000,000 rows, against adding the rows up without the sums.

python benchmarks/ledger.py [--rows N]...
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

from routerterm.core.ledger import Cap
from routerterm.engine.usage.statistics import BYS, summarise
from routerterm.store.ledger import used
from routerterm.store.migrations.steps import ALL
from routerterm.store.statistics import Book

MODELS = (
    ("openai", "gpt-5.5"),
    ("openai", "gpt-4o-mini"),
    ("anthropic", "claude-sonnet-4-6"),
    ("gemini", "gemini-2.5-flash"),
    ("groq", "openai/gpt-oss-120b"),
    ("deepseek", "deepseek-v4-flash"),
)
COLUMNS = (
    "id message_id conversation_id n client route provider model key_label outcome error_class http_status started_at"
    " ttft_ms duration_ms input_tokens cache_read_tokens cache_write_tokens output_tokens reasoning_tokens usage_source"
    " cost_nanousd cost_source price_date"
)
NOW = 1_795_000_000_000
APART = 95_000
"""Milliseconds between two requests: a million of them are three years."""
ZONE = ZoneInfo("Europe/Warsaw")


def rows(count: int) -> Iterator[tuple[object, ...]]:
    """A busy person's requests: six models, three routes, a failure in nine."""
    chance = random.Random(1)
    for n in range(count):
        provider, model = chance.choice(MODELS)
        failed = n % 9 == 0
        who = (provider, model, "main")
        how = ("failed", "transient", 503) if failed else ("done", None, 200)
        when = (NOW - (count - n) * APART, chance.randrange(100, 3000), chance.randrange(3500, 20000))
        tokens = (chance.randrange(10, 5000), chance.randrange(1000), 0, chance.randrange(10, 2000), 0)
        paid = ("reported" if n % 5 else "estimated", chance.randrange(1000, 10**7), "computed", "2026-11-21")
        route = chance.choice(("smart", "fast", "cheap"))
        yield (
            f"{n:026}",
            f"M{n // 2:025}",
            f"C{n // 40:025}",
            1 + failed,
            "tui",
            route,
            *who,
            *how,
            *when,
            *tokens,
            *paid,
        )


def fill(path: Path, count: int) -> sqlite3.Connection:
    """A database with so many rows."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    first, *later = ALL.values()
    first(connection)  # type: ignore[arg-type]  # it only executes
    connection.execute("BEGIN")
    columns = COLUMNS.split()
    connection.executemany(
        f"INSERT INTO attempt ({', '.join(columns)}) VALUES ({','.join('?' * len(columns))})", rows(count)
    )
    for step in later:
        step(connection)  # type: ignore[arg-type]
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return connection


def milliseconds(question: Callable[[], object]) -> float:
    """The best of three."""
    best = float("inf")
    for _ in range(3):
        begun = time.perf_counter()
        question()
        best = min(best, time.perf_counter() - begun)
    return best * 1000


def measure(connection: sqlite3.Connection) -> None:
    """Every question, and the control."""
    book = Book(connection)
    for days, label in ((30, "30 days"), (None, "all")):
        for by in BYS:
            took = milliseconds(lambda days=days, by=by: summarise(book, days, by, NOW, ZONE))  # type: ignore[misc]
            print(f"  {label:8} by {by:14}{took:9.1f} ms")
    control = "SELECT provider, model, count(*), sum(cost_nanousd), sum(output_tokens) FROM attempt GROUP BY 1, 2"
    slow = milliseconds(lambda: connection.execute(control).fetchall())
    fast = milliseconds(lambda: book.by_kind("model", 0, NOW, 500))
    print(
        f"  control: the rows added up by model {slow:.1f} ms,"
        f" the same from the sums {fast:.1f} ms: {slow / fast:.0f} times"
    )
    month = Cap("month", "usd", 10**12, NOW - 30 * 86_400_000)
    print(f"  a month's cap looked up {milliseconds(lambda: used(connection, month)):.1f} ms")


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, action="append", help="how many rows; may be given again")
    for count in parser.parse_args().rows or [10_000, 1_000_000]:
        with tempfile.TemporaryDirectory() as folder:
            connection = fill(Path(folder) / "ledger.db", count)
            print(f"{count:,} rows")
            measure(connection)
            connection.close()


if __name__ == "__main__":
    main()
