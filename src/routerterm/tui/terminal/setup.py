"""What the environment says of the terminal at the other end."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping

from routerterm.tui.terminal.diff import Abilities
from routerterm.tui.terminal.line import LineMeter, Mode, meter_for

ASK_COLUMNS = "\x1b[?69$p"
"""Has it margins at left and right? (DECRQM; `InputParser` hears the answer.)"""

MOST_COLUMNS = 2000
MOST_ROWS = 1000


def abilities(environ: Mapping[str, str]) -> Abilities:
    """What can be relied on.  GNU screen erases to its own background; the oldest names promise nothing."""
    term = environ.get("TERM", "")
    screen = bool(environ.get("STY")) or (term.startswith("screen") and not environ.get("TMUX"))
    ancient = term.startswith(("vt", "ansi", "dumb", "cons")) or not term
    return Abilities(coloured_erase=not (screen or ancient), scroll=term != "dumb")


def believable(columns: int, rows: int) -> bool:
    """Whether a terminal can be of this size; a wall of screens with the smallest letters has 2,000 columns."""
    return 1 <= columns <= MOST_COLUMNS and 1 <= rows <= MOST_ROWS


def terminal_size(fd: int) -> tuple[int, int]:
    """The columns and rows of this terminal; 80 by 24 where it does not say, or says what cannot be."""
    with contextlib.suppress(OSError):
        size = os.get_terminal_size(fd)
        if believable(*size):
            return size.columns, size.lines
    with contextlib.suppress(ValueError):
        columns, rows = int(os.environ.get("COLUMNS", "")), int(os.environ.get("LINES", ""))
        if believable(columns, rows):
            return columns, rows
    return 80, 24


def meter(mode: Mode, fd: int) -> LineMeter:
    """The meter for the terminal behind this descriptor."""
    name, baud = "", None
    with contextlib.suppress(OSError):
        name = os.ttyname(fd)
        baud = _baud(fd)
    return meter_for(mode, os.environ, name, baud)


def _baud(fd: int) -> int | None:
    """The speed of a serial line; pseudo terminals name one too, which means nothing."""
    import termios

    with contextlib.suppress(termios.error):
        code = termios.tcgetattr(fd)[5]
        for rate in (300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600):
            if getattr(termios, f"B{rate}", None) == code:
                return rate
    return None
