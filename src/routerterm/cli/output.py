"""What the commands say: answers on standard output, all else on standard error, nothing hostile on a terminal.

Every command says everything through this file (`tests/contracts/test_output.py`).  Two ways lead out:

- `write` is for a person's own data: answers, exports, keys.  Another program gets it as it is, a terminal cleaned.
- All others are for our own sentences, with foreign names in them: they are cleaned wherever they go, since a list
  in a pipe ends on a terminal too, in a pager or in a log.
"""

from __future__ import annotations

import errno
import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn, Self

from msgspec import Struct

from routerterm.core.errors import RoutertermError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import click
    from click._termui_impl import ProgressBar

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


class Styled(Struct, frozen=True):
    """A text in a style of our own; where the output is no terminal the style is left out."""

    text: str
    bold: bool = False
    dim: bool = False
    struck: bool = False
    fg: str | int | tuple[int, int, int] | None = None
    bg: str | int | tuple[int, int, int] | None = None


def print_line(*pieces: str | Styled, err: bool = False, end: str = "\n") -> None:
    """A line (or several) of our own words, on standard output or, with ``err``, on standard error.

    What is foreign in the pieces must be on one line already (`core.sanitise.one_line`): a line feed is passed on.
    """
    import click  # here and below: the chat starts without it

    from routerterm.core.sanitise import sanitise

    said = ""
    for piece in pieces:
        if isinstance(piece, str):
            said += sanitise(piece)
        else:
            said += click.style(
                sanitise(piece.text),
                bold=piece.bold or None,
                dim=piece.dim or None,
                fg=piece.fg,
                bg=piece.bg,
                strikethrough=piece.struck or None,
            )
    click.echo(said + end, nl=False, err=err)


def print_json(value: Any, indent: int | None = None) -> None:
    """A value as JSON, in what standard output can write; what acts on a terminal or hides there is escaped."""
    import json

    import click

    from routerterm.core.sanitise import escape_json

    readable = (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "") == "utf8"
    click.echo(escape_json(json.dumps(value, ensure_ascii=not readable, indent=indent)))


def progress_bar(label: str) -> ProgressBar[int]:
    """A bar on standard error, where a person looks at it; its length is set when it is known."""
    import click

    return click.progressbar(length=0, label=label, file=sys.stderr, hidden=not is_terminal(err=True))


class LivePicture:
    """Lines that are drawn over and over on standard error while a person looks at it, and gone at the end."""

    def __init__(self, *, hidden: bool = False) -> None:
        self._hidden = hidden or not is_terminal(err=True) or os.environ.get("TERM") == "dumb"
        self._rows = 0

    @property
    def width(self) -> int:
        """Columns of a line."""
        return _size().columns - 1

    def show(self, lines: Sequence[str]) -> None:
        """Draw these instead of those before."""
        import click

        from routerterm.core.sanitise import one_line

        if self._hidden:
            return
        lines = lines[: _size().lines - 1]  # what scrolled away could not be drawn over
        click.echo(self._over() + "".join(f"{one_line(line)}\n" for line in lines), nl=False, err=True)
        self._rows = len(lines)

    def _over(self) -> str:
        return f"\x1b[{self._rows}F\x1b[J" if self._rows else ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._rows:
            import click

            click.echo(self._over(), nl=False, err=True)


def is_terminal(*, err: bool = False) -> bool:
    """Whether a person looks at standard output, or standard error."""
    stream = sys.stderr if err else sys.stdout
    return stream is not None and stream.isatty()  # None: it was closed before we began


def width(otherwise: int) -> int:
    """The columns of the terminal, or what is given where there is none."""
    return _size().columns if is_terminal() else otherwise


def _size() -> os.terminal_size:
    import shutil

    return shutil.get_terminal_size()


def flush() -> None:
    """Let standard output have all that was written.  Raises `OSError` where it takes no more."""
    if sys.stdout is not None:
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
    from routerterm.core.redact import secret_redactor
    from routerterm.core.sanitise import one_line

    print_line(f"routerterm: {secret_redactor(one_line(error.message))}", err=True)
    if error.hint:
        print_line(f"  hint: {secret_redactor(one_line(error.hint))}", err=True)


def print_usage_error(error: click.ClickException) -> None:
    """What was wrong on the command line, as click says it: the words there may be anybody's."""
    import click

    from routerterm.core.redact import secret_redactor
    from routerterm.core.sanitise import one_line

    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        print_line(error.format_message(), err=True)
        return
    context = getattr(error, "ctx", None)
    if isinstance(context, click.Context):
        print_line(context.get_usage(), err=True)
        if context.command.get_help_option(context) is not None:
            print_line(f"Try '{context.command_path} {context.help_option_names[0]}' for help.\n", err=True)
    print_line(f"Error: {secret_redactor(one_line(error.format_message()))}", err=True)


def of_the_system(error: OSError) -> RoutertermError:
    """What the operating system refused, as a sentence."""
    if isinstance(error, FileNotFoundError) and error.filename is None:  # the one call that fails so is getcwd
        return RoutertermError("The working folder no longer exists.", "Change to another one with: cd")
    what = error.strerror or type(error).__name__
    return RoutertermError(f"{error.filename}: {what}." if error.filename else f"{what}.")


def print_note(text: str) -> None:
    """A remark for a person who is looking; a program that reads standard error is not bothered with it."""
    if is_terminal(err=True):
        from routerterm.core.sanitise import one_line

        print_line(Styled(one_line(text), dim=True), err=True)


def use_utf8() -> None:
    """Say what cannot be written in the terminal's own encoding with a question mark rather than fail."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
