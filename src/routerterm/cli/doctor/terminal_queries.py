"""Asks the terminal itself what it can do, and reads what keys it sends."""

from __future__ import annotations

import os
import re
import select
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import Struct

_QUESTIONS = b"\x1b[?2026$p\x1b[?2004$p\x1b[?u\x1b[>q\x1b[c"
"""Synchronized output, bracketed paste, the kitty keyboard, the name; last what every terminal answers."""
_MODE = re.compile(rb"\x1b\[\?(\d+);([0-4])\$y")
_NAME = re.compile(rb"\x1bP>\|([^\x1b\x07]{0,80})(?:\x1b\\|\x07)")
_KITTY = re.compile(rb"\x1b\[\?\d+u")
_LAST = re.compile(rb"\x1b\[\?([\d;]*)c")
_CLIPBOARD = "52"
"""Among the attributes of a terminal (DA1): programs may write its clipboard."""


class Answers(Struct, frozen=True):
    """What the terminal said."""

    modes: dict[int, bool]
    """Private modes by number: whether it knows them."""
    name: str
    """As XTVERSION gives it; empty where it does not."""
    kitty: bool
    """Whether it speaks the kitty keyboard protocol."""
    attributes: frozenset[str]
    """The numbers of its primary device attributes."""
    seconds: float
    """How long its last answer took."""

    @property
    def clipboard(self) -> bool:
        """Whether it says that programs may write the clipboard."""
        return _CLIPBOARD in self.attributes


def understood(said: bytes, seconds: float) -> Answers | None:
    """The answers in what was read; None where the last of them did not come."""
    last = _LAST.search(said)
    if last is None:
        return None
    modes = {int(number): value in b"12" for number, value in _MODE.findall(said)}
    name = _NAME.search(said)
    return Answers(
        modes,
        name[1].decode("ascii", "replace") if name else "",
        _KITTY.search(said) is not None,
        frozenset(last[1].decode().split(";")),
        seconds,
    )


def ask(patience: float = 2.0) -> Answers | None:
    """Ask the terminal of this process; None where there is none or it keeps silent for ``patience`` seconds."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or os.environ.get("TERM", "dumb") == "dumb":
        return None
    with unbuffered(sys.stdin.fileno()) as fd:
        began = time.monotonic()
        os.write(sys.stdout.fileno(), _QUESTIONS)
        said = b""
        while (left := began + patience - time.monotonic()) > 0 and _LAST.search(said) is None:
            if select.select([fd], [], [], left)[0]:
                said += os.read(fd, 4096)
        return understood(said, time.monotonic() - began)


def pressed() -> Iterator[tuple[str, str]]:
    """Every key as the chat would get it, until Ctrl+D or Ctrl+C: its name as in [bindings], and its bytes."""
    from textual.events import Key, Paste

    from routerterm.tui.terminal.input import InputParser

    parser = InputParser()
    with unbuffered(sys.stdin.fileno()) as fd:
        os.write(sys.stdout.fileno(), b"\x1b[?2004h\x1b[>29u")
        sent = ""
        try:
            while True:
                came = select.select([fd], [], [], 0.1)[0]
                data = os.read(fd, 4096) if came else b""
                if came and not data:
                    return  # the terminal has gone
                sent = data.decode("utf-8", "replace") or sent
                now = time.monotonic()
                for event in parser.feed(data, now) if data else parser.tick(now):
                    if isinstance(event, Key):
                        yield event.key, sent
                        if event.key in ("ctrl+d", "ctrl+c"):
                            return
                    elif isinstance(event, Paste):
                        yield "paste", f"{len(event.text)} characters"
        finally:
            os.write(sys.stdout.fileno(), b"\x1b[<u\x1b[?2004l")


@contextmanager
def unbuffered(fd: int) -> Iterator[int]:
    """Bytes as they come, without echo; the terminal is as before afterwards, and late answers are dropped."""
    import termios
    import tty

    before = termios.tcgetattr(fd)
    try:
        tty.setraw(fd, termios.TCSANOW)
        yield fd
    finally:
        termios.tcsetattr(fd, termios.TCSAFLUSH, before)
