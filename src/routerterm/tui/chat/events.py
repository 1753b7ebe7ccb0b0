"""Who is told what becomes of conversations and answers: protocols, so that parts of the chat know no screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from routerterm.core.files import Draft
    from routerterm.engine.chat.session import Session
    from routerterm.tui.chat.turn import Asked


class ConversationEvents(Protocol):
    """Who is told what becomes of the conversation on show, and knows which answers are running."""

    def running_in(self, id: str) -> Session | None:
        """The session that is answering in that conversation."""
        ...

    def conversation_opened(self, id: str | None) -> None:
        """Another conversation is on show, or a new one."""
        ...

    def unasked_here(self) -> Sequence[Asked]:
        """What was sent in the conversation on show and is not on disk as a question, in its order."""
        ...

    def attached_here(self) -> Draft:
        """What is attached and was not sent, and who is to answer."""
        ...

    def leaves(self) -> None:
        """It is about to be left: what is attached from now on is for the next one."""
        ...

    def attached_there(self) -> Draft:
        """What is attached in the conversation that is being left."""
        ...

    def was_left(self, id: str | None) -> None:
        """What was written and attached in it is on disk."""
        ...

    def stays(self) -> None:
        """No other one could be opened."""
        ...

    def draft_found(self, draft: Draft) -> None:
        """This is on disk of what was written and attached in the one that is opened."""
        ...

    def edit_ended(self) -> None:
        """No message is edited any more: files that were set aside for it are back."""
        ...

    def messages_shown(self, session: Session, *, empty: bool) -> None:
        """Its messages were read and shown anew; ``empty`` where there are none yet."""
        ...

    def conversation_changed(self) -> None:
        """Its model is another, or what is in force in it."""
        ...


class TurnEvents(Protocol):
    """Who is told what becomes of answers."""

    def turn_started(self) -> None:
        """One runs."""
        ...

    def turn_state_changed(self) -> None:
        """There is something else to be said of those that run, or one of them has ended."""
        ...

    def question_shown(self) -> None:
        """The first thing in the transcript may be a question that is not on disk yet."""
        ...

    def reached(self, anybody: bool) -> None:
        """Whether anybody could be reached by a request."""
        ...

    def unsaved(self, session: Session) -> None:
        """The disk did not take an answer."""
        ...

    async def conversations_changed(self) -> None:
        """There is a new conversation, or one with an answer that runs."""
        ...

    async def turn_ended(self) -> None:
        """One has ended, and money was spent."""
        ...
