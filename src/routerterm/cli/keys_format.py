"""How ``routerterm keys list`` says what there is: a table for people, objects for programs.  Pure."""

from __future__ import annotations

from typing import Any

from routerterm.config.keys.values import PlaceStatus
from routerterm.core.redact import secret_redactor
from routerterm.engine.keys.view import KeyLine, KeysView, duration, health

_STATES = {"ready": "open", "locked": "locked", "new": "not made yet", "absent": "not here"}
_SIGNS = {"ready": "+", "cooling": "~", "out": "!", "off": "-", "locked": "#", "missing": "!"}


def table(view: KeysView) -> str:
    """All keys in columns, then the places that keys can live in."""
    rows: list[tuple[str, ...]] = [("", "KEY", "VALUE", "STORED IN", "HEALTH", "TODAY", "LAST USED")]
    rows += [_row(line, view.at) for provider in view.providers for line in provider.lines]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    if len(rows) == 1:
        lines = ["No keys yet. Add one with: routerterm keys add"]
    notes = [
        secret_redactor(f"   {line.record.name}: {line.record.notes}")
        for provider in view.providers
        for line in provider.lines
        if line.record.notes
    ]
    places = [f"   {_place(status)}" for status in view.places if status.writable or status.state == "absent"]
    return "\n".join([*lines, *(["", "Notes", *notes] if notes else []), "", "Places", *places])


def as_json(view: KeysView) -> dict[str, Any]:
    """The same as data.  Times are seconds since the epoch."""
    return {
        "places": [
            {"place": status.place.value, "title": status.title, "state": status.state, "detail": status.detail}
            for status in view.places
        ],
        "keys": [_object(line) for provider in view.providers for line in provider.lines],
    }


def _row(line: KeyLine, now: float) -> tuple[str, ...]:
    record = line.record
    today = f"{line.used}/{record.quota}" if record.quota else ""
    used = f"{duration(now - line.used_at)} ago" if line.used_at else "never"
    return (
        _SIGNS[line.health],
        secret_redactor(record.name),
        record.masked,
        record.place.value,
        health(line, now),
        today,
        used,
    )


def _place(status: PlaceStatus) -> str:
    detail = f" ({status.detail.rstrip('.')})" if status.detail else ""
    return f"{status.place.value:<8} {status.title}: {_STATES[status.state]}{detail}"


def _object(line: KeyLine) -> dict[str, Any]:
    record = line.record
    return {
        "provider": record.provider,
        "label": secret_redactor(record.label),
        "masked": record.masked,
        "place": record.place.value,
        "enabled": record.enabled,
        "health": line.health,
        "says": line.says,
        "until": line.until,
        "quota": record.quota,
        "used": line.used,
        "last_used": line.used_at,
        "notes": record.notes,
    }
