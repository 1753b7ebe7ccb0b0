"""`routerterm export`: conversations as Markdown, JSON or HTML."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from routerterm.core.errors import RoutertermError

if TYPE_CHECKING:
    from routerterm.engine.transfer.exporting import Form
    from routerterm.store.database import Store


@click.command("export")
@click.argument("which", metavar="ID|last|all")
@click.option("-f", "--format", "form", type=click.Choice(["md", "json", "html"]), default="md", show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="A file; for `all` as md or html, a folder.")
@click.option("--branch", metavar="MESSAGE", help="Only the branch down to this message.")
def command(which: str, form: Form, output: Path | None, branch: str | None) -> None:
    """Write conversations to a file, or to standard output.

    ID may be the beginning of an id. Markdown and HTML hold the branch that is shown, JSON everything.
    """
    if which == "all" and form != "json" and output is None:
        raise click.UsageError("A folder is needed for all conversations: add --output FOLDER.")
    if which == "all" and branch:
        raise click.UsageError("--branch belongs to one conversation.")
    asyncio.run(_export(which, form, output, branch))


async def _export(which: str, form: Form, output: Path | None, branch: str | None) -> None:
    from routerterm.config.paths import Paths
    from routerterm.store.database import Store

    path = Paths.find().database
    if not path.exists():
        raise RoutertermError("There is no history yet.")
    store = Store.open(path)
    try:
        if which == "all":
            await _all(store, form, output)
        else:
            from routerterm.engine.transfer.exporting import export_one

            text = await export_one(store, await _id(store, which), form, leaf=branch)
            await asyncio.to_thread(_write, text, output)
    finally:
        await store.close()


async def _id(store: Store, which: str) -> str:
    if which == "last":
        latest = await store.conversations.latest()
        if latest is None:
            raise RoutertermError("There is no conversation yet.")
        return latest.id
    found = await store.conversations.beginning(which, 2)
    if len(found) != 1:
        what = "No conversation's id begins" if not found else "Several conversations' ids begin"
        raise RoutertermError(f"{what} with {which}.", "routerterm find shows ids.")
    return found[0].id


async def _all(store: Store, form: Form, output: Path | None) -> None:
    from routerterm.engine.transfer.exporting import export_json, export_one, file_name

    ids = await store.transfer.ids()
    with click.progressbar(length=len(ids), file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        if form == "json":
            part = None if output is None else output.with_name(output.name + ".part")
            file = sys.stdout if part is None else await asyncio.to_thread(_private, part)
            async with aclosing(export_json(store, ids, lambda _: bar.update(1))) as pieces:
                async for piece in pieces:
                    file.write(piece)
            if part is not None and output is not None:
                file.close()
                await asyncio.to_thread(part.replace, output)
            return
        assert output is not None
        await asyncio.to_thread(output.mkdir, parents=True, exist_ok=True)
        for id in ids:
            conversation = await store.conversations.get(id)
            text = await export_one(store, id, form)
            name = file_name(conversation.title if conversation else "", id, form)
            await asyncio.to_thread(_write, text, output / name)
            bar.update(1)


def _write(text: str, output: Path | None) -> None:
    """To a file, whole or not at all; or to standard output, where a terminal gets nothing that could act on it."""
    if output is None:
        if sys.stdout.isatty():
            from routerterm.tui.sanitise import sanitise

            text = sanitise(text)
        sys.stdout.write(text)
        return
    part = output.with_name(output.name + ".part")
    with _private(part) as file:
        file.write(text)
    part.replace(output)


def _private(path: Path) -> TextIO:
    """A file that only its owner may read."""
    try:
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8")
    except OSError as error:
        raise RoutertermError(f"{path} cannot be written: {error.strerror}.") from None
