"""Requests that end here, before the router sees them."""

from __future__ import annotations

from routerterm.core.errors import BadCredential, CallerFault, RateLimited, Refused, RoutertermError


class Denied(Exception):
    """An error for the client with its HTTP status, and headers that go with it."""

    def __init__(self, status: int, error: RoutertermError, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(error.message)
        self.status, self.error, self.headers = status, error, headers


def unauthorised() -> Denied:
    """No key, or one that nobody knows."""
    error = BadCredential(
        "This gateway wants a key, and the one that came is not known.",
        "Make one with: routerterm gateway key add NAME",
    )
    return Denied(401, error, (("www-authenticate", "Bearer"),))


def forbidden(message: str, hint: str = "") -> Denied:
    """Known, but not allowed."""
    return Denied(403, Refused(message, hint))


def wrong(status: int, message: str, hint: str = "", *headers: tuple[str, str]) -> Denied:
    """The request itself cannot be served."""
    return Denied(status, CallerFault(message, hint), headers)


def too_many(message: str, wait: float, hint: str = "") -> Denied:
    """Too fast; ``wait`` is seconds until it may be tried again."""
    seconds = str(max(1, -int(-wait // 1)))
    return Denied(429, RateLimited(message, hint, retry_after=wait), (("retry-after", seconds),))


def busy(message: str) -> Denied:
    """The gateway itself has all hands full."""
    return Denied(503, RoutertermError(message, "Try again in a moment."), (("retry-after", "1"),))
