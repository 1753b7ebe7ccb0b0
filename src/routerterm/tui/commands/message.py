"""Commands on a message: on the one under the transcript's cursor, or on the last one."""

from __future__ import annotations

from collections.abc import Sequence

from routerterm.core.errors import NotNow
from routerterm.core.messages import Message
from routerterm.engine.chat.trace import ReplyTrace
from routerterm.tui.chat.attachment_files import attached_of
from routerterm.tui.chat.turn import Asked
from routerterm.tui.commands.base import Choice, Command, CommandContext

UNFINISHED = ("length",)
"""How an answer may have ended by itself before its time."""


class Retry(Command):
    """Ask again, the same model or the one named; the old answer stays as a version."""

    name, title, group, slash, argument = "retry", "Ask again", "Message", "retry", "MODEL"

    @classmethod
    async def choices(cls, chat: CommandContext, argument: str) -> Sequence[Choice]:
        """Models and routes, with what they cost."""
        from routerterm.tui.screens.models.choices import model_choices

        return await model_choices(chat.services, argument)

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Regenerate the last answer, or the one chosen, once its cost is confirmed."""
        await again(chat, argument or chat.conversation.model)


async def again(chat: CommandContext, model: str) -> None:
    """Have the chosen question, or the last, answered again by a model; its cost is confirmed first."""
    session, question = chat.conversation.session, await chat.conversation.question(chat.chosen)

    def do() -> None:
        chat.turns.start(session, lambda: session.regenerate(question.id, model=model), model=model)
        chat.app.notify("Asked again. [ among the messages shows the previous answer.", timeout=4)

    await chat.spending.gate("Ask again", model, do, leaf=question.id)


class Continue(Command):
    """Continue an answer that was stopped, cut off or ended by its length; the first part stays as a version."""

    name, title, group, slash = "continue", "Continue the answer", "Message", "continue"

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Go on with the chosen answer, or the last, once its cost is confirmed."""
        session, id = chat.conversation.session, chat.chosen or chat.conversation.session.head
        answer = await session.message(id) if id is not None else None
        if answer is None or answer.role != "assistant" or not answer.text.strip():
            raise NotNow("There is no answer here to continue.", "Choose one that was stopped or cut off.")
        record = ReplyTrace.of(answer.params)
        if answer.status == "done" and record.finish not in UNFINISHED:
            raise NotNow("This answer is complete.", "r asks again; or write what to add.")
        model = (
            argument or (answer.model if answer.status == "done" or record.target else "") or chat.conversation.model
        )

        def do() -> None:
            chat.turns.start(session, lambda: session.continue_answer(answer.id, model=model), model=model)

        said = Message("assistant", answer.parts)
        await chat.spending.gate("Continue", model, do, leaf=answer.parent_id, message=said)


class LeaveOut(Command):
    """Leave the images of this conversation out of what is sent, and ask the last question again."""

    name, title, group, slash = "leave_out", "Leave images out", "Message", "noimages"

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Mark them, show it, and ask again."""
        if not await chat.conversation.session.leave_images_out():
            raise NotNow("There is no image in this conversation.")
        await chat.conversation.show()
        await again(chat, chat.conversation.model)


class Edit(Command):
    """Edit a question and ask it again, or edit an answer; the old one stays as a version."""

    name, title, group, slash = "edit", "Edit", "Message", "edit"

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Put it into the composer; Enter then takes it in place of the old one."""
        chosen = await chat.conversation.session.message(chat.chosen) if chat.chosen is not None else None
        if chosen is not None and chosen.role == "assistant":
            chat.conversation.edit(chosen.id, "answer")
            chat.composer.put(chosen.text, undoable=True)
        else:
            question = await chat.conversation.question(chat.chosen)
            chat.conversation.edit(question.id, "question")
            chat.composer.put(question.message.said, undoable=True)
            chat.attachments.begin_edit(attached_of(question.parts))
        chat.places.go("WRITE")


class Fork(Command):
    """Fork: the next question starts a new branch here."""

    name, title, group, slash = "fork", "Fork from here", "Message", "fork"

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Show the branch only up to the chosen message."""
        id = chat.chosen or chat.pointed
        if id is None:
            raise NotNow("There is nothing to fork from yet.")
        if not await chat.conversation.fork(id):
            raise NotNow("The conversation ends here: your next question follows anyway.")
        await chat.conversation.show()
        chat.composer.focus()
        chat.app.notify("Your next question starts a new branch.", timeout=6, markup=False)


class _Sibling(Command):
    group = "Message"
    step = 0

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Walk to the sibling of the chosen message, or of the last one that has any."""
        id = chat.chosen or await chat.conversation.session.last_fork()
        if id is None:
            raise NotNow("There is only one version.", "r asks again, e edits: both add a version.")
        there = await chat.conversation.session.walk(id, self.step)
        await chat.conversation.show()
        await chat.conversation.reveal(there)


class Previous(_Sibling):
    """Show the previous version of this question or answer."""

    name, title, slash, step = "previous", "Previous version", "previous", -1


class Next(_Sibling):
    """Show the next version of this question or answer."""

    name, title, slash, step = "next", "Next version", "following", 1


class Why(Command):
    """Why this model answered: the recorded decision and every attempt."""

    name, title, group, slash = "why", "Why", "Message", "why"

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Show the record of the chosen or last answer."""
        from routerterm.tui.screens.why import WhyScreen

        answer = await chat.conversation.answer(chat.chosen)
        chat.app.push_screen(WhyScreen(ReplyTrace.of(answer.params), answer.status, chat.app.active_theme))


class Undo(Command):
    """Undo the last turn; its text returns to the composer."""

    name, title, group, slash = "undo", "Undo the last turn", "Message", "undo"

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Step back one turn."""
        question = await chat.conversation.session.undo()
        if question is None:
            raise NotNow("There is no turn to undo.")
        await chat.conversation.show()
        chat.composer.put(question.message.said, undoable=True)
        chat.attachments.give_back(Asked("", tuple(attached_of(question.parts))))


class Redo(Command):
    """Redo the turn that was undone last."""

    name, title, group, slash = "redo", "Redo the turn", "Message", "redo"

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Step forward again."""
        if not await chat.conversation.session.redo():
            raise NotNow("There is no turn to redo.")
        await chat.conversation.show()
