"""`routerterm completion`: what makes a shell complete our commands, models and conversations."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from routerterm.cli.output import write

VARIABLE = "_ROUTERTERM_COMPLETE"


@click.command("completion")
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
def command(shell: str) -> None:
    """Print the completion script for SHELL.

    \b
      bash, in ~/.bashrc:  eval "$(routerterm completion bash)"
      zsh, in ~/.zshrc:    eval "$(routerterm completion zsh)"
      fish, once:
        routerterm completion fish > ~/.config/fish/completions/routerterm.fish
    """
    from routerterm.cli.root import root

    found = get_completion_class(shell)
    assert found is not None
    write(found(root, {}, "routerterm", VARIABLE).source() + "\n")
