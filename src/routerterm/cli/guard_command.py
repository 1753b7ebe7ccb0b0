"""`routerterm guard`: try the guard's rules on a text, and list what they found."""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime
from typing import TYPE_CHECKING

import click

from routerterm.cli.output import print_json, print_line, write

if TYPE_CHECKING:
    from routerterm.router.guard import Hit


@click.group("guard")
def command() -> None:
    """Test the guard's rules on a text, and list what they found.

    \b
      routerterm guard hits
      routerterm guard test "Write to jane@example.com"
      git diff | routerterm guard test
    """


@command.command("test")
@click.argument("text", required=False)
@click.option(
    "--role",
    type=click.Choice(("user", "system", "tool", "assistant")),
    default="user",
    show_default=True,
    help="The role of the text; `assistant` is an answer.",
)
def test(text: str | None, role: str) -> None:
    """Show what the guard would do with TEXT (or standard input). Nothing is sent.

    Exits with 3 if it would be refused.
    """
    from routerterm.config.paths import Paths
    from routerterm.config.settings import load_settings
    from routerterm.core.errors import GuardBlocked
    from routerterm.core.messages import Message
    from routerterm.core.request import ChatRequest
    from routerterm.router.guard import PersonalGuard
    from routerterm.wiring.costs import guard_rules

    said = sys.stdin.read() if text is None else text
    hits: list[Hit] = []
    guard = PersonalGuard(guard_rules(load_settings(Paths.find()).guard), hits.append)
    try:
        if role == "assistant":
            watch = guard.check(ChatRequest("", ())).restorer()
            shown = said if watch is None else watch.feed(said) + watch.end()
        else:
            shown = guard.check(ChatRequest("", (Message.of(role, said),))).request.messages[0].text  # type: ignore[arg-type]
    except GuardBlocked as refusal:
        _tell(hits)
        raise refusal
    _tell(hits)
    print_line("It would be shown as:" if role == "assistant" else "It would be sent as:", err=True)
    write(shown if shown.endswith("\n") else shown + "\n")


@command.command("hits")
@click.option("-n", "limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="How many.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line, for other programs.")
def hits(limit: int, as_json: bool) -> None:
    """List what the rules found, newest first: rule, role and time, never the text itself."""
    asyncio.run(_hits(limit, as_json))


async def _hits(limit: int, as_json: bool) -> None:
    from routerterm.core.sanitise import one_line
    from routerterm.store.guard_hits import GuardHits
    from routerterm.wiring import open_app

    async with open_app() as app:
        found = await GuardHits(app.store.writer, app.store.reader).newest(limit)
    for hit in found:
        at = datetime.fromtimestamp(hit.at / 1000).astimezone().isoformat(timespec="seconds")
        if as_json:
            body = {"at": at, "rule": hit.rule, "action": hit.action, "role": hit.role, "count": hit.count}
            print_json(body | {"timed_out": hit.timed_out, "conversation": hit.conversation_id})
        else:
            late = " (not finished in time)" if hit.timed_out else ""
            print_line(f"{at}  {one_line(hit.rule)}: {hit.action}, {hit.count} in words of {hit.role}{late}")
    if not found and not as_json:
        print_line("The guard has not matched anything yet.", err=True)


def _tell(hits: list[Hit]) -> None:
    from routerterm.core.sanitise import one_line

    for hit in hits:
        late = " (not finished in time)" if hit.timed_out else ""
        print_line(f"{one_line(hit.rule)}: {hit.action}, {hit.count} found{late}", err=True)
    if not hits:
        print_line("Nothing found.", err=True)
