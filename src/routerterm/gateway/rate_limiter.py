"""How much each one may ask, at once and within a minute.  Exact: nothing waits between looking and counting."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from msgspec import Struct, field

from routerterm.engine.virtual_keys import Client
from routerterm.gateway.http_errors import busy, too_many

MINUTE = 60.0
UNSAID = 4_096
"""Tokens of an answer that are held back, and that it is kept to, where a client with tokens a minute names none."""
LEAST = 1_024
"""Tokens of an answer below which such a client waits rather than getting a shorter one."""


class Permit(Struct, eq=False):
    """A request that was let in."""

    lane: ClientWindow
    at: float
    tokens: int
    answer: int | None = None
    """Tokens that the answer must be kept to, where tokens are counted."""
    each: int = 0
    """What one attempt may take."""


class ClientWindow(Struct):
    """One client's last minute."""

    running: int = 0
    recent: deque[Permit] = field(default_factory=deque)
    tokens: int = 0

    def forget(self, now: float) -> None:
        """What is older than a minute no longer counts."""
        while self.recent and self.recent[0].at <= now - MINUTE:
            self.tokens -= self.recent.popleft().tokens


class RateLimiter:
    """Lets requests in.  ``clock`` is seconds that never go back."""

    def __init__(self, at_once: int, clock: Callable[[], float]) -> None:
        self._at_once, self._clock = at_once, clock
        self._lanes: dict[str, ClientWindow] = {}
        self.running = 0

    def enter(self, who: Client, prompt: int, answer: int | None) -> Permit:
        """Count a request of so many tokens at most; an ``answer`` of None is given what the minute leaves.

        Raises `HttpError` (429, 503); nothing is counted then.
        """
        now, own = self._clock(), who.allowance
        lane = self._lanes.setdefault(who.name, ClientWindow())
        lane.forget(now)
        if self.running >= self._at_once:
            raise busy("The gateway has reached its limit of concurrent requests.")
        if own.at_once is not None and lane.running >= own.at_once:
            raise too_many(f"This key may have {own.at_once} concurrent requests.", 1.0)
        if own.rpm is not None and len(lane.recent) >= own.rpm:
            oldest = lane.recent[-own.rpm]
            raise too_many(f"This key may send {own.rpm} requests per minute.", oldest.at + MINUTE - now)
        if own.tpm is None:
            ticket = Permit(lane, now, 0)
        else:
            if answer is None:
                least = min(LEAST, max(1, own.tpm - prompt))
                answer = max(least, min(UNSAID, own.tpm - lane.tokens - prompt))
            tokens = prompt + answer
            self._check_tokens(lane, own.tpm, tokens, now)
            ticket = Permit(lane, now, tokens, answer, tokens)
        lane.recent.append(ticket)
        lane.tokens += ticket.tokens
        lane.running += 1
        self.running += 1
        return ticket

    def again(self, ticket: Permit, tpm: int) -> None:
        """The request makes one more attempt, which takes as much again.  Raises `HttpError` (429)."""
        now = self._clock()
        ticket.lane.forget(now)
        self._check_tokens(ticket.lane, tpm, ticket.each, now)
        ticket.tokens += ticket.each
        if ticket.at > now - MINUTE:
            ticket.lane.tokens += ticket.each

    def _check_tokens(self, lane: ClientWindow, tpm: int, tokens: int, now: float) -> None:
        if lane.tokens + tokens > tpm:
            raise too_many(
                f"This key may use {tpm:,} tokens per minute; this request may use {tokens:,}, "
                f"and {max(0, tpm - lane.tokens):,} are left. A smaller max_tokens reserves less.",
                self._wait(lane, tpm - tokens, now),
            )

    def leave(self, ticket: Permit, tokens: int | None) -> None:
        """The request is over; it took so many tokens, or None where that is not known."""
        ticket.lane.running -= 1
        self.running -= 1
        ticket.lane.forget(self._clock())
        if tokens is not None and ticket.at > self._clock() - MINUTE:
            ticket.lane.tokens += tokens - ticket.tokens
            ticket.tokens = tokens

    def _wait(self, lane: ClientWindow, room: int, now: float) -> float:
        """Seconds until no more than ``room`` tokens are counted."""
        counted = lane.tokens
        for ticket in lane.recent:
            if counted <= room:
                break
            counted -= ticket.tokens
            if counted <= room:
                return ticket.at + MINUTE - now
        return MINUTE
