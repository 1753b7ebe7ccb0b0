"""The providers that are built in, read from ``data/providers.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from routerterm.catalog.values import ProviderInfo


@cache
def builtin_providers() -> tuple[ProviderInfo, ...]:
    """Every provider that is built in, in the order of the table."""
    source = files("routerterm.catalog") / "data" / "providers.toml"
    return tuple(_provider(name, row) for name, row in tomllib.loads(source.read_text("utf-8")).items())


def _provider(name: str, row: Mapping[str, Any]) -> ProviderInfo:
    """One row; a field that does not exist is an error of ours, found by the tests."""
    fields = dict(row)
    fields["env"] = tuple(fields.get("env", ()))
    fields["headers"] = tuple(fields.get("headers", {}).items())
    fields["flags"] = frozenset(fields.get("flags", ()))
    return ProviderInfo(name, **fields)
