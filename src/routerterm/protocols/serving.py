"""What the server halves share: the value of a request that came in, and how our errors are told to clients."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from routerterm.core.errors import (
    BadCredential,
    CallerFault,
    ContentBlocked,
    ContextTooLong,
    ModelGone,
    NoCandidate,
    OutOfCredit,
    ProviderError,
    RateLimited,
    Refused,
    RoutertermError,
)
from routerterm.core.messages import Image
from routerterm.core.request import ChatRequest, Effort
from routerterm.protocols.jsons import NotJson, loads

_DATA_URI = re.compile(r"data:([\w.+-]+/[\w.+-]+)(?:;[\w=.-]+)*;base64,(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as a client sent it."""

    request: ChatRequest
    stream: bool = False
    usage: bool = True
    """Whether a stream should tell its usage."""


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object of a request.  Raises `CallerFault`."""
    try:
        payload = loads(body)
    except NotJson:
        raise CallerFault("The request is not JSON.") from None
    if not isinstance(payload, dict):
        raise CallerFault("The request must be a JSON object.")
    return payload


def required_text(payload: Mapping[str, Any], field: str) -> str:
    """A field that must hold text.  Raises `CallerFault`."""
    value = payload.get(field)
    if not isinstance(value, str) or not value:
        raise CallerFault(f"The request lacks `{field}`.")
    return value


def required_list(payload: Mapping[str, Any], field: str) -> list[Any]:
    """A field that must hold a list.  Raises `CallerFault`."""
    value = payload.get(field)
    if not isinstance(value, list) or not value:
        raise CallerFault(f"`{field}` must be a list that is not empty.")
    return value


def number(payload: Mapping[str, Any], field: str) -> float | None:
    """A number, where it is given.  Raises `CallerFault`."""
    value = payload.get(field)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise CallerFault(f"`{field}` must be a number.")
    return float(value)


def whole(payload: Mapping[str, Any], field: str) -> int | None:
    """A whole number, where it is given.  Raises `CallerFault`."""
    value = number(payload, field)
    return None if value is None else int(value)


def words(value: Any) -> tuple[str, ...]:
    """Stop words, given as one or as a list."""
    if isinstance(value, str):
        return (value,)
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


_EFFORTS: Mapping[str, Effort] = {
    "none": "none",
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "high",
    "max": "high",
}


def effort(value: Any) -> Effort | None:
    """An effort in any provider's words."""
    return _EFFORTS.get(value) if isinstance(value, str) else None


def image(address: str) -> Image:
    """A picture from a ``data:`` URI or an address.  Raises `CallerFault`."""
    if not address.startswith("data:"):
        return Image("image/*", url=address)
    match = _DATA_URI.fullmatch(address)
    if match is None:
        raise CallerFault("A picture's data URI must be base64 with a media type.")
    return picture(match[1], match[2])


def picture(media_type: str, data: str) -> Image:
    """A picture from its base64.  Raises `CallerFault`."""
    try:
        return Image(media_type, base64.b64decode(data, validate=True))
    except (binascii.Error, ValueError):
        raise CallerFault("A picture's base64 cannot be read.") from None


@dataclass(frozen=True, slots=True)
class Told:
    """How an error is told to a client: HTTP status, OpenAI's words, Anthropic's word."""

    status: int
    type: str
    code: str | None
    anthropic: str


_TOLD: tuple[tuple[type[RoutertermError], Told], ...] = (
    (ContextTooLong, Told(400, "invalid_request_error", "context_length_exceeded", "invalid_request_error")),
    (ContentBlocked, Told(400, "invalid_request_error", "content_filter", "invalid_request_error")),
    (CallerFault, Told(400, "invalid_request_error", None, "invalid_request_error")),
    (BadCredential, Told(401, "invalid_request_error", "invalid_api_key", "authentication_error")),
    (OutOfCredit, Told(402, "insufficient_quota", "insufficient_quota", "billing_error")),
    (Refused, Told(403, "invalid_request_error", "refused", "permission_error")),
    (ModelGone, Told(404, "invalid_request_error", "model_not_found", "not_found_error")),
    (NoCandidate, Told(404, "invalid_request_error", "model_not_found", "not_found_error")),
    (RateLimited, Told(429, "rate_limit_error", "rate_limit_exceeded", "rate_limit_error")),
    (ProviderError, Told(502, "server_error", "upstream_error", "api_error")),
    (RoutertermError, Told(503, "server_error", "unavailable", "api_error")),
)


def told(error: RoutertermError) -> Told:
    """How to tell this error."""
    return next(how for kind, how in _TOLD if isinstance(error, kind))


def said(error: RoutertermError) -> str:
    """The error's sentence and its hint."""
    return f"{error.message} {error.hint}".strip()
