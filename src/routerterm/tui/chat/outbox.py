"""The outbox while the chat is open: queues what is written, and sends what is due."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from routerterm.core.errors import NotNow, RoutertermError, StoreError
from routerterm.core.money import show_usd

if TYPE_CHECKING:
    from routerterm.core.messages import Message
    from routerterm.engine.outbox.when import When
    from routerterm.tui.app_context import AppContext
    from routerterm.tui.chat.conversation import ConversationController
    from routerterm.tui.chat.sidebar import Sidebar

FIRST, EVERY = 5.0, 15.0
"""Seconds after the start, and between two looks at what is due."""


class OutboxController:
    """What the chat knows of questions that wait."""

    def __init__(self, app: AppContext, conversation: ConversationController, sidebar: Sidebar) -> None:
        self._app = app
        self._conversation = conversation
        self._sidebar = sidebar

    async def queue(self, question: Message, when: When, model: str = "") -> str:
        """Queue a question of the conversation on show; what to tell the person.  Raises `RoutertermError`.

        ``model`` answers it, where that is not the conversation's.
        """
        from routerterm.wiring.outbox import Draft, Outbox

        here = self._conversation
        if here.session.busy:
            raise NotNow("An answer is still running here.", "Wait for it, or stop it with Esc.")
        draft = Draft(question, model or here.model, when, here.id, here.system, private=here.private)
        queued = await Outbox(self._app.ready_services).add([draft])
        await here.open(queued.conversation_ids[0])
        await self._sidebar.refresh()
        held = "; its cost is unknown" if queued.held is None else f"; up to {show_usd(queued.held)} is held back"
        return f"Queued{held if queued.held != 0 else ''}. /outbox lists what waits."

    async def watch(self) -> None:
        """Send what is due and fetch batches that are done; runs as long as the screen."""
        await asyncio.sleep(FIRST)
        while True:
            try:
                await self.look()
            except StoreError:  # a disk in trouble is told of where something was to be kept
                pass
            except RoutertermError as error:
                self._app.show_error(error)
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        """Do what is due now, and show what came of it."""
        services = self._app.services
        if services is None or not await services.store.outbox.rows():
            return
        from routerterm.wiring.outbox import Outbox

        before = await services.store.outbox.unread()
        if not await Outbox(services).tick():
            return
        arrived = await services.store.outbox.unread() - before
        await self._conversation.catch_up()
        if self._conversation.id in arrived:
            await services.store.outbox.read(self._conversation.id or "")
        await self._sidebar.refresh()
        elsewhere = arrived - {self._conversation.id}
        if elsewhere:
            count = "An answer has" if len(elsewhere) == 1 else f"{len(elsewhere)} answers have"
            self._app.notify(f"{count} arrived; the list marks where.", timeout=8, markup=False)
