"""What is shown of the ledger as CSV and JSON, for a spreadsheet or a program: from the screen and the shell alike."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from routerterm.core.money import exact_usd
from routerterm.engine.usage.lines import Line, Percentiles

if TYPE_CHECKING:
    from routerterm.engine.usage.accounts import Account
    from routerterm.engine.usage.cockpit import Cell, Cockpit
    from routerterm.engine.usage.projection import MonthForecast
    from routerterm.engine.usage.statistics import Summary

NAMES = Line.__struct_fields__
MEASURED = ("ttft_ms", "tokens_per_second")


def csv_of(lines: Sequence[Line], total: Line) -> str:
    """A line of names, then a line each; percentiles have two columns, a cost that is partly unknown ends in ``+?``.

    A text that a spreadsheet would take for a formula is marked as text.
    """
    out = io.StringIO()
    writer = csv.DictWriter(out, list(_flat(line_object(total))), lineterminator="\n")
    writer.writeheader()
    writer.writerows(_flat(line_object(line)) | _amounts(line) for line in lines)
    return out.getvalue()


def _amounts(line: Line) -> dict[str, str]:
    return {"cost": exact_usd(line.cost, line.is_unknown), "saved": exact_usd(line.saved, unknown=False)}


def line_object(line: Line) -> dict[str, Any]:
    """A line; money as text with all its digits, percentiles as an object."""
    return {name: plain(getattr(line, name)) for name in NAMES}


def month_object(month: MonthForecast) -> dict[str, Any]:
    """The month; what cannot be said yet is null."""
    return {name: plain(getattr(month, name)) for name in month.__struct_fields__}


def summary_object(summary: Summary) -> dict[str, Any]:
    """A period of the ledger; times are milliseconds since the epoch."""
    return {
        "by": summary.by,
        "since": summary.since,
        "until": summary.until,
        "lines": [line_object(line) for line in summary.lines],
        "total": line_object(summary.total),
        "month": month_object(summary.month),
        "reserved": plain(summary.reserved),
        "under_way": summary.under_way,
    }


def cockpit_object(found: Cockpit, accounts: Iterable[Account]) -> dict[str, Any]:
    """All that is shown of a period; times are milliseconds since the epoch.

    ``sampled_since`` is null where percentiles are of all answers, else when the oldest of the newest began that they
    are of.
    """
    return {
        "by": found.look.by,
        "period": found.period.name,
        "since": found.period.since,
        "until": found.period.until,
        "total": line_object(found.total),
        "lines": [line_object(line) for line in found.lines],
        "over_time": [line_object(line) for line in found.parts],
        "compared_with": found.look.against or None,
        "total_before": line_object(found.before) if found.before else None,
        "lines_before": [line_object(line) for line in found.lines_before],
        "calendar": [_cell(cell) for cell in found.calendar],
        "week": [_cell(cell) for cell in found.week],
        "ttft_ms": list(found.ttft_ms),
        "tokens_per_second": [round(value, 3) for value in found.tokens_per_second],
        "sampled_since": found.sampled_since or None,
        "month": month_object(found.month),
        "budgets": [
            {
                "name": account.name,
                "unit": account.gauge.cap.unit,
                "used": account.gauge.used,
                "limit": account.gauge.cap.limit,
                "left": account.gauge.left,
                "resets_at": account.resets_at,
            }
            for account in accounts
        ],
        "reserved": plain(found.reserved),
        "under_way": found.under_way,
    }


def plain(value: Any) -> Any:
    """A value as JSON has it: money as text, so that no digit is lost."""
    match value:
        case Decimal():
            return format(value, "f")
        case Percentiles():
            return {"p50": value.p50, "p95": value.p95}
        case _:
            return value


def _cell(cell: Cell) -> dict[str, Any]:
    return {"name": cell.name, "cost": plain(cell.cost), "requests": cell.requests, "unpriced": cell.unpriced}


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if name in MEASURED:
            for part in ("p50", "p95"):
                flat[f"{name}_{part}"] = "" if value is None else round(value[part], 1)
        else:
            flat[name] = f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value
    return flat
