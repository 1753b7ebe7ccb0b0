"""How long the stats screen takes to look at a ledger: every period and grouping, the first look and each one after it.

python benchmarks/stats.py [--rows N]

The control adds up the rows of the same ledger in plain SQL, without the sums beside them and without the snapshot.
Times are of the processor, so that other programs count for less.  Nothing is looked at twice.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.ledger import NOW, ZONE, fill

from routerterm.engine.usage.cockpit import GROUPINGS, Look, seen
from routerterm.engine.usage.periods import ZOOMS
from routerterm.engine.usage.snapshot import Snapshot
from routerterm.store.statistics import Book

LIMIT = 100.0
"""Milliseconds that any look after the first may take."""


def took(work: Callable[[], object]) -> float:
    """Milliseconds of processor time."""
    begun = time.process_time()
    work()
    return (time.process_time() - begun) * 1000


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    count = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        connection = fill(Path(folder) / "ledger.db", count)
        book, snapshot = Book(connection), Snapshot(ZONE)
        print(f"{count:,} rows")
        print(f"  first look               {took(lambda: seen(book, snapshot, Look(), NOW)):9.1f} ms")
        worst = 0.0
        for by in GROUPINGS:
            first = took(lambda by=by: seen(book, snapshot, Look("all", by=by), NOW))  # type: ignore[misc]
            print(f"  first look by {by:12}{first:10.1f} ms")
        for zoom in ZOOMS:
            for by in GROUPINGS:
                for against in ("", "before", "year"):
                    look = Look(zoom, 0, by, against)  # type: ignore[arg-type]
                    worst = max(worst, ms := took(lambda look=look: seen(book, snapshot, look, NOW)))  # type: ignore[misc]
                    if not against:
                        print(f"  {zoom:6} by {by:14}{ms:16.1f} ms")
        control = "SELECT provider, model, count(*), sum(cost_nanousd), sum(output_tokens) FROM attempt GROUP BY 1, 2"
        print(f"  control: the rows added up by model {took(lambda: connection.execute(control).fetchall()):.1f} ms")
        print(f"  slowest of {len(ZOOMS) * len(GROUPINGS) * 3} looks: {worst:.1f} ms (at most {LIMIT:.0f})")
        connection.close()


if __name__ == "__main__":
    main()
