"""Writes what the stats screen shows into a file, for a spreadsheet or a program."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

from routerterm.config.write import write_whole
from routerterm.core.errors import RoutertermError
from routerterm.engine.usage.export import cockpit_object, csv_of
from routerterm.tui.clock import local, now_ms

if TYPE_CHECKING:
    from routerterm.engine.usage.accounts import Account
    from routerterm.engine.usage.cockpit import Cockpit
    from routerterm.tui.app_context import AppContext

Form: TypeAlias = Literal["csv", "json"]


async def export(app: AppContext, found: Cockpit, accounts: Sequence[Account], form: Form) -> None:
    """Write it into a new file in the data folder, for its owner's eyes alone; say where, or what was wrong."""
    stamp = local(now_ms()).strftime("%Y%m%d-%H%M%S")
    file = app.paths.data / "exports" / f"stats-by-{found.look.by}-{stamp}.{form}"
    if form == "csv":
        text = csv_of(found.lines, found.total)
    else:
        text = json.dumps(cockpit_object(found, accounts), indent=1, ensure_ascii=False) + "\n"
    try:
        await asyncio.to_thread(write_whole, file, text)
    except RoutertermError as error:
        app.show_error(error)
    else:
        app.notify(f"Written to {file}", timeout=6, markup=False)
