"""`routerterm doctor`: looks whether all is well, and mends what can be mended."""

from __future__ import annotations

import asyncio
import json
import sys

import click

from routerterm.cli.doctor import CHECKS, Finding, Room, look_of

_SIGNS = {"good": ("ok", "green"), "note": ("--", None), "bad": ("!!", "red")}


@click.command("doctor")
@click.argument("what", nargs=-1, type=click.Choice(list(CHECKS)))
@click.option("--mend", is_flag=True, help="Put right what can be put right; a damaged history is set aside first.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per finding, for other programs.")
def command(what: tuple[str, ...], mend: bool, as_json: bool) -> None:
    """Look whether all is well; WHAT narrows it down to single checks.

    Without --mend nothing is changed. Exits with 1 if something wants to be done.
    """
    bad = asyncio.run(_examine(what or tuple(CHECKS), mend, as_json))
    sys.exit(1 if bad else 0)


async def _examine(what: tuple[str, ...], mend: bool, as_json: bool) -> int:
    """Run the checks one after the other and print what they find; how many findings are bad."""
    from routerterm.config.paths import Paths

    room = Room(Paths.find(), mend)
    bad = 0
    for name in what:
        if not as_json:
            click.secho(name, bold=True)
        async for finding in look_of(name)(room):
            bad += finding.level == "bad"
            _tell(name, finding, as_json)
    return bad


def _tell(name: str, finding: Finding, as_json: bool) -> None:
    if as_json:
        body = {"check": name, "level": finding.level, "what": finding.what, "hint": finding.hint}
        click.echo(json.dumps(body, ensure_ascii=False))
        return
    from routerterm.core.redact import KNOWN, printable

    sign, colour = _SIGNS[finding.level]
    click.echo(f"  {click.style(sign, fg=colour)}  {KNOWN(printable(finding.what))}")
    if finding.hint:
        click.echo(f"      {KNOWN(printable(finding.hint))}")
