"""Keeps the list of conversations in step with the store, and does what is done to a conversation as a whole."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING

from routerterm.core.errors import NotNow, RoutertermError, StoreError
from routerterm.core.money import from_nano, show_usd
from routerterm.core.sanitise import one_line
from routerterm.store.values import Filter
from routerterm.tui.clock import today
from routerterm.tui.widgets.conversations import Item

if TYPE_CHECKING:
    from routerterm.engine.chat.session import Session
    from routerterm.store.database import Store
    from routerterm.store.values import Conversation
    from routerterm.tui.app_context import AppContext
    from routerterm.tui.chat.conversation import ConversationController
    from routerterm.tui.widgets.conversations import ConversationList

PAGE = 100
"""Conversations that are loaded at a time."""
EVERY = 20_000
"""More conversations than a person looks through by their titles."""
QUIET = 3.0
"""Seconds after the start until the file is looked after: the first answers come first."""
AGAIN = 3.0
"""Seconds between two tries to write what the disk did not take."""
TENDED = 10.0
"""Seconds between two savings of what is being typed."""


class Sidebar:
    """The conversations of the sidebar."""

    def __init__(
        self,
        app: AppContext,
        conversation_list: ConversationList,
        conversation: ConversationController,
        *,
        answering: Callable[[], frozenset[str]],
        changed: Callable[[], None],
        spent: Callable[[], Awaitable[None]],
    ) -> None:
        """``answering``: in which conversations an answer is running; ``changed``: the one on show has other words;
        ``spent``: another program may have spent something.
        """
        self._app = app
        self._list = conversation_list
        self._conversation = conversation
        self._answering = answering
        self._changed_here = changed
        self._spent = spent
        self._last: Conversation | None = None
        self._loaded = 0
        self._unsaved: list[Session] = []
        self._unread: frozenset[str] = frozenset()
        """Conversations with an answer that came by itself and was not looked at."""

    @property
    def _store(self) -> Store:
        return self._app.ready_services.store

    @property
    def _which(self) -> Filter:
        project = self._app.ready_services.project
        return Filter(project=project.key if project is not None else None)

    async def refresh(self) -> None:
        """Read again what is loaded: something has changed."""
        wanted = max(PAGE, self._loaded)
        self._unread = await self._store.outbox.unread()
        rows = await self._store.conversations.page(wanted, which=self._which)
        items = await self._items(rows)
        self._remember(rows, anew=True)  # at once with what is shown: a page that is read meanwhile follows on it
        self._list.show(items, complete=len(rows) < wanted, day=today())
        self._list.mark_open(self._conversation.id)

    async def more(self) -> None:
        """The next page."""
        rows = await self._store.conversations.page(PAGE, after=self._last, which=self._which)
        items = await self._items(rows)
        self._remember(rows, anew=False)
        self._list.add(items, complete=len(rows) < PAGE, day=today())

    async def load_all(self) -> None:
        """Every conversation, for a filter that is being typed."""
        self._loaded = EVERY
        await self.refresh()

    async def watch(self) -> None:
        """Follow what other programs write; runs as long as the screen."""
        async with aclosing(self._store.changes()) as changes:
            async for _ in changes:
                while self._store.notices:
                    self._app.show_error(self._store.notices.pop(0))
                await self._spent()
                await self.refresh()
                await self._conversation.catch_up()

    async def tend(self) -> None:
        """Keep what is being typed, and label answers of programs that died while theirs grew on our screen.

        Runs as long as the screen.
        """
        while True:
            await asyncio.sleep(TENDED)
            with suppress(StoreError):  # a disk in trouble is told of where something was to be kept
                await self._conversation.keep_draft()
                if self._conversation.growing and await self._store.recover():
                    await self._conversation.catch_up()

    async def look_after(self) -> None:
        """Once a program: check the file after an unclean end, back it up, carry out old deletions; nothing waits."""
        await asyncio.sleep(QUIET)
        try:
            found = await self._store.maintain()
        except StoreError as error:
            if not self._store.is_closing:
                self._app.show_error(error)
            return
        if found is not None and found.damaged:
            from routerterm.store.errors import Damaged  # with it comes SQLite

            self._app.show_error(
                Damaged("The history is damaged.", "Quit and start again: it is set aside and what can be is saved.")
            )
        elif found is not None and found.problems:
            self._app.show_error(StoreError("The history has a fault.", "routerterm doctor --mend repairs it."))

    def keep_trying(self, session: Session) -> None:
        """An answer could not be written to its end: try until the disk takes it, and say so then."""

        async def work() -> None:
            while session.unsaved:
                await asyncio.sleep(AGAIN)
                with suppress(StoreError):
                    await session.save_again()
            self._app.notify("The disk is writable again: the whole answer is saved.", timeout=5)
            await self.refresh()

        self._unsaved.append(session)
        self._list.run_worker(work(), name="save again", group="save", exit_on_error=False)

    async def save_all(self) -> None:
        """The last chance for answers that could not be written."""
        for session in self._unsaved:
            with suppress(StoreError):
                await session.save_again()

    async def conversation(self, id: str | None) -> Conversation:
        """The conversation.  Raises `RoutertermError` for one that is on no disk yet."""
        found = await self._store.conversations.get(self._some(id))
        if found is None:
            raise RoutertermError("The conversation no longer exists.")
        return found

    async def set_tags(self, id: str | None, text: str) -> None:
        """Its tags are these, given with commas between."""
        tags = dict.fromkeys(" ".join(tag.split()).removeprefix("#") for tag in text.split(","))
        await self._store.conversations.change(self._some(id), tags=tuple(filter(None, tags)))
        await self._changed(id)

    async def toggle_archive(self, id: str | None) -> bool:
        """Put it away, or take it out again; whether it is put away now."""
        archived = not (await self.conversation(id)).archived
        await self._store.conversations.change(self._some(id), archived=archived)
        await self._changed(id)
        return archived

    async def clone(self, id: str | None) -> str:
        """A copy, branches and all; its id."""
        copy = await self._app.ready_services.session(self._some(id)).clone()
        await self.refresh()
        return copy.id

    async def rename(self, id: str | None, title: str) -> None:
        """Give a conversation another title."""
        await self._store.conversations.change(self._some(id), title=" ".join(title.split()))
        await self._changed(id)

    async def toggle_pin(self, id: str | None) -> None:
        """Keep it at the top, or no longer."""
        conversation = await self._store.conversations.get(self._some(id))
        if conversation is not None:
            await self._store.conversations.change(conversation.id, pinned=not conversation.pinned)
        await self._changed(id)

    async def delete(self, id: str) -> None:
        """Take it away; it can be brought back for a week."""
        await self._store.conversations.delete(id)
        await self.refresh()

    async def undelete(self) -> str:
        """Bring back what was deleted last.  Raises `RoutertermError` when there is nothing."""
        deleted = await self._store.conversations.page(PAGE, which=Filter(deleted=True))
        if not deleted:
            raise NotNow("There is nothing to restore.", "Deleted conversations are kept for a week.")
        newest = max(deleted, key=lambda conversation: conversation.deleted_at or 0)
        await self._store.conversations.restore(newest.id)
        await self.refresh()
        return newest.id

    async def _changed(self, id: str | None) -> None:
        await self.refresh()
        if id == self._conversation.id:
            await self._conversation.session.refresh()
            self._changed_here()

    def _remember(self, rows: tuple[Conversation, ...], *, anew: bool) -> None:
        self._loaded = len(rows) + (0 if anew else self._loaded)
        self._last = rows[-1] if rows else self._last

    async def _items(self, rows: tuple[Conversation, ...]) -> list[Item]:
        costs = await self._costs(rows)
        running = self._answering()
        return [
            Item(
                row.id,
                row.title,
                row.updated_at,
                pinned=row.pinned,
                answering=row.id in running,
                unread=row.id in self._unread,
                model=one_line(row.model or "").rpartition("/")[2],
                cost=costs.get(row.id, "") if costs is not None else None,
            )
            for row in rows
        ]

    async def _costs(self, rows: tuple[Conversation, ...]) -> Mapping[str, str] | None:
        """What these have cost, by id; None where the list has no room for it: it is summed from all attempts."""
        if not self._list.has_costs:
            return None
        costs = await self._store.conversations.costs([row.id for row in rows])
        return {id: show_usd(from_nano(cost)) for id, cost in costs.items()}

    def _some(self, id: str | None) -> str:
        if id is None:
            raise NotNow("Nothing is saved yet.", "Send a message first.")
        return id
