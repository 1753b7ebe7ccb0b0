"""How much each one may ask, at once and within a minute.  Exact: nothing waits between looking and counting."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from msgspec import Struct, field

from routerterm.core.events import AttemptStarted, Event, Failed
from routerterm.engine.virtual_keys import Client
from routerterm.gateway.http_errors import HttpError, busy, too_many

MINUTE = 60.0
UNSAID = 4_096
"""Tokens of an answer that are held back, and that it is kept to, where a client with tokens a minute names none."""
LEAST = 1_024
"""Tokens of an answer below which such a client waits rather than getting a shorter one."""


class Permit(Struct, eq=False):
    """A request that was let in."""

    window: ClientWindow
    at: float
    tokens: int
    answer: int | None = None
    """Tokens that the answer must be kept to, where tokens are counted."""
    each: int = 0
    """What one attempt may take."""
    shared_id: str = ""
    """By which all gateways know it, where they share a state."""


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
        self._at_once = at_once
        self._clock = clock
        self._windows: dict[str, ClientWindow] = {}
        self.running = 0

    def enter(self, client: Client, prompt: int, answer: int | None) -> Permit:
        """Count a request of so many tokens at most; an ``answer`` of None is given what the minute leaves.

        Raises `HttpError` (429, 503); nothing is counted then.
        """
        now, own = self._clock(), client.allowance
        window = self._windows.setdefault(client.name, ClientWindow())
        window.forget(now)
        if self.running >= self._at_once:
            raise busy("The gateway has reached its limit of concurrent requests.")
        if own.at_once is not None and window.running >= own.at_once:
            raise too_many(f"This key may have {own.at_once} concurrent requests.", 1.0)
        if own.rpm is not None and len(window.recent) >= own.rpm:
            oldest = window.recent[-own.rpm]
            raise too_many(f"This key may send {own.rpm} requests per minute.", oldest.at + MINUTE - now)
        if own.tpm is None:
            permit = Permit(window, now, 0)
        else:
            if answer is None:
                least = min(LEAST, max(1, own.tpm - prompt))
                answer = max(least, min(UNSAID, own.tpm - window.tokens - prompt))
            tokens = prompt + answer
            self._check_tokens(window, own.tpm, tokens, now)
            permit = Permit(window, now, tokens, answer, tokens)
        window.recent.append(permit)
        window.tokens += permit.tokens
        window.running += 1
        self.running += 1
        return permit

    def again(self, permit: Permit, tpm: int) -> None:
        """The request makes one more attempt, which takes as much again.  Raises `HttpError` (429)."""
        now = self._clock()
        permit.window.forget(now)
        self._check_tokens(permit.window, tpm, permit.each, now)
        permit.tokens += permit.each
        if permit.at > now - MINUTE:
            permit.window.tokens += permit.each

    async def counted(
        self, events: AsyncGenerator[Event, None], permit: Permit, tpm: int
    ) -> AsyncGenerator[Event, None]:
        """The events, as long as the key has tokens left for another attempt: it leaves when its event is taken."""
        async with aclosing(events):
            async for event in events:
                if isinstance(event, AttemptStarted) and event.n > 1:
                    try:
                        self.again(permit, tpm)
                    except HttpError as denied:
                        yield Failed(denied.error, attempts=event.n - 1)
                        return
                yield event

    def withdraw(self, permit: Permit) -> None:
        """It is refused after all, and counts for nothing."""
        self.leave(permit, 0)
        if permit in permit.window.recent:
            permit.window.recent.remove(permit)

    def _check_tokens(self, window: ClientWindow, tpm: int, tokens: int, now: float) -> None:
        if window.tokens + tokens > tpm:
            raise too_many(
                f"This key may use {tpm:,} tokens per minute; this request may use {tokens:,}, "
                f"and {max(0, tpm - window.tokens):,} are left. A smaller max_tokens reserves less.",
                self._wait(window, tpm - tokens, now),
            )

    def leave(self, permit: Permit, tokens: int | None) -> None:
        """The request is over; it took so many tokens, or None where that is not known."""
        permit.window.running -= 1
        self.running -= 1
        permit.window.forget(self._clock())
        if tokens is not None and permit.at > self._clock() - MINUTE:
            permit.window.tokens += tokens - permit.tokens
            permit.tokens = tokens

    def _wait(self, window: ClientWindow, room: int, now: float) -> float:
        """Seconds until no more than ``room`` tokens are counted."""
        counted = window.tokens
        for permit in window.recent:
            if counted <= room:
                break
            counted -= permit.tokens
            if counted <= room:
                return permit.at + MINUTE - now
        return MINUTE
