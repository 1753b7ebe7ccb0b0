"""TOML as strangers may have written it: nested without end it is an error like any other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def load_toml(text: str, *, parse_float: Callable[[str], Any] = float) -> dict[str, Any]:
    """The table in ``text``.  Raises `tomllib.TOMLDecodeError` also where the standard library recurses too deep."""
    import tomllib  # most starts read no TOML: settings that have not changed are kept in another form

    try:
        return tomllib.loads(text, parse_float=parse_float)
    except RecursionError:
        raise tomllib.TOMLDecodeError("Nested too deeply") from None
