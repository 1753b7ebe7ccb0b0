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
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import TypeAlias

import msgspec
from msgspec import Struct, field

from routerterm.core.errors import RoutertermError

LONGEST = 2.0
"""Seconds of one call."""
LARGEST = 300
"""Megabytes of a process."""
HUNG = 60
"""Seconds after which a call is broken off: others may want the processor, but not for so long."""
SLICE = 120.0
"""Seconds of a slice."""
Call: TypeAlias = Callable[[], object]
"""Reads an input; a word that it returns says what came of it, and an iterator is read to its end."""
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
        def read() -> str:
            found = Counter[str]()
            case(some, chance, found)
            return next(iter(found), "read")

        return "answer", read

    return make


def imports(folder: Path) -> Source:
    """Exports of other programs and our own."""
    from tests.engine.fuzz_imports import Fuzzer
    from tests.fuzzing import exports

    fuzzer = Fuzzer(0, folder)

    def make(chance: random.Random) -> tuple[str, Call]:
        if chance.random() < 0.6:
            return exports.one(chance, folder)
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


class Slice(Struct):
    """What came of the inputs of one slice, or of all slices of a target."""

    counts: dict[str, int] = field(default_factory=dict)
    """How often an input of a kind was read, or which typed error it met."""
    inputs: int = 0
    slowest: float = 0.0
    """Seconds of the processor that the longest call took."""
    longest: float = 0.0
    """Seconds on the wall; others may have had the processor."""
    megabytes: int = 0
    """Most memory that the process ever held."""

    def add(self, other: Slice) -> None:
        """Take another slice in."""
        self.counts = dict(Counter(self.counts) + Counter(other.counts))
        self.inputs += other.inputs
        self.slowest, self.longest = max(self.slowest, other.slowest), max(self.longest, other.longest)
        self.megabytes = max(self.megabytes, other.megabytes)

    def line(self, name: str) -> str:
        """The figures in a line."""
        kinds = ", ".join(f"{kind} {times:,}" for kind, times in sorted(self.counts.items()))
        took = f"longest call {self.slowest:.2f} s of the processor, {self.longest:.2f} s on the wall"
        return f"{name:18} {self.inputs:11,} inputs, {took}, {self.megabytes} MB: {kinds}"


def fuzz(name: str, seconds: float, seed: int, result: Path | None = None) -> int:
    """Fuzz one target in this process and print what came of it; the exit code."""

    def hung(_signal: int, _frame: FrameType | None) -> None:
        raise AssertionError(f"no end after {HUNG} s")

    signal.signal(signal.SIGALRM, hung)
    found = Slice()
    try:
        with tempfile.TemporaryDirectory() as folder:
            make = TARGETS[name](Path(folder))
            end = time.monotonic() + seconds
            while time.monotonic() < end or not found.inputs:
                _one(make, name, seed, found)
    finally:
        found.megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(found.line(name), flush=True)
        if result is not None:
            result.write_bytes(msgspec.json.encode(found))
    return int(found.megabytes > LARGEST)


def _one(make: Source, name: str, seed: int, found: Slice) -> None:
    """One input.  Raises whatever is no error of ours, and `AssertionError` where it takes too long."""
    kind, call = make(random.Random(f"{seed}/{name}/{found.inputs}"))
    which = f"{name}: input {found.inputs} of seed {seed} ({kind})"
    steps, end, took, longest, over = steps_of(call), "read", 0.0, 0.0, False
    while not over:
        worked, begun = time.process_time(), time.monotonic()
        signal.alarm(HUNG)
        try:
            came = next(steps)
            end = came if isinstance(came, str) else "read"
        except StopIteration:
            over = True
        except RoutertermError as error:
            end, over = type(error).__name__, True
        except BaseException:
            print(which, flush=True)
            raise
        finally:
            signal.alarm(0)
        took, longest = max(took, time.process_time() - worked), max(longest, time.monotonic() - begun)
    found.counts[f"{kind}: {end}"] = found.counts.get(f"{kind}: {end}", 0) + 1
    if found.inputs:  # with the first call modules are loaded
        found.slowest, found.longest = max(found.slowest, took), max(found.longest, longest)
        assert took < LONGEST, f"{which} took {took:.1f} s"
    found.inputs += 1


def steps_of(call: Call) -> Iterator[object]:
    """The call; or, of one that gives a thing after the other as an import does, each step by itself."""
    came = call()
    if isinstance(came, Iterator):
        yield from came
    else:
        yield came


def main() -> int:
    """Run the targets by turns, each slice in a process of its own; 1 where one broke a promise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", choices=[*TARGETS, []], help="all without one")
    parser.add_argument("--minutes", type=float, default=16.0, help="for all targets together")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--slice", type=float, default=None, help=argparse.SUPPRESS)
    parser.add_argument("--result", type=Path, default=None, help=argparse.SUPPRESS)
    options = parser.parse_args()
    targets = options.targets or list(TARGETS)
    if options.slice is not None:
        return fuzz(targets[0], options.slice, options.seed, options.result)
    each = options.minutes * 60 / len(targets)
    slices = max(1, round(each / SLICE))
    print(f"seed {options.seed}, {slices} x {each / slices:.0f} s for each of {len(targets)}", flush=True)
    failed, whole = set(), {name: Slice() for name in targets}
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "slice.json"
        for number in range(slices):
            for name in targets:
                words = [name, "--slice", str(each / slices), "--seed", str(options.seed + number)]
                command = [sys.executable, "-m", "tests.fuzzing", *words, "--result", str(result)]
                if subprocess.run(command, check=False).returncode:
                    failed.add(name)
                if result.exists():
                    whole[name].add(msgspec.json.decode(result.read_bytes(), type=Slice))
                    result.unlink()
    print("\nIn all:")
    for name, sums in whole.items():
        print(sums.line(name))
    print(f"broken: {', '.join(sorted(failed))}" if failed else "values and typed errors, nothing else")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
