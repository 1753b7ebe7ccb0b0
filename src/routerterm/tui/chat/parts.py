"""The parts of the chat, put together: each gets what it needs, and what it tells goes to whom it concerns.

No part knows the screen, nor another part that it does not use: this is the one place where all are known.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from routerterm.core.errors import StoreError
from routerterm.core.messages import Message, Text
from routerterm.tui.chat.approvals import Approvals
from routerterm.tui.chat.attachments import Attachments
from routerterm.tui.chat.boot import Boot
from routerterm.tui.chat.compare import CompareController
from routerterm.tui.chat.composer_controller import ComposerController
from routerterm.tui.chat.confirmation import Confirmation
from routerterm.tui.chat.conversation import ConversationController
from routerterm.tui.chat.greeting import GreetingController
from routerterm.tui.chat.layout import Layout
from routerterm.tui.chat.onboarding import Onboarding
from routerterm.tui.chat.places import Places
from routerterm.tui.chat.project import begin as begin_project
from routerterm.tui.chat.sidebar import Sidebar
from routerterm.tui.chat.spending import Spending
from routerterm.tui.chat.status import StatusController
from routerterm.tui.chat.turn import Asked
from routerterm.tui.chat.turns import TurnRunner

if TYPE_CHECKING:
    from routerterm.core.files import Draft
    from routerterm.engine.chat.session import Session
    from routerterm.tui.actions import Action
    from routerterm.tui.app_context import AppContext
    from routerterm.tui.chat.context import Commands
    from routerterm.tui.chat.view import ChatView
    from routerterm.tui.notifications import Notifications
    from routerterm.tui.widgets.framed_screen import FramedScreen


class ChatParts:
    """`ConversationEvents` and `TurnEvents` are told to this."""

    def __init__(
        self,
        app: AppContext,
        screen: FramedScreen,
        view: ChatView,
        *,
        commands: Commands,
        notifications: Notifications,
        sidebar: str = "auto",
    ) -> None:
        self.app = app
        self.view = view
        self.commands = commands
        self.notifications = notifications
        self.begun = asyncio.Event()
        """Set once the panes are filled."""
        self.confirmation = Confirmation(self.refresh)
        self._make_answering()
        self._make_panes(screen, sidebar)
        self._make_writing()

    def _make_answering(self) -> None:
        """The conversation on show, its files, and the answers that run in it and beside it."""
        app, view = self.app, self.view
        self.conversation = ConversationController(app, view, self)
        self.approvals = Approvals(
            app,
            here=lambda: self.conversation.id,
            writing=lambda: view.composer.has_focus and bool(view.composer.text),
            changed=self.refresh,
        )
        self.attachments = Attachments(app, view, self.conversation, self._unsent_changed)
        self.turns = TurnRunner(
            app,
            view,
            self.conversation,
            attachments=self.attachments,
            notifications=self.notifications,
            events=self,
        )
        self.spending = Spending(self.confirmation, self.conversation, lambda: app.ready_services)
        self.compare = CompareController(
            app, view, self.conversation, self.attachments, changed=self._unsent_changed, ended=self._comparison_ended
        )
        self.conversation.begin_project = partial(begin_project, self)

    def _make_panes(self, screen: FramedScreen, sidebar: str) -> None:
        """The panes, where the keyboard goes in them, and what an empty chat shows."""
        app, view = self.app, self.view
        self.sidebar = Sidebar(
            app,
            view.conversation_list,
            self.conversation,
            answering=lambda: self.turns.answering,
            changed=self.refresh,
            spent=lambda: self.status.spent_elsewhere(),
        )
        self.layout = Layout(app, screen, view, sidebar)
        self.places = Places(
            screen, view.composer, view.transcript, view.conversation_list, show_list=self.layout.show_for_focus
        )
        view.conversation_list.chooses = self._chooses
        view.transcript.leaves = view.conversation_list.leaves = partial(self.places.go, "WRITE")
        self.onboarding = Onboarding(app, view, self.conversation, self._onboarding_closed)
        self.boot = Boot(app, view.greeting)
        self.greeting = GreetingController(app, view, self.conversation.open, self.boot.skip)

    def _make_writing(self) -> None:
        """The composer, and the status row beneath it, which says what all of the others are at."""
        self.composer_controller = ComposerController(
            self.app,
            self.view,
            commands=self.commands,
            conversation=self.conversation,
            attachments=self.attachments,
            turns=self.turns,
            compare=self.compare,
            spending=self.spending,
            confirmation=self.confirmation,
            onboarding=self.onboarding,
            waiting=self.refresh,
        )
        self.status = StatusController(
            self.app,
            self.view,
            conversation=self.conversation,
            turns=self.turns,
            compare=self.compare,
            places=self.places,
            confirmation=self.confirmation,
            approvals=self.approvals,
            notifications=self.notifications,
            waiting=lambda: len(self.composer_controller.early),
            greeting=self.greeting,
        )

    @property
    def questions(self) -> tuple[Callable[[str], bool], ...]:
        """What the status row may ask: each takes a key, and says whether that was the answer."""
        return (self.confirmation.took_key, self.approvals.took_key)

    @property
    def unsent(self) -> Message:
        """What is written and attached, as the message that it would be."""
        text = self.view.composer.text
        words = (Text(text),) if text.strip() else ()
        return Message("user", (*words, *(file.part for file in self.attachments.items)))

    @property
    def key_actions(self) -> tuple[Action, ...]:
        """What the key bar says of the present place: nothing while the status row asks, whose keys are then others."""
        if self.confirmation.open or self.approvals.fields:
            return ()
        if self.places.mode != "WRITE" or not self.conversation.edits_answer:
            return self.places.actions
        return tuple(replace(one, short="Save") if one.method == "submit" else one for one in self.places.actions)

    def refresh(self) -> None:
        """Title, status row and key bar say how things are now."""
        self.status.refresh()
        self.keys_changed()

    def show_idle_text(self, shown: bool) -> None:
        """Show what the theme says while nothing has been said yet, or the messages in its place."""
        if not shown:
            self.onboarding.close()
        self.view.greeting.display = shown and not self.onboarding.open
        self.view.transcript.display = not shown
        if shown and self.places.mode == "MESSAGES":
            self.places.go("WRITE")
        self.keys_changed()

    keys_changed: Callable[[], None] = staticmethod(lambda: None)
    """Shows the keys anew: there are messages to go to now, or none any more.  Set by whoever shows them."""

    def _chooses(self) -> None:
        self.conversation.begin_opening()
        self.places.go("WRITE")

    def _unsent_changed(self) -> None:
        """Other files go with the next message, or other models answer it."""
        self.view.composer.goes_empty = bool(self.attachments.items or self.compare.models)
        self.status.refresh()
        self.status.typed()
        if self.conversation.begun:
            self.view.composer.run_worker(self._keep_draft(), group="draft", exit_on_error=False)

    async def _keep_draft(self) -> None:
        with suppress(StoreError):  # a disk in trouble is told of where something was to be kept
            await self.conversation.keep_draft()

    def _onboarding_closed(self) -> None:
        self.show_idle_text(not self.view.transcript.entry_list.slots)

    async def _comparison_ended(self) -> None:
        await self.sidebar.refresh()
        await self.status.spent()
        await self.status.refresh_providers()
        self.notifications.guarded()

    # -- what becomes of the conversation --------------------------------------------------------------

    def running_in(self, id: str) -> Session | None:
        """The session that is answering in that conversation."""
        return self.turns.session_of(id)

    def unasked_here(self) -> tuple[Asked, ...]:
        """What was sent here and is not on disk as a question: of the answer on show, or still on its way to it."""
        turn = self.turns.current.unasked if self.turns.current is not None else ()
        held = filter(None, (self.confirmation.holds, self.compare.unasked))
        return (*turn, *map(Asked, self.composer_controller.on_their_way), *held)

    def attached_here(self) -> Draft:
        """What is attached and was not sent, and who is to answer."""
        return self.attachments.unsent

    def leaves(self) -> None:
        """The conversation on show is about to be left."""
        self.attachments.leave()

    def attached_there(self) -> Draft:
        """What is attached in the conversation that is being left."""
        return self.attachments.left

    def was_left(self, id: str | None) -> None:
        """What was written and attached in it is on disk."""
        self.attachments.put_away(id)

    def stays(self) -> None:
        """No other one could be opened."""
        self.attachments.stay()

    def draft_found(self, draft: Draft) -> None:
        """This is on disk of what was written and attached in the one that is opened."""
        self.attachments.opened(draft)

    def edit_ended(self) -> None:
        """The next message's own files are back."""
        self.attachments.end_edit()

    def conversation_opened(self, id: str | None) -> None:
        """Another conversation is on show, or a new one."""
        self.view.conversation_list.mark_open(id)
        self.attachments.show()
        self.status.refresh()
        self.status.look_ahead()

    def messages_shown(self, session: Session, *, empty: bool) -> None:
        """Its messages were read and shown anew; an answer that is running here goes on growing."""
        self.show_idle_text(empty)
        self.turns.show_running(session)

    def conversation_changed(self) -> None:
        """Its model is another, or what is in force in it."""
        self.status.refresh()
        self.status.look_ahead()

    # -- what becomes of answers -----------------------------------------------------------------------

    def turn_started(self) -> None:
        """One runs."""
        self.status.refresh()

    def turn_state_changed(self) -> None:
        """There is something else to be said of those that run, or one of them has ended."""
        self.status.refresh()

    def question_shown(self) -> None:
        """The first thing in the transcript may be a question that is not on disk yet."""
        self.show_idle_text(False)

    def reached(self, anybody: bool) -> None:
        """Whether anybody could be reached by a request."""
        self.status.reached(anybody)

    def unsaved(self, session: Session) -> None:
        """The disk did not take an answer."""
        self.sidebar.keep_trying(session)

    async def conversations_changed(self) -> None:
        """There is a new conversation, or one with an answer that runs."""
        await self.sidebar.refresh()

    async def turn_ended(self) -> None:
        """One has ended, and money was spent."""
        await self.sidebar.refresh()
        await self.conversation.turn_ended()
        self.status.look_ahead()
        await self.status.spent()
        await self.status.refresh_providers()
        self.notifications.guarded()
        await self.notifications.warn_of_budget()
