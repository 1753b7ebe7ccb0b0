"""Changes the words inside a JSON text, and leaves it the JSON that it was: for the arguments of tools."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


def escaped(text: str) -> str:
    """A text as it stands between the quotation marks of a JSON string."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def change_json(text: str, change: Callable[[str], str]) -> str:
    """The same JSON with its strings changed; untouched where none is, and taken for plain text where it is no JSON."""
    try:
        value = json.loads(text)
        changed = _changed(value, change)
        return text if changed == value else json.dumps(changed, ensure_ascii=False)
    except (ValueError, RecursionError):  # no JSON, or too deep to be read
        return change(text)


def _changed(value: Any, change: Callable[[str], str]) -> Any:
    match value:
        case str():
            return change(value)
        case list():
            return [_changed(item, change) for item in value]
        case dict():
            return {change(name): _changed(item, change) for name, item in value.items()}
        case _:
            return value
