"""Prints the wall of faults as a table: `python -m tests.router.faults [--full]`."""

from __future__ import annotations

import asyncio
import sys

from tests.router.faults.wall import lay_all, wrong

FULL, SHORT = 1.0, 0.05


def main() -> int:
    """Run every fault; 1 if something does not hold."""
    scale = FULL if "--full" in sys.argv[1:] else SHORT
    rows = asyncio.run(lay_all(scale))
    print(f"waits × {scale:g}; seconds are as measured\n")
    print(f"{'fault':<22} {'behind it':<11} {'outcome':<17} {'goes on':<9} {'attempts':>8} {'time':>8}  ledger")
    bad = 0
    for row in rows:
        behind = row.brick.backup if row.backed else "nobody"
        ledger = " ".join(
            f"{record.outcome}{'/' + record.error_class if record.error_class else ''}" for record in row.ledger
        )
        print(
            f"{row.brick.fault:<22} {behind:<11} {row.outcome:<17} {row.how:<9} {row.attempts:>8} "
            f"{row.seconds:>6.2f} s  {ledger}"
        )
        for complaint in wrong(row):
            bad += 1
            print(f"    WRONG: {complaint}  {row.message}")
    print(f"\n{len(rows)} runs, {bad} wrong")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
