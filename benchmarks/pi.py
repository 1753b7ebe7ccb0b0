"""What a Raspberry Pi would make of it: the program under a processor quota, on lines from 9,600 baud to 1 Mbit/s.

    python benchmarks/pi.py [--machines "Pi 4,Pi Zero 2"] [--lines 9600,115200,1000000]

The quota: a loop whose time on a Pi 4 is publicly known is timed here, and the program gets the share of a processor
that makes it as slow as there.  The share is kept by stopping and continuing the program as its own processor time
says, so that whatever else runs here takes little from it; a machine that is busy with more than it has processors for
makes the figures worse, never better.  Memory is limited to 512 MB, and the terminal is read no faster than the line
carries.  Compiled modules and a history are there before, as on any day but the first.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import pty
import re
import resource
import select
import signal
import statistics
import struct
import sys
import tempfile
import termios
import threading
import time
from dataclasses import dataclass, field

PI_4 = 158.26 / 5_000_000
"""Seconds of a step of `steps` on a Pi 4 at 1.5 GHz: five million took CPython 158.26 s
(<https://chaitanyamehta.github.io/projects/performance-analysis-of-programming-languages>, clock fixed)."""
SLOWER = {"Pi 4": 1.0, "Pi Zero 2": 3.0}
"""Beside a Pi 4.  A Pi 3+ at 1.4 GHz has 687 of its 1,478 sysbench events a second on one core
(<https://leoncode.co.uk/articles/raspberry-pi-benchmarks>); a Pi Zero 2 is that processor at 1.0 GHz."""
ROWS, COLUMNS = 40, 120
SLICE = 0.005
"""Seconds in which a share is kept."""
MEMORY = 512 << 20
TOKENS = 172
"""Pieces that the demonstration's Markdown answer comes in, fifty a second."""
FIRST = b"wrote"
"""A word of its beginning."""
KEYS = "qxjkvbw"
ANSWERS = {b"\x1b[?2026$p": b"\x1b[?2026;2$y", b"\x1b[5n": b"\x1b[0n"}
ESCAPES = re.compile(rb"\x1b(?:\[[0-9;:?<=>]*[ -/]*[@-~]|[PX^_\]][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")


def steps(count: int) -> float:
    """Processor seconds for a step of five bodies that attract each other, in plain Python: what was timed on a Pi."""
    bodies = [[float(n), 0.5 * n, 0.1 * n, 0.01 * n, 0.02, 0.03 * n, 1.0 / (n + 1)] for n in range(5)]
    pairs = [(one, other) for n, one in enumerate(bodies) for other in bodies[n + 1 :]]
    began = time.process_time()
    for _ in range(count):
        for one, other in pairs:
            dx, dy, dz = one[0] - other[0], one[1] - other[1], one[2] - other[2]
            pull = 0.001 * (dx * dx + dy * dy + dz * dz) ** -1.5
            mine, yours = one[6] * pull, other[6] * pull
            one[3] -= dx * yours
            one[4] -= dy * yours
            one[5] -= dz * yours
            other[3] += dx * mine
            other[4] += dy * mine
            other[5] += dz * mine
        for body in bodies:
            body[0] += 0.001 * body[3]
            body[1] += 0.001 * body[4]
            body[2] += 0.001 * body[5]
    return (time.process_time() - began) / count


@dataclass
class Machine:
    """The program in a terminal, slowed down to a share of this processor, on a line of so many bytes a second."""

    share: float
    rate: float
    home: str
    pid: int = 0
    terminal: int = -1
    seen: bytearray = field(default_factory=bytearray)
    ended: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.environ |= {"ROUTERTERM_HOME": self.home, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
            os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
            resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
            # To be continued is no news to the program here: it would take the terminal anew each time.
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCONT})
            os.execv(sys.executable, [sys.executable, "-m", "routerterm", "-m", "demo/markdown"])
        threading.Thread(target=self._slow_down, daemon=True).start()
        threading.Thread(target=self._carry, daemon=True).start()

    def stop(self) -> None:
        self.ended.set()
        os.kill(self.pid, signal.SIGCONT)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.terminal)

    def used(self) -> float:
        """Processor seconds of all its threads so far."""
        total = 0
        for task in os.listdir(f"/proc/{self.pid}/task"):
            with (
                contextlib.suppress(OSError),
                open(f"/proc/{self.pid}/task/{task}/schedstat", encoding="ascii") as stat,
            ):
                total += int(stat.read().split()[0])
        return total / 1e9

    def memory(self) -> float:
        with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
            return int(re.search(r"VmHWM:\s+(\d+)", status.read())[1]) / 1024  # type: ignore[index]

    def _slow_down(self) -> None:
        """Let it run while it has used less than its share of the time; what it did not want is not saved up."""
        at, used, credit = time.monotonic(), self.used(), 0.0
        with contextlib.suppress(OSError):
            while not self.ended.is_set():
                time.sleep(SLICE)
                now, spent = time.monotonic(), self.used()
                credit = min(credit + (now - at) * self.share - (spent - used), SLICE * self.share)
                at, used = now, spent
                os.kill(self.pid, signal.SIGSTOP if credit < 0 else signal.SIGCONT)

    def _carry(self) -> None:
        """Read the terminal as the line does: so many bytes a second, and what it is asked is answered."""
        while not self.ended.is_set():
            try:
                if not select.select([self.terminal], [], [], 0.05)[0]:
                    continue
                data = os.read(self.terminal, max(1, min(4096, int(self.rate / 100))))
            except OSError:
                return
            time.sleep(len(data) / self.rate)
            self.seen += data
            for query, answer in ANSWERS.items():
                for _ in range(data.count(query)):
                    os.write(self.terminal, answer)

    def wait_for(self, mark: bytes, since: int = 0, patience: float = 240.0, *, plain: bool = True) -> float:
        """The moment at which something has been seen.  Ends the benchmark where it is not."""
        until = time.monotonic() + patience
        while mark not in (ESCAPES.sub(b"", bytes(self.seen[since:])) if plain else self.seen):
            if time.monotonic() > until:
                raise SystemExit(f"{mark!r} was not seen within {patience:.0f} s: {bytes(self.seen[-300:])!r}")
            time.sleep(0.002)
        return time.monotonic()

    def settle(self, quiet: float = 3.0, patience: float = 300.0) -> float:
        """When the last byte came before so many seconds without any."""
        until, count, last = time.monotonic() + patience, len(self.seen), time.monotonic()
        while time.monotonic() - last < quiet and time.monotonic() < until:
            time.sleep(0.005)
            if len(self.seen) != count:
                count, last = len(self.seen), time.monotonic()
        return last

    def type(self, text: str) -> None:
        os.write(self.terminal, text.encode())


@dataclass(frozen=True)
class Figures:
    """Seconds to the first typed key's echo and of a key's later, of an answer, its tokens a second, MB at most."""

    start: float
    echo: float
    answer: float
    rate: float
    memory: float


def run(machine: Machine) -> Figures:
    """Start, type, ask the demonstration, which speaks fifty tokens a second, and wait until nothing changes."""
    began = time.monotonic()
    machine.start()
    try:
        machine.type("z")
        machine.wait_for(b"?1049h", plain=False)  # before that the terminal itself echoes
        start = machine.wait_for(b"z", machine.seen.index(b"?1049h")) - began
        machine.wait_for(b"today")
        machine.settle()
        echoes = []
        for letter in KEYS:
            seen, at = len(machine.seen), time.monotonic()
            machine.type(letter)
            echoes.append(machine.wait_for(letter.encode(), seen) - at)
            time.sleep(0.3)
        seen, at = len(machine.seen), time.monotonic()
        machine.type("\r")
        machine.wait_for(FIRST, seen)
        answer = machine.settle() - at
        return Figures(start, statistics.median(echoes), answer, TOKENS / answer, machine.memory())
    finally:
        machine.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--machines", default=",".join(SLOWER))
    parser.add_argument("--lines", default="9600,115200,1000000", help="baud, ten to a byte")
    args = parser.parse_args()
    share = min(steps(20_000) for _ in range(5)) / PI_4
    print(f"One processor here is {1 / share:.1f} times a Pi 4's.\n")
    print(
        "| machine | line | start to first key | key echo | answer of 3.4 s | tokens/s of 50 | memory |\n|" + "---|" * 7
    )
    with tempfile.TemporaryDirectory() as home:
        run(Machine(1.0, 1e6, home))
        for name in args.machines.split(","):
            for baud in map(int, args.lines.split(",")):
                found = run(Machine(min(share / SLOWER[name], 1.0), baud / 10, home))
                print(
                    f"| {name} | {baud:,} | {found.start:.1f} s | {found.echo * 1000:.0f} ms | {found.answer:.1f} s "
                    f"| {found.rate:.0f} | {found.memory:.0f} MB |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
