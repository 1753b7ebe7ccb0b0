"""The events of an answer as JSON objects, one a line, for other programs (``routerterm ask --json``).

Each has ``event``, its name in snake case, and its fields.  Money is text with all its digits, a model is
``provider/model``, an error is its kind, sentence and hint.  What is unknown is null.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from msgspec import Struct

from routerterm.core.errors import ProviderError, RoutertermError
from routerterm.core.events import Event
from routerterm.core.targets import Target

_LEFT_OUT = {"raw"}
"""A provider's own numbers: what they mean stands in the other fields."""


def event_object(event: Event) -> dict[str, Any]:
    """The event as an object for JSON."""
    return {"event": _snake(type(event).__name__), **_fields(event)}


def error_body(error: RoutertermError) -> dict[str, Any]:
    """An error for a program."""
    body: dict[str, Any] = {"message": error.message, "hint": error.hint}
    if isinstance(error, ProviderError):
        return {"kind": error.kind, **body, "status": error.status, "retry_after": error.retry_after}
    return {"kind": _snake(type(error).__name__), **body}


def plain(value: Any) -> Any:
    """A value of the core as what JSON knows."""
    match value:
        case RoutertermError():
            return error_body(value)
        case Target():
            return str(value)
        case Decimal():
            return format(value, "f")
        case Mapping():
            return {str(name): plain(each) for name, each in value.items()}
        case tuple() | list():
            return [plain(each) for each in value]
        case Struct():
            return _fields(value)
        case _:
            return value


def _fields(value: Any) -> dict[str, Any]:
    return {name: plain(getattr(value, name)) for name in value.__struct_fields__ if name not in _LEFT_OUT}


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
