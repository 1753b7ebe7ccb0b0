"""The program's entry: what every start needs is imported lightly, and then the command line runs."""

from __future__ import annotations

from routerterm.config.light_import import lightly
from routerterm.core.gc_control import put_off


def main() -> None:
    """Run the command line; never show a traceback to a person."""
    put_off()
    with lightly():
        from routerterm.cli.run import run
    run()
