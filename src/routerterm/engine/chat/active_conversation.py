"""The conversation that a person is in: its session, what answers next, and what was set before it began.

The chat and the plain chat both keep one; what they show of it is theirs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

from routerterm.core.files import Draft
from routerterm.core.request import Params
from routerterm.engine.chat.params import params_from_json, params_to_json

if TYPE_CHECKING:
    from routerterm.engine.chat.session import Session
    from routerterm.store.database import Store
    from routerterm.store.values import Conversation


class Sessions(Protocol):
    """What is needed of the services."""

    @property
    def store(self) -> Store:
        """The history."""
        ...

    def session(self, conversation_id: str | None = None, **fields: Any) -> Session:
        """A conversation, or a new one with these fields."""
        ...


class ActiveConversation:
    """One conversation, or a new one that is on no disk yet.

    ``services`` is asked for them whenever they are needed: before the first paint there are none.
    """

    def __init__(self, services: Callable[[], Sessions], model: str = "") -> None:
        self._services = services
        self._session: Session | None = None
        self.model = model
        """The model or route that answers next."""
        self.draft_saved = Draft()
        """What was kept last of what is not sent."""
        self.draft_is_stale = False
        """Whether something else may be on disk by now."""
        self.draft_of: str | None = None
        """The id of the conversation with which it was kept; None for the next new one."""
        self._saving_draft = asyncio.Lock()
        self.editing: str | None = None
        """The question or answer that the next text replaces."""
        self.editing_what: Literal["question", "answer"] = "question"
        self.forks = False
        """Whether more follows the last message that is shown: the next question starts a branch of its own there."""
        self._fork: tuple[str, str | None] | None = None
        """Where a fork was asked for, and the end of the branch that was shown before."""
        self._early_fields: dict[str, Any] = {}
        """What was set for a conversation that has no first message yet: system prompt, privacy, parameters."""
        self._first_asked: Session | None = None
        """The new conversation's session while its first question is on its way to the disk."""
        self._late_fields: dict[str, Any] = {}
        """What was set meanwhile."""
        self._reading: str | None = None
        """The id of the conversation that is being read."""

    @property
    def session(self) -> Session:
        """The session of the conversation."""
        if self._session is None:
            self._session = self._services().session(None)
        return self._session

    @property
    def begun(self) -> bool:
        """Whether a conversation was opened yet, be it a new one."""
        return self._session is not None

    @property
    def stored(self) -> Conversation | None:
        """The conversation as it is on disk; None before its first message."""
        return self._session.conversation if self._session else None

    @property
    def id(self) -> str | None:
        """The conversation's id, also while it is being read; None before its first message."""
        return self.stored.id if self.stored else self._reading

    @property
    def title(self) -> str:
        """The conversation's title."""
        return self.stored.title if self.stored else ""

    @property
    def system(self) -> str | None:
        """The conversation's system prompt."""
        return self.stored.system if self.stored else self._early_fields.get("system")

    @property
    def private(self) -> bool:
        """Whether only local models may answer."""
        return self.stored.private if self.stored else bool(self._early_fields.get("private"))

    @property
    def params(self) -> Params:
        """How the conversation's answers are wished for."""
        return params_from_json(self.stored.params) if self.stored else self._early_fields.get("params", Params())

    async def load(self, id: str | None, running: Session | None = None) -> Conversation | None:
        """Go to a conversation, by the session that is answering in it where there is one; None begins a new one."""
        self._early_fields.clear()
        self._late_fields.clear()
        self._first_asked = None
        self._session = session = running or self._services().session(id)
        self._reading = id
        try:
            return await session.load()
        finally:
            self._reading = None

    async def change(self, **fields: object) -> None:
        """Change the conversation's system prompt, privacy or parameters; a new one is not saved for that."""
        if self.id is None:
            self._early_fields |= fields
            if self._first_asked is not None:  # its session answers: another one would leave that alone, unseen
                self._late_fields |= fields
                return
            self._session = self._services().session(None, **self._early_fields)
            return
        if isinstance(fields.get("params"), Params):
            fields["params"] = params_to_json(cast(Params, fields["params"]))
        await self._services().store.conversations.change(self.id, **fields)
        await self.session.refresh()

    async def keep_model(self) -> None:
        """Write down which model answers next; a conversation without a message is not saved for that."""
        if self.id is not None:
            await self._services().store.conversations.change(self.id, model=self.model)
            await self.session.refresh()
        elif self._first_asked is not None:
            self._late_fields["model"] = self.model

    def asks(self) -> None:
        """A question leaves for the disk: until `settle` a new conversation has one session."""
        self._first_asked = self._session if self.id is None else None

    async def settle(self, session: Session) -> None:
        """The first question of a session is on the disk, or will never be: what was set since then is kept, too."""
        if self._first_asked is not session:
            return
        late, self._late_fields, self._first_asked = self._late_fields, {}, None
        if self.id is None:
            late.pop("model", None)
        if late:
            await self.change(**late)

    async def fork(self, id: str) -> bool:
        """Go on from this message: the next question starts a new branch.  False at the end of one."""
        if not await self._services().store.messages.children(id):
            return False
        await self.session.load()
        self._fork = id, self.session.head
        await self.session.fork(id)
        return True

    @property
    def may_end_fork(self) -> bool:
        """Whether a fork was asked for here, and nothing has followed yet."""
        return self.forks and self._fork is not None and self._fork[0] == self.session.head

    async def end_fork(self) -> bool:
        """Go back to where `fork` was called, and start no new branch; False where none was asked for."""
        if self._fork is None or not self.may_end_fork:
            return False
        (at, before), self._fork = self._fork, None
        await self.session.show(before or at)
        return True

    async def look_for_fork(self) -> None:
        """Look up whether a new branch would start here."""
        head = self.session.head
        self.forks = bool(head and await self._services().store.messages.children(head))

    async def save_draft(self, unsent: Callable[[], Draft]) -> None:
        """Keep what is written and attached, as it is once what is being kept now is on disk."""
        session = self._session
        async with self._saving_draft:  # while the disk is slow, what is written next may be what was kept last
            if self._session is session:  # else another conversation was opened, and kept this one's draft before
                await self._save_draft(unsent())

    async def _save_draft(self, draft: Draft) -> None:
        if not self.begun or (draft == self.draft_saved and not self.draft_is_stale):
            return
        drafts, id, before, elsewhere = self._services().store.drafts, self.id, self.draft_saved, self.draft_of
        self.draft_is_stale = False
        try:
            await drafts.save(id, draft)
            if elsewhere is None and id is not None:  # a new conversation has come to its id
                await drafts.forget(None, before)
        except BaseException:
            self.draft_is_stale = True
            raise
        self.draft_saved, self.draft_of = draft, id
