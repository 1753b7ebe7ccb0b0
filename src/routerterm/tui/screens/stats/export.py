"""Writes what the stats screen shows into a file, for a spreadsheet or a program."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from routerterm.config.write import write_whole
from routerterm.engine.usage.statistics import Line, Percentiles, Summary
from routerterm.tui.clock import local, now_ms

if TYPE_CHECKING:
    from routerterm.config.paths import Paths

Form: TypeAlias = Literal["csv", "json"]
NAMES = Line.__struct_fields__


def export(paths: Paths, found: Summary, form: Form) -> Path:
    """Write it into a new file in the data folder, for its owner's eyes alone.  Raises `StoreError`."""
    file = paths.data / "exports" / f"stats-by-{found.by}-{local(now_ms()).strftime('%Y%m%d-%H%M%S')}.{form}"
    write_whole(file, as_csv(found) if form == "csv" else as_json(found))
    return file


def as_csv(found: Summary) -> str:
    """A line each; percentiles have two columns."""
    out = io.StringIO()
    rows = [_flat(line) for line in found.lines]
    writer = csv.DictWriter(out, list(rows[0] if rows else _flat(found.total)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def as_json(found: Summary) -> str:
    """Everything; money as text with all its digits, times in milliseconds since the epoch."""
    month = found.month
    body = {
        "by": found.by,
        "since": found.since,
        "until": found.until,
        "total": _plain(found.total),
        "lines": [_plain(line) for line in found.lines],
        "month": {
            "so_far": str(month.so_far),
            "expected": str(month.expected),
            "per_day": str(month.per_day),
            "days_left": month.days_left,
        },
        "held_back": str(found.reserved),
        "under_way": found.under_way,
    }
    return json.dumps(body, indent=1, ensure_ascii=False) + "\n"


def _plain(line: Line) -> dict[str, Any]:
    return {name: _value(getattr(line, name)) for name in NAMES}


def _value(value: Any) -> Any:
    match value:
        case Decimal():
            return str(value)
        case Percentiles():
            return {"p50": value.p50, "p95": value.p95}
        case _:
            return value


def _flat(line: Line) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name in NAMES:
        value = getattr(line, name)
        if name in ("ttft_ms", "tokens_per_second"):
            flat[f"{name}_p50"], flat[f"{name}_p95"] = (value.p50, value.p95) if value else ("", "")
        else:
            flat[name] = value
    return flat
