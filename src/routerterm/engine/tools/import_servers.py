"""MCP servers from the JSON that other clients keep, as entries of our settings.  Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

_SECRET_NAME = re.compile(r"(?:KEY|TOKEN|SECRET|PASSW(?:OR)?D|AUTH\w*|CREDENTIALS?|COOKIE)S?$", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"\$\{(?:env:)?([A-Za-z_]\w*)(?::-[^}]*)?\}")
_NAME = re.compile(r"[A-Za-z0-9_-]+")


class ImportedServers(Struct, frozen=True):
    """What a file gave: entries by name, what was left out and why, and the variables that must be set."""

    entries: Mapping[str, Mapping[str, Any]]
    left_out: tuple[tuple[str, str], ...]
    variables: tuple[str, ...]


def imported(body: Any) -> ImportedServers:
    """The servers under ``mcpServers`` (Claude, Cursor…), ``servers`` (VS Code), ``mcp`` (opencode), or at the top."""
    entries: dict[str, Mapping[str, Any]] = {}
    left_out: list[tuple[str, str]] = []
    variables: list[str] = []
    for written, server in _servers(body):
        name = re.sub(r"[^A-Za-z0-9_-]+", "-", written).strip("-")
        entry = _entry(name, server, variables)
        if not name or isinstance(entry, str):
            left_out.append((written, entry if isinstance(entry, str) else "it has no usable name"))
        else:
            entries[name] = entry
    return ImportedServers(entries, tuple(left_out), tuple(dict.fromkeys(variables)))


def _servers(body: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if not isinstance(body, dict):
        return
    for key in ("mcpServers", "servers", "mcp", "context_servers"):
        if isinstance(body.get(key), dict):
            body = body[key].get("servers", body[key]) if key == "mcp" else body[key]
            break
    yield from ((name, server) for name, server in body.items() if isinstance(server, dict))


def _entry(name: str, server: Mapping[str, Any], variables: list[str]) -> Mapping[str, Any] | str:
    """The entry, or why there is none."""
    if server.get("type") == "sse":
        return "it speaks the older HTTP with SSE, which routerterm does not"
    entry: dict[str, Any] = {}
    url = server.get("url") or server.get("httpUrl") or server.get("serverUrl")
    if isinstance(url, str):
        entry["url"] = url
        if values := _references(name, server.get("headers"), variables):
            entry["headers"] = values
    elif command := _command(server):
        entry["command"] = command
        if values := _references(name, server.get("env") or server.get("environment"), variables):
            entry["env"] = values
    else:
        return "it has neither a command nor an address"
    if server.get("disabled") is True or server.get("enabled") is False:
        entry["enabled"] = False
    return entry


def _command(server: Mapping[str, Any]) -> list[str]:
    command, arguments = server.get("command"), server.get("args")
    if isinstance(command, list):
        words = command
    elif isinstance(command, str) and command:
        words = [command]
    else:
        words = []
    words = [*words, *(arguments if isinstance(arguments, list) else [])] if words else []
    return [str(word) for word in words]


def _references(server: str, values: Any, variables: list[str]) -> dict[str, str]:
    """What a variable or header refers to; a secret is never copied, its variable is named instead."""
    found: dict[str, str] = {}
    for name, value in values.items() if isinstance(values, dict) else ():
        if not _NAME.fullmatch(name):
            continue
        said = str(value)
        if whole := _PLACEHOLDER.fullmatch(said):
            found[name] = f"env:{whole[1]}"
        elif _SECRET_NAME.search(name) or _PLACEHOLDER.search(said) or not said.isprintable():
            variable = f"{server}_{name}".upper().replace("-", "_")
            variables.append(variable)
            found[name] = f"env:{variable}"
        else:
            found[name] = f"text:{said}"
    return found
