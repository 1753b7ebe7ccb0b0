"""Prints the wall of faults as a table: `python -m tests.router.faults [--full]`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator

from tests.router.faults.wall import Outage, Row, lay_all, outage, wrong

FULL, SHORT = 1.0, 0.05
COLUMNS = f"{'fault':<28}{'behind it':<12}{'outcome':<18}{'goes on':<10}{'attempts':>8}{'time':>10}   ledger"


async def build(scale: float) -> tuple[list[Row], Outage]:
    """Everything; the outage by itself where waits are short, so that it is not disturbed."""
    if scale == FULL:
        rows, out = await asyncio.gather(lay_all(scale), outage(scale))
        return rows, out
    return await lay_all(scale), await outage(scale)


def table(rows: list[Row]) -> Iterator[str]:
    """A line for each run, and one for each thing that does not hold."""
    yield COLUMNS
    for row in rows:
        behind = "no prefill" if row.brick.backup == "no_prefill" else "healthy" if row.backed else "nobody"
        entries = (record.outcome + (f"/{record.error_class}" if record.error_class else "") for record in row.ledger)
        yield (
            f"{row.brick.title:<28}{behind if row.backed else 'nobody':<12}{row.outcome:<18}{row.how:<10}"
            f"{row.attempts:>8}{row.seconds:>8.2f} s   {' '.join(entries)}"
        )
        yield from (f"    WRONG: {complaint}  {row.message}" for complaint in wrong(row))


def told(out: Outage, scale: float) -> Iterator[str]:
    """What came of the outage, against what must; a second of this machine's own slowness is forgiven."""
    yield "\nTwenty requests while the first choice is down for 20 s (seconds at full length):"
    for what, figure, holds in (
        ("whole answers", f"{out.whole} of 20", out.whole == 20),
        ("attempts that reached it while it was down", f"{out.while_down}, at most 10", out.while_down <= 10),
        ("used again after its recovery", f"{out.back_after:.1f} s, at most 5", out.back_after <= 5 + 1 / scale),
    ):
        yield f"    {what:<44}{figure}{'' if holds else '   WRONG'}"


def main() -> int:
    """Run every fault; 1 if something does not hold."""
    scale = FULL if "--full" in sys.argv[1:] else SHORT
    rows, out = asyncio.run(build(scale))
    print(f"Waits × {scale:g}; times are as measured.\n")
    lines = [*table(rows), *told(out, scale)]
    print("\n".join(lines))
    bad = sum("WRONG" in line for line in lines)
    print(f"\n{len(rows) + 1} runs, {bad} wrong")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
