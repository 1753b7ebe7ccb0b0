"""The providers that are built in, read from ``data/providers.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from routerterm.catalog.values import ProviderInfo, WebSearch


@cache
def builtin_providers() -> tuple[ProviderInfo, ...]:
    """Every provider that is built in, in the order of the table."""
    table = Path(__file__).with_name("data").joinpath("providers.toml").read_text("utf-8")
    return tuple(_provider(name, row) for name, row in tomllib.loads(table).items())


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
