"""`routerterm outbox`: the questions that wait, and sending what is due."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from routerterm.cli.output import print_json, print_line
from routerterm.core.errors import RoutertermError

if TYPE_CHECKING:
    from routerterm.store.outbox_rows import Waiting
    from routerterm.wiring import Services

LOOK = 5.0
"""Seconds between two looks with `--wait`."""


@click.command("outbox")
@click.option("--run", "once", is_flag=True, help="Send what is due now, and fetch batches that are done.")
@click.option("--wait", is_flag=True, help="Do so until nothing waits any more.")
@click.option("--send", metavar="ID", help="Send this question now; an id may be shortened.")
@click.option("--drop", metavar="ID", help="Remove this question from the outbox; it stays in its conversation.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per question, for other programs.")
def command(once: bool, wait: bool, send: str | None, drop: str | None, as_json: bool) -> None:
    """List the questions that wait to be sent.

    The chat puts questions here with /later, `ask --batch` a whole file. They are sent while the chat is open, or by
    this command. Nothing is sent twice: of a question whose program ended while it was handed in, this list
    says so, and only --send sends it again.

    \b
      routerterm outbox
      routerterm outbox --wait
    """
    asyncio.run(_run(once or wait, wait, send, drop, as_json))


async def _run(once: bool, wait: bool, send: str | None, drop: str | None, as_json: bool) -> None:
    from routerterm.cli.keys_prompts import open_locked
    from routerterm.wiring import open_app
    from routerterm.wiring.outbox import Outbox

    async with open_app() as app:
        if send and not await app.store.outbox.hurry(await _id(app, send)):
            raise RoutertermError("This question is being sent, or was sent already.")
        if drop and not await app.store.outbox.drop(await _id(app, drop)):
            raise RoutertermError("This question was sent already.", "A batch that is handed in is paid for.")
        rows = await app.store.outbox.rows()
        if (once or send) and rows:
            await open_locked(app.keys, rows[0].target or rows[0].model)
            outbox = Outbox(app)
            await outbox.tick()
            while wait and any(row.state not in ("unsure",) for row in await app.store.outbox.rows()):
                await asyncio.sleep(LOOK)
                await outbox.tick()
        rows = await app.store.outbox.rows(every=True)
        for row in rows:
            if as_json:
                print_json(_object(row))
            else:
                print_line(line_of(row))
        if not rows and not as_json:
            print_line("Nothing waits.")


async def _id(app: Services, typed: str) -> str:
    rows = [row.id for row in await app.store.outbox.rows(every=True) if row.id.startswith(typed.upper())]
    if len(rows) != 1:
        how_many = "More than one id begins" if rows else "No id begins"
        raise RoutertermError(f"{how_many} with {typed}.", "routerterm outbox lists them.")
    return rows[0]


def line_of(row: Waiting) -> str:
    """One question for a person: its id, what it waits for, who is asked, what it says."""
    from routerterm.core.sanitise import one_line
    from routerterm.engine.outbox.words import state_words

    due = datetime.fromtimestamp(row.due_at / 1000, UTC).astimezone()
    asked = one_line(row.text)
    asked = asked if len(asked) <= 60 else f"{asked[:59]}…"
    return f"{row.id}  {state_words(row, due)}  {one_line(row.target or row.model)}  {asked}"


def _object(row: Waiting) -> dict[str, Any]:
    names = ("id", "conversation_id", "state", "mode", "due_at", "model", "target", "job", "note", "unread")
    return {name: getattr(row, name) for name in names}
