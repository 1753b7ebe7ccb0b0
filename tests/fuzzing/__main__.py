"""Throws broken bytes at everything that reads bytes from outside: `python -m tests.fuzzing --minutes 10 [TARGET…]`.

Each target runs in a process of its own, in slices, so that its memory is its own.  What holds for all: a value or an
error of ours, nothing else; no call over two seconds of the processor; less than 300 MB.  The seed is printed.
"""

from __future__ import annotations

import argparse
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TypeAlias

from routerterm.core.errors import RoutertermError

LONGEST = 2.0
"""Seconds of one call."""
LARGEST = 300
"""Megabytes of a process."""
HUNG = 60
"""Seconds after which a call is broken off: others may want the processor, but not for so long."""
SLICE = 60.0
"""Seconds of a slice."""
Call: TypeAlias = Callable[[], object]
Source: TypeAlias = Callable[[random.Random], tuple[str, Call]]
"""Makes an input: its kind, and the call that reads it."""


def provider_bodies(_folder: Path) -> Source:
    """Recorded answers of providers, broken; or made ones where there are no recordings."""
    from tests.protocols.fuzz import case
    from tests.protocols.recordings import Recording, recordings

    some = list(recordings())
    random.Random(1).shuffle(some)
    del some[400:]
    if not some:
        text = b'data: {"choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":"stop"}]}\n\n'
        some = [Recording("made", "openai-chat", "openai-chat", "chat", True, 200, {}, text, {})]

    def make(chance: random.Random) -> tuple[str, Call]:
        return "answer", lambda: case(some, chance, Counter())

    return make


def imports(folder: Path) -> Source:
    """Exports of other programs and our own."""
    from tests.engine.fuzz_imports import Fuzzer

    fuzzer = Fuzzer(0, folder)

    def make(chance: random.Random) -> tuple[str, Call]:
        fuzzer.chance = chance
        return chance.choice((fuzzer._json, fuzzer._yaml, fuzzer._database, fuzzer._zip))()

    return make


def settings(folder: Path) -> Source:
    """A config.toml."""
    from tests.engine.fuzz_imports import Fuzzer

    fuzzer = Fuzzer(0, folder)

    def make(chance: random.Random) -> tuple[str, Call]:
        fuzzer.chance = chance
        return fuzzer._settings()

    return make


def themes(folder: Path) -> Source:
    """A theme's file."""
    from tests.engine.fuzz_imports import Fuzzer

    fuzzer = Fuzzer(0, folder)

    def make(chance: random.Random) -> tuple[str, Call]:
        fuzzer.chance = chance
        return fuzzer._theme()

    return make


def terminal_keys(_folder: Path) -> Source:
    """Keys, replies, pastes and noise as a terminal sends them."""
    from tests.tui.terminal.fuzz_input import run

    def make(chance: random.Random) -> tuple[str, Call]:
        seed = chance.randrange(1 << 32)
        return "200 sequences", lambda: run(200, seed)

    return make


def clipboard_replies(_folder: Path) -> Source:
    """What a terminal answers of the clipboard although it was never asked: nothing of it may be typed."""
    from base64 import b64encode

    from textual import events

    from routerterm.tui.terminal.input import InputParser

    def make(chance: random.Random) -> tuple[str, Call]:
        inside = b64encode(chance.randbytes(chance.choice((0, 3, 500, 200_000)))) if chance.random() < 0.7 else b"?"
        inside = inside[: chance.randint(0, len(inside))] + chance.choice((b"", b"=", b"\xff", b"\n", b"\x00"))
        data = b"\x1b]52;" + chance.choice((b"c", b"p", b"", b"cp0", b"c;c")) + b";" + inside
        data += chance.choice((b"\x1b\\", b"\x07"))
        cut = chance.randint(0, len(data))

        def read() -> None:
            parser, now = InputParser(), 0.0
            found = parser.feed(data[:cut], now) + parser.feed(data[cut:], now + 0.01)
            typed = [event for event in found if isinstance(event, events.Key | events.Paste)]
            assert not typed, f"typed: {typed[:3]}"
            parser.tick(100.0)
            assert any(isinstance(event, events.Key) for event in parser.feed(b"a", 200.0)), "keys are lost"

        return "reply", read

    return make


def gateway_bodies(_folder: Path) -> Source:
    """Requests of clients in every protocol that is served, compressed ones, and headers."""
    from tests.fuzzing import bodies

    def make(chance: random.Random) -> tuple[str, Call]:
        return chance.choice((bodies.request,) * 6 + (bodies.packed, bodies.headers))(chance)

    return make


def mcp(_folder: Path) -> Source:
    """What servers of the Model Context Protocol say."""
    from tests.protocols.mcp.fuzz_mcp import case

    def make(chance: random.Random) -> tuple[str, Call]:
        seed = chance.randrange(1 << 40)
        return "conversation", lambda: case(seed)

    return make


TARGETS: dict[str, Callable[[Path], Source]] = {
    "provider-bodies": provider_bodies,
    "gateway-bodies": gateway_bodies,
    "imports": imports,
    "settings": settings,
    "themes": themes,
    "terminal-keys": terminal_keys,
    "clipboard-replies": clipboard_replies,
    "mcp": mcp,
}


def fuzz(name: str, seconds: float, seed: int) -> int:
    """Fuzz one target in this process and print what came of it; the exit code."""

    def hung(_signal: int, _frame: FrameType | None) -> None:
        raise AssertionError(f"no end after {HUNG} s")

    signal.signal(signal.SIGALRM, hung)
    counts: Counter[str] = Counter()
    slowest, number = 0.0, 0
    with tempfile.TemporaryDirectory() as folder:
        make = TARGETS[name](Path(folder))
        end = time.monotonic() + seconds
        while time.monotonic() < end or not number:
            kind, call = make(random.Random(f"{seed}/{name}/{number}"))
            begun = time.process_time()
            signal.alarm(HUNG)
            try:
                call()
                counts[f"{kind}: read"] += 1
            except RoutertermError:
                counts[f"{kind}: refused"] += 1
            except BaseException:
                print(f"{name}: input {number} of seed {seed} ({kind})", flush=True)
                raise
            finally:
                signal.alarm(0)
            took = time.process_time() - begun
            if number:  # with the first call modules are loaded
                slowest = max(slowest, took)
                assert took < LONGEST, f"{name}: input {number} of seed {seed} ({kind}) took {took:.1f} s"
            number += 1
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    kinds = ", ".join(f"{kind} {times:,}" for kind, times in sorted(counts.items()))
    print(f"{name:18} {number:9,} inputs, slowest {slowest:.2f} s, {peak} MB: {kinds}", flush=True)
    return int(peak > LARGEST)


def main() -> int:
    """Run the targets by turns, each slice in a process of its own; 1 where one broke a promise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", choices=[*TARGETS, []], help="all without one")
    parser.add_argument("--minutes", type=float, default=8.0, help="for all targets together")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--slice", type=float, default=None, help=argparse.SUPPRESS)
    options = parser.parse_args()
    targets = options.targets or list(TARGETS)
    if options.slice is not None:
        return fuzz(targets[0], options.slice, options.seed)
    each = options.minutes * 60 / len(targets)
    slices = max(1, round(each / SLICE))
    print(f"seed {options.seed}, {slices} x {each / slices:.0f} s for each of {len(targets)}", flush=True)
    failed = set()
    for number in range(slices):
        for name in targets:
            words = [name, "--slice", str(each / slices), "--seed", str(options.seed + number)]
            if subprocess.run([sys.executable, "-m", "tests.fuzzing", *words], check=False).returncode:
                failed.add(name)
    print(f"broken: {', '.join(sorted(failed))}" if failed else "values and typed errors, nothing else")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
