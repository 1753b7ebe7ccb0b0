"""Moving about in a conversation's tree: fork, siblings, undo and redo, clone.  Nothing is overwritten."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from msgspec.structs import replace

from routerterm.core.errors import NotNow, RoutertermError
from routerterm.engine.chat.context import NO_IMAGES
from routerterm.engine.chat.tree import Branch, branches
from routerterm.store.versions import CHOSEN

if TYPE_CHECKING:
    from routerterm.store.database import Store
    from routerterm.store.values import Conversation, Page, StoredMessage

ROOT = ""
"""The ``head_id`` of a conversation all of whose turns are undone."""


class Branches:
    """A conversation, and the leaf of the branch that is shown."""

    def __init__(self, store: Store, conversation_id: str | None) -> None:
        self._store = store
        self._id = conversation_id
        self._loaded: Conversation | None = None
        self._undone: list[tuple[str | None, str]] = []
        self.head: str | None = None
        """The last message of the branch that is shown; None before the first."""

    @property
    def conversation(self) -> Conversation | None:
        """The conversation as it was last read; None until it is loaded, or has its first question."""
        return self._loaded

    async def load(self) -> Conversation | None:
        """Read the conversation if it was not yet; None where it has no first question yet."""
        if self._loaded is None and self._id is not None:
            await self.refresh()
        return self._loaded

    async def refresh(self) -> None:
        """Read again what another program may have changed."""
        if self._id is None:
            return
        found = await self._store.conversations.get(self._id)
        if found is None:
            raise RoutertermError("There is no such conversation.", "routerterm find lists them.")
        self._loaded, self.head = found, await self._store.messages.head(self._id)

    async def page(self, limit: int = 200, before: str | None = None) -> Page:
        """The end of the branch that is shown, or what stands above the message ``before``."""
        await self.load()
        return await self._store.messages.branch(self.head, limit, before)

    async def message(self, id: str) -> StoredMessage:
        """A message of this conversation."""
        await self.load()
        found = await self._store.messages.get(id)
        if found is None or found.conversation_id != self._id:
            raise RoutertermError("There is no such message in this conversation.")
        return found

    async def tree(self) -> tuple[Branch, ...]:
        """The whole tree with the cost of each branch."""
        await self.load()
        if self._id is None:
            return ()
        nodes = await self._store.messages.tree(self._id)
        return await asyncio.to_thread(branches, nodes, self.head)

    async def fork(self, message_id: str) -> None:
        """Go on from an earlier message: the next question begins a new branch under it."""
        self._undone.clear()
        await self._go((await self.message(message_id)).id)

    async def show(self, message_id: str) -> None:
        """Show the branch on which a message lies, down to its newest leaf."""
        await self._go(await self._store.messages.leaf((await self.message(message_id)).id))

    async def prefer(self, message_id: str) -> None:
        """Note that a person chose this answer among several."""
        await self._store.messages.note((await self.message(message_id)).id, CHOSEN, "compare")

    async def walk(self, message_id: str, step: int) -> str:
        """Show the sibling ``step`` places on (it goes round); its id."""
        siblings = await self._store.messages.siblings((await self.message(message_id)).id)
        there = siblings[(siblings.index(message_id) + step) % len(siblings)]
        await self._go(await self._store.messages.leaf(there))
        return there

    async def last_fork(self) -> str | None:
        """The last message of the branch that is shown which has siblings; None where it never forked."""
        before: str | None = None
        while True:
            page = await self.page(200, before)
            for message in reversed(page.messages):
                if message.siblings > 1:
                    return message.id
            if not page.earlier:
                return None
            before = page.messages[0].id

    async def undo(self) -> StoredMessage | None:
        """Take the last turn back; its question, so that it can be typed again.  None if there is none."""
        await self.load()
        at = self.head
        while at is not None:
            found = await self.message(at)
            if found.role == "user":
                self._undone.append((found.parent_id, self.head or ROOT))
                await self._go(found.parent_id)
                return found
            at = found.parent_id
        return None

    async def redo(self) -> bool:
        """Bring back the turn that was taken back last; False if there is none, or one has gone on elsewhere."""
        while self._undone:
            parent, leaf = self._undone.pop()
            if parent == self.head:
                await self._go(leaf)
                return True
        return False

    async def clone(self, up_to: str | None = None) -> Conversation:
        """A copy as a conversation of its own: the whole tree, or the branch down to one message."""
        conversation = await self.load()
        if conversation is None:
            raise NotNow("There is nothing to copy yet.")
        copy = self._store.conversations.new(
            title=conversation.title,
            model=conversation.model,
            system=conversation.system,
            params=conversation.params,
            private=conversation.private,
            tags=conversation.tags,
        )
        return await self._store.turns.copy(conversation.id, copy, up_to, up_to or self.head)

    async def edit_answer(self, message_id: str, text: str) -> str:
        """Keep another wording of an answer, as a sibling that the model then sees as its own; its id."""
        found = await self.message(message_id)
        if found.role != "assistant":
            raise RoutertermError("This message is not an answer.")
        if not text.strip():
            raise RoutertermError("The edited answer is empty.", "Write something, or cancel.")
        id = await self._store.turns.edited(found, text)
        await self.show(id)
        return id

    async def last_image(self) -> int | None:
        """The place, from 1, of the last message of the branch that is shown whose image is sent; None without one."""
        before, below = None, 0
        total = None
        while True:
            page = await self.page(200, before)
            if total is None:
                last = page.messages[-1].id if page.messages else None
                total = await self._store.messages.depth(last) if last else 0
            for message in reversed(page.messages):
                if message.message.images and not message.params.get(NO_IMAGES):
                    return total - below
                below += 1
            if not page.earlier:
                return None
            before = page.messages[0].id

    async def leave_images_out(self) -> int:
        """Send no image of the branch that is shown from now on; in how many messages there are any."""
        count, before = 0, None
        while True:
            page = await self.page(200, before)
            for message in page.messages:
                if message.message.images:
                    await self._store.messages.note(message.id, NO_IMAGES, "left out")
                    count += 1
            if not page.earlier:
                return count
            before = page.messages[0].id

    async def _go(self, head: str | None) -> None:
        if self._id is not None and head != self.head:
            await self._store.conversations.change(self._id, head_id=head or ROOT)
        self.head = head
        if self._loaded is not None:
            self._loaded = replace(self._loaded, head_id=head or ROOT)

    def _came_to(self, conversation: Conversation) -> None:
        """A turn was written at the end of the branch."""
        self._id, self._loaded, self.head = conversation.id, conversation, conversation.head_id
        self._undone.clear()
