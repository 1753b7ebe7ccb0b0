"""What decoding a streamed chunk costs, beside the floor and two peers, in one run.

    python benchmarks/decoding.py [--rounds N]

The floor is ``json.loads`` on the same lines; the peers are httpx-sse with pydantic models, and the OpenAI
SDK's own stream.  Every contender gets the same bytes in the same pieces, one chunk at a time as a network
brings them, in turns; the median round's processor time counts, so that a busy machine harms nobody.  The
chunks are a recorded stream where there is one (../shared/corpus or $ROUTERTERM_CORPUS), else made here.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from operator import truediv
from pathlib import Path
from statistics import median

import httpx
import openai
from httpx_sse import EventSource
from pydantic import BaseModel

from routerterm.core.events import TextDelta
from routerterm.protocols import codec

CHUNKS = 5000
LIMIT = 1.0
"""Times the floor that a chunk of any protocol may cost on its whole way to events."""
CORPUS = Path(os.environ.get("ROUTERTERM_CORPUS") or Path(__file__).parents[1].parent / "shared" / "corpus")
WIRES = ("openai-chat", "openai-responses", "anthropic-messages", "gemini", "mistral", "ollama-chat", "cohere-v2")
HEADERS = {"content-type": "text/event-stream"}


class Delta(BaseModel):
    """What a frugal client would model."""

    role: str | None = None
    content: str | None = None


class Choice(BaseModel):
    """One choice."""

    index: int
    delta: Delta
    finish_reason: str | None = None


class Chunk(BaseModel):
    """One chunk."""

    id: str
    model: str
    created: int
    choices: list[Choice]


def recorded(wire: str) -> list[bytes]:
    """The chunks of the longest recorded stream of text, repeated up to the wanted number."""
    best: tuple[int, str] = (0, "")
    for path in (CORPUS / "recordings").glob("*/*.json"):
        data = json.loads(path.read_text("utf-8"))
        text = data["response"].get("body_text") or ""
        if data["wire"] == wire and data["streaming"] and data["expected"] and not data["expected"].get("raises"):
            best = max(best, (len(data["expected"].get("text") or ""), text))
    separator = "\n" if wire == "ollama-chat" else "\r\n\r\n" if "\r\n\r\n" in best[1] else "\n\n"
    pieces = [f"{piece}{separator}".encode() for piece in best[1].split(separator) if piece]
    middle = [piece for piece in pieces if b"data: [DONE]" not in piece][1:-2]
    return (middle * (CHUNKS // max(1, len(middle)) + 1))[:CHUNKS] if middle else []


def made() -> list[bytes]:
    """Chunks of text like OpenAI's."""
    head = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "system_fingerprint": "f",
    }
    chunks = (
        head | {"choices": [{"index": 0, "delta": {"content": f" word{number}"}, "finish_reason": None}]}
        for number in range(CHUNKS)
    )
    return [b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks]


class Pieces(httpx.SyncByteStream):
    """A body that arrives one chunk at a time."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)


def floor(pieces: Sequence[bytes]) -> int:
    """``json.loads`` alone."""
    lines = [piece.strip().split(b"data: ", 1)[-1] for piece in pieces]
    start = time.thread_time_ns()
    for line in lines:
        json.loads(line)
    return time.thread_time_ns() - start


def ours(pieces: Sequence[bytes], wire: str = "openai-chat") -> int:
    """Our decoder, all the way to events."""
    decoder = codec(wire).decoder()
    said = 0
    start = time.thread_time_ns()
    for piece in pieces:
        for event in decoder.feed(piece):
            said += isinstance(event, TextDelta)
    spent = time.thread_time_ns() - start
    assert said, f"{wire}: no text in {len(pieces)} chunks"
    return spent


def httpx_sse(pieces: Sequence[bytes]) -> int:
    """httpx-sse and pydantic."""
    said = 0
    source = EventSource(httpx.Response(200, headers=HEADERS, stream=Pieces(pieces)))
    start = time.thread_time_ns()
    for event in source.iter_sse():
        said += bool(Chunk.model_validate_json(event.data).choices)
    spent = time.thread_time_ns() - start
    assert said
    return spent


def openai_sdk(pieces: Sequence[bytes]) -> int:
    """The OpenAI SDK's stream."""
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, headers=HEADERS, stream=Pieces(pieces)))
    client = openai.OpenAI(base_url="http://x/v1", api_key="x", http_client=httpx.Client(transport=transport))
    stream = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}], stream=True)
    said = 0
    start = time.thread_time_ns()
    for chunk in stream:
        said += bool(chunk.choices)
    spent = time.thread_time_ns() - start
    assert said
    return spent


def measure(rounds: int, contenders: dict[str, Callable[[], int]]) -> dict[str, tuple[float, float]]:
    """Microseconds per chunk, and times the first contender's, by contender.

    They take turns, so that a slow moment hits all; both figures are medians over the rounds.
    """
    spent: dict[str, list[int]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            spent[name].append(run())
    floor = spent[next(iter(contenders))]
    return {name: (median(times) / CHUNKS / 1000, median(map(truediv, times, floor))) for name, times in spent.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    pieces = recorded("openai-chat") or made()
    found = measure(
        rounds,
        {
            "json.loads alone (the floor)": lambda: floor(pieces),
            "routerterm": lambda: ours(pieces),
            "httpx-sse + pydantic": lambda: httpx_sse(pieces),
            "openai SDK": lambda: openai_sdk(pieces),
        },
    )
    own = found["routerterm"][0]
    print(f"openai-chat, {CHUNKS} chunks of {sum(map(len, pieces)) // CHUNKS} bytes, median of {rounds} rounds")
    for name, (spent, ratio) in found.items():
        print(f"  {name:30} {spent:7.2f} µs/chunk   {ratio:5.2f} x floor   {spent / own:5.2f} x ours")
    by_wire = {wire: kept for wire in WIRES[1:] if (kept := recorded(wire))}
    held = found["routerterm"][1] <= LIMIT
    if by_wire:
        print("the other protocols")
    for wire, kept in by_wire.items():
        spent, ratio = measure(rounds, {"floor": partial(floor_of, kept), "ours": partial(ours, kept, wire)})["ours"]
        held = held and ratio <= LIMIT
        size = sum(map(len, kept)) // CHUNKS
        print(f"  {wire:30} {spent:7.2f} µs/chunk   {ratio:5.2f} x floor   {size} bytes")
    print(f"limit: {LIMIT} x floor for each protocol: {'holds' if held else 'does not hold'}")


def floor_of(pieces: Sequence[bytes]) -> int:
    """The floor for protocols whose events have a name line."""
    return floor([piece[piece.index(b"{") :] for piece in pieces if b"{" in piece])


if __name__ == "__main__":
    main()
