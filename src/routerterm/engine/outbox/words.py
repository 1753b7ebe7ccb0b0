"""What a person reads of a question that waits."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from routerterm.core.sanitise import one_line
from routerterm.store.outbox_rows import Waiting


def state_words(row: Waiting, due: datetime) -> str:
    """What it waits for, or what became of it.  ``due`` is on the person's clock."""
    match row.state:
        case "waiting":
            return _waits(row, due)
        case "sending":
            return "being sent"
        case "submitting":
            return "being handed in as a batch"
        case "submitted":
            return "in a batch, answered within a day"
        case "unsure":
            return f"may be in a batch at {row.provider}: the program ended, or heard nothing, while it was handed in"
        case "done":
            return "answered"
        case "failed":
            return f"failed: {one_line(row.note)[:120]}"
        case _:
            assert_never(row.state)


def _waits(row: Waiting, due: datetime) -> str:
    if row.note:
        return f"waits: {one_line(row.note)[:80]}"
    match row.mode:
        case "online":
            return "waits for the network"
        case "time":
            return f"waits until {due:%Y-%m-%d %H:%M}"
        case "off-peak":
            return f"waits for the cheap hours, {due:%Y-%m-%d %H:%M}"
        case "batch":
            return "waits to be handed in as a batch"
        case _:
            assert_never(row.mode)
