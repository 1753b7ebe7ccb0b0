"""The Model Context Protocol, the client's side: pure, for both eras, bounded.

Sources: the specification of 2025-11-25 and of 2026-07-28 (modelcontextprotocol.io/specification).  The older era opens
a session with ``initialize``; the newer has none: ``server/discover``, and versions and capabilities in the
``_meta`` of every request.  `McpClient` speaks both; who carries its messages is not its business.
"""

from __future__ import annotations

from routerterm.protocols.mcp.client import AskPerson, McpClient, Reply, Send
from routerterm.protocols.mcp.elicitation import McpField, McpForm
from routerterm.protocols.mcp.messages import Incoming, parse_message
from routerterm.protocols.mcp.values import (
    MAX_MESSAGE,
    McpError,
    McpInvalid,
    McpRefused,
    McpTool,
    ServerFacts,
    ToolOutcome,
)

__all__ = [
    "MAX_MESSAGE",
    "AskPerson",
    "Incoming",
    "McpClient",
    "McpError",
    "McpField",
    "McpForm",
    "McpInvalid",
    "McpRefused",
    "McpTool",
    "Reply",
    "Send",
    "ServerFacts",
    "ToolOutcome",
    "parse_message",
]
