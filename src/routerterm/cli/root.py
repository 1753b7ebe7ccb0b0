"""The root command of the command line: finds a subcommand when it is asked for, and opens the chat without one."""

from __future__ import annotations

from importlib import import_module

import click

from routerterm import __version__
from routerterm.cli.chat import open_chat
from routerterm.cli.output import leave_unheard

COMMANDS: dict[str, str] = {
    "ask": "Ask one question; the answer streams to standard output.",
    "bill": "Compare a provider's usage export with the ledger.",
    "completion": "Print the shell completion script.",
    "config": "Show, check or find the settings.",
    "decode": "Decode recorded provider traffic, for debugging a provider.",
    "doctor": "Check the installation and repair what can be repaired.",
    "export": "Write conversations to a file.",
    "find": "Find words in all conversations.",
    "gateway": "Manage keys for the tools that use `serve`.",
    "guard": "Test the guard's rules on a text.",
    "import": "Read conversations from another program's export.",
    "keys": "Add, test, list and remove API keys.",
    "loadtest": "Send many requests to a gateway and show how it bears them.",
    "local": "Fetch, show or remove the small local model.",
    "mcp": "Add, list, test and call the tools of MCP servers.",
    "models": "List models with prices and capabilities.",
    "outbox": "List, send or drop questions that wait.",
    "pause": "Pause a provider or a model.",
    "replay": "Replay recorded requests under other settings.",
    "serve": "Serve the OpenAI and Anthropic protocols to other programs.",
    "stats": "Show usage and costs.",
    "themes": "Make, check and preview your own themes.",
    "what-leaves": "Show exactly what a question would send, without sending it.",
    "why": "Explain which model a prompt would go to, without sending it.",
}
"""Every subcommand with its line in the help.  Each lives in the module of its name, as ``command``."""


class LazyGroup(click.Group):
    """Imports a subcommand's module only when it runs."""

    def invoke(self, ctx: click.Context) -> object:
        """Run; a reader that has left ends it as SIGPIPE would, before click makes an exit with 1 of it."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            leave_unheard()

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, as in `COMMANDS`."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now."""
        if cmd_name not in COMMANDS:
            return None
        module = cmd_name.replace("-", "_")
        command = import_module(f"routerterm.cli.{module}_command").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that was meant; a word that is none gets the nearest as a hint."""
        if args[0] not in COMMANDS and not args[0].startswith("-") and is_question(args[0]):
            return args[0], _chat(args[0]), args[1:]
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            from routerterm.core.nearest import did_you_mean

            hint = did_you_mean(args[0], COMMANDS, "If it is a question: routerterm ask, and the word.")
            ctx.fail(f"There is no command {args[0]!r}. {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of subcommands, without importing one."""
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))


@click.group(cls=LazyGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="routerterm")
@click.option("--plain", is_flag=True, help="Plain linear output for screen readers.")
@click.option("-m", "--model", metavar="MODEL", help="Open the chat with this model or route.")
@click.option("-c", "--continue", "last", is_flag=True, help="Open the chat with the last conversation.")
@click.pass_context
def root(ctx: click.Context, plain: bool, model: str | None, last: bool) -> None:
    """A chat client for the terminal with a multi-provider router inside.

    Without a command it opens the chat; a question in quotation marks is sent there.

    \b
      routerterm
      routerterm "Why is the sky blue?"
      routerterm -m smart -c
      routerterm ask "Why is the sky blue?"
      routerterm COMMAND --help
    """
    ctx.obj = (plain, model, last)
    if ctx.invoked_subcommand is None:
        open_chat(plain=plain, model=model, last=last)
    elif (model or last) and not is_question(ctx.invoked_subcommand):
        raise click.UsageError("-m and -c open the chat; a command has options of its own.")


def is_question(word: str) -> bool:
    """Whether a first word on the command line is a question for the chat.

    No command, however mistyped, has a blank or a question mark in its name, or letters that are not ASCII: languages
    that write without blanks ask in one word.
    """
    return not word.isascii() or "?" in word or any(letter.isspace() for letter in word.strip())


def _chat(question: str) -> click.Command:
    """The command that opens the chat with a question."""

    @click.pass_context
    def run(ctx: click.Context) -> None:
        plain, model, last = ctx.find_root().obj
        open_chat(question, plain=plain, model=model, last=last)

    return click.Command("chat", callback=run)
