"""Keeps the list of conversations in step with the store, and does what is done to a conversation as a whole."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from routerterm.core.errors import RoutertermError
from routerterm.store.conversations import Filter
from routerterm.store.values import Conversation
from routerterm.tui.clock import today
from routerterm.tui.widgets.conversations import Item

if TYPE_CHECKING:
    from routerterm.store.database import Store
    from routerterm.tui.screens.chat import ChatScreen

PAGE = 100
"""Conversations that are loaded at a time."""


class Library:
    """The conversations of the sidebar."""

    def __init__(self, screen: ChatScreen) -> None:
        self._screen = screen
        self._last: Conversation | None = None
        self._loaded = 0

    @property
    def _store(self) -> Store:
        return self._screen.services.store

    async def refresh(self) -> None:
        """Read again what is loaded: something has changed."""
        wanted = max(PAGE, self._loaded)
        rows = await self._store.conversations.page(wanted)
        self._remember(rows, anew=True)
        self._screen.sidebar.show(self._items(rows), complete=len(rows) < wanted, today=today())
        self._screen.sidebar.mark_open(self._screen.stage.id)

    async def more(self) -> None:
        """The next page."""
        rows = await self._store.conversations.page(PAGE, after=self._last)
        self._remember(rows, anew=False)
        self._screen.sidebar.add(self._items(rows), complete=len(rows) < PAGE, today=today())

    async def watch(self) -> None:
        """Follow what other programs write; runs as long as the screen."""
        async with aclosing(self._store.changes()) as changes:
            async for _ in changes:
                await self.refresh()
                await self._screen.stage.catch_up()

    async def rename(self, id: str | None, title: str) -> None:
        """Give a conversation another title."""
        await self._store.conversations.change(self._some(id), title=" ".join(title.split()))
        await self.refresh()

    async def toggle_pin(self, id: str | None) -> None:
        """Keep it at the top, or no longer."""
        conversation = await self._store.conversations.get(self._some(id))
        if conversation is not None:
            await self._store.conversations.change(conversation.id, pinned=not conversation.pinned)
        await self.refresh()

    async def delete(self, id: str) -> None:
        """Take it away; it can be brought back for a week."""
        await self._store.conversations.delete(id)
        await self.refresh()

    async def undelete(self) -> str:
        """Bring back what was deleted last.  Raises `RoutertermError` when there is nothing."""
        deleted = await self._store.conversations.page(PAGE, which=Filter(deleted=True))
        if not deleted:
            raise RoutertermError("There is nothing to bring back.", "Deleted conversations are kept for a week.")
        newest = max(deleted, key=lambda conversation: conversation.deleted_at or 0)
        await self._store.conversations.restore(newest.id)
        await self.refresh()
        return newest.id

    def _remember(self, rows: tuple[Conversation, ...], *, anew: bool) -> None:
        self._loaded = len(rows) + (0 if anew else self._loaded)
        self._last = rows[-1] if rows else self._last

    def _items(self, rows: tuple[Conversation, ...]) -> list[Item]:
        running = self._screen.turns.answering
        return [Item(row.id, row.title, row.updated_at, row.pinned, row.id in running) for row in rows]

    def _some(self, id: str | None) -> str:
        if id is None:
            raise RoutertermError("Nothing is saved yet.", "A conversation begins with its first message.")
        return id
