"""`routerterm bill`: a provider's own export, held against the ledger."""

from __future__ import annotations

import asyncio
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from routerterm.cli.output import print_json, print_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from routerterm.engine.billing.check import BillCheck, Gap


@click.command("bill")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--provider", metavar="NAME", default="", help="Your own name of the provider, if it is not the usual one."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for other programs.")
def command(file: Path, provider: str, as_json: bool) -> None:
    """Compare a provider's usage export with the ledger.

    Reads the exports of OpenAI, Anthropic, OpenRouter and Google Cloud billing (CSV) and of Mistral (JSON of its
    Admin API), and shows by day, model and class of tokens where they and the ledger differ, with the likely cause.
    Costs of a model and day that differ by half a cent or less agree. Exits with 1 if there is a gap.

    \b
      routerterm bill completions_usage_2026-11-01_2026-11-30.csv
      routerterm bill openrouter_activity.csv --json
    """
    found = asyncio.run(_check(file, provider))
    if as_json:
        print_json(_object(found), indent=2)
    else:
        for line in report(found):
            print_line(line)
    sys.exit(1 if found.gaps else 0)


async def _check(file: Path, provider: str) -> BillCheck:
    from msgspec.structs import replace

    from routerterm.cli.history import open_history
    from routerterm.config.paths import Paths
    from routerterm.engine.billing.check import check_bill
    from routerterm.engine.billing.read import MOST_BYTES, read_bill
    from routerterm.engine.billing.values import BadBill

    with file.open("rb") as opened:
        bill = read_bill(opened.read(MOST_BYTES + 1))
    if not bill.lines:
        raise BadBill("The export has no usage.", "Export a time in which something was used.")
    if provider:
        bill = replace(bill, provider=provider)
    paths = Paths.find()
    if not paths.database.exists():
        paths.make()
    async with open_history(paths.database) as store:
        return await check_bill(store, bill)


def report(found: BillCheck) -> Iterator[str]:
    """The comparison for a person to read, as lines."""
    from routerterm.core.money import show_usd, with_unknown

    yield f"{found.form}, {found.first} to {found.last} ({found.zone} days), against the ledger of {found.provider}"
    if found.billed is not None:
        kept = with_unknown(found.recorded, bool(found.unpriced))
        yield f"billed {show_usd(found.billed)}, recorded {kept}"
    yield from found.notes
    yield ""
    if not found.gaps:
        yield f"No gap: {_days(found.agreed)} agree."
        return
    rows = [("", "model", "what", "billed", "recorded", "difference"), *(_cells(gap) for gap in found.gaps)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row, gap in zip(rows, (None, *found.gaps), strict=True):
        left = [cell.ljust(width) for cell, width in zip(row[:3], widths[:3], strict=True)]
        right = [cell.rjust(width) for cell, width in zip(row[3:], widths[3:], strict=True)]
        yield "  ".join(left + right).rstrip()
        if gap is not None:
            yield f"    {gap.cause}"
    yield ""
    yield f"{len(found.gaps):,} gaps; {_days(found.agreed)} agree."


def _days(count: int) -> str:
    from routerterm.core.counting import counted

    return f"{counted(count, 'day')} of a model"


def _cells(gap: Gap) -> tuple[str, ...]:
    from routerterm.core.money import show_usd
    from routerterm.core.sanitise import one_line

    if isinstance(gap.billed, Decimal):
        billed, kept = Decimal(gap.billed), Decimal(gap.recorded)
        sign = "+" if billed > kept else ""
        shown = show_usd(billed), show_usd(kept), sign + show_usd(billed - kept)
    else:
        shown = f"{gap.billed:,}", f"{gap.recorded:,}", f"{int(gap.billed) - int(gap.recorded):+,}"
    return gap.when, one_line(gap.model)[:48], gap.what, *shown


def _object(found: BillCheck) -> dict[str, Any]:
    """Amounts as text in US dollars, tokens as numbers."""
    return {
        "provider": found.provider,
        "form": found.form,
        "first": str(found.first),
        "last": str(found.last),
        "zone": found.zone,
        "billed": None if found.billed is None else format(found.billed, "f"),
        "recorded": format(found.recorded, "f"),
        "unpriced": found.unpriced,
        "agreed": found.agreed,
        "notes": list(found.notes),
        "gaps": [{name: _plain(getattr(gap, name)) for name in gap.__struct_fields__} for gap in found.gaps],
    }


def _plain(value: object) -> object:
    return format(value, "f") if isinstance(value, Decimal) else value
