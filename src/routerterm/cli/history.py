"""The history as commands open it: what was found wrong with it is told each time, on standard error."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from routerterm.cli.output import print_error
from routerterm.core.gc_control import resume

if TYPE_CHECKING:
    from routerterm.store.database import Store
    from routerterm.store.shared.state import SharedState


@asynccontextmanager
async def open_history(path: Path, *, writes: bool = False, shared: SharedState | None = None) -> AsyncGenerator[Store]:
    """The store, closed at the end.  A command that ``writes`` hears of it where it cannot.  Raises `StoreError`."""
    from routerterm.store.database import Store

    store = Store.open(path, shared=shared)
    try:
        opening = await store.start()
        resume()
        for notice in opening.notices():
            if writes or notice is not opening.read_only:
                print_error(notice)
        yield store
    finally:
        await store.close()
