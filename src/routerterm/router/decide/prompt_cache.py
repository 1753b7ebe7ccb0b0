"""What providers still hold of a conversation's prompt in their caches, for how long, and what that is worth.

A provider keeps the beginning of a prompt for some minutes and reads it again for a fraction of the price, as long as
it is the same to the last token.  What was sent is remembered as digests, never as text.  Pure: time is an argument.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from hashlib import blake2b
from typing import Any

from msgspec import Struct

from routerterm.catalog.pricing import amount, prices_for
from routerterm.catalog.values import ModelInfo
from routerterm.core.messages import Image, Message
from routerterm.core.money import show_usd
from routerterm.core.ports import State
from routerterm.core.request import ChatRequest
from routerterm.core.targets import Target
from routerterm.core.usage import Usage

PREFIX = "cache:"
"""Under which the memory holds a conversation's caches: ``cache:CONVERSATION``."""
MOST = 400
"""Messages of which the digests are kept; what follows them counts as not cached."""
GOES_ON = {"tui": 0.5, "plain": 0.5, "ask": 0.1}
"""How likely a first question is followed by another before the cache is cold, by who asks it."""
GOES_ON_AGAIN = 0.9
"""The same for a conversation that went on before."""

Digest = tuple[str, int]
"""Of a prompt down to some message: what it is, and its length in characters."""


class WarmCache(Struct, frozen=True):
    """What a provider holds of the beginning of a request."""

    target: Target
    tokens: int
    until: float
    """Seconds since the epoch at which it is likely gone; every use of it makes that later."""
    saved: Decimal | None
    """What sending now saves against sending it when the cache is cold; None where a price is unknown."""
    messages: int = 0
    """How many of the request's messages are in it."""

    def words(self) -> str:
        """``its warm cache saves ~$0.041``."""
        return f"its warm cache saves {estimated(self.saved)}"


def estimated(usd: Decimal | None) -> str:
    """An amount that nobody has reported yet: ``~$0.041``, or ``?``."""
    return "?" if usd is None else f"~{show_usd(usd)}"


def digests(request: ChatRequest) -> tuple[Digest, ...]:
    """Of the prompt down to each of its messages; the first is that of what stands before them."""
    return tuple(_digests(request))


def _digests(request: ChatRequest) -> Iterator[Digest]:
    running, size = blake2b(digest_size=6), 0
    tools = [(tool.name, tool.description, json.dumps(tool.schema, sort_keys=True)) for tool in request.tools]
    head = repr((request.system or "", tools))
    running.update(head.encode("utf-8", "replace"))
    size += len(head)
    yield running.copy().hexdigest(), size
    for message in request.messages[:MOST]:
        for words in _words(message):
            running.update(words)
            size += len(words)
        yield running.copy().hexdigest(), size


def _words(message: Message) -> Iterator[bytes]:
    yield message.role.encode()
    for part in message.parts:
        if isinstance(part, Image):
            yield part.data or (part.url or "").encode("utf-8", "replace")
        else:
            yield f"{getattr(part, 'text', '')}\0{getattr(part, 'arguments', '')}\0".encode("utf-8", "replace")


def learned(state: State | None, model: ModelInfo, sent: tuple[Digest, ...], usage: Usage, now: float) -> State | None:
    """The conversation's caches after a request that was answered; ``now`` is when it was sent."""
    targets = {name: kept for name, kept in _targets(state).items() if _until(kept) > now}
    tokens = _cached(model, usage)
    if tokens:
        targets[str(model.target)] = {
            "until": now + model.cache_seconds,
            "tokens": tokens,
            "sent": list(map(list, sent)),
        }
    else:
        targets.pop(str(model.target), None)
    return {"targets": targets} if targets else None


def _cached(model: ModelInfo, usage: Usage) -> int:
    """Tokens of the prompt that its provider now holds."""
    if not model.cache_seconds:
        return 0
    held = usage.cache_read + usage.cache_write + usage.cache_write_1h
    if not model.cache_marked:  # it keeps what it reads without being told to
        held = max(held, usage.input)
    return held if held >= model.cache_least else 0


def is_cold(state: State, now: float) -> bool:
    """Whether nothing of a conversation is held any more."""
    return all(_until(kept) <= now for kept in _targets(state).values())


def warm_cache(state: State | None, model: ModelInfo, wanted: tuple[Digest, ...], now: float) -> WarmCache | None:
    """What a model's provider holds of a request; None where its beginning is another by now, or too old."""
    kept = _targets(state).get(str(model.target))
    if kept is None or _until(kept) <= now:
        return None
    sent = [(str(digest), int(size)) for digest, size in kept.get("sent", ())]
    same = 0
    for ours, theirs in zip(wanted, sent, strict=False):
        if ours != theirs:
            break
        same += 1
    if same < 2:  # system prompt and tools alone are below what providers keep, as a rule
        return None
    tokens = int(kept["tokens"]) * sent[same - 1][1] // max(1, sent[-1][1])
    if tokens < model.cache_least:
        return None
    return WarmCache(model.target, tokens, _until(kept), saving(model, tokens), same - 1)


def saving(model: ModelInfo, tokens: int) -> Decimal | None:
    """What it saves to have so many tokens of a prompt read from the cache; None where a price is unknown."""
    prices = prices_for(model, tokens)
    cold = amount(Usage(cache_write=tokens) if prices.cache_write is not None else Usage(fresh=tokens), prices)
    warm = amount(Usage(cache_read=tokens), prices)
    return None if cold is None or warm is None else max(Decimal(0), cold - warm)


def marks_pay(request: ChatRequest, model: ModelInfo, tokens: int) -> bool | None:
    """Whether to mark the prompt for the cache of a provider that charges more for writing it; None: nobody knows.

    It pays where the saving of the next turn, times how likely there is one in time, is more than what writing costs.
    """
    prices = prices_for(model, tokens)
    if request.conversation_id is None or not model.cache_seconds or prices.input is None or prices.cache_read is None:
        return None
    if tokens < model.cache_least:
        return False
    went_on = any(message.role == "assistant" for message in request.messages)
    chance = Decimal(str(GOES_ON_AGAIN if went_on else GOES_ON.get(request.client, 0.1)))
    write = prices.cache_write if prices.cache_write is not None else prices.input
    return chance * (prices.input - prices.cache_read) > write - prices.input


def _targets(state: State | None) -> dict[str, Mapping[str, Any]]:
    found = (state or {}).get("targets")
    return (
        {name: kept for name, kept in found.items() if isinstance(kept, Mapping)} if isinstance(found, Mapping) else {}
    )


def _until(kept: Mapping[str, Any]) -> float:
    until = kept.get("until")
    return float(until) if isinstance(until, int | float) else 0.0
