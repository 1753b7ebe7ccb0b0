"""routerterm: a chat client for the terminal whose multi-provider router runs inside it.

As a library:

    from routerterm import Router, ChatRequest, Message, TextDelta      # and the other events
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from routerterm.core.events import AttemptFailed as AttemptFailed
    from routerterm.core.events import AttemptStarted as AttemptStarted
    from routerterm.core.events import Failed as Failed
    from routerterm.core.events import Finished as Finished
    from routerterm.core.events import ReasoningDelta as ReasoningDelta
    from routerterm.core.events import Recovered as Recovered
    from routerterm.core.events import RouteDecided as RouteDecided
    from routerterm.core.events import TextDelta as TextDelta
    from routerterm.core.events import ToolCallDelta as ToolCallDelta
    from routerterm.core.events import UsageReported as UsageReported
    from routerterm.core.messages import Message as Message
    from routerterm.core.request import ChatRequest as ChatRequest
    from routerterm.router import Router as Router

__version__ = "0.1.0"

_HOMES = {
    "Router": "routerterm.router",
    "ChatRequest": "routerterm.core.request",
    "Message": "routerterm.core.messages",
} | dict.fromkeys(
    (
        "RouteDecided",
        "AttemptStarted",
        "TextDelta",
        "ReasoningDelta",
        "ToolCallDelta",
        "UsageReported",
        "AttemptFailed",
        "Recovered",
        "Finished",
        "Failed",
    ),
    "routerterm.core.events",
)


def __getattr__(name: str) -> object:
    """Import the library's names when they are first asked for: `routerterm --help` needs none of them."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
