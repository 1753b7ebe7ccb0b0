"""A fuzz run of any length: `python -m tests.protocols.fuzz --minutes 10` (seed printed, to be repeated).

Recorded answers and errors are broken in every way that a network, a proxy or a bad server can, and fed to
every decoder in random pieces.  Whatever comes must be events or one typed error of ours; anything raised,
and any promise broken, ends the run with the case.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter

from routerterm.core.errors import ProviderError, provider_errors
from routerterm.core.events import StreamEnd, StreamError, TextDelta, UsageReported
from routerterm.protocols import PROTOCOLS, classify, codec, dialects, limits
from tests.protocols.feeding import comparable, cut
from tests.protocols.recordings import Recording, recordings

KINDS = tuple(provider_errors())
SPLICES = (
    b"\n",
    b"\r",
    b"\r\n\r\n",
    b"\x00",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"data: ",
    b"event: error\n",
    b"error: {",
    b"[DONE]",
    b"NaN",
    b"1e999",
    b"-1",
    b"null",
    b"true",
    b'"\\ud800"',
    b"{" * 3000,
    b"[" * 3000,
    b'{"error":"x"}',
    b"\xe2\x80\xa8",
    b'"' * 7,
    b"\\u0000",
    b"9" * 5000,
    b"<html>",
    b": \n",
    b"id: 7\n",
    b'{"a":1,"a":2}',
    b"\n\n\n",
)


def broken(body: bytes, other: bytes, chance: random.Random) -> bytes:
    """The body, broken a few times."""
    out = bytearray(body)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(out) + 1)
        match chance.randrange(7):
            case 0:
                del out[place:]
            case 1:
                del out[place : place + chance.randint(1, 40)]
            case 2:
                out[place:place] = chance.choice(SPLICES)
            case 3 if place < len(out):
                out[place] ^= 1 << chance.randrange(8)
            case 4:
                start = chance.randrange(len(other) + 1)
                out[place:place] = other[start : start + chance.randint(1, 400)]
            case 5:
                out[place:place] = out[place : place + chance.randint(1, 300)]
            case _:
                out[place : place + 20] = bytes(chance.randrange(256) for _ in range(chance.randint(0, 20)))
    return bytes(out)


def decode(protocol: str, dialect: str, pieces: list[bytes]) -> list[object]:
    """Feed one case and hold every promise against it."""
    decoder = codec(protocol, dialect).decoder()
    events = [event for piece in pieces for event in decoder.feed(piece)] + decoder.end()
    failed = [event for event in events if isinstance(event, StreamError)]
    assert len(failed) <= 1, "two errors"
    assert not failed or events[-1] is failed[0], "something after an error"
    assert sum(isinstance(event, StreamEnd) for event in events) <= 1, "two ends"
    for event in events:
        match event:
            case StreamError(error):
                assert isinstance(error, KINDS), error
                assert error.message
                error.message.encode("utf-8")
            case TextDelta(text):
                text.encode("utf-8")
            case UsageReported(usage):
                assert min(usage.fresh, usage.cache_read, usage.cache_write, usage.cache_write_1h) >= 0
                assert 0 <= usage.reasoning <= usage.output
            case _:
                pass
    return comparable(events)


def case(corpus: list[Recording], chance: random.Random, found: Counter[str]) -> None:
    """One broken answer, fed whole and in pieces, to its own decoder as a rule."""
    one, other = chance.choice(corpus), chance.choice(corpus)
    body = broken(one.body[:60_000], other.body[:60_000], chance)
    protocol = one.wire if chance.random() < 0.85 else chance.choice(PROTOCOLS)
    dialect = chance.choice(dialects(protocol))
    try:
        if one.status >= 400:
            error = classify(one.status, one.headers, body, now=1.7e9)
            found[error.kind] += 1
        elif one.kind == "models":
            codec(protocol).decode_models(body)
        else:
            places = [chance.randrange(len(body) + 1) for _ in range(chance.randint(0, 6))]
            whole = decode(protocol, dialect, [body])
            assert decode(protocol, dialect, cut(body, places)) == whole, "cuts make a difference"
            found["done" if any(isinstance(event, StreamEnd) for event in whole) else "cut or failed"] += 1
        limits({name: value[::-1] for name, value in one.headers.items()}, now=1.7e9)
    except ProviderError as error:
        found[f"listing: {error.kind}"] += 1


def main() -> int:
    """Run for the asked time; 1 with the case where a promise was broken."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(2**32) if options.seed is None else options.seed
    corpus = list(recordings())
    if not corpus:
        print("no recorded traffic here (set ROUTERTERM_CORPUS)")
        return 2
    print(f"seed {seed}, {len(corpus)} recordings", flush=True)
    found: Counter[str] = Counter()
    cases, until = 0, time.monotonic() + 60 * options.minutes
    while time.monotonic() < until:
        state = random.Random(f"{seed}/{cases}")
        try:
            case(corpus, state, found)
        except Exception as error:
            print(f"case {cases} of seed {seed}: {type(error).__name__}: {error}")
            raise
        cases += 1
    print(f"{cases} cases, nothing but events and typed errors: {dict(found.most_common())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
