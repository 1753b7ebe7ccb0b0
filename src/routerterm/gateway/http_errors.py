"""Requests that end here, before the router sees them.  An API answer names no key to press and no command."""

from __future__ import annotations

from math import ceil

from routerterm.core.errors import (
    BadRequest,
    ContextTooLong,
    InvalidKey,
    RateLimited,
    Refused,
    RoutertermError,
)
from routerterm.protocols.server_base import ServerCodec
from routerterm.protocols.server_errors import NotServed, error_mapping

Header = tuple[str, str]


class HttpError(Exception):
    """An error for the client with its HTTP status, and headers that go with it."""

    def __init__(self, status: int, error: RoutertermError, headers: tuple[Header, ...] = ()) -> None:
        super().__init__(error.message)
        self.status = status
        self.error = error
        self.headers = headers


def unauthorised() -> HttpError:
    """No key, or one that nobody knows."""
    error = InvalidKey(
        "This gateway needs a key, and the request has no valid one: "
        "send it as `Authorization: Bearer KEY` or `x-api-key: KEY`."
    )
    return HttpError(401, error, (("www-authenticate", "Bearer"),))


def forbidden(message: str) -> HttpError:
    """Known, but not allowed."""
    return HttpError(403, Refused(message))


def wrong(status: int, message: str, *headers: Header) -> HttpError:
    """The request itself cannot be served."""
    return HttpError(status, BadRequest(message) if status == 400 else NotServed(message, status=status), headers)


def too_many(message: str, wait: float) -> HttpError:
    """Too fast; ``wait`` is seconds until it may be tried again."""
    seconds = str(max(1, -int(-wait // 1)))
    return HttpError(429, RateLimited(message, retry_after=wait), (("retry-after", seconds),))


def busy(message: str) -> HttpError:
    """The gateway itself has all hands full."""
    return HttpError(503, RoutertermError(f"{message} Try again in a moment."), (("retry-after", "1"),))


def http_error(error: RoutertermError, codec: ServerCodec | None = None) -> HttpError:
    """An error of the router as the answer, by the status that its protocol has for it."""
    status = error_mapping(error).status if codec is None else codec.encode_error(error)[0]
    if isinstance(error, ContextTooLong) and error.status == 413:
        status = 413
    wait = getattr(error, "retry_after", None)
    headers = (("retry-after", str(max(1, ceil(wait)))),) if wait is not None and status in (429, 503, 529) else ()
    return HttpError(status, error, headers)
