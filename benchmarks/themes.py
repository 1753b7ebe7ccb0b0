"""What each theme costs the terminal: bytes for a token of a streamed answer, and bytes while nothing happens.

    python benchmarks/themes.py [--against CHECKOUT] [--themes dosblue,teletype] [--kinds prose,code] [--check]

The program runs in a terminal of 120×40, forty conversations in its list, and asks a scripted provider on this machine,
which sends a piece of the answer once the last one is on the screen: what a steady 50 tokens a second are on a machine
that is not busy, and the same on one that is (with ``--rate`` they come at that pace, whatever is on the screen).
Bytes are counted from outside, from the request until nothing has been written for two seconds; then those of the
seconds in which nobody does anything.  With
``--against`` the same is done by another checkout of the program, in turn with this one; with ``--check`` more than
1.05 times its bytes, or any byte at rest, ends the run with status 1.  ``--columns`` is a terminal that can scroll
between two columns, as xterm can.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import idle
from answers import KINDS, pieces

HERE = Path(__file__).resolve().parent.parent
MOST = 1.05
"""Times the bytes of the other checkout."""
FRAME = 0.06
"""Seconds in which the program wrote nothing, took no processor time and slept: all that it has is on the screen."""
PATIENCE = 5.0
"""Seconds after which the next piece is sent whatever is on the screen."""
SEED = """
import asyncio, sys, time
from routerterm.config.paths import Paths
from tests.tui.seed import fill
asyncio.run(fill(Paths.find(), now=int(time.time() * 1000)))
"""
SETTINGS = """
[router]
default = "house/one"
[providers.house]
protocol = "openai-chat"
base_url = "{address}/v1"
needs_key = false
[ui]
theme = "{theme}"
line = "fast"
"""


class Provider(BaseHTTPRequestHandler):
    """Streams one answer, piece by piece."""

    pieces: list[str]
    pace: float
    asked = threading.Event()
    program: idle.Program
    since: float
    """Processor time of the program before the last piece was sent."""
    shown = threading.Event()
    said = threading.Event()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.asked.set()
        begun = time.monotonic()
        for number, text in enumerate(self.pieces):
            type(self).since = self.program.used()[0]
            self.shown.clear()
            self.send({"index": 0, "delta": {"content": text}})
            if self.pace:
                time.sleep(max(0.0, begun + (number + 1) / self.pace - time.monotonic()))
            else:
                self.shown.wait(PATIENCE)
        self.send({"index": 0, "delta": {}, "finish_reason": "stop"})
        self.wfile.write(b"data: [DONE]\n\n")
        self.said.set()

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"object": "list", "data": [{"id": "one", "object": "model"}]}')

    def send(self, choice: dict[str, object]) -> None:
        self.wfile.write(b"data: " + json.dumps({"id": "1", "model": "one", "choices": [choice]}).encode() + b"\n\n")
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        pass


def measure(checkout: Path, theme: str, address: str, rest: float, keep: Path | None) -> tuple[float, int]:
    """Bytes for a token, and bytes at rest, of the program in that checkout."""
    Provider.asked.clear()
    Provider.said.clear()
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {"PYTHONPATH": f"{checkout / 'src'}:{checkout}", "ROUTERTERM_HOME": home}
        (Path(home) / "config.toml").write_text(SETTINGS.format(address=address, theme=theme), encoding="utf-8")
        subprocess.run([sys.executable, "-c", SEED], check=True)
        program = idle.Program([sys.executable, "-m", "routerterm"], home)
        try:
            program.settle(2.0)
            Provider.program, Provider.since = program, program.used()[0]
            program.type("Go on.\r")
            count, used = 0, 0.0
            while not Provider.said.is_set():
                read = program.read_for(FRAME)
                count += read if Provider.asked.is_set() else 0
                before, (used, _) = used, program.used()
                if not read and Provider.since < used == before and program.sleeps():
                    Provider.shown.set()
            while read := program.read_for(2.0):
                count += read
            return count / len(Provider.pieces), program.read_for(rest)
        finally:
            if keep is not None:
                keep.write_bytes(program.written)
            program.end()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", type=Path, help="another checkout of the program")
    parser.add_argument("--themes", default=",".join(sorted(path.stem for path in (HERE / "themes").glob("*.toml"))))
    parser.add_argument("--kinds", default="prose,code", help=f"of {', '.join(KINDS)}")
    parser.add_argument("--tokens", type=int, default=400)
    parser.add_argument("--rate", type=float, default=0.0, help="tokens a second; 0: as they are shown")
    parser.add_argument("--reps", type=int, default=1)
    parser.add_argument("--rest", type=float, default=5.0, help="seconds in which nothing happens")
    parser.add_argument("--columns", action="store_true", help="the terminal scrolls between columns")
    parser.add_argument("--keep", type=Path, help="write what was sent to the terminal into this folder")
    parser.add_argument("--check", action="store_true", help="a limit that does not hold ends the run with status 1")
    args = parser.parse_args()
    if args.columns:
        idle.ANSWERS[b"\x1b[?69$p"] = b"\x1b[?69;2$y"
    checkouts = [HERE, *([args.against.resolve()] if args.against else [])]
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address, held, Provider.pace = f"http://127.0.0.1:{server.server_port}", True, args.rate
    print(f"{'theme':12}{'kind':8}{'bytes/token':>12}{'against':>10}{'times':>8}{'at rest':>9}", flush=True)
    for theme in args.themes.split(","):
        for kind in args.kinds.split(","):
            Provider.pieces = pieces(kind, args.tokens)
            found: list[list[tuple[float, int]]] = [[] for _ in checkouts]
            for _ in range(args.reps):
                for number, checkout in enumerate(checkouts):
                    keep = args.keep / f"{theme}-{kind}-{number}" if args.keep else None
                    found[number].append(measure(checkout, theme, address, args.rest, keep))
            ours, *others = (statistics.median(cost for cost, _ in tries) for tries in found)
            resting = max(count for _, count in found[0])
            beside = f"{others[0]:10.1f}{ours / others[0]:8.2f}" if others else " " * 18
            print(f"{theme:12}{kind:8}{ours:12.1f}{beside}{resting:9}", flush=True)
            held = held and resting == 0 and (not others or ours <= MOST * others[0])
    server.shutdown()
    return int(args.check and not held)


if __name__ == "__main__":
    sys.exit(main())
