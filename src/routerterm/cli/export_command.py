"""`routerterm export`: conversations as Markdown, JSON or HTML."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from routerterm.cli.completion import conversations
from routerterm.cli.output import progress_bar, write
from routerterm.core.errors import RoutertermError
from routerterm.engine.transfer.formats import FORMS, Form

if TYPE_CHECKING:
    from routerterm.config.paths import Paths
    from routerterm.engine.transfer.html import Colours
    from routerterm.store.database import Store


@click.command("export")
@click.argument("which", metavar="ID|last|all", shell_complete=conversations)
@click.option(
    "-f",
    "--format",
    "form",
    type=click.Choice(FORMS),
    default="md",
    show_default=True,
    help="Markdown, everything, or a page.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="A file; for `all` as md or html, a folder.")
@click.option("--branch", metavar="MESSAGE", help="Only the branch down to this message.")
def command(which: str, form: Form, output: Path | None, branch: str | None) -> None:
    """Write conversations to a file, or to standard output.

    ID may be the beginning of an id. Markdown and HTML contain the current branch, JSON everything.

    \b
      routerterm export last > talk.md
      routerterm export all -f json -o backup.json
    """
    if which == "all" and form != "json" and output is None:
        raise click.UsageError("A folder is needed for all conversations: add --output FOLDER.")
    if which == "all" and branch:
        raise click.UsageError("--branch belongs to one conversation.")
    asyncio.run(_export(which, form, output, branch))


async def _export(which: str, form: Form, output: Path | None, branch: str | None) -> None:
    from routerterm.cli.history import open_history
    from routerterm.config.paths import Paths
    from routerterm.engine.transfer.exporting import export_one
    from routerterm.engine.transfer.files import write_private

    paths = Paths.find()
    if not paths.database.exists():
        raise RoutertermError("There is no history yet.")
    colours = _look(paths) if form == "html" else None
    async with open_history(paths.database) as store:
        if which == "all":
            await _all(store, form, output, colours)
            return
        text = await export_one(store, await _id(store, which), form, leaf=branch, colours=colours)
        if output is None:
            write(text)
        else:
            await asyncio.to_thread(write_private, output, text)


def _look(paths: Paths) -> Colours:
    """The person's own theme."""
    from routerterm.config.early_settings import quick_ui
    from routerterm.tui.themes.html_page import page_by_name

    return page_by_name(quick_ui(paths).theme, paths.theme_dirs())


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


async def _all(store: Store, form: Form, output: Path | None, colours: Colours | None) -> None:
    from routerterm.engine.transfer.exporting import export_json
    from routerterm.engine.transfer.files import export_all

    if output is None:
        async with aclosing(export_json(store, await store.transfer.ids())) as pieces:
            async for piece in pieces:
                write(piece)
        return
    with progress_bar("Exporting") as bar:
        async with aclosing(export_all(store, form, output, colours=colours)) as steps:
            async for done, total in steps:
                bar.length = total
                bar.update(done - bar.pos)
