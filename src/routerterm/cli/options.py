"""Options that mean the same in several commands."""

from __future__ import annotations

from pathlib import Path

import click

from routerterm.cli.completion import conversations, models

model_option = click.option(
    "-m", "--model", metavar="MODEL", shell_complete=models, help="provider/model, a route or an alias."
)
system_option = click.option("-s", "--system", metavar="SYSTEM", help="The system prompt: instructions for the model.")
conversation_option = click.option(
    "-c",
    "--continue",
    "conversation",
    metavar="ID",
    shell_complete=conversations,
    help="Continue a conversation: its id, or `last`.",
)
attach_option = click.option(
    "-a",
    "--attach",
    "files",
    metavar="FILE",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A text or image file.",
)
