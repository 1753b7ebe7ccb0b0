"""Requests and tokens a minute over all gateways that share a state; `RateLimiter` counts those of one."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import partial

import msgspec
from msgspec import Struct

from routerterm.engine.virtual_keys import Client
from routerterm.gateway.http_errors import too_many
from routerterm.gateway.rate_limiter import MINUTE, Permit
from routerterm.store.errors import SharedStateAway
from routerterm.store.shared.state import Draft, SharedState


class _Entry(Struct, array_like=True):
    id: str
    at: float
    """Seconds since the epoch, by the clock of the gateway that let it in."""
    tokens: int


_decode = msgspec.json.Decoder(list[_Entry]).decode


class SharedRates:
    """The last minute of each client that has a limit.  Without the server each gateway keeps it for itself.

    ``clock`` is seconds since the epoch.
    """

    def __init__(self, shared: SharedState, clock: Callable[[], float]) -> None:
        self._shared = shared
        self._clock = clock

    async def enter(self, client: Client, permit: Permit) -> None:
        """Count a request that this gateway would let in.  Raises `HttpError` (429); nothing is counted then."""
        own, now = client.allowance, self._clock()
        if own.rpm is None and own.tpm is None:
            return
        entry, name = _Entry(secrets.token_hex(8), now, permit.tokens), _name(client)

        def job(draft: Draft) -> float | None:
            recent = _recent(draft, name, now)
            wait = _wait(recent, entry, own.rpm, own.tpm)
            if wait is None:
                _keep(draft, name, [*recent, entry])
            return wait

        try:
            wait = await self._shared.run((name,), job)
        except SharedStateAway:
            return
        if wait is not None:
            raise too_many("This key has reached its limit per minute.", wait)
        permit.shared_id = entry.id

    async def leave(self, client: Client, permit: Permit, tokens: int | None) -> None:
        """The request is over; it took so many tokens, or None where that is not known."""
        if not permit.shared_id or tokens is None:
            return
        name = _name(client)
        job = partial(_corrected, name=name, id=permit.shared_id, tokens=tokens, now=self._clock())
        try:
            await self._shared.run((name,), job)
        except SharedStateAway:
            return


def _corrected(draft: Draft, *, name: str, id: str, tokens: int, now: float) -> None:
    recent = _recent(draft, name, now)
    _keep(draft, name, [_Entry(id, each.at, tokens) if each.id == id else each for each in recent])


def _wait(recent: list[_Entry], entry: _Entry, rpm: int | None, tpm: int | None) -> float | None:
    """Seconds until one more may be let in; None is now."""
    if rpm is not None and len(recent) >= rpm:
        return max(0.0, recent[-rpm].at + MINUTE - entry.at)
    counted = sum(each.tokens for each in recent) + entry.tokens
    if tpm is None or counted <= tpm:
        return None
    for each in recent:
        counted -= each.tokens
        if counted <= tpm:
            return max(0.0, each.at + MINUTE - entry.at)
    return MINUTE


def _recent(draft: Draft, name: str, now: float) -> list[_Entry]:
    value = draft.get(name)
    return [] if value is None else [each for each in _decode(value) if each.at > now - MINUTE]


def _keep(draft: Draft, name: str, entries: list[_Entry]) -> None:
    draft.put(name, msgspec.json.encode(entries), int(2 * MINUTE))


def _name(client: Client) -> str:
    return f"rate/{client.name}"
