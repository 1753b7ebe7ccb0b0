"""Reads what an error body says, in the dozen shapes that providers, proxies and gateways give it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from routerterm.core.errors import ProviderError
from routerterm.core.lazy_pattern import LazyPattern
from routerterm.protocols.json_utils import EMPTY, NotJson, loads, mapping, objects, text

_LONGEST_MESSAGE = 8_000
"""Characters of a message that are looked at: a longer one echoes the request, and costs seconds to search."""
_MODEL = LazyPattern(r"(?i)\bmodels?(?::?\s+[`'\"]?|/)([\w][\w./:@-]{2,80})[`'\"]?")
_TAG = LazyPattern(r"<(script|style)\b.*?</\1>|<[^>]*>", re.IGNORECASE | re.DOTALL)
_TITLE = LazyPattern(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)


class ErrorBody(Struct, frozen=True):
    """An error body, read.  ``status`` is what to judge by, ``http_status`` what the answer itself had."""

    status: int
    http_status: int
    message: str
    code: str
    """The provider's own word for it, the most telling one."""
    codes: frozenset[str]
    """Every word of that kind, in lower case with underscores."""
    detail: str
    """All that may name a quota, for a look at its window."""
    payload: Mapping[str, Any]
    model: str
    is_page: bool = False
    """Whether the body is a web page."""


def read_error_body(status: int, body: Any) -> ErrorBody:
    """The failure in a body of any shape: JSON, a list of it, a web page, plain text, nothing."""
    payload, plain = _parse(body)
    error = _error(payload)
    message = (_message(error, payload) or plain)[:_LONGEST_MESSAGE]
    behind = _behind(error, message)
    words = [word for word in (*_codes(error, payload), *_codes(behind, EMPTY)) if word]
    detail = " ".join([message, *words, *_quotas(error)])
    found = _MODEL.search(message)
    return ErrorBody(
        status=_passed_on(_status(status, error, payload), behind, message),
        http_status=status,
        message=message,
        code=next((word for word in words if not word.isdigit()), words[0] if words else ""),
        codes=frozenset(re.sub(r"[\s\-]+", "_", word.strip().lower()) for word in words),
        detail=detail,
        payload=payload,
        model=found[1].rstrip(".:") if found and any(mark in found[1] for mark in "-./:0123456789") else "",
        is_page=not payload and _is_page(body),
    )


def _is_page(body: Any) -> bool:
    start = bytes(body[:200]) if isinstance(body, bytes | bytearray) else str(body or "")[:200].encode()
    return start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def _behind(error: Mapping[str, Any], message: str) -> Mapping[str, Any]:
    """The error of the server behind a gateway: in OpenRouter's ``metadata.raw``, or as JSON within the message."""
    raw = mapping(error.get("metadata")).get("raw")
    for place in (raw, message[message.find("{") :] if "{" in message else None):
        if isinstance(place, str) and place.strip():
            inner = _parse(place[: place.rfind("}") + 1] or place)[0]
            if inner:
                return _error(inner)
        elif isinstance(place, dict) and place:
            return _error(place)
    return EMPTY


_PASSED_ON = LazyPattern(r"(?i)\b(?:error code|status(?: code)?|http(?: status)?|code)[ :=]{1,3}([45]\d\d)\b")
_VAGUE = frozenset({200, 400, 424, 500, 502, 503})
"""Statuses that a gateway puts on whatever the server behind it said."""


def _passed_on(status: int, behind: Mapping[str, Any], message: str) -> int:
    """The status of the server behind a gateway, where the outer one says little.

    A key that is refused behind the gateway is the gateway's own, not the person's: then it is the gateway's trouble.
    """
    inner = _status(0, behind, EMPTY) if behind else 0
    if not inner and (match := _PASSED_ON.search(message)):
        inner = int(match[1])
    if not inner or status not in _VAGUE:
        return status
    return 502 if inner in (401, 402, 403) else inner


def _parse(body: Any) -> tuple[Mapping[str, Any], str]:
    """The object in a body, or else its plain text."""
    if isinstance(body, bytes | bytearray | str):
        raw = bytes(body[:1_000_000]) if isinstance(body, bytes | bytearray) else body[:1_000_000]
        try:
            value = loads(raw)
        except NotJson:
            words = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
            return _events(words) or EMPTY, _plain(words)
    else:
        value = body
    if isinstance(value, list):
        value = next((item for item in value if isinstance(item, dict)), value[0] if value else None)
    return (value, "") if isinstance(value, dict) else (EMPTY, text(value))


def _events(words: str) -> Mapping[str, Any]:
    """The object in an error that is framed as an event, as in a stream that fails at once."""
    for line in words.splitlines()[:100]:
        field, colon, value = line.partition(":")
        if colon and field.strip() in ("data", "error"):
            try:
                found = loads(value)
            except NotJson:
                continue
            if isinstance(found, dict):
                return found
    return EMPTY


def _plain(words: str) -> str:
    """What a person would see of a web page or plain text."""
    words = words[:20_000]
    if "<" not in words:
        return words.strip()
    from html import unescape  # brings two thousand names of characters with it

    title = _TITLE.search(words)
    return " ".join(unescape(_TAG.sub(" ", title[1] if title else words)).split())[:300]


def _error(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object that describes the error, wherever it is."""
    response = mapping(payload.get("response"))
    for place in (payload.get("error"), response.get("error"), payload.get("errors"), payload.get("detail")):
        if isinstance(place, dict) and place:
            return _error(place) if isinstance(place.get("error"), dict) else place
        if isinstance(place, list) and (inner := objects(place)):
            return inner[0]
    return payload


def _message(error: Mapping[str, Any], payload: Mapping[str, Any]) -> str:
    for place in (error, payload):
        for field in (
            "message",
            "error",
            "detail",
            "msg",
            "error_message",
            "error_msg",
            "error_description",
            "errorMessage",
            "title",
        ):
            value = place.get(field)
            if field == "message" and isinstance(value, dict):  # Mistral's, for a field that it refuses
                value = _message(_error(value), value)
            if words := text(value).strip():
                return _with_upstream(words, error)
    errors = payload.get("errors")
    return text(errors[0]) if isinstance(errors, list) and errors else ""


def _with_upstream(words: str, error: Mapping[str, Any]) -> str:
    """Add what the provider behind a gateway said (OpenRouter's ``metadata.raw``)."""
    raw = mapping(error.get("metadata")).get("raw")
    if not isinstance(raw, str) or not raw.strip():
        return words
    inner, plain = _parse(raw)
    said = _message(_error(inner), inner) if inner else plain
    return f"{words}: {said}" if said and said != words else words


def _codes(error: Mapping[str, Any], payload: Mapping[str, Any]) -> Iterator[str]:
    for place in (error, payload) if error is not payload else (error,):
        for field in ("code", "type", "status", "error_type", "reason", "error_code"):
            value = place.get(field)
            if isinstance(value, str):
                yield value
            elif isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**6:
                yield str(value)
    inner = mapping(error.get("innererror"))
    yield text(inner.get("code"))
    for detail in objects(error.get("details")):
        yield text(detail.get("reason"))
    meta = mapping(error.get("metadata"))
    yield text(meta.get("error_type"))
    if meta.get("reasons") and "flagged_input" in meta:
        yield "moderation_flagged"


def _quotas(error: Mapping[str, Any]) -> Iterator[str]:
    for detail in objects(error.get("details")):
        for violation in objects(detail.get("violations")):
            yield f"{text(violation.get('quotaId'))} {text(violation.get('quotaMetric'))}"
        yield text(mapping(detail.get("metadata")).get("quota_limit"))


def _status(status: int, error: Mapping[str, Any], payload: Mapping[str, Any]) -> int:
    """The status to judge by: an answer of 200 may name a truer one in its body."""
    if status >= 400:
        return status
    for place in (error, payload):
        for field in ("status_code", "code", "raw_status_code", "statusCode", "status"):
            value = place.get(field)
            if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) == 3:
                value = int(value)
            if isinstance(value, int) and not isinstance(value, bool) and 400 <= value < 600:
                return value
    return status


class Rule(Struct, frozen=True):
    """One class of failure and what speaks for it."""

    error: type[ProviderError]
    statuses: frozenset[int] = frozenset()
    codes: re.Pattern[str] | None = None
    """Fits a whole code, in lower case with underscores."""
    phrases: re.Pattern[str] | None = None
    """Fits anywhere in the message."""
    not_at: frozenset[int] = frozenset()
    """Statuses that say too clearly what they mean for a phrase to count."""
    general: re.Pattern[str] | None = None
    """Codes that providers put on many failures: they count where nothing else does."""

    def is_named(self, failure: ErrorBody) -> bool:
        """Whether the answer says so itself."""
        if _has_code(self.codes, failure):
            return True
        if self.phrases is None or failure.status in self.not_at:
            return False
        return self.phrases.search(failure.message) is not None

    def is_general(self, failure: ErrorBody) -> bool:
        """Whether a general word hints at it."""
        return _has_code(self.general, failure)


def _has_code(codes: re.Pattern[str] | None, failure: ErrorBody) -> bool:
    return codes is not None and any(codes.fullmatch(code) for code in failure.codes)
