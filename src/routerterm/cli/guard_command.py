"""`routerterm guard`: try the guard's rules on a text."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from routerterm.router.guard import Hit


@click.group("guard")
def command() -> None:
    """Try the guard's rules on a text.

    \b
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
    help="Whose words they are; `assistant` is an answer.",
)
def test(text: str | None, role: str) -> None:
    """Say what the guard would do with TEXT (or standard input): nothing is sent.

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
    click.echo("It would be shown as:" if role == "assistant" else "It would leave as:", err=True)
    click.echo(shown)


def _tell(hits: list[Hit]) -> None:
    for hit in hits:
        late = " (not finished in time)" if hit.timed_out else ""
        click.echo(f"{hit.rule}: {hit.action}, {hit.count} found{late}", err=True)
    if not hits:
        click.echo("Nothing found.", err=True)
