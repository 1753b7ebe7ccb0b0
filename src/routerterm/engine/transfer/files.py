"""Exports into files: each is there whole or not at all, and readable by its owner alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

from routerterm.config.atomic_file import NotAFile, atomic_file, atomic_write
from routerterm.core.errors import RoutertermError
from routerterm.engine.transfer.exporting import export_json, export_one, file_name

if TYPE_CHECKING:
    from routerterm.engine.transfer.formats import Form
    from routerterm.engine.transfer.html import Colours
    from routerterm.store.database import Store


def write_private(path: Path, text: str) -> None:
    """Write it whole or not at all, so that a full disk leaves what was there.  Raises `RoutertermError`."""
    try:
        atomic_write(path, text)
    except OSError as error:
        raise _unwritable(path, error) from None


def _unwritable(path: Path, error: OSError) -> RoutertermError:
    hint = "Without --output it goes to standard output." if isinstance(error, NotAFile) else ""
    return RoutertermError(f"{path} cannot be written: {error.strerror}.", hint)


async def export_all(
    store: Store, form: Form, target: Path, *, colours: Colours | None = None, zone: tzinfo | None = None
) -> AsyncGenerator[tuple[int, int]]:
    """Every conversation: as JSON into one file, otherwise one file each into a folder; how many are done, of how many.

    Raises `RoutertermError`.
    """
    ids = await store.transfer.ids()
    if form == "json":
        async with aclosing(_one_file(store, ids, target)) as steps:
            async for step in steps:
                yield step
        return
    try:
        await asyncio.to_thread(target.mkdir, mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise RoutertermError(f"{target} cannot be created: {error.strerror}.") from None
    for n, id in enumerate(ids, 1):
        conversation = await store.conversations.get(id)
        text = await export_one(store, id, form, colours=colours, zone=zone)
        name = file_name(conversation.title if conversation else "", id, form)
        await asyncio.to_thread(write_private, target / name, text)
        yield n, len(ids)


async def _one_file(store: Store, ids: tuple[str, ...], target: Path) -> AsyncGenerator[tuple[int, int]]:
    done, seen = 0, 0

    def count(n: int) -> None:
        nonlocal done
        done = n

    try:
        with atomic_file(target) as file:
            async with aclosing(export_json(store, ids, count)) as pieces:
                async for piece in pieces:
                    await asyncio.to_thread(file.write, piece.encode())
                    if done != seen:
                        seen = done
                        yield done, len(ids)
    except OSError as error:
        raise _unwritable(target, error) from None
    yield len(ids), len(ids)
