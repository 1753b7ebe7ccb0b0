"""`routerterm import`: conversations from our own JSON, ChatGPT, Claude, llm, elia and oterm."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar

    from routerterm.engine.transfer.importing import Report


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-n", "--dry-run", "dry", is_flag=True, help="Only say what would be done.")
def command(file: Path, dry: bool) -> None:
    """Read conversations from FILE.

    FILE is an export of routerterm (JSON), ChatGPT or Claude (the zip, or conversations.json), or the database of
    llm (logs.db), elia or oterm. What was imported before stays as it is.

    \b
      routerterm import --dry-run conversations.json
      routerterm import ~/Downloads/chatgpt-export.zip
    """
    from routerterm.core.sanitise import one_line
    from routerterm.engine.transfer.importing import lines_of

    report = asyncio.run(_import(file, dry))
    for line in lines_of(report, dry=dry):
        click.echo(one_line(line))
    if report.failed and not (report.new or report.grown or report.known):
        sys.exit(1)


async def _import(file: Path, dry: bool) -> Report:
    from routerterm.config.paths import Paths
    from routerterm.engine.transfer.importing import import_file
    from routerterm.store.database import Store

    store = Store.open(Paths.find().database)
    done_before = 0
    bar: ProgressBar[int] = click.progressbar(
        length=0, label="Looking" if dry else "Importing", file=sys.stderr, hidden=not sys.stderr.isatty()
    )

    def progress(done: int, total: int | None) -> None:
        nonlocal done_before
        bar.length = max(total or 0, done)
        bar.update(done - done_before)
        done_before = done

    try:
        with bar:
            return await import_file(store, file, dry=dry, progress=progress)
    finally:
        await store.close()
