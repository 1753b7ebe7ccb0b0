"""`routerterm doctor`: looks whether all is well, and mends what can be mended."""

from __future__ import annotations

import asyncio
import sys
from contextlib import aclosing

import click

from routerterm.cli.doctor import CHECKS, CheckContext, Finding, look_of
from routerterm.cli.output import Styled, is_terminal, print_json, print_line

_SIGNS = {"good": ("ok", "green"), "note": ("--", None), "bad": ("!!", "red")}


@click.command("doctor")
@click.argument("what", nargs=-1, type=click.Choice(list(CHECKS)))
@click.option("--mend", is_flag=True, help="Repair what can be repaired; a damaged history is set aside first.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per finding, for other programs.")
@click.option(
    "--report", is_flag=True, help="Print Markdown for a bug report: no keys, names, addresses or personal folders."
)
@click.option("--press", is_flag=True, help="Press keys and see which of them arrive, and what they do.")
def command(what: tuple[str, ...], mend: bool, as_json: bool, report: bool, press: bool) -> None:
    """Check the installation; WHAT limits it to single checks.

    Without --mend nothing is changed. Exits with 1 if something needs to be done.

    \b
      routerterm doctor
      routerterm doctor terminal keys
      routerterm doctor history --mend
      routerterm doctor --report
    """
    if press:
        _show_presses()
        return
    if report and (as_json or mend):
        raise click.UsageError("--report goes with neither --json nor --mend.")
    if report:
        asyncio.run(_report(what or tuple(CHECKS)))
        return
    bad = asyncio.run(_examine(what or tuple(CHECKS), mend, as_json))
    sys.exit(1 if bad else 0)


async def _examine(what: tuple[str, ...], mend: bool, as_json: bool) -> int:
    """Run the checks one after the other and print what they find; how many findings are bad."""
    from routerterm.config.paths import Paths

    context = CheckContext(Paths.find(), mend)
    bad = 0
    for name in what:
        if not as_json:
            print_line(Styled(name, bold=True))
        async with aclosing(look_of(name)(context)) as findings:
            async for finding in findings:
                bad += finding.level == "bad"
                _tell(name, finding, as_json)
    return bad


async def _report(what: tuple[str, ...]) -> None:
    """Print what the checks find as Markdown that may be shown to anybody."""
    from routerterm.cli.doctor.report import opening, own_names, report_line
    from routerterm.config.paths import Paths

    context, names = CheckContext(Paths.find(), repair=False), own_names()
    print_line(opening(), end="\n\n")
    for name in what:
        async with aclosing(look_of(name)(context)) as findings:
            async for finding in findings:
                print_line(report_line(name, finding, names))


def _tell(name: str, finding: Finding, as_json: bool) -> None:
    if as_json:
        body = {"check": name, "level": finding.level, "what": finding.what, "hint": finding.hint}
        print_json(body)
        return
    from routerterm.core.redact import secret_redactor
    from routerterm.core.sanitise import one_line

    sign, colour = _SIGNS[finding.level]
    print_line("  ", Styled(sign, fg=colour), f"  {secret_redactor(one_line(finding.what))}")
    if finding.hint:
        print_line(f"      {secret_redactor(one_line(finding.hint))}")


def _show_presses() -> None:
    """Name every key that arrives until Ctrl+D, and the command that it runs."""
    from routerterm.cli.doctor.terminal_queries import pressed
    from routerterm.config.paths import Paths
    from routerterm.config.settings import load_settings
    from routerterm.core.sanitise import one_line
    from routerterm.tui.commands.registry import COMMANDS
    from routerterm.tui.keymap import keys_by_command

    if not (sys.stdin.isatty() and is_terminal()):
        raise click.UsageError("--press needs a terminal.")
    own = load_settings(Paths.find()).bindings
    runs = {key: name for name, keys in keys_by_command(COMMANDS.values(), own).items() for key in keys}
    print_line("Press keys; Ctrl+D ends. A key that shows nothing never arrives: the terminal or tmux takes it.")
    for key, sent in pressed():
        command = COMMANDS.get(runs.get(key, ""))
        does = command.help() if command else ""
        # In raw mode a line needs its own carriage return.
        print_line(f"{key:<24}{one_line(repr(sent)[1:-1]):<16}{does}", end="\r\n")
