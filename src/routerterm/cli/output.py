"""What the commands say: answers on standard output, all else on standard error, nothing hostile on a terminal."""

from __future__ import annotations

import errno
import os
import sys
from typing import NoReturn

import click

from routerterm.core.errors import RoutertermError

PIPE_CLOSED = 141
"""The exit code of a program that nobody listens to any more: 128 + SIGPIPE."""


def write(text: str) -> None:
    """A piece of an answer, at once.  On a terminal control characters are shown as what they are; a pipe gets it all.

    Raises `BrokenPipeError` where nobody listens any more.
    """
    if sys.stdout is None:  # it was closed before we began
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
    if sys.stdout.isatty():
        from routerterm.core.sanitise import sanitise

        text = sanitise(text)
    sys.stdout.write(text)
    sys.stdout.flush()


def leave_unheard() -> NoReturn:
    """End where nobody reads standard output any more, without a word."""
    _let_go_of_output()
    sys.exit(PIPE_CLOSED)


def leave_unwritten(error: OSError) -> NoReturn:
    """End with what the system refused; where that was standard output, what is left for it is let go of."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:  # Python would try once more at its very end, complain, and make the exit code 120
        _let_go_of_output()
    print_error(of_the_system(error))
    sys.exit(1)


def _let_go_of_output() -> None:
    """So that what is left is not flushed into the void."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_error(error: RoutertermError) -> None:
    """An error as a sentence and a hint."""
    from routerterm.core.redact import printable, secret_redactor

    click.echo(f"routerterm: {secret_redactor(printable(error.message))}", err=True)
    if error.hint:
        click.echo(f"  hint: {secret_redactor(printable(error.hint))}", err=True)


def of_the_system(error: OSError) -> RoutertermError:
    """What the operating system refused, as a sentence."""
    what = error.strerror or type(error).__name__
    return RoutertermError(f"{error.filename}: {what}." if error.filename else f"{what}.")


def print_note(text: str) -> None:
    """A remark for a person who is looking; a program that reads standard error is not bothered with it."""
    if sys.stderr is not None and sys.stderr.isatty():  # None: it was closed before we began
        from routerterm.core.redact import printable

        click.secho(printable(text), err=True, dim=True)


def use_utf8() -> None:
    """Say what cannot be written in the terminal's own encoding with a question mark rather than fail."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
