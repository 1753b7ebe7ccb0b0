"""From the shell to the first picture and the first key, beside a minimal Textual app; and what commands take.

    python benchmarks/startup.py [ROUNDS]

Each program is started in a terminal of 120×40, typed into at once, and timed until its first picture is written and
until the key is on the screen.  `routerterm ask` and the import of the router stand beside the import of httpx,
sqlite3, json and asyncio.  All take turns in one run; ratios are medians of the rounds', and of processor time where a
busy machine would blur the wall's.  The figures of one machine mean little to another; the ratio is what counts.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import resource
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

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
PATIENCE = 120.0
"""Seconds after which a program is taken for broken."""


LIMITS = {
    "first picture, processor": 1.3,
    "first key, wall": 1.15,
    "first key, processor": 1.4,
    "import routerterm.router": 0.5,
    "ask demo/echo": 1.0,
    "ask a provider on loopback": 1.4,
}
"""Times the control."""
SETTLING = 10.0
"""Seconds in which a program has done all that it does after its start, on a busy machine too."""
LATER = 0.3
"""Processor seconds that may be used once the first key is on the screen: history, router, lists, prices."""
KEY = b"z"
"""Typed as soon as there is a terminal, and in neither first picture."""
CHUNKS = [{"index": 0, "delta": {"content": "hi"}}, {"index": 0, "delta": {}, "finish_reason": "stop"}]


@dataclass(frozen=True, slots=True)
class Start:
    """One start: seconds and processor seconds to the first picture and to the first key, bytes written, peak MiB; and
    the processor seconds from that key to the end."""

    picture: float
    picture_cpu: float
    key: float
    key_cpu: float
    written: int
    memory: float
    later: float


def start(command: list[str], mark: bytes, home: str, *, rest: float = 0.0) -> Start:
    """``rest``: seconds for which it is left alone before it is ended."""
    began = time.perf_counter()
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ |= {"ROUTERTERM_HOME": home, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        os.execv(command[0], command)
    os.write(terminal, KEY)
    seen = b""
    picture = key = None
    while picture is None or key is None:
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
        moment = time.perf_counter() - began, processor_seconds(pid)
        if picture is None and mark in ESCAPES.sub(b"", seen):
            picture = moment
        # before its own screen the terminal itself echoes
        if key is None and KEY in ESCAPES.sub(b"", seen.partition(b"?1049h")[2]):
            key = moment
    until = time.perf_counter() + rest
    while (left := until - time.perf_counter()) > 0 and select.select([terminal], [], [], left)[0]:
        os.read(terminal, 65536)
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        memory = int(re.search(r"VmHWM:\s+(\d+)", status.read())[1]) / 1024  # type: ignore[index]
    later = processor_seconds(pid) - key[1]
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(terminal)
    return Start(*picture, *key, len(seen), memory, later)


def processor_seconds(pid: int) -> float:
    """What a program and all its threads have used."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with suppress(OSError), open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as stat:
            total += int(stat.read().split()[0])
    return total / 1e9


class Provider(BaseHTTPRequestHandler):
    """Answers every question with one word, as a stream."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for choice in CHUNKS:
            self.wfile.write(b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n")
        self.wfile.write(b"data: [DONE]\n\n")

    def log_message(self, *_: object) -> None:
        pass


def command_times(rounds: int, home: str) -> dict[str, float]:
    """Times the control that each command takes, by processor time."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with open(f"{home}/config.toml", "a", encoding="utf-8") as settings:
        address = f"http://127.0.0.1:{server.server_port}/v1"
        settings.write(f'[providers.house]\nprotocol = "openai-chat"\nbase_url = "{address}"\n')
    ask = [sys.executable, "-m", "routerterm", "ask", "hi", "-m"]
    commands = {
        "control": [sys.executable, "-c", "import httpx, sqlite3, json, asyncio"],
        "import routerterm.router": [sys.executable, "-c", "import routerterm.router"],
        "ask demo/echo": [*ask, "demo/echo"],
        "ask a provider on loopback": [*ask, "house/one"],
    }
    spent: dict[str, list[float]] = {name: [] for name in commands}
    environ = os.environ | {"ROUTERTERM_HOME": home}
    for _ in range(rounds + 1):  # the first of each fills the caches
        for name, command in commands.items():
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(command, env=environ, capture_output=True, check=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            spent[name].append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    server.shutdown()
    return {name: ratio(times[1:], spent["control"][1:]) for name, times in spent.items() if name != "control"}


def ratio(ours: Sequence[float], control: Sequence[float]) -> float:
    """The median over the rounds."""
    return statistics.median([one / other for one, other in zip(ours, control, strict=True)])


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
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    starts: dict[str, list[Start]] = {name: [] for name in PROGRAMS}
    with tempfile.TemporaryDirectory() as home:
        for round in range(rounds + 1):
            for name, (command, mark) in PROGRAMS.items():
                one = start(command, mark, home, rest=0.0 if round else SETTLING)
                if round:  # the first of each fills the caches: compiled modules, the history, parsed style sheets
                    starts[name].append(one)
        print(f"{'':18}{'picture':>9}{'processor':>11}{'key':>9}{'processor':>11}{'bytes':>8}{'memory':>10}")
        for name, each in starts.items():
            picture, picture_cpu, key, key_cpu, written, memory, _ = (
                statistics.median(figures) for figures in zip(*map(astuple, each), strict=True)
            )
            print(f"{name:18}{picture:7.2f} s{picture_cpu:9.2f} s{key:7.2f} s{key_cpu:9.2f} s", end="")
            print(f"{written:8.0f}{memory:6.0f} MiB")
        later = start(*PROGRAMS["routerterm"], home, rest=SETTLING).later
        bare, ours = starts.values()
        found = {
            "first picture, processor": ratio([one.picture_cpu for one in ours], [one.picture_cpu for one in bare]),
            "first key, wall": ratio([one.key for one in ours], [one.key for one in bare]),
            "first key, processor": ratio([one.key_cpu for one in ours], [one.key_cpu for one in bare]),
        } | command_times(rounds, home)
    print(f"\n{'times the control':30}{'found':>7}{'limit':>7}   ({rounds} rounds)")
    for name, value in found.items():
        print(f"{name:30}{value:7.2f}{LIMITS[name]:7.2f}   {'holds' if value <= LIMITS[name] else 'does not hold'}")
    said = "holds" if later <= LATER else "does not hold"
    print(f"{'loaded after the first key':30}{later:6.2f}s{LATER:6.2f}s   {said}")
    print("\nimport time by package, without what it imports in turn:")
    for ms, package in import_times()[:15]:
        print(f"  {ms:7.1f} ms  {package}")


if __name__ == "__main__":
    main()
