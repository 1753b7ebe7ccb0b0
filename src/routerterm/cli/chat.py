"""Opening the chat from the command line, in the form that the settings and the terminal allow."""

from __future__ import annotations

import os
import sys
import warnings

from routerterm.config.light_import import lightly
from routerterm.core.errors import RoutertermError


class NoTerminal(RoutertermError):
    """The chat was to be opened where nothing can be drawn."""

    exit_code = 2


def open_chat(question: str = "", *, plain: bool = False, model: str | None = None, last: bool = False) -> None:
    """Open it, with a question to be sent and a model or the last conversation where they are given; then exit.

    Raises `NoTerminal` where nothing can be drawn.
    """
    from routerterm.tui.chat.opening import Opening

    os.getcwd()  # one that was deleted is told before anything is drawn
    if plain or _wants_plain():
        from routerterm.cli.keys_prompts import open_locked
        from routerterm.config.paths import Paths
        from routerterm.tui.plain import run as talk

        sys.exit(talk(Paths.find(), open_locked, Opening(question, model or "", last)))
    _want_terminal()
    # work that had not begun when the person left is nothing to tell their shell of
    warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
    from routerterm.cli.gateway_factory import gateway_of
    from routerterm.tui.textual_internals.light_import import import_app

    with lightly():
        import_app()
        from routerterm.tui.app import run

    sys.exit(run(gateway_of, Opening(question, model or "", last)))


def _want_terminal() -> None:
    """The chat is for a terminal.  Raises `NoTerminal` where there is none, and names what serves without one."""
    hint = "Ask one question with `routerterm ask`, or use plain output with `routerterm --plain`."
    for stream, name in ((sys.stdin, "standard input"), (sys.stdout, "standard output")):
        if stream is None or not stream.isatty():
            raise NoTerminal(f"The chat needs a terminal, but {name} is not one.", hint)
    if os.environ.get("TERM") == "dumb":
        raise NoTerminal("The chat cannot run in a terminal of type dumb.", hint)


def _wants_plain() -> bool:
    """Whether the settings ask for plain lines."""
    from routerterm.config.early_settings import quick_ui
    from routerterm.config.paths import Paths

    return quick_ui(Paths.find()).plain
