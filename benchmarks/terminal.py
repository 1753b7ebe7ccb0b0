"""What streaming an answer costs the terminal: bytes, CPU, frames, key echo, with controls in the same run.

    python benchmarks/terminal.py --rates 50,200,0 --kinds prose,list,table,code --tokens 1000

Subjects: `control` (Textual's Markdown stream, Textual's driver: what everyone writes), `markdown` (the same on
the lean driver), `lines` (a bare line view on Textual's driver) and `lean` (that view on the lean driver).  Each runs
in a pty of 120×40 of its own, is fed the same tokens at the same pace, and is typed into meanwhile.
Ratios are to `control`.
"""

from __future__ import annotations

import argparse
import asyncio
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
import sys
import tempfile
import termios
import time
from pathlib import Path
from textwrap import wrap
from typing import Any

COLUMNS, ROWS = 120, 40
SUBJECTS = ("control", "markdown", "lines", "lean")
PROSE = (
    "The harbour lay still in the early light and a single gull walked along the wall as if it had business there. "
    "Behind the warehouses somebody was mending a net, slowly, with the patience of a person who is paid by the day.\n\n"
)
LIST = (
    "- a plain item with a few words in it\n- another one with `code` and **weight**\n"
    "  - nested, and a little longer than the others\n"
)
TABLE = "| {n} | station {n} | {m} | calm, some cloud |\n"
CODE = (
    "def visit_{n}(node, depth=0):\n    '''Walk a tree.'''\n    for child in node.children:\n"
    "        if depth < {m} and child:\n            yield from visit_{n}(child, depth + 1)\n    return None\n\n"
)
# One key each, of no answer: its first bytes after it was typed are its echo.
KEYS = "абвгдежзийклмнопрстуфхцчшщъыьэюя"


def tokens(kind: str, count: int) -> list[str]:
    """Pieces of about four characters, as a model sends them."""
    text = {"list": "", "code": "```python\n", "table": "| # | where | value | note |\n|---|---|--:|---|\n"}.get(
        kind, ""
    )
    n = 0
    while len(text) < count * 6:
        n += 1
        text += {
            "prose": PROSE,
            "list": LIST,
            "table": TABLE.format(n=n, m=n * 37 % 101),
            "code": CODE.format(n=n, m=n % 7),
        }[kind]
    return re.findall(r"\s*\S{1,6}|\s+", text)[:count]


# -- the programs measured ----------------------------------------------------------------------------------------
def program(subject: str, kind: str, rate: int, count: int, report: Path) -> None:
    from rich.segment import Segment
    from textual.app import App, ComposeResult
    from textual.containers import VerticalScroll
    from textual.geometry import Size
    from textual.scroll_view import ScrollView
    from textual.strip import Strip
    from textual.widgets import Input, Markdown

    from routerterm.tui.terminal import driver_class, driver_of

    class Lines(ScrollView, can_focus=False):
        """Plain lines, wrapped as they come, painted at most twenty times a second."""

        done: list[str] = []
        open = pending = ""
        tail: list[str] = []

        def on_mount(self) -> None:
            self.set_interval(1 / 20, self.flush)

        def flush(self) -> None:
            if not self.pending:
                return
            *whole, self.open = (self.open + self.pending).split("\n")
            self.pending = ""
            for paragraph in whole:
                self.done += wrap(paragraph, self.size.width - 2) or [""]
            self.tail = wrap(self.open, self.size.width - 2) or [""]
            self.virtual_size = Size(self.size.width - 2, len(self.done) + len(self.tail))
            self.scroll_end(animate=False)
            self.refresh()

        def render_line(self, y: int) -> Strip:
            y += self.scroll_offset.y
            n = len(self.done)
            text = self.done[y] if y < n else self.tail[y - n] if y - n < len(self.tail) else ""
            return Strip([Segment(text, self.rich_style)]).adjust_cell_length(self.size.width, self.rich_style)

    class Subject(App[None]):
        CSS = "Input { dock: bottom; } Lines, VerticalScroll { height: 1fr; }"

        def compose(self) -> ComposeResult:
            yield Lines() if subject in ("lines", "lean") else VerticalScroll()
            yield Input(placeholder="Message")

        def on_mount(self) -> None:
            self.query_one(Input).focus()
            self.run_worker(self.feed())

        async def feed(self) -> None:
            await asyncio.sleep(1.0)
            pieces = tokens(kind, count)
            widget: Any = None
            if subject in ("lines", "lean"):
                lines = self.query_one(Lines)
            else:
                view = self.query_one(VerticalScroll)
                view.anchor()
                widget = Markdown()
                await view.mount(widget)
                stream = Markdown.get_stream(widget)
            await asyncio.sleep(0.3)
            report.with_suffix(".begun").touch()
            begun, cpu = time.monotonic(), time.process_time()
            for i, piece in enumerate(pieces):
                if rate and (wait := begun + i / rate - time.monotonic()) > 0:
                    await asyncio.sleep(wait)
                elif i % 20 == 0:
                    await asyncio.sleep(0)
                if widget is None:
                    lines.pending += piece
                else:
                    await stream.write(piece)
            if widget is not None:
                await stream.stop()
            while widget is None and lines.pending:
                await asyncio.sleep(0.01)
            took = time.monotonic() - begun
            await asyncio.sleep(0.2)
            driver = driver_of(self)
            report.write_text(
                json.dumps(
                    {
                        "seconds": took,
                        "cpu": time.process_time() - cpu,
                        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                        "frames": driver.frames if driver else None,
                    }
                )
            )
            self.exit()

    Subject(driver_class=driver_class() if subject in ("markdown", "lean") else None).run()


# -- the terminal -----------------------------------------------------------------------------------------------------
def measure(subject: str, kind: str, rate: int, count: int) -> dict[str, Any]:
    """Run one subject to its end; bytes and echoes are counted between its marks."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        begun_mark = report.with_suffix(".begun")
        pid, fd = pty.fork()
        if pid == 0:
            os.environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "COLUMNS": "", "LINES": ""}
            for name in ("COLUMNS", "LINES", "SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"):
                os.environ.pop(name, None)
            fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
            argv = [sys.executable, __file__, "--program", subject, "--kinds", kind, "--rates", str(rate)]
            os.execv(sys.executable, [*argv, "--tokens", str(count), "--report", str(report)])
        try:
            seen = _watch(fd, report, begun_mark)
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            os.close(fd)
        return json.loads(report.read_text()) | seen


def _watch(fd: int, report: Path, begun_mark: Path) -> dict[str, Any]:
    total, frames, begun = 0, 0, 0
    next_key, waiting, echoes = 0.0, None, []
    keys = iter(KEYS * 50)
    deadline = time.monotonic() + 300
    while not report.exists() and time.monotonic() < deadline:
        if select.select([fd], [], [], 0.005)[0]:
            data = os.read(fd, 65536)
            now = time.monotonic()
            total += len(data)
            for query, answer in ((b"\x1b[?2026$p", b"\x1b[?2026;2$y"), (b"\x1b[5n", b"\x1b[0n")):
                for _ in range(data.count(query)):
                    os.write(fd, answer)
            if begun:
                frames += data.count(b"\x1b[?2026h")
                if waiting and waiting[0] in data:
                    echoes.append(1000 * (now - waiting[1]))
                    waiting = None
        if not begun and begun_mark.exists():
            begun, next_key = total, time.monotonic() + 0.3
        if begun and waiting is None and time.monotonic() >= next_key:
            key = next(keys).encode()
            waiting, next_key = (key, time.monotonic()), time.monotonic() + 0.17
            os.write(fd, key)
    echoes.sort()
    pick = lambda q: round(echoes[min(len(echoes) - 1, int(q * len(echoes)))], 1) if echoes else None  # noqa: E731
    return {
        "bytes": total - begun,
        "sync_frames": frames,
        "echo_p50": pick(0.5),
        "echo_p95": pick(0.95),
        "echoes": len(echoes),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subjects", default=",".join(SUBJECTS))
    parser.add_argument("--kinds", default="prose,list,table,code")
    parser.add_argument("--rates", default="50,200,0", help="tokens a second; 0: as fast as they go")
    parser.add_argument("--tokens", type=int, default=1000)
    parser.add_argument("--reps", type=int, default=1)
    parser.add_argument("--program", help=argparse.SUPPRESS)
    parser.add_argument("--report", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.program:
        program(args.program, args.kinds, int(args.rates), args.tokens, args.report)
        return
    print(
        "| kind | tok/s | subject | bytes/token | of control | CPU s/1,000 | of control | tok/s shown | frames | echo p50 · p95 ms | MB |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for kind in args.kinds.split(","):
        for rate in map(int, args.rates.split(",")):
            control: tuple[float, float] | None = None
            for subject in args.subjects.split(","):
                runs = [measure(subject, kind, rate, args.tokens) for _ in range(args.reps)]
                middle = lambda name: statistics.median(run[name] or 0 for run in runs)  # noqa: B023, E731
                size, cpu = middle("bytes") / args.tokens, middle("cpu") * 1000 / args.tokens
                control = control or (size, cpu)
                shown = args.tokens / middle("seconds")
                frames = middle("frames") or middle("sync_frames")
                print(
                    f"| {kind} | {rate or 'unpaced'} | {subject} | {size:,.1f} | 1/{control[0] / size:.1f} | {cpu:.2f} "
                    f"| 1/{control[1] / cpu:.1f} | {shown:,.0f} | {frames:.0f} "
                    f"| {middle('echo_p50'):.0f} · {middle('echo_p95'):.0f} | {middle('memory'):.0f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
