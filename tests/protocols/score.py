"""The score on recorded traffic: `python -m tests.protocols.score [--bytes]` (`make corpus`).

Every recorded stream is decoded and held against what the provider's official SDK made of it, field by
field; then the whole bodies, the model listings and the error bodies.  What differs is listed with its
reason; a difference without one ends in exit code 1.  ``--bytes`` also feeds every stream byte by byte.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable

from routerterm.core.errors import ProviderError
from routerterm.core.events import StreamEnd, StreamError
from routerterm.protocols import classify, codec
from tests.protocols.differences import Difference, difference
from tests.protocols.equality import decoded, ours, same_class, same_failure, theirs
from tests.protocols.feeding import comparable, feed
from tests.protocols.recordings import Recording, recordings


class Score:
    """How many of what were as they should be, and what was not."""

    def __init__(self) -> None:
        self.all: Counter[str] = Counter()
        self.same: Counter[str] = Counter()
        self.listed: defaultdict[Difference, int] = defaultdict(int)
        self.bad: list[str] = []

    def count(self, field: str, same: bool, complaint: str = "") -> None:
        """One comparison."""
        self.all[field] += 1
        self.same[field] += same
        if not same and complaint:
            self.bad.append(complaint)

    def line(self, title: str, fields: Iterable[str]) -> str:
        """The sum of some fields."""
        fields = list(fields)
        same, every = sum(self.same[field] for field in fields), sum(self.all[field] for field in fields)
        return f"  {title:34} {same:6} of {every:6}  {100 * same / every if every else 100:7.2f} %"


def streams(corpus: list[Recording], score: Score) -> None:
    """Every stream of which an SDK gave its reading."""
    for recording in corpus:
        heard = decoded(recording)
        if recording.expected.get("raises"):
            score.count("raises", same_failure(recording, heard), f"{recording}: {heard.failure or 'no failure'}")
            continue
        own = ours(heard)
        for field, expected in theirs(recording):
            same = own.get(field) == expected
            row = None if same else difference(field, recording)
            if row is not None and row.holds(recording.expected, heard):
                score.listed[row] += 1
                score.count(field, same)
            else:
                score.count(field, same, f"{recording}: {field}: {expected!r} there, {own.get(field)!r} here")


def others(corpus: list[Recording], score: Score) -> None:
    """Whole bodies, listings and errors."""
    for recording in corpus:
        if recording.status >= 400:
            error = classify(recording.status, recording.headers, recording.body, protocol=recording.wire)
            score.count("error", same_class(recording, error) and bool(error.message), f"{recording}: {error.kind}")
        elif recording.kind == "models":
            try:
                read = len(codec(recording.wire).decode_models(recording.body))
            except ProviderError:
                read = 0
            score.count("listing", read > 0, f"{recording}: no models")
        elif not recording.streaming:
            events = codec(recording.wire).decode_body(recording.body)
            named = any(isinstance(event, StreamEnd | StreamError) for event in events)
            score.count("body", named, f"{recording}: neither whole nor a failure that it names")


def by_byte(corpus: list[Recording], score: Score) -> None:
    """Every stream, one byte at a time."""
    for recording in corpus:
        pieces = (recording.body[place : place + 1] for place in range(len(recording.body)))
        single = comparable(feed(recording.wire, pieces))
        score.count("bytes", single == comparable(feed(recording.wire, [recording.body])), f"{recording}: by byte")


def main() -> int:
    """Score and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bytes", action="store_true", help="feed every stream byte by byte, too (a minute)")
    options = parser.parse_args()
    corpus = list(recordings())
    if not corpus:
        print("no recorded traffic here (set ROUTERTERM_CORPUS)")
        return 2
    answers = [each for each in corpus if each.kind == "chat" and each.streaming and each.status == 200]
    score = Score()
    streams([each for each in answers if each.expected], score)
    fields = [field for field in score.all if field not in ("text", "raises")]
    others(corpus, score)
    wires = Counter(each.wire for each in answers)
    print(f"{len(corpus)} recordings; streams: " + ", ".join(f"{wire} {n}" for wire, n in wires.most_common()))
    print("the same as the official SDK's reading")
    print(score.line("text", ["text"]))
    print(score.line("all other fields", fields))
    for field in fields:
        print(score.line(f"  {field}", [field]))
    print(score.line("streams on which the SDK raised", ["raises"]))
    print(score.line("error bodies, by exception type", ["error"]))
    print("read")
    print(score.line("whole bodies", ["body"]))
    print(score.line("model listings", ["listing"]))
    if options.bytes:
        by_byte(answers, score)
        print(score.line("byte by byte the same events", ["bytes"]))
    print("where we differ, and why ours is right (tests/protocols/differences.py)")
    for row, times in sorted(score.listed.items(), key=lambda item: -item[1]):
        print(f"  {row.field} ({times}): {row.why}")
    for complaint in score.bad:
        print(f"UNEXPLAINED {complaint}")
    return 1 if score.bad else 0


if __name__ == "__main__":
    sys.exit(main())
