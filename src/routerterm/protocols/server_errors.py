"""How our errors are told to clients: status, and each protocol's own words."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from routerterm.core.errors import (
    BadRequest,
    CircuitOpen,
    ContentBlocked,
    ContextTooLong,
    CoolingDown,
    InsufficientCredit,
    InvalidKey,
    MissingCapability,
    ModelForbidden,
    ModelLoading,
    ModelNotFound,
    NoKey,
    ProviderError,
    RateLimited,
    Refused,
    RequestTooLarge,
    RoutertermError,
    ServerError,
    UnknownModel,
    UnsupportedRequest,
)

_TOO_LONG = "prompt is too long"


class NotServed(BadRequest):
    """Our own gateway serves no such request: ``status`` says why (400, 404, 405, 408, 413, 415, 426, 431, 501)."""

    kind = "not_served"
    param: ClassVar[str | None] = None
    """The field of the request that is to blame."""


class PreviousNotFound(NotServed):
    """A request goes on from an answer that is not here: the client sends the whole conversation instead."""

    param = "previous_response_id"

    def __init__(self, previous: str) -> None:
        message = f"Previous response {previous[:80]!r} not found: it was not stored, or has expired."
        super().__init__(message, status=400, code="previous_response_not_found")


class ErrorMapping(Struct, frozen=True):
    """How an error is told to a client: HTTP status, OpenAI's words, Anthropic's word."""

    status: int
    type: str
    code: str | None
    anthropic: str


_OVERLOADED = ErrorMapping(503, "server_error", "overloaded", "overloaded_error")
_TOLD: tuple[tuple[type[RoutertermError], ErrorMapping], ...] = (
    (ContextTooLong, ErrorMapping(400, "invalid_request_error", "context_length_exceeded", "invalid_request_error")),
    (ContentBlocked, ErrorMapping(400, "invalid_request_error", "content_filter", "invalid_request_error")),
    (UnsupportedRequest, ErrorMapping(400, "invalid_request_error", "unsupported_feature", "invalid_request_error")),
    (RequestTooLarge, ErrorMapping(413, "invalid_request_error", "request_too_large", "request_too_large")),
    (BadRequest, ErrorMapping(400, "invalid_request_error", None, "invalid_request_error")),
    (InvalidKey, ErrorMapping(401, "invalid_request_error", "invalid_api_key", "authentication_error")),
    (InsufficientCredit, ErrorMapping(402, "insufficient_quota", "insufficient_quota", "billing_error")),
    (Refused, ErrorMapping(403, "invalid_request_error", "refused", "permission_error")),
    (ModelNotFound, ErrorMapping(404, "invalid_request_error", "model_not_found", "not_found_error")),
    (ModelForbidden, ErrorMapping(403, "invalid_request_error", "model_forbidden", "permission_error")),
    (UnknownModel, ErrorMapping(404, "invalid_request_error", "model_not_found", "not_found_error")),
    (MissingCapability, ErrorMapping(400, "invalid_request_error", "unsupported", "invalid_request_error")),
    (NoKey, ErrorMapping(401, "invalid_request_error", "provider_key", "authentication_error")),
    (CoolingDown, ErrorMapping(429, "rate_limit_error", "rate_limit_exceeded", "rate_limit_error")),
    (CircuitOpen, _OVERLOADED),
    (RateLimited, ErrorMapping(429, "rate_limit_error", "rate_limit_exceeded", "rate_limit_error")),
    (ProviderError, ErrorMapping(502, "server_error", "upstream_error", "api_error")),
    (RoutertermError, ErrorMapping(503, "server_error", "unavailable", "api_error")),
)


def error_mapping(error: RoutertermError) -> ErrorMapping:
    """How to tell this error."""
    if isinstance(error, ServerError | ModelLoading) and error.status in (503, 529):
        return _OVERLOADED
    if isinstance(error, NotServed) and error.status is not None:
        word = {404: "not_found_error", 413: "request_too_large"}.get(error.status, "invalid_request_error")
        return ErrorMapping(error.status, "invalid_request_error", error.code, word)
    return next(how for kind, how in _TOLD if isinstance(error, kind))


def said(error: RoutertermError) -> str:
    """The error's sentence.  Its hint is for a person at a chat or a shell, and has no place in an API's answer."""
    nearest = error.nearest if isinstance(error, UnknownModel) else ""
    return f"{error.message} Did you mean {nearest}?" if nearest else error.message


def error_in_words(error: RoutertermError) -> str:
    """The same, for protocols without a code for it: clients know a prompt that is too long by these words."""
    message = said(error)
    if isinstance(error, ContextTooLong) and _TOO_LONG not in message.lower():
        return f"{_TOO_LONG}: {message}"
    return message
