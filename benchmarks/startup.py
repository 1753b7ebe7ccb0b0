"""From the shell to the first picture: routerterm beside a minimal Textual app, in turn, in one run.

    python benchmarks/startup.py [ROUNDS]

Each program is started in a terminal of 120×40 and timed until the word that its first picture ends with
has been written.  The figures of one machine mean little to another; the ratio is what counts.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from dataclasses import dataclass

CONTROL = """
from textual.app import App
from textual.widgets import Footer, Header, Input, Static
class Minimal(App):
    BINDINGS = [("q", "quit", "Leave")]
    def compose(self):
        yield Header(); yield Static("nothing to see"); yield Input(); yield Footer()
Minimal().run()
"""
PROGRAMS = {
    "bare Textual app": ([sys.executable, "-c", CONTROL], b"nothing to see"),
    "routerterm": ([sys.executable, "-m", "routerterm"], b"Quit"),
}
ESCAPES = re.compile(rb"\x1b(?:\[[0-9;:?<=>]*[ -/]*[@-~]|[PX^_\]][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
PATIENCE = 30.0
"""Seconds after which a program is taken for broken."""


@dataclass(frozen=True, slots=True)
class Start:
    """One start: seconds to the first picture, bytes written until then, and peak memory in MiB."""

    seconds: float
    written: int
    memory: float


def start(command: list[str], mark: bytes, home: str) -> Start:
    began = time.perf_counter()
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ |= {"ROUTERTERM_HOME": home, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        os.execv(command[0], command)
    seen = b""
    while mark not in ESCAPES.sub(b"", seen):
        ready, _, _ = select.select([terminal], [], [], 1.0)
        if time.perf_counter() - began > PATIENCE:
            os.kill(pid, signal.SIGKILL)
            raise SystemExit(f"{command} showed no {mark!r} within {PATIENCE:.0f} s; its output ends {seen[-500:]!r}")
        if not ready:
            continue
        try:
            seen += os.read(terminal, 65536)
        except OSError:
            raise SystemExit(f"{command} ended before its first picture: {seen[-500:]!r}") from None
    took = time.perf_counter() - began
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        memory = int(re.search(r"VmHWM:\s+(\d+)", status.read())[1]) / 1024  # type: ignore[index]
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(terminal)
    return Start(took, len(seen), memory)


def import_times() -> list[tuple[float, str]]:
    """Milliseconds that each top-level package takes by itself when the interface is imported, most first."""
    command = [sys.executable, "-X", "importtime", "-c", "import routerterm.tui.app"]
    report = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    spent: dict[str, float] = {}
    for own, name in re.findall(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)", report):
        pieces = name.split(".")
        package = ".".join(pieces[:2]) if pieces[0] == "routerterm" else pieces[0]
        spent[package] = spent.get(package, 0.0) + int(own) / 1000
    return sorted(((ms, package) for package, ms in spent.items()), reverse=True)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    starts: dict[str, list[Start]] = {name: [] for name in PROGRAMS}
    with tempfile.TemporaryDirectory() as home:
        for round in range(rounds + 1):
            for name, (command, mark) in PROGRAMS.items():
                one = start(command, mark, home)
                if round:  # the first of each fills the caches
                    starts[name].append(one)
    print(f"{'':18}{'first picture':>15}{'spread':>14}{'bytes':>9}{'memory':>10}")
    for name, each in starts.items():
        times = sorted(1000 * one.seconds for one in each)
        spread = f"{times[0]:.0f}–{times[-1]:.0f}"
        written, memory = statistics.median(one.written for one in each), statistics.median(one.memory for one in each)
        print(f"{name:18}{statistics.median(times):12.0f} ms{spread:>14}{written:9.0f}{memory:6.0f} MiB")
    bare, ours = (statistics.median(one.seconds for one in starts[name]) for name in PROGRAMS)
    print(f"\nratio {ours / bare:.2f} ({rounds} starts each, in turn)")
    print("\nimport time by package, without what it imports in turn:")
    for ms, package in import_times()[:15]:
        print(f"  {ms:7.1f} ms  {package}")


if __name__ == "__main__":
    main()
