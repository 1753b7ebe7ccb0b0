"""`routerterm pause`: send nothing to a provider or a model for a while (keys: `routerterm keys disable`)."""

from __future__ import annotations

import asyncio
import time

import click

from routerterm.cli.completion import models
from routerterm.cli.output import print_line


@click.command("pause")
@click.argument("name", required=False, shell_complete=models)
@click.option(
    "--for",
    "minutes",
    metavar="MINUTES",
    type=click.IntRange(1, 1_000_000),
    help="Resume automatically after this time.",
)
@click.option("--resume", is_flag=True, help="Resume NAME.")
def command(name: str | None, minutes: int | None, resume: bool) -> None:
    """Pause NAME (a provider, or provider/model) until it is resumed.  Without NAME, list what is paused.

    \b
      routerterm pause openai --for 60
      routerterm pause openai --resume
    """
    asyncio.run(_pause(name, None if minutes is None else minutes * 60.0, resume))


async def _pause(name: str | None, seconds: float | None, resume: bool) -> None:
    from routerterm.router.decide.format import format_duration
    from routerterm.wiring import open_app

    async with open_app() as app:
        if name is None:
            for paused, until in sorted((await app.router.paused()).items()):
                left = "" if until is None else f" for another {format_duration(until - time.time())}"
                print_line(f"{paused} is paused{left}.")
            return
        if resume:
            was = await app.router.resume(name)
            print_line(f"{name} is resumed." if was else f"{name} was not paused.")
            return
        await app.router.pause(name, seconds)
        print_line(f"{name} is paused{'' if seconds is None else f' for {format_duration(seconds)}'}.")
