"""The HTTP around every protocol: addresses, keys in headers, JSON bodies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routerterm.core.secret import Secret
from routerterm.protocols.base import HttpRequest
from routerterm.protocols.json_utils import dumps

Header = tuple[str, str | Secret]


def join(base_url: str, path: str) -> str:
    """``base_url`` with ``path`` at its end; a query that the base has (Azure's ``api-version``) stays behind it."""
    base, question, query = base_url.partition("?")
    return base.rstrip("/") + path + question + query


def key_header(name: str, key: Secret | None) -> tuple[Header, ...]:
    """The header that carries the key; ``Authorization`` as a bearer token."""
    if key is None or not key.reveal():
        return ()
    return ((name, Secret(f"Bearer {key.reveal()}") if name.lower() == "authorization" else key),)


def post(
    url: str, body: Mapping[str, Any], headers: tuple[Header, ...], *, stream: bool, accept: str = ""
) -> HttpRequest:
    """A request with a JSON body."""
    wanted = accept or ("text/event-stream" if stream else "application/json")
    return HttpRequest("POST", url, (("Content-Type", "application/json"), ("Accept", wanted), *headers), dumps(body))


def get(url: str, headers: tuple[Header, ...]) -> HttpRequest:
    """A request without a body."""
    return HttpRequest("GET", url, (("Accept", "application/json"), *headers))


def given(**fields: Any) -> dict[str, Any]:
    """The fields that have a value."""
    return {name: value for name, value in fields.items() if value is not None}
