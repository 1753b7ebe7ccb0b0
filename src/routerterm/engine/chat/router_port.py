"""What the engine needs of a router."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from routerterm.core.events import Event
    from routerterm.core.request import ChatRequest


class ChatRouter(Protocol):
    """Answers requests, one stream of events each."""

    def stream(self, request: ChatRequest) -> AsyncGenerator[Event]:
        """The events of one answer, ended by exactly one `Finished` or `Failed`."""
        ...
