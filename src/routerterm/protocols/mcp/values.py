"""What an MCP server says, as values, and the limits that it is held to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from routerterm.core.errors import RoutertermError

MODERN = "2026-07-28"
"""The revision without a handshake."""
HANDSHAKE = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
"""The revisions that begin with ``initialize``, newest first; the first is the one we offer."""

MAX_MESSAGE = 4 * 1024 * 1024
"""Bytes of one message."""
MAX_DEPTH = 48
"""Levels of nesting in a message."""
MAX_TOOLS = 512
"""Tools of one server."""
MAX_PAGES = 64
"""Pages of one list: a cursor that never ends is an attack or a mistake."""
MAX_NAME = 128
"""Characters of a tool's name (SEP-986)."""
MAX_DESCRIPTION = 8_192
"""Characters of a tool's description; the rest is cut off, since every model would pay for it in every turn."""
MAX_SCHEMA = 64 * 1024
"""Bytes of the schema of a tool's arguments."""
MAX_BLOCKS = 256
"""Pieces of one result."""
MAX_ROUNDS = 4
"""How often a server may answer a call with a request to call again (``input_required``)."""

# Error codes of the specification.
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
UNSUPPORTED_VERSION = -32022


class McpError(RoutertermError):
    """A server failed, or broke the protocol."""


class McpInvalid(McpError):
    """What came is not the protocol, or is larger than it may be."""


class McpRefused(McpError):
    """The server answered with an error.  ``code`` is JSON-RPC's, ``data`` whatever came beside it."""

    def __init__(self, message: str, code: int, data: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.data = data


class ServerFacts(Struct, frozen=True):
    """Who a server says it is, and which revision is spoken with it."""

    version: str
    name: str = ""
    release: str = ""
    instructions: str = ""
    has_tools: bool = True

    @property
    def modern(self) -> bool:
        """Whether each request carries its version, and there is no session."""
        return self.version == MODERN


class McpTool(Struct, frozen=True):
    """A tool as its server describes it.  Everything in it is the server's own claim, the hints too."""

    name: str
    description: str = ""
    schema: Mapping[str, Any] = field(default_factory=dict)
    title: str = ""
    read_only: bool = False
    """The server's hint that calling it changes nothing."""
    destructive: bool = True
    open_world: bool = True
    headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """HTTP headers that repeat an argument (``x-mcp-header``): the header's name, and the path of the argument."""


class ToolOutcome(Struct, frozen=True):
    """What a call came to.  ``left_out`` counts pieces that are no text, such as sound."""

    text: str
    is_error: bool = False
    left_out: int = 0
