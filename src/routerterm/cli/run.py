"""Runs the command line, and turns errors into a sentence and an exit code."""

from __future__ import annotations

import os
import sys

from routerterm.cli.output import flush, leave_unheard, leave_unwritten, print_error, print_usage_error, use_utf8
from routerterm.config.keys.redact_output import hide_secrets
from routerterm.config.light_import import lightly
from routerterm.core.errors import RoutertermError

INTERRUPTED = 130
"""The exit code after Ctrl+C: 128 + SIGINT."""
COMPLETES = "_ROUTERTERM_COMPLETE"
"""The variable by which a shell asks what may be meant."""


def run() -> None:
    """Do what the arguments say, or open the chat; then exit where that went wrong."""
    hide_secrets()
    use_utf8()
    try:
        if len(sys.argv) > 1 or COMPLETES in os.environ:
            _run_command()
        else:  # the chat needs no parser of arguments: it is not imported
            from routerterm.cli.chat import open_chat

            open_chat()
        flush()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except RoutertermError as error:
        print_error(error)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        leave_unheard()
    except OSError as error:
        leave_unwritten(error)
    except UnicodeEncodeError as error:
        print_error(_not_text() or _crashed(error))
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - the last door: a person gets a sentence, the traceback goes to a file
        print_error(_crashed(error))
        sys.exit(1)


def _end_as_by_ctrl_c() -> None:
    """Have SIGTERM, and a terminal that is closed, end a command as Ctrl+C does: what came so far is kept.

    What was started to outlive its terminal (nohup) goes on.  The chat and the gateway have answers of their own.
    """
    import signal
    from types import FrameType

    def end(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)  # a second one ends it at once
        sys.exit(128 + number)

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, end)


def _run_command() -> None:
    """Do what the arguments say."""
    _end_as_by_ctrl_c()
    with lightly():
        import click

        from routerterm.cli.root import root

    try:
        root(standalone_mode=False, complete_var=COMPLETES)
    except click.exceptions.Exit as exit:
        sys.exit(exit.exit_code)
    except click.Abort:
        sys.exit(INTERRUPTED)
    except click.ClickException as error:
        print_usage_error(error)
        sys.exit(error.exit_code)


def _not_text() -> RoutertermError | None:
    """What is wrong with the first argument that has bytes which are no text: as a file's name they would be right."""
    wrong = next((word for word in sys.argv[1:] if any("\udc80" <= letter <= "\udcff" for letter in word)), None)
    if wrong is None:
        return None
    shown = wrong.encode("utf-8", "replace").decode()[:60]
    return RoutertermError(f"The argument {shown!r} is not UTF-8 text.", "Check the encoding of your terminal.")


def _crashed(error: Exception) -> RoutertermError:
    from routerterm.config.crash import report

    return report(error)
