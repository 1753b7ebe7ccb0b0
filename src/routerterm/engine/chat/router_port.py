"""What a conversation needs of a router, and of tools."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from routerterm.core.events import Event
    from routerterm.core.request import ChatRequest, Params
    from routerterm.store.values import Conversation


class ChatRouter(Protocol):
    """Answers requests, one stream of events each."""

    def stream(self, request: ChatRequest) -> AsyncGenerator[Event]:
        """The events of one answer, ended by exactly one `Finished` or `Failed`."""
        ...


class StepLoop(Protocol):
    """An answer that may call tools; `routerterm.engine.tools.loop.ToolLoop` is one."""

    def first(self, request: ChatRequest) -> ChatRequest:
        """What the first step asks: the request with the tools that it offers."""
        ...

    def events(
        self, router: ChatRouter, request: ChatRequest, keep: Callable[[], Awaitable[None]]
    ) -> AsyncGenerator[Event]:
        """The events of all steps, ended by one `Finished` or `Failed`; ``keep`` writes what there is so far."""
        ...


class ToolSource(Protocol):
    """Says which tools an answer may call."""

    async def loop(self, conversation: Conversation, model: str, params: Params) -> StepLoop | None:
        """The loop for one answer of ``model``, a model or route; None where it has no tools."""
        ...
