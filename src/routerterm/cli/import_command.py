"""`routerterm import`: conversations from our own JSON, ChatGPT, Claude, llm, elia and oterm."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from routerterm.engine.transfer.importing import Report


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-n", "--dry-run", "dry", is_flag=True, help="Only say what would be done.")
def command(file: Path, dry: bool) -> None:
    """Read conversations from FILE.

    FILE is an export of routerterm (JSON), ChatGPT or Claude (the zip, or conversations.json), or the database of
    llm (logs.db), elia or oterm. What was imported before stays as it is.
    """
    report = asyncio.run(_import(file, dry))
    for line in lines_of(report, dry):
        click.echo(line)
    if report.failed and not (report.new or report.grown or report.known):
        sys.exit(1)


async def _import(file: Path, dry: bool) -> Report:
    from routerterm.config.paths import Paths
    from routerterm.engine.transfer.importing import bring_in
    from routerterm.store.database import Store

    store = Store.open(Paths.find().database)
    shown = sys.stderr.isatty()

    def progress(done: int, total: int | None) -> None:
        if shown and (done % 20 == 0 or done == total):
            click.echo(f"\r{done}{f' of {total}' if total else ''} conversations", err=True, nl=done == total)

    try:
        return await bring_in(store, file, dry=dry, progress=progress)
    finally:
        await store.close()


def lines_of(report: Report, dry: bool) -> list[str]:
    """The report in words."""
    from routerterm.tui.sanitise import one_line

    done = "would be imported" if dry else "imported"
    lines = [f"From {report.kind}: {report.new} conversations {done}, with {report.messages} messages."]
    if report.grown:
        lines.append(f"{report.grown} were there and {'would get' if dry else 'got'} messages that they lacked.")
    if report.known:
        lines.append(f"{report.known} were there already.")
    if report.empty:
        lines.append(f"{report.empty} were empty.")
    lines += [f"Left out: {n} {one_line(reason)}." for reason, n in sorted(report.skipped.reasons.items())]
    lines += [f"Not imported: {one_line(why)}" for why in report.failed[:20]]
    if len(report.failed) > 20:
        lines.append(f"… and {len(report.failed) - 20} more.")
    return lines
