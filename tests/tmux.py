"""A real terminal for tests: the program runs in tmux, keys are typed, and what is on the screen is read."""

from __future__ import annotations

import itertools
import os
import shlex
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.cli.program import PROGRAM

LONG_ENOUGH = 90.0
"""Seconds after which something that was to be seen is taken to be missing; a safety net, not a measure."""


_NUMBERS = itertools.count()


@dataclass(frozen=True, slots=True)
class Terminal:
    """One tmux server with one window."""

    socket: Path
    command: str
    size: tuple[int, int]
    environment: Mapping[str, str]

    def open(self) -> None:
        """Start the program in a new window; the window stays when the program ends."""
        width, height = self.size
        self._tmux("new-session", "-d", "-s", "it", "-x", f"{width}", "-y", f"{height}", self.command, start=True)
        self._tmux("set-option", "-g", "remain-on-exit", "on")
        self._tmux("set-option", "-g", "mouse", "on")

    def close(self) -> None:
        """End tmux and all in it."""
        subprocess.run(["tmux", "-S", str(self.socket), "kill-server"], capture_output=True, check=False)

    def type(self, text: str) -> None:
        """The letters as they are."""
        self._tmux("send-keys", "-t", "it", "-l", text)

    def paste(self, text: str) -> None:
        """A text of any length, as tmux pastes it: in brackets where the program asked for them."""
        file = self.socket.parent / "pasted"
        file.write_text(text)
        self._tmux("load-buffer", str(file))
        self._tmux("paste-buffer", "-p", "-t", "it")

    def press(self, *keys: str) -> None:
        """Keys by tmux's names: Enter, Escape, C-q, F5."""
        self._tmux("send-keys", "-t", "it", *keys)

    def screen(self) -> str:
        """The text that is shown."""
        return self._tmux("capture-pane", "-p", "-t", "it")

    def wants_mouse(self) -> bool:
        """Whether the program has asked for what the mouse does."""
        return self._tmux("display-message", "-p", "-t", "it", "#{mouse_any_flag}").strip() == "1"

    def wait(self, text: str, seconds: float = LONG_ENOUGH) -> str:
        """The screen, as soon as it shows that text."""
        return self._until(lambda screen: text in screen, f"{text!r} never came", seconds)

    def gone(self, text: str, seconds: float = LONG_ENOUGH) -> str:
        """The screen, as soon as it no longer shows that text."""
        return self._until(lambda screen: text not in screen, f"{text!r} never went", seconds)

    def ended(self, seconds: float = LONG_ENOUGH) -> int:
        """Wait for the program to end; its exit code, below 0 the signal that killed it."""
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            if self._told("code"):
                code = int(self._told("code"))
                return code if code <= 128 else 128 - code
            time.sleep(0.05)
        raise AssertionError(f"it did not end:\n{self.screen()}")

    def pid(self) -> int:
        """The program's process."""
        return int(self._told("pid"))

    def _told(self, what: str) -> str:
        """What the shell around the program wrote down; tmux does not always hear of an end."""
        file = self.socket.with_suffix(f".{what}")
        return file.read_text().strip() if file.exists() else ""

    def _until(self, holds: object, complaint: str, seconds: float) -> str:
        limit = time.monotonic() + seconds
        while True:
            screen = self.screen()
            if holds(screen):  # type: ignore[operator]
                return screen
            if time.monotonic() > limit:
                raise AssertionError(f"{complaint}:\n{screen}")
            time.sleep(0.05)

    def _tmux(self, *arguments: str, start: bool = False) -> str:
        where = ["tmux", "-S", str(self.socket), *(["-u", "-f", "/dev/null"] if start else [])]
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "SHELL": "/bin/sh", **self.environment}
        environment.pop("TMUX", None)
        ran = subprocess.run([*where, *arguments], capture_output=True, text=True, env=environment, timeout=60)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout


@contextmanager
def terminal(
    *arguments: str,
    home: Path,
    size: tuple[int, int] = (100, 30),
    environment: Mapping[str, str] | None = None,
) -> Iterator[Terminal]:
    """The program in a terminal of its own, its history in ``home``; ended when the block ends."""
    socket = home.parent / f"tmux{next(_NUMBERS)}"  # a server that is just ending takes nobody in
    for file in (socket.with_suffix(".pid"), socket.with_suffix(".code")):
        file.unlink(missing_ok=True)
    inner = shlex.quote(f"echo $$ >{socket}.pid; exec {shlex.join([*PROGRAM, *arguments])}")
    command = f"sh -c {inner}; echo $? >{socket}.code"
    made = Terminal(socket, command, size, {"ROUTERTERM_HOME": str(home), **(environment or {})})
    made.open()
    try:
        yield made
    finally:
        made.close()
