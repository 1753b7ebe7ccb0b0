"""Throws broken exports, settings and themes at what reads them: ``python -m tests.engine.fuzz_imports --minutes 1``.

Whatever comes, there is a value or an error of ours; no call takes over two seconds, and memory stays under 300 MB.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from routerterm.config.settings import check_text
from routerterm.core.errors import RoutertermError
from routerterm.engine.transfer.importing import open_archive
from routerterm.engine.transfer.problems import Skipped
from routerterm.tui.themes.reader import read_theme
from tests.engine.transfer.test_foreign import PEERS, chatgpt, claude, made_by

LONGEST = 2.0
"""Seconds of one call."""
LARGEST = 300
"""Megabytes of the whole program."""
_YAML = "model: a:b\nmessages:\n- role: user\n  content: |-\n    two\n    lines\n- role: assistant\n  content: 'x'\n"
_TOML = (
    '[ui]\ntheme = "phosphor"\n[router]\ndefault = "smart"\n[providers.x]\nbase_url = "http://h/v1"\nkeys = ["env:A"]\n'
)
_JSON = (
    json.dumps(chatgpt()),
    json.dumps(claude()),
    json.dumps(
        {"format": "routerterm", "version": 1, "conversations": [{"id": "C", "created_at": 1, "updated_at": 2}]}
    ),
    json.dumps([{"id": "w", "chat": {"history": {"messages": {"1": {"role": "user", "content": "x"}}}}}]),
    json.dumps({"conversationId": "l", "messages": [{"messageId": "a", "text": "x", "children": []}]}),
    json.dumps(
        {"info": {"id": "s"}, "messages": [{"info": {"role": "user"}, "parts": [{"type": "text", "text": "x"}]}]}
    ),
    "\n".join(json.dumps({"role": role, "content": "x"}) for role in ("user", "assistant")),
)
_PIECES = (
    b"[",
    b"]",
    b"{",
    b"}",
    b'"',
    b"\\",
    b",",
    b":",
    b"null",
    b"1e999",
    b"-",
    b"\xff",
    b"\0",
    b"\\ud800",
    b"true",
)


def bent(chance: random.Random, data: bytes) -> bytes:
    """The same with a few pieces changed, repeated, cut out or put in."""
    body = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(body) + 1)
        match chance.randrange(5):
            case 0:
                body[at : at + chance.randint(1, 30)] = b""
            case 1:
                body[at:at] = chance.choice(_PIECES) * chance.choice((1, 1, 2, 300, 30_000))
            case 2:
                body[at : at + 1] = chance.randbytes(1)
            case 3:
                start = chance.randrange(len(body) + 1)
                body[at:at] = body[start : start + 400] * chance.choice((1, 50))
            case _:
                del body[at:]
    return bytes(body)


class Fuzzer:
    """Makes inputs from a seed, hands them in, and counts what came of them."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.chance = random.Random(seed)
        self.folder = folder
        self.counts: Counter[str] = Counter()
        self.slowest = 0.0
        check_text(_TOML, {})  # what is loaded with the first call is no part of any
        self.databases = [made_by(path.name.removesuffix(".db.gz"), folder).read_bytes() for path in PEERS.glob("*.gz")]

    def step(self) -> None:
        """One input.  Raises `AssertionError` where it takes too long, and whatever is no error of ours."""
        kind, call = self.chance.choice(
            (self._json, self._yaml, self._database, self._zip, self._settings, self._theme)
        )()
        begun, worked = time.monotonic(), time.process_time()
        try:
            call()
            self.counts[f"{kind}: read"] += 1
        except RoutertermError:
            self.counts[f"{kind}: refused"] += 1
        took = min(time.monotonic() - begun, time.process_time() - worked)  # others may want the processor
        self.slowest = max(self.slowest, took)
        assert took < LONGEST, f"{kind} took {took:.1f} s, of the processor {time.process_time() - worked:.1f} s"

    def _import(self, name: str, data: bytes) -> Callable[[], object]:
        path = self.folder / name
        path.write_bytes(data)
        return lambda: list(open_archive(path, Skipped()).conversations)

    def _json(self) -> tuple[str, Callable[[], object]]:
        return "JSON", self._import("x.json", bent(self.chance, self.chance.choice(_JSON).encode()))

    def _yaml(self) -> tuple[str, Callable[[], object]]:
        return "YAML", self._import("x.yaml", bent(self.chance, _YAML.encode()))

    def _database(self) -> tuple[str, Callable[[], object]]:
        return "database", self._import("x.db", bent(self.chance, self.chance.choice(self.databases)))

    def _zip(self) -> tuple[str, Callable[[], object]]:
        path = self.folder / "y.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a/conversations.json", bent(self.chance, self.chance.choice(_JSON).encode()))
        data = path.read_bytes()
        return "zip", self._import("x.zip", bent(self.chance, data) if self.chance.random() < 0.5 else data)

    def _settings(self) -> tuple[str, Callable[[], object]]:
        text = bent(self.chance, _TOML.encode()).decode("utf-8", "replace")
        return "settings", lambda: check_text(text, {})

    def _theme(self) -> tuple[str, Callable[[], object]]:
        path = self.folder / "x.toml"
        source = self.chance.choice(sorted(Path("themes").glob("*.toml")))
        path.write_bytes(bent(self.chance, source.read_bytes()))
        return "theme", lambda: read_theme(path)


def run(seconds: float, seed: int) -> int:
    """Fuzz for so long and print what came of it; the exit code."""
    end = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as folder:
        fuzzer = Fuzzer(seed, Path(folder))
        while time.monotonic() < end:
            state = fuzzer.chance.getstate()
            try:
                fuzzer.step()
            except Exception:
                print(f"seed {seed}, after {fuzzer.counts.total()} inputs; the input lies in {folder}", state[1][:2])
                raise
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    for kind, times in sorted(fuzzer.counts.items()):
        print(f"{times:8,}  {kind}")
    print(f"slowest call {fuzzer.slowest:.2f} s, memory up to {peak} MB")
    return int(peak > LARGEST)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args()
    sys.exit(run(arguments.minutes * 60, arguments.seed))


if __name__ == "__main__":
    main()
