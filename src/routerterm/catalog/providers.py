"""The providers that are built in: ``data/providers.toml`` says them, ``data/providers.json`` is the same, read sooner.

Reading TOML would take a fortieth of what `routerterm ask` takes; `make docs` writes the JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from msgspec import json

from routerterm.catalog.values import ProviderInfo, WebSearch


@cache
def builtin_providers() -> tuple[ProviderInfo, ...]:
    """Every provider that is built in, in the order of the table."""
    table = json.decode(Path(__file__).with_name("data").joinpath("providers.json").read_bytes())
    return tuple(_provider(name, row) for name, row in table.items())


def _provider(name: str, row: Mapping[str, Any]) -> ProviderInfo:
    """One row; a field that does not exist is an error of ours, found by the tests."""
    fields = dict(row)
    fields["env"] = tuple(fields.get("env", ()))
    fields["headers"] = tuple(fields.get("headers", {}).items())
    fields["flags"] = frozenset(fields.get("flags", ()))
    fields["web"] = tuple(_web(**row) for row in fields.get("web", ()))
    return ProviderInfo(name, **fields)


def _web(models: str, fee: str = "", per_answer: bool = False, protocol: str = "") -> tuple[str, WebSearch]:
    return models, WebSearch(Decimal(fee) if fee else None, per_answer, protocol)
