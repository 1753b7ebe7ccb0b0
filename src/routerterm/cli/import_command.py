"""`routerterm import`: conversations from our own JSON, and from other programs."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from routerterm.cli.output import print_line, progress_bar

if TYPE_CHECKING:
    from routerterm.engine.transfer.importing import Report


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-n", "--dry-run", "dry", is_flag=True, help="Only report what would be imported.")
def command(file: Path, dry: bool) -> None:
    """Read conversations from FILE, which may also be a folder.

    FILE is an export of routerterm (JSON), ChatGPT, Claude, Open WebUI, LibreChat or opencode (a zip, its folder, or a
    JSON file in it), the database of llm (logs.db), elia, oterm, crush, opencode or Open WebUI, or sessions of gptme or
    aichat. Conversations imported before are not changed; the report names everything that was left out.

    \b
      routerterm import --dry-run conversations.json
      routerterm import ~/Downloads/chatgpt-export.zip
    """
    from routerterm.core.sanitise import one_line
    from routerterm.engine.transfer.importing import lines_of

    report = asyncio.run(_import(file, dry))
    for line in lines_of(report, dry=dry):
        print_line(one_line(line))
    if report.failed and not (report.new or report.grown or report.known):
        sys.exit(1)


async def _import(file: Path, dry: bool) -> Report:
    from routerterm.cli.history import open_history
    from routerterm.config.paths import Paths
    from routerterm.engine.transfer.importing import import_file

    done_before = 0
    bar = progress_bar("Looking" if dry else "Importing")

    def progress(done: int, total: int | None) -> None:
        nonlocal done_before
        bar.length = max(total or 0, done)
        bar.update(done - done_before)
        done_before = done

    async with open_history(Paths.find().database, writes=not dry) as store:
        with bar:
            return await import_file(store, file, dry=dry, progress=progress)
