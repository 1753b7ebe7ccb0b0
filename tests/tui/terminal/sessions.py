"""A program in a pty of its own: read as fast as wanted, answered as a terminal answers, seen through pyte."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.tui.terminal.emulators import Cell, Emulator

APP = Path(__file__).with_name("scripted_app.py")
_QUERY = re.compile(rb"\x1b\[5n|\x1b\[\?2026\$p|\x1b\[6n")
# Sequences that pyte takes for text, or misreads.
_NOT_PYTE = re.compile(r"\x1b\[[<=>?][0-9;]*(?:u|\$p|c)|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b\[\?2026[hl]")
_WHOLE = re.compile(r"\x1b(?:\[[0-9;:<=>?]*[ $]?[@-~]|[^\[\]P_])")


class Session:
    """One run of a scripted program or another ``command``, directly or ``inside`` another (words before its own)."""

    def __init__(
        self,
        *arguments: str,
        columns: int = 100,
        rows: int = 30,
        answer: bool = True,
        env: dict[str, str] | None = None,
        inside: tuple[str, ...] = (),
        command: tuple[str, ...] = (),
    ) -> None:
        self.columns, self.rows, self.answer = columns, rows, answer
        self.raw = bytearray()
        self.total = 0
        self.emulator = Emulator(columns, rows)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._unfinished = ""
        self._tail = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            hidden = ("SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT", "STY", "TMUX", "NO_COLOR", "COLUMNS", "LINES")
            clean = {name: value for name, value in os.environ.items() if name not in hidden}
            clean |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONPATH": os.getcwd(), **(env or {})}
            fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            # Not `execv`: readline puts COLUMNS and LINES into the C environment, where `os.environ` does not see them.
            words = [*inside, *(command or (sys.executable, str(APP), *arguments))]
            os.execvpe(words[0], words, clean)

    def resize(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self.emulator.resize(columns, rows)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def send(self, keys: str) -> None:
        os.write(self.fd, keys.encode())

    def read(self, seconds: float, size: int = 65536) -> int:
        """Read once, if something comes within this time; the bytes read."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return 0
        try:
            data = os.read(self.fd, size)
        except OSError:
            return 0
        self.raw += data
        self.total += len(data)
        if self.answer:
            for match in _QUERY.finditer(self._tail + data):
                if match.end() > len(self._tail):
                    os.write(
                        self.fd, {b"\x1b[5n": b"\x1b[0n", b"\x1b[6n": b"\x1b[1;1R"}.get(match[0], b"\x1b[?2026;2$y")
                    )
        self._tail = (self._tail + data)[-8:]
        return len(data)

    def show(self) -> str:
        """What the terminal shows, from all bytes so far."""
        text = self._decoder.decode(bytes(self.raw))
        self.raw.clear()
        text = self._unfinished + text
        cut = text.rfind("\x1b", -40)
        if cut >= 0 and not _WHOLE.match(text, cut):
            text, self._unfinished = text[:cut], text[cut:]
        else:
            self._unfinished = ""
        self.emulator.stream.feed(_NOT_PYTE.sub("", text))
        return self.emulator.text()

    def wait(self, found: Callable[[str], bool] | str, seconds: float = 90) -> str:
        """Read until the screen shows it."""
        test = (lambda screen: found in screen) if isinstance(found, str) else found
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.read(0.05)
            if test(screen := self.show()):
                return screen
        raise AssertionError(f"never shown: {found}\n{self.emulator.text()}")

    def settle(self, quiet: float = 0.5, seconds: float = 10) -> list[list[Cell]]:
        """Read until nothing comes; the cells."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.read(quiet):
            pass
        self.show()
        return self.emulator.cells()

    def throttled(self, rate: float, seconds: float, until: Callable[[str], bool] | None = None) -> float:
        """Read at so many bytes a second; the seconds until the screen showed it (or all of them)."""
        begun, taken = time.monotonic(), 0
        while (now := time.monotonic()) - begun < seconds:
            room = int((now - begun) * rate) - taken
            if room > 0:
                taken += self.read(0.02, min(room, 256)) or 0
                if until and until(self.show()):
                    return time.monotonic() - begun
                if not select.select([self.fd], [], [], 0)[0]:
                    taken = int((time.monotonic() - begun) * rate)  # an idle line saves nothing up
            else:
                time.sleep(0.005)
        return seconds

    def carried(self, rate: float, until: Callable[[str], bool]) -> int:
        """Read at so many bytes a second until the screen shows it; the bytes that came before."""
        before = self.total
        self.throttled(rate, 120, until)
        assert until(self.emulator.text()), self.emulator.text()
        return self.total - before

    def ended(self, seconds: float = 10) -> int | None:
        """Its exit status, once it ends."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.read(0.02)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = 0
                return os.waitstatus_to_exitcode(status)
        return None

    def close(self) -> None:
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)


@contextmanager
def session(*arguments: str, **options: object) -> Iterator[Session]:
    one = Session(*arguments, **options)  # type: ignore[arg-type]
    try:
        yield one
    finally:
        one.close()
