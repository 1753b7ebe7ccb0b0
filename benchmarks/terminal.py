"""What streaming an answer costs the terminal: bytes, CPU, frames, key echo, with controls in the same run.

    python benchmarks/terminal.py --check
    python benchmarks/terminal.py --rates 50,200,0 --kinds prose,list,table,code --tokens 1000 --reps 3

Subjects are in `terminal_subjects.py`.  Each runs in a pty of 120×40 of its own and is fed the same tokens at the
same pace; it is typed into while the first of them come, and bytes, CPU and pace are measured over the rest.  Ratios
are to `control`; with ``--check`` they are held against the targets, and a missed one ends the run with status 1.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pty
import select
import signal
import statistics
import struct
import sys
import tempfile
import termios
import time
from pathlib import Path
from typing import Any

from answers import KINDS
from terminal_subjects import BESIDE, SUBJECTS, run

COLUMNS, ROWS = 120, 40
# One key each, of no answer: its first bytes after it was typed are its echo.
KEYS = "абвгдежзийклмнопрстуфхцчшщъыьэюя"
ANSWERS = {b"\x1b[?2026$p": b"\x1b[?2026;2$y", b"\x1b[5n": b"\x1b[0n"}
"""What the terminal says when it is asked."""
COLUMNS_TOO = ANSWERS | {b"\x1b[?69$p": b"\x1b[?69;2$y"}
Run = dict[str, Any]
UNPACED = 2000
"""Tokens at least where they come as fast as they go: fewer are over before they can be measured."""
# What the lean subject has to reach: kind, tokens a second, figure, bound.  Shares are of the control's.
TARGETS = (
    ("prose", 50, "bytes share", 1 / 25),
    ("code", 50, "bytes share", 1 / 60),
    ("prose", 50, "cpu share", 1 / 6),
    ("list", 200, "cpu share", 1 / 8),
    ("code", 200, "cpu share", 1 / 20),
    *((kind, rate, "echo p95 ms", 15.0) for rate in (50, 200) for kind in KINDS),
)
FLOORS = (*((kind, 200, 195) for kind in KINDS), *((kind, 0, 2000) for kind in KINDS))
"""Tokens a second that must be shown: kind, tokens a second sent (0: as fast as they go), shown."""


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
            seen = _watch(fd, report, begun_mark, COLUMNS_TOO if subject == "between" else ANSWERS)
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            os.close(fd)
        if not report.exists():
            sys.exit(f"{subject} was not done with {count} tokens of {kind} in five minutes: ask for fewer.")
        return json.loads(report.read_text()) | seen


def _watch(fd: int, report: Path, begun_mark: Path, answers: dict[bytes, bytes]) -> dict[str, Any]:
    total, frames, begun, rest = 0, 0, 0, 0
    rest_mark = report.with_suffix(".rest")
    next_key, waiting, echoes = 0.0, None, []
    keys = iter(KEYS * 50)
    deadline = time.monotonic() + 300
    while not report.exists() and time.monotonic() < deadline:
        if select.select([fd], [], [], 0.005)[0]:
            data = os.read(fd, 65536)
            now = time.monotonic()
            total += len(data)
            for query, answer in answers.items():
                for _ in range(data.count(query)):
                    os.write(fd, answer)
            if rest:
                frames += data.count(b"\x1b[?2026h")
            if waiting and waiting[0] in data:
                echoes.append(1000 * (now - waiting[1]))
                waiting = None
        if not begun and begun_mark.exists():
            begun, next_key = total, time.monotonic() + 0.3
        if begun and not rest and rest_mark.exists():
            rest = total
        if begun and not rest and waiting is None and time.monotonic() >= next_key:
            key = next(keys).encode()
            waiting, next_key = (key, time.monotonic()), time.monotonic() + 0.17
            os.write(fd, key)
    echoes.sort()
    pick = lambda q: round(echoes[min(len(echoes) - 1, int(q * len(echoes)))], 1) if echoes else None  # noqa: E731
    return {
        "bytes": total - (rest or begun),
        "sync_frames": frames,
        "echo_p50": pick(0.5),
        "echo_p95": pick(0.95),
        "echoes": len(echoes),
    }


def table(name: str, runs: dict[str, Run], kind: str, rate: int) -> None:
    """One line of the table."""
    one, control = runs[name], next(iter(runs.values()))
    count = one["tokens"]
    print(
        f"| {kind} | {rate or 'unpaced'} | {name} | {one['bytes'] / count:,.1f} | {share(control, one, 'bytes')} "
        f"| {one['cpu'] * 1000 / count:.2f} | {share(control, one, 'cpu')} | {count / one['seconds']:,.0f} "
        f"| {one['frames'] or one['sync_frames']:.0f} | {one['echo_p50']:.0f} · {one['echo_p95']:.0f} "
        f"| {one['memory']:.0f} |",
        flush=True,
    )


def share(control: Run, one: Run, name: str) -> str:
    return f"1/{control[name] / one[name]:.1f}" if one[name] else "–"


def verdict(found: dict[tuple[str, int], dict[str, Run]]) -> bool:
    """Hold what was measured against the targets, one line each; whether all were met."""
    good = True

    def line(said: str, met: bool) -> None:
        nonlocal good
        good = good and met
        print(f"{'met   ' if met else 'MISSED'}  {said}")

    print()
    for kind, rate, figure, bound in TARGETS:
        if (runs := found.get((kind, rate))) is None:
            continue
        lean, control = runs["lean"], runs["control"]
        where = f"{kind} at {rate} tokens/s: {figure}"
        if figure == "echo p95 ms":
            line(f"{where} {lean['echo_p95']:.1f}, at most {bound:.0f}", lean["echo_p95"] <= bound)
        else:
            name = figure.split()[0]
            reached = f"{share(control, lean, name)}, at most 1/{1 / bound:.0f}"
            line(f"{where} {reached}", lean[name] <= control[name] * bound)
    for kind, rate, floor in FLOORS:
        if (runs := found.get((kind, rate))) is not None:
            shown, where = runs["lean"]["tokens"] / runs["lean"]["seconds"], f"at {rate}" if rate else "unpaced"
            line(f"{kind} {where}: {shown:,.0f} tokens/s shown, at least {floor}", shown >= floor)
    return good


def middle(runs: list[Run]) -> Run:
    """The median of each figure."""
    return {name: statistics.median(run[name] or 0 for run in runs) for name in runs[0]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subjects", default=",".join(SUBJECTS), help=f"of {', '.join((*SUBJECTS, *BESIDE))}")
    parser.add_argument("--alone", action="store_true", help="without the control; shares are of the first subject")
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--rates", default="50,200,0", help="tokens a second; 0: as fast as they go")
    parser.add_argument("--tokens", type=int, default=1000)
    parser.add_argument("--reps", type=int, default=1)
    parser.add_argument("--check", action="store_true", help="hold the figures against the targets")
    parser.add_argument("--program", help=argparse.SUPPRESS)
    parser.add_argument("--report", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.alone and args.check:
        parser.error("targets are shares of the control: without it nothing can be checked")
    if args.program:
        run(args.program, args.kinds, int(args.rates), args.tokens, args.report)
        return 0
    subjects = args.subjects.split(",")
    if not args.alone:
        subjects = ["control", *(name for name in subjects if name != "control")]
    print(
        "| kind | tok/s | subject | bytes/token | of control | CPU s/1,000 | of control | tok/s shown | frames ", end=""
    )
    print("| echo p50 · p95 ms | MB |\n|" + "---|" * 11)
    found: dict[tuple[str, int], dict[str, Run]] = {}
    for kind in args.kinds.split(","):
        for rate in map(int, args.rates.split(",")):
            count = args.tokens if rate else max(args.tokens, UNPACED)
            tries: dict[str, list[Run]] = {name: [] for name in subjects}
            for _ in range(args.reps):  # in turn, so that a noisy minute falls on all
                for name in subjects:
                    tries[name].append(measure(name, kind, rate, count))
            runs = found[kind, rate] = {name: middle(some) for name, some in tries.items()}
            for name in subjects:
                table(name, runs, kind, rate)
    return 0 if not args.check or verdict(found) else 1


if __name__ == "__main__":
    sys.exit(main())
