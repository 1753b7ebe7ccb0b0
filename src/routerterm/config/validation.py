"""Checks what a person wrote against the schema: pydantic models made of its values, with the bounds of each kind.

pydantic takes longer to import than everything else that ``routerterm ask`` needs, so this module is imported only when
there are settings that were not checked before (see `routerterm.config.settings`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from msgspec import NODEFAULT
from msgspec.structs import fields
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    HttpUrl,
    TypeAdapter,
    create_model,
    field_validator,
    model_validator,
)

from routerterm.config.schema import GatewaySettings, KeyRef, ProviderSettings, RouterSettings, Settings
from routerterm.config.schema_base import KEY_PLACES, Section
from routerterm.config.schema_guard import GuardRule
from routerterm.config.schema_tools import McpSettings
from routerterm.core.redact import secret_redactor

_KINDS: Mapping[str, Any] = {
    "Seconds": Annotated[float, Field(gt=0, allow_inf_nan=False)],
    "Usd": Annotated[Decimal, Field(ge=0, allow_inf_nan=False)],
    "Share": Annotated[float, Field(gt=0, allow_inf_nan=False)],
    "Weight": Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)],
    "Count": Annotated[int, Field(gt=0)],
    "Minutes": Annotated[int, Field(ge=0)],
    "Percent": Annotated[int, Field(gt=0, le=100)],
    "Port": Annotated[int, Field(ge=0, le=65_535)],
    "Names": Annotated[tuple[str, ...], Field(min_length=1)],
}
"""The schema's kinds of values with their bounds."""
NOT_ENTRIES = frozenset({"given"})
_KEY_HEADERS = {"authorization", "proxy-authorization", "x-api-key", "x-goog-api-key", "api-key"}


class _Table(BaseModel):
    """Unknown entries are errors, and an error never shows what was written: it may be a key in the wrong place."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def validated(body: Mapping[str, Any]) -> Settings:
    """The settings in a parsed ``config.toml``.  Raises pydantic's `ValidationError`."""
    model = model_of(Settings).model_validate(body)
    settings = _value(Settings, model)
    assert isinstance(settings, Settings)
    return settings


@cache
def model_of(section: type[Section]) -> type[BaseModel]:
    """The pydantic model of a table, with the same entries, defaults and docstring."""
    hints = get_type_hints(section, localns=dict(_KINDS), include_extras=True)
    entries: dict[str, Any] = {}
    for entry in fields(section):
        if entry.name not in NOT_ENTRIES:
            entries[entry.name] = (_annotation(hints[entry.name]), _default(entry.default, entry.default_factory))
    return create_model(
        section.__name__,
        __base__=_Table,
        __doc__=section.__doc__,
        __validators__=_VALIDATORS.get(section, {}),
        **entries,
    )


def _annotation(hint: Any) -> Any:
    """The same annotation with models in place of the schema's tables."""
    if isinstance(hint, type) and issubclass(hint, Section):
        return model_of(hint)
    origin = get_origin(hint)
    if origin in (tuple, dict):
        return origin[tuple(each if each is ... else _annotation(each) for each in get_args(hint))]
    return hint


def _default(value: Any, factory: Any) -> Any:
    if factory is not NODEFAULT:
        return Field(default_factory=factory)
    if value is NODEFAULT:
        return ...
    return model_of(type(value))() if isinstance(value, Section) else value


def _value(section: type[Section], model: BaseModel) -> Section:
    """The schema's value of a checked table."""
    hints = get_type_hints(section)
    entries = {name: _plain(hints[name], getattr(model, name)) for name in type(model).model_fields}
    if section is Settings:
        entries["given"] = frozenset(_given(model))
    return section(**entries)


def _plain(hint: Any, value: Any) -> Any:
    match value:
        case BaseModel():
            return _value(hint, value)
        case tuple() if value:
            return tuple(_plain(get_args(hint)[0], each) for each in value)
        case dict() if value:
            return {name: _plain(get_args(hint)[1], each) for name, each in value.items()}
        case _:
            return value


def _given(model: BaseModel, way: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The ways to all entries that were written, not filled in by a default."""
    found = list[tuple[str, ...]]()
    for name in sorted(model.model_fields_set):
        value = getattr(model, name)
        tables = {name: value} if isinstance(value, BaseModel) else {}
        if isinstance(value, dict) and all(isinstance(each, BaseModel) for each in value.values()):
            tables = value
            for own, table in value.items():
                found += _given(table, (*way, name, own))
        elif tables:
            found += _given(value, (*way, name))
        if not tables:
            found.append((*way, name))
    return found


def _in_one_piece(value: str | None) -> str | None:
    if value is not None and any(letter.isspace() or not letter.isprintable() for letter in value):
        raise ValueError("must not contain a line break, a space or an invisible character")
    return value


def _is_a_url(value: str | None) -> str | None:
    if value is not None and "://" not in value:
        raise ValueError("must be a URL that begins with http:// or https://")
    return _in_one_piece(value)


def _is_state(value: str | None) -> str | None:
    if value is None:
        return None
    place, _, rest = value.partition(":")
    if place == "env":
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", rest):
            raise ValueError("must name a variable after env:, as in env:ROUTERTERM_STATE")
        return value
    if place not in ("postgresql", "postgres", "redis", "rediss", "unix") or not rest.startswith("//"):
        raise ValueError("must be a URL that begins with postgresql:// or redis://, or env:NAME")
    if ":" in rest[2:].partition("/")[0].rpartition("@")[0] or "password=" in rest:
        raise ValueError("must not contain a password: put the whole URL into a variable and write env:NAME")
    return _in_one_piece(value)


def _is_http(value: str | None) -> str | None:
    if value is not None:
        url = TypeAdapter(HttpUrl).validate_python(value)
        if url.username or url.password or url.query:
            raise ValueError("must not contain a user name, password or query: put the key into `keys`")
    return value


def _holds_no_key(value: dict[str, str]) -> dict[str, str]:
    for name in value:
        if name.lower() in _KEY_HEADERS:
            raise ValueError(f"must not contain {name}: put the key into `keys`")
        if not f"{name}{value[name]}".isprintable():
            raise ValueError(f"may not hold {name!a}: it has a line break or another character that is not printed")
    return value


def _short_form(value: Any) -> Any:
    return {"ref": value} if isinstance(value, str) else value


def _is_a_reference(value: str) -> str:
    place, colon, rest = value.partition(":")
    if not (colon and rest.strip() and place in KEY_PLACES):
        raise ValueError("must say where the key is: env:NAME, keyring:LABEL, vault:LABEL or cmd:COMMAND")
    return value


def _has_one_condition(rule: Any) -> Any:
    if sum(map(bool, (rule.regex, rule.contains_all, rule.contains_any))) != 1:
        raise ValueError("needs exactly one of regex, contains_all and contains_any")
    return rule


def _holds_references(value: dict[str, str]) -> dict[str, str]:
    """Secrets of an MCP server are named, never written; what is plain says so."""
    for name, said in value.items():
        place, colon, rest = said.partition(":")
        if not re.fullmatch(r"[A-Za-z0-9_-]+", name) or not said.isprintable():
            raise ValueError(f"may not hold {name!a}: it is not a plain name, or its value has a line break")
        if not colon or place not in ("env", "cmd", "text") or (place != "text" and not rest.strip()):
            raise ValueError(f"{name} must be env:NAME or cmd:COMMAND, or text:VALUE where it is not a secret")
        if place == "text" and secret_redactor(rest) != rest:
            raise ValueError(f"{name} looks like a secret: put it into a variable and write env:NAME")
    return value


def _is_reachable(server: Any) -> Any:
    if bool(server.command) == bool(server.url):
        raise ValueError("needs exactly one of command and url")
    if server.env and server.url:
        raise ValueError("has env, which is for a command: a url takes headers")
    if server.headers and server.command:
        raise ValueError("has headers, which are for a url: a command takes env")
    return server


_VALIDATORS: Mapping[type[Section], dict[str, Any]] = {
    RouterSettings: {"proxy_": field_validator("proxy")(_in_one_piece)},
    KeyRef: {
        "short": model_validator(mode="before")(_short_form),
        "reference": field_validator("ref")(_is_a_reference),
    },
    ProviderSettings: {
        "url": field_validator("base_url", "proxy")(_is_a_url),
        "http": field_validator("base_url")(_is_http),
        "headers_": field_validator("headers")(_holds_no_key),
    },
    McpSettings: {
        "http": field_validator("url")(_is_http),
        "references": field_validator("env", "headers")(_holds_references),
        "reachable": model_validator(mode="after")(_is_reachable),
    },
    GatewaySettings: {"state_": field_validator("state")(_is_state)},
    GuardRule: {"condition": model_validator(mode="after")(_has_one_condition)},
}
"""What cannot be said by a kind alone.  None has the name of an entry: pydantic would drop it without a word."""
