"""Names the failure behind an answer that is none: status, headers and body in, one typed error out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from routerterm.core.errors import (
    AccessDenied,
    BadRequest,
    ContentBlocked,
    ContextTooLong,
    InsufficientCredit,
    InvalidKey,
    InvalidResponse,
    ModelForbidden,
    ModelLoading,
    ModelNotFound,
    PartialCredit,
    ProviderError,
    RateLimited,
    RequestTooLarge,
    ServerError,
    UnsupportedRequest,
)
from routerterm.core.lazy_pattern import LazyPattern
from routerterm.protocols.error_body import ErrorBody, read_error_body
from routerterm.protocols.limits import limits
from routerterm.protocols.redact import sentence
from routerterm.protocols.retry_after import lower, server_time, wait_in_body, wait_in_headers

_HINTS: Mapping[type[ProviderError], str] = {
    RequestTooLarge: "Shorten the conversation, or choose a model or provider with higher limits.",
    UnsupportedRequest: "Choose another model, or leave out what this one does not support.",
    AccessDenied: "The key may be valid, but the network or country is refused. Try another provider.",
    PartialCredit: "Top up the account at the provider, or ask for a shorter answer.",
    ContextTooLong: "Shorten the conversation, or choose a model with a larger context.",
    InvalidKey: "Check the key with: routerterm keys test",
    InsufficientCredit: "Top up the account at the provider, or use another key.",
    ModelNotFound: "List the models with: routerterm models",
    ModelForbidden: "Allow the model for the key at its provider, or use another key or model.",
    ContentBlocked: "The provider's filter refused it; rephrase, or use another model.",
    RateLimited: "It is retried automatically after the wait.",
    ModelLoading: "The model is being loaded; the request is retried automatically.",
    InvalidResponse: "Check base_url.",
}

_DAILY = LazyPattern(r"(?i)per[ _-]?day|\bdaily\b|\b[RT]PD\b|requests today|tokens today")
_AFFORDABLE = LazyPattern(
    r"(?i)\bafford (?:only |up to |at most )?([\d,]{1,12})"
    r"|\b(?:balance|credits?|funds)\b.{0,40}\b(?:at most|only|up to) ([\d,]{1,12}) (?:\w+ )?tokens"
)


def classify(
    status: int,
    headers: Mapping[str, str],
    body: Any,
    *,
    protocol: str = "",
    provider: str = "",
    now: float | None = None,
) -> ProviderError:
    """The error behind an answer of ``status`` (200 for one in the middle of a stream).

    ``body`` is bytes, text or parsed JSON.  ``now`` is seconds since 1970, for waits that are given as dates;
    without it the answer's own ``Date`` serves.  The message is the provider's, redacted, on one line.
    """
    headers = lower(headers)
    now = server_time(headers) if now is None else now
    failure = read_error_body(status, body)
    kind = error_type(failure)
    daily = kind is RateLimited and bool(_DAILY.search(failure.detail))
    wait = _wait(headers, failure, now) if kind in (RateLimited, ServerError, ModelLoading) else None
    if headers.get("x-should-retry", "").strip().lower() == "false":
        kind = _never_again(kind)
    message = sentence(failure.message) or _default_message(failure, provider or protocol)
    return kind(
        message,
        next((hint for known, hint in _HINTS.items() if issubclass(kind, known)), ""),
        status=failure.http_status,
        code=sentence(failure.code, 80) or None,
        retry_after=wait,
        daily=daily,
        provider=provider or None,
        model=failure.model or None,
        affordable=_affordable(failure.message),
        account=kind is RateLimited and _is_of_account(failure.detail),
    )


def error_type(failure: ErrorBody) -> type[ProviderError]:
    """The class of a failure."""
    from routerterm.protocols.error_rules import RULES  # some hundred patterns, which only a failure needs

    if early := _by_shape(failure):
        return early

    for rule in RULES:
        if rule.is_named(failure):
            return rule.error
    if not failure.payload and failure.status == 403:
        return AccessDenied  # no provider's JSON: a network or a firewall on the way said it
    if not failure.payload and failure.message and failure.status == 404:
        return InvalidResponse
    for rule in RULES:
        if failure.status in rule.statuses:
            return rule.error
    for rule in RULES:
        if rule.is_general(failure):
            return rule.error
    if 300 <= failure.status < 400:
        return InvalidResponse
    return BadRequest if 400 <= failure.status < 500 else ServerError


_NO_QUOTA = LazyPattern(r"(?i)\blimit:\s*0\b(?![.\d])")
_REQUESTED = LazyPattern(
    r"(?i)\blimit:? (?P<limit>[\d,]{1,15})\b.{0,80}?\brequested:? (?P<size>[\d,]{1,15})\b"
    r"|\b(?P<own>[\d,]{1,15}) (?:\w+ )?tokens\b.{0,60}?\b(?:limit|quota) of (?P<most>[\d,]{1,15})\b.{0,30}\bper\b"
)


def _by_shape(failure: ErrorBody) -> type[ProviderError] | None:
    """What no single word tells: numbers, and pages that are no provider's own answer."""
    if failure.status == 429 and _NO_QUOTA.search(failure.message):
        return ModelNotFound  # this key was never given any of this model: no wait will help
    if _affordable(failure.message) is not None:
        return PartialCredit
    if failure.status in (400, 413, 429) and (match := _REQUESTED.search(failure.message)):
        limit, requested = (
            int((match[one] or match[other]).replace(",", "") or 0)
            for one, other in (("limit", "most"), ("size", "own"))
        )
        if requested > limit:
            return RequestTooLarge  # larger than the whole window: waiting never makes it fit
    if failure.is_page and failure.status in (401, 403):
        return AccessDenied  # a firewall's challenge or a proxy's own page: the provider has not seen the key
    if failure.is_page and failure.status in (404, 405):
        return InvalidResponse
    return None


_OF_MODEL = LazyPattern(
    r"(?i)per[ _-]?(base[ _-]?)?model|\b(for|of) (the |this )?model\b|reached for `?[\w./:-]+`? in org"
)
_OF_ACCOUNT = LazyPattern(
    r"(?i)per[ _-]?(day|project|organi[sz]ation|user|account)|\b(account|project|organi[sz]ation|workspace|daily|today"
    r"|api[ _-]?key|your key|[RT]PD)\b"
)


def _is_of_account(detail: str) -> bool:
    """Whether a limit is said to be the account's, the project's, the key's or the day's, and not one model's."""
    return _OF_MODEL.search(detail) is None and _OF_ACCOUNT.search(detail) is not None


def _affordable(message: str) -> int | None:
    """The tokens that an account can still pay for ("can only afford 1234")."""
    match = _AFFORDABLE.search(message)
    digits = (match[1] or match[2]).replace(",", "") if match else ""
    return int(digits) if digits else None


def _wait(headers: Mapping[str, str], failure: ErrorBody, now: float | None) -> float | None:
    waits = (wait_in_headers(headers, now), wait_in_body(failure.payload, failure.message, now))
    if said := [wait for wait in waits if wait is not None]:
        return max(said)
    return limits(headers, now=now).exhausted_for if failure.status == 429 else None


def _never_again(kind: type[ProviderError]) -> type[ProviderError]:
    """The same class, but not worth another try on the same target: ``x-should-retry: false`` wins."""
    return type(kind.__name__, (kind,), {"recovery": replace(kind.recovery, retry=False), "__doc__": kind.__doc__})


def _default_message(failure: ErrorBody, provider: str) -> str:
    from http import HTTPStatus  # sixty members to build: an error may wait for it, the start of a program not

    try:
        phrase = f" {HTTPStatus(failure.status).phrase}"
    except ValueError:
        phrase = ""
    return f"{provider or 'The provider'} answered {failure.status}{phrase}."
