"""Every row of the built-in provider table can be used."""

from __future__ import annotations

import json
import re
import tomllib
from importlib.resources import files
from urllib.parse import urlsplit

import pytest

from routerterm.catalog.catalog import Catalog
from routerterm.catalog.providers import builtin_providers
from routerterm.catalog.values import ProviderInfo
from routerterm.core.messages import Message
from routerterm.core.request import ChatRequest
from routerterm.core.secret import Secret
from routerterm.core.targets import Target
from routerterm.protocols import PROTOCOLS, codec, dialects

ROWS = builtin_providers()
FLAGS = {"signup-free", "listing-open", "own-address", "instant", "batch"}


def test_what_is_read_is_the_table_in_its_order() -> None:
    data = files("routerterm.catalog") / "data"
    table = tomllib.loads((data / "providers.toml").read_text("utf-8"))
    assert json.loads((data / "providers.json").read_text("utf-8")) == table, "run `make docs`"
    assert [row.name for row in ROWS] == list(table)
    assert {"openai", "anthropic", "gemini", "groq", "deepseek", "openrouter", "ollama", "demo"} <= {
        r.name for r in ROWS
    }


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_says_all_that_is_needed(row: ProviderInfo) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9-]*", row.name)
    assert row.title
    assert row.protocol in PROTOCOLS
    assert row.dialect in dialects(row.protocol)
    address = urlsplit(row.base_url)
    assert address.hostname
    assert not row.base_url.endswith("/")
    own = row.local and address.hostname in ("localhost", "local.invalid", "demo.invalid")
    assert address.scheme == "https" or own
    assert row.needs_key is bool(row.env)
    assert all(re.fullmatch(r"[A-Z][A-Z0-9_]*", name) for name in row.env)
    assert row.docs.startswith("https://") or own
    assert row.flags <= FLAGS
    assert not (row.local and row.needs_key)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_can_be_asked(row: ProviderInfo) -> None:
    spoken = codec(row.protocol, row.dialect)
    key = Secret(f"{row.key_prefix}0123456789abcdef") if row.needs_key else None
    request = ChatRequest(row.name, (Message.of("user", "Hello"),))
    http = spoken.encode(request, base_url=row.base_url, model=row.default_model or "m", key=key)
    assert http.url.startswith(row.base_url)
    assert any(isinstance(value, Secret) for _, value in http.headers) is row.needs_key
    assert spoken.models_request(base_url=row.base_url, key=key).url.startswith(row.base_url)


@pytest.mark.parametrize("row", [row for row in ROWS if row.default_model], ids=lambda row: row.name)
def test_a_default_model_is_one_that_is_known_and_not_switched_off(row: ProviderInfo) -> None:
    catalog = Catalog.builtin()
    listed = {model.id for model in catalog.models() if model.provider == row.name}
    if not listed:
        pytest.skip(f"no models of {row.name} are shipped")
    assert row.default_model in listed
    info = catalog.model(Target(row.name, row.default_model))
    assert info is not None
    assert info.switched_off is None


def test_no_two_providers_share_a_variable_or_a_name() -> None:
    variables = [name for row in ROWS for name in row.env]
    assert len(variables) == len(set(variables))
    assert len({row.name for row in ROWS}) == len(ROWS)


def test_the_longest_prefix_names_one_provider() -> None:
    prefixes = [row.key_prefix for row in ROWS if row.key_prefix]
    assert len(prefixes) == len(set(prefixes))
