"""Feeds decoders in every way that bytes can arrive."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from msgspec.structs import replace

from routerterm.core.events import ReasoningDelta, StreamError, TextDelta, ToolCallDelta, UsageReported, WireEvent
from routerterm.protocols import codec


def feed(protocol: str, pieces: Iterable[bytes], dialect: str = "") -> list[WireEvent]:
    """All events of one answer that arrives in these pieces."""
    decoder = codec(protocol, dialect).decoder()
    events = [event for piece in pieces for event in decoder.feed(piece)]
    return events + decoder.end()


def comparable(events: Iterable[WireEvent]) -> list[object]:
    """Events with errors as what they say, and usage without the provider's own words for it."""
    return [_comparable(event) for event in events]


def _comparable(event: WireEvent) -> object:
    match event:
        case StreamError(error):
            return error.kind, error.message, error.retry_after
        case UsageReported(usage):
            return UsageReported(replace(usage, raw={}))
        case _:
            return event


def joined(events: Iterable[WireEvent]) -> list[object]:
    """Events with neighbouring pieces of one kind joined, for answers whose pieces may be cut differently."""
    out: list[object] = []
    for event in comparable(events):
        last = out[-1] if out else None
        if isinstance(event, TextDelta) and type(last) is type(event):
            assert isinstance(last, TextDelta)
            out[-1] = type(event)(last.text + event.text)
        elif type(event) is ReasoningDelta and type(last) is ReasoningDelta and last.signature is None:
            if last.redacted is None and event.redacted is None:
                out[-1] = ReasoningDelta(last.text + event.text, event.signature)
            else:
                out.append(event)
        elif isinstance(event, ToolCallDelta) and isinstance(last, ToolCallDelta) and event.index == last.index:
            out[-1] = ToolCallDelta(
                last.index, last.id, last.name, last.arguments + event.arguments, event.signature or last.signature
            )
        else:
            out.append(event)
    return out


def cut(body: bytes, places: Iterable[int]) -> list[bytes]:
    """The body cut at these places."""
    marks = [0, *sorted({place % (len(body) + 1) for place in places}), len(body)]
    return [body[start:end] for start, end in pairwise(marks)]
