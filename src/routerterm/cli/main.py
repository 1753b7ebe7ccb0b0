"""The root command: finds a subcommand when it is asked for, and turns errors into a sentence and an exit code."""

from __future__ import annotations

import sys
from importlib import import_module

import click

from routerterm import __version__
from routerterm.core.errors import RoutertermError

COMMANDS: dict[str, str] = {
    "ask": "Ask one question; the answer streams to standard output.",
    "config": "Show, check or find the settings.",
    "decode": "Decode recorded provider traffic, for debugging a provider.",
    "export": "Write conversations to a file.",
    "find": "Search all conversations.",
    "guard": "Try the guard's rules on a text.",
    "import": "Read conversations from another program's export.",
    "keys": "Add, test, list and remove API keys.",
    "local": "Fetch, show or remove the small local model.",
    "models": "List models with their prices and abilities.",
    "stats": "What was used, and what it cost.",
    "why": "Explain which model a prompt would go to, without sending it.",
}
"""Every subcommand with its line in the help.  Each lives in the module of its name, as ``command``."""


class LazyGroup(click.Group):
    """Imports a subcommand's module only when it runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, as in `COMMANDS`."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now."""
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"routerterm.cli.{cmd_name}_command").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of subcommands, without importing one."""
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))


@click.group(cls=LazyGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="routerterm")
@click.pass_context
def root(ctx: click.Context) -> None:
    """A chat client for the terminal with a multi-provider router inside.

    Without a command it opens the chat.
    """
    if ctx.invoked_subcommand is None:
        from routerterm.tui.app import run

        sys.exit(run())


def main() -> None:
    """Run the command line; never show a traceback to a person."""
    try:
        root(standalone_mode=False)
    except click.exceptions.Exit as exit:
        sys.exit(exit.exit_code)
    except click.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    except RoutertermError as error:
        click.echo(f"routerterm: {error.message}", err=True)
        if error.hint:
            click.echo(f"  hint: {error.hint}", err=True)
        sys.exit(error.exit_code)
