"""The entries of ``[tools]`` and ``[mcp]``; see `schema`."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from msgspec import field

from routerterm.config.schema_base import (
    Count,
    Seconds,
    Section,
    Usd,
)


class ToolRules(Section, frozen=True):
    """Which tools may be called; * stands for any letters.  `deny` goes before `ask`, `ask` before `allow`."""

    allow: tuple[str, ...] = ()
    """Tools that are called without asking you."""
    ask: tuple[str, ...] = ()
    """Tools that you are asked about each time."""
    deny: tuple[str, ...] = ()
    """Tools that no model is offered."""


class McpSettings(Section, frozen=True):
    """An MCP server, whose tools models may call.  It needs `command` or `url`."""

    enabled: bool = True
    """Whether it may be used at all."""
    command: tuple[str, ...] = ()
    """The program and its arguments; it starts when it is first needed and ends with routerterm."""
    url: str | None = None
    """The address of a server that is reached over HTTP (Streamable HTTP)."""
    env: dict[str, str] = field(default_factory=dict)
    """Variables for the program: env:NAME or cmd:COMMAND for a secret, text:VALUE for what is none."""
    headers: dict[str, str] = field(default_factory=dict)
    """Headers for the address: env:NAME or cmd:COMMAND for a secret, text:VALUE for what is none."""
    tools: ToolRules = ToolRules()
    """Which of its tools may be called; a tool without a rule is asked about."""
    trusted: bool = False
    """Whether tools that it calls read-only are called without asking you."""
    timeout: Seconds = 60.0
    """Maximum wait for an answer of the server."""
    local: bool = False
    """Whether it sends nothing out of your network: allowed in private conversations."""


class ToolSettings(Section, frozen=True):
    """What models may do with tools: those of your MCP servers, `fetch` and `read_file`."""

    start: Literal["auto", "on", "off"] = "auto"
    """Whether tools are on in a new conversation; auto is on once an MCP server is configured."""
    steps: Count = 8
    """Maximum requests for one answer; after each, tools may be called."""
    usd: Usd = Decimal("0.50")
    """Maximum cost of one answer with tools."""
    result_tokens: Count = 8_000
    """Maximum length of one result, in tokens; the rest is cut off."""
    folders: tuple[str, ...] = ()
    """Folders whose files `read_file` may read; none switches it off."""
    fetch: Literal["ask", "allow", "off"] = "ask"
    """Whether `fetch` reads web pages: after asking you, without, or not at all."""
    fetch_private: bool = False
    """Whether `fetch` may also read from this computer and its network."""
