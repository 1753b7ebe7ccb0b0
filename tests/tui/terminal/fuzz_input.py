"""Throws random bytes at the parser of the input: `python -m tests.tui.terminal.fuzz_input [SEQUENCES] [SEED]`.

Looked for: an exception, a parser that takes no keys any more, a call that takes long, and a reply that is typed.
"""

from __future__ import annotations

import random
import sys
import time

from tests.tui.terminal.input_bytes import KEYS, REPLIES, noise
from textual import events

from routerterm.tui.terminal.input import InputParser

LONGEST = 0.5
"""Seconds of the processor for one read; a sequence takes some microseconds."""
STUCK = 60.0
"""Seconds of silence after which any key must arrive, whatever came before."""


def run(sequences: int, seed: int) -> None:
    """So many sequences; raises AssertionError at the first that does harm, with its bytes."""
    chance = random.Random(seed)
    parser, now = InputParser(), 0.0
    for number in range(sequences):
        data = chance.choice(REPLIES) * chance.randint(1, 2) if number % 4 == 0 else noise(chance)
        before = now = now + STUCK
        parser.tick(now)
        found = []
        while data:
            cut = chance.randint(1, len(data))
            began = time.process_time()
            try:
                found += parser.feed(data[:cut], now)
                now += chance.choice((0.0, 0.0, 0.01, 0.05))
                found += parser.tick(now)
            except Exception as error:
                raise AssertionError(f"seed {seed}, sequence {number}: {error!r}") from error
            assert time.process_time() - began < LONGEST, f"seed {seed}, sequence {number}: a read took too long"
            data = data[cut:]
        if number % 4 == 0:
            typed = [event for event in found if isinstance(event, events.InputEvent)]
            assert not typed, f"seed {seed}, sequence {number}: a reply was typed: {typed}"
        if number % 64 == 0:
            parser.tick(now + STUCK)
            now += STUCK
            found = parser.feed(chance.choice([key for key in KEYS if key.isalpha()]), now)
            assert [type(event) for event in found] == [events.Key], f"seed {seed}, sequence {number}: keys are lost"
        assert now >= before


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 32)
    begun = time.monotonic()
    run(count, seed)
    print(f"{count:,} sequences, seed {seed}: no end, no hang, no reply typed; {time.monotonic() - begun:.0f} s")
