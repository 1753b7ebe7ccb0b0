"""The conversation on show: what the transcript shows of it, and the model that answers next."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Literal

from msgspec.structs import replace

from routerterm.core.errors import NotNow, RoutertermError
from routerterm.core.files import Draft
from routerterm.engine.chat.active_conversation import ActiveConversation
from routerterm.tui.chat.entries import entry_of, waiting_entry
from routerterm.tui.chat.last_model import begins_with, remember
from routerterm.tui.chat.turn import joined

if TYPE_CHECKING:
    from routerterm.engine.chat.project import Project
    from routerterm.engine.chat.session import Session
    from routerterm.store.values import StoredMessage
    from routerterm.tui.app_context import AppContext
    from routerterm.tui.chat.events import ConversationEvents
    from routerterm.tui.chat.view import ChatView
    from routerterm.tui.transcript.values import Entry

PAGE = 60
"""Messages that are read at a time; a screenful and some."""


class ConversationController(ActiveConversation):
    """The conversation that the transcript shows."""

    def __init__(self, app: AppContext, view: ChatView, events: ConversationEvents) -> None:
        super().__init__(lambda: app.ready_services)
        self._app = app
        self._transcript = view.transcript
        self._composer = view.composer
        self._events = events
        self._first: str | None = None
        self._seen: tuple[str | None, int] = (None, 0)
        self.growing = False
        """Whether the last answer is coming in by way of another program."""
        self._behind = False
        """Whether another program changed the file while an answer ran here."""
        self._prompt_names: dict[str, str] = {}
        self._left: str | None = None  # what was being written in the conversation that is being left
        self.opening = asyncio.Lock()
        """Until what was written in it is back, what the composer holds is no draft of the conversation that opens."""
        self._draft_before = ""
        """What was being written when the edit began: Esc brings it back."""

    @property
    def system_name(self) -> str:
        """The name of the system prompt, where it came from the library in this session."""
        return self._prompt_names.get(self.system or "", "")

    def name_prompt(self, text: str, name: str) -> None:
        """A system prompt is called so."""
        self._prompt_names[text] = name

    def begin_opening(self) -> None:
        """Another conversation is about to be opened: what is typed from now on is for that one."""
        if self._left is None and self.begun and not self.opening.locked():
            self._leave()

    def _leave(self) -> None:
        self.stop_editing()
        self._left = self._composer.take()
        self._events.leaves()

    async def open(self, id: str | None, message_id: str | None = None, word: str = "") -> None:
        """Show a conversation at its end, or at a message on its branch, a word marked; None begins a new one."""
        async with self.opening:
            if self._left is None and self.begun:
                self._leave()
            left, self._left = self._left or "", None
            await self._open(id, message_id, word, left)

    async def _open(self, id: str | None, message_id: str | None, word: str, left: str) -> None:
        try:
            await self.save_draft(lambda: replace(self._events.attached_there(), text=left))
            before = self.id
            conversation = await self.load(id, self._events.running_in(id) if id else None)
        except BaseException:  # also where it is cancelled, since another one is to be opened instead
            self._composer.give_back(left)
            self._events.stays()
            raise
        self._events.was_left(before)
        draft = self.draft_saved = await self._app.ready_services.store.drafts.read(
            id
        )  # a running session has an old one
        self.draft_of, self.draft_is_stale = id, False
        self._composer.give_back(draft.text)
        self._events.draft_found(draft)
        if message_id is not None:
            await self.session.show(message_id)
        services = self._app.ready_services
        self.model = (conversation.model or services.default_model) if conversation else await begins_with(services)
        if conversation is None and services.project is not None and self.begin_project is not None:
            await self.begin_project(services.project)
        await self.show()
        if message_id is not None:
            await self.reveal(message_id, word)
        if id is not None:
            await services.store.outbox.read(id)
        self._events.conversation_opened(id)

    begin_project: Callable[[Project], Awaitable[None]] | None = None
    """Gives a new conversation what a project says; set by whoever also holds the attachments."""

    @property
    def project_name(self) -> str:
        """The name of the project that is open; empty where none is."""
        services = self._app.services
        return services.project.name if services is not None and services.project is not None else ""

    def edit(self, id: str, what: Literal["question", "answer"]) -> None:
        """The composer's text replaces this message from now on; what stood there waits."""
        if self.editing is None:
            self._draft_before = self._composer.text
        self.editing, self.editing_what = id, what
        self._events.conversation_changed()

    @property
    def edits_answer(self) -> bool:
        """Whether the composer holds an answer: Enter saves it, and nothing is sent."""
        return self.editing is not None and self.editing_what == "answer"

    def edited(self) -> None:
        """The edit is done: what was being written before it stands in the composer again."""
        self.editing = None
        if self._draft_before:
            self._composer.give_back(self._draft_before)
            self._draft_before = ""
        self._events.edit_ended()

    def stop_editing(self) -> bool:
        """Leave the message as it was and go on with what was being written before; False if none is edited."""
        if self.editing is None:
            return False
        self.editing = None
        self._composer.remember(self._composer.text)
        self._composer.put(self._draft_before)
        self._draft_before = ""
        self._events.edit_ended()
        self._events.conversation_changed()
        return True

    async def reconsider(self) -> None:
        """Keys have come or gone: what answers by default may be another, also here if nothing else was chosen."""
        services = self._app.ready_services
        before = services.default_model
        await services.choose_default()
        if self.id is None and self.model == before != services.default_model:
            self.model = services.default_model
            self._events.conversation_changed()

    async def show(self) -> None:
        """Read the end of the branch and show it; an answer that is running here goes on growing."""
        page = await self.session.page(PAGE)
        forked = self.forks
        await self.look_for_fork()
        self._first = page.messages[0].id if page.earlier else None
        self._transcript.show(await self._entries(page.messages), more_before=page.earlier)
        self._note(page.messages)
        self._events.messages_shown(self.session, empty=not page.messages)
        if forked != self.forks:
            self._events.conversation_changed()

    async def _entries(self, messages: Sequence[StoredMessage]) -> list[Entry]:
        """Messages as they are shown; a question that waits in the outbox says so."""
        entries = [entry_of(message) for message in messages]
        answered = {message.parent_id for message in messages if message.role == "assistant"}
        if any(message.role == "user" and message.id not in answered for message in messages):
            waiting = {row.question_id: row for row in await self._app.ready_services.store.outbox.rows()}
            entries = [
                entry if (row := waiting.get(entry.id)) is None else waiting_entry(entry, row) for entry in entries
            ]
        return entries

    def _note(self, messages: Sequence[StoredMessage]) -> None:
        """Remember what is shown, to know what has changed."""
        conversation = self.session.conversation
        self._seen = (self.session.head, conversation.updated_at if conversation else 0)
        self.growing = bool(messages) and messages[-1].status == "streaming"

    async def reveal(self, message_id: str, word: str = "") -> None:
        """Bring a message into view, reading the branch upwards until it is there."""
        while not self._transcript.reveal(message_id, word) and self._first is not None:
            await self.older(1000)

    async def look_for(self, words: str) -> int:
        """Mark words in all of this conversation; in how many messages they are."""
        await self._all_older()
        return self._transcript.find(words)

    async def to_start(self) -> None:
        """Show the very first message, and load all before it."""
        await self._all_older()
        self._transcript.action_to_start()

    async def _all_older(self) -> None:
        while self._first is not None:
            await self.older(1000)

    async def older(self, limit: int = PAGE) -> None:
        """What stands above the first message that is loaded."""
        if self._first is None:
            return
        page = await self.session.page(limit, before=self._first)
        self._first = page.messages[0].id if page.earlier and page.messages else None
        self._transcript.show_older(await self._entries(page.messages), more_before=page.earlier)

    async def catch_up(self) -> None:
        """Show what another program has changed in this conversation."""
        if self.id is None:
            return
        self._behind = self._events.running_in(self.id) is not None
        if self._behind:
            return
        before = self.session.conversation
        await self.session.refresh()
        conversation = self.session.conversation
        if conversation != before:
            self._events.conversation_changed()  # its title perhaps, and no message
        if conversation is None or not (self.growing or self._seen != (self.session.head, conversation.updated_at)):
            return
        page = await self.session.page(PAGE)
        if not self._take_up(await self._entries(page.messages)):
            await self.show()
            return
        self._note(page.messages)
        self._events.messages_shown(self.session, empty=not page.messages)

    async def turn_ended(self) -> None:
        """An answer that ran here has ended: show what another program changed meanwhile."""
        if self._behind:
            try:
                await self.catch_up()
            except RoutertermError as error:  # the other program may have deleted it
                self._app.show_error(error)

    def _take_up(self, fresh: Sequence[Entry]) -> bool:
        """Exchange what has changed at the end of what is shown and add what is new; the view stays where it is.

        False where another branch is to be shown, or too much is new.
        """
        transcript = self._transcript
        shown = {slot.entry.id: slot.entry for slot in transcript.entry_list.slots}
        known = [entry.id for entry in fresh if entry.id in shown]
        if not known or known != [entry.id for entry in fresh[: len(known)]] or known != list(shown)[-len(known) :]:
            return False
        for entry in fresh:
            if shown.get(entry.id) != entry:
                transcript.replace_entry(entry)
        return True

    async def settle_header(self, message_id: str) -> None:
        """The header of an answer that has ended, as it will be found later: its place among its siblings with it."""
        self._transcript.set_header(message_id, entry_of(await self.session.message(message_id)).header)

    async def keep(self, message_id: str) -> None:
        """Send a message to the model always, or no longer."""
        message = await self.session.message(message_id)
        await self._app.ready_services.store.messages.pin(message_id, not message.pinned)
        now = await self.session.message(message_id)
        if self._transcript.entry_list.number(message_id) is not None:
            self._transcript.replace_entry(entry_of(now))
        always = "This message is always sent now." if now.pinned else "This message is sent while it fits."
        self._app.notify(always, timeout=3)

    async def use_model(self, name: str) -> None:
        """Answer with this model or route from now on, also in new conversations; none is saved for that.

        Raises `RoutertermError`, with the nearest names, for one that nothing answers to.
        """
        from routerterm.wiring.model_lists import check_name

        await check_name(self._app.ready_services, name)
        self.model = name
        await remember(self._app.ready_services, name)
        await self.keep_model()
        self._events.conversation_changed()

    async def set(self, **fields: object) -> None:
        """Change the conversation's system prompt, privacy or parameters; a new one is not saved for that."""
        await self.change(**fields)
        self._events.conversation_changed()

    async def question(self, id: str | None) -> StoredMessage:
        """The question at or above a message, or the last one."""
        session = self.session
        await session.load()
        at = id or session.head
        while at is not None:
            message = await session.message(at)
            if message.role == "user":
                return message
            at = message.parent_id
        raise NotNow("There is no question to edit yet.")

    async def answer(self, id: str | None) -> StoredMessage:
        """An answer: the chosen one, the one after a chosen question, or the last."""
        session = self.session
        await session.load()
        at = id or session.head
        if at is None:
            raise NotNow("There is no answer yet.")
        message = await session.message(at)
        if message.role == "user":
            children = await self._app.ready_services.store.messages.children(message.id)
            message = await session.message(children[-1]) if children else message
        return message

    async def unseen_image(self) -> int | None:
        """The place of the last message on the branch with an image that no model of the name can see, from 1."""
        from routerterm.wiring.preview import abilities

        if self.id is None or (await abilities(self._app.ready_services)).of(self.model).sees:
            return None
        return await self.session.last_image()

    async def keep_draft(self) -> None:
        """Keep all that is written or attached and not asked: also what is on its way, or waits behind an edit."""
        if not self.opening.locked():
            await self.save_draft(self._unsent)

    def _unsent(self) -> Draft:
        unasked, here = joined(self._events.unasked_here()).draft, self._events.attached_here()
        text = "\n\n".join(filter(None, (unasked.text, self._draft_before, self._left, self._composer.text)))
        who = unasked if unasked.model or unasked.params is not None else here
        return Draft(text, unasked.files + here.files, who.model, who.params)

    async def question_kept(self, session: Session) -> None:
        """A question of the conversation on show is on the disk, and no longer a draft."""
        try:
            await self.settle(session)
            if self.draft_saved != Draft():
                self.draft_is_stale = True
                await self.keep_draft()
        except RoutertermError as error:  # the answer goes on all the same
            self._app.show_error(error)
