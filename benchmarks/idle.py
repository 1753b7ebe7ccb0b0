"""What the program takes while nobody does anything, and its memory, beside a bare Textual app in the same run.

    python benchmarks/idle.py [--seconds 60] [--answers 12] [--hour] [--check]

Both start in a terminal of 120×40.  Once five seconds have passed and they have written nothing for five more, so
that a busy machine harms nobody, processor time, bytes and wake-ups are counted.  Then the demonstration answers until
two thousand tokens are on the screen, and memory is read again; with ``--hour`` once more after as many as are read
in an hour.  With ``--check`` a limit that does not hold ends the
run with status 1.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import tempfile
import termios
import time
from contextlib import suppress
from pathlib import Path

from startup import CONTROL

LIMITS = {"idle %": 0.2, "idle bytes": 0, "MB at rest": 60, "MB after the answers": 75, "MB after an hour": 75}
SETTLED = 5.0
"""Seconds after the start from which on nothing may be going on."""
TOKENS = 172
"""Pieces of the answer of ``demo/markdown``."""
HOUR = 90
"""Answers of so many pieces that are read in an hour, at 250 words a minute."""
OURS = [sys.executable, "-m", "routerterm", "-m", "demo/markdown"]
ANSWERS = {b"\x1b[?2026$p": b"\x1b[?2026;2$y", b"\x1b[5n": b"\x1b[0n"}


class Program:
    """A program in a terminal of its own."""

    def __init__(self, command: list[str], home: str) -> None:
        self.written = bytearray()
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.environ |= {"ROUTERTERM_HOME": home, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
            os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
            os.execv(command[0], command)

    def read_for(self, seconds: float) -> int:
        """Read what it writes for so long, and answer what it asks; the number of bytes."""
        until, count = time.monotonic() + seconds, 0
        while (left := until - time.monotonic()) > 0:
            if not select.select([self.terminal], [], [], left)[0]:
                break
            data = os.read(self.terminal, 65536)
            count += len(data)
            self.written += data
            for query, answer in ANSWERS.items():
                os.write(self.terminal, answer * data.count(query))
        return count

    def settle(self, quiet: float) -> None:
        """Wait until it has written nothing for so long."""
        while self.read_for(quiet):
            pass

    def type(self, text: str) -> None:
        os.write(self.terminal, text.encode())

    def used(self) -> tuple[float, int]:
        """Processor seconds of all its threads and its children, and how often they were woken."""
        seconds, wakes = 0.0, 0
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            with suppress(FileNotFoundError, ProcessLookupError):  # a thread may end meanwhile
                seconds += int((task / "schedstat").read_text().split()[0]) / 1e9
                status = (task / "status").read_text()
                wakes += int(re.search(r"\nvoluntary_ctxt_switches:\s+(\d+)", status)[1])  # type: ignore[index]
        return seconds, wakes

    def sleeps(self) -> bool:
        """Whether it waits for something, and not for a processor."""
        return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] == "S"

    def memory(self) -> float:
        """Megabytes that are its own or shared, in memory now, its helpers' included."""
        total = 0
        for pid in (str(self.pid), *Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()):
            total += int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1])  # type: ignore[index]
        return total / 1024

    def end(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.terminal)


def measure(command: list[str], home: str, seconds: float, answers: int, *, hour: bool = False) -> dict[str, float]:
    """The figures of one program; without ``answers`` none of them is asked for."""
    program = Program(command, home)
    try:
        program.read_for(SETTLED)
        memory = program.memory()
        if answers:
            program.settle(SETTLED)
        (spent, woken), found = program.used(), {"MB at rest": max(memory, program.memory())}
        found["idle bytes"] = program.read_for(seconds)
        after, woken_after = program.used()
        found |= {"idle %": 100 * (after - spent) / seconds, "wakes a second": (woken_after - woken) / seconds}
        if answers:
            for number in range(1, 1 + (max(HOUR, answers) if hour else answers)):
                program.type("go\r")
                program.settle(3.0)
                if number == answers:
                    found["MB after the answers"] = program.memory()
            if hour:
                found["MB after an hour"] = program.memory()
        return found
    finally:
        program.end()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--answers", type=int, default=-(-2000 // TOKENS))
    parser.add_argument(
        "--hour", action="store_true", help="go on for as many answers as are read in one (ten minutes)"
    )
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        first = Program(OURS, home)  # makes the history and compiles what is not
        first.settle(SETTLED)
        first.end()
        bare = measure([sys.executable, "-c", CONTROL], home, args.seconds, 0)
        ours = measure(OURS, home, args.seconds, args.answers, hour=args.hour)
    print(f"{'':24}{'routerterm':>12}{'bare Textual':>14}{'limit':>8}")
    held = True
    for name, value in ours.items():
        limit = LIMITS.get(name)
        holds = limit is None or value <= limit
        held = held and holds
        said = "" if limit is None else f"{limit:8g}  {'holds' if holds else 'does not hold'}"
        print(f"{name:24}{value:12.2f}{bare.get(name, float('nan')):14.2f}{said}")
    sys.exit(args.check and not held)


if __name__ == "__main__":
    main()
