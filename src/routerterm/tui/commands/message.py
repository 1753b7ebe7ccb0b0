"""Commands on a message: on the one under the transcript's cursor, or on the last one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from routerterm.core.errors import RoutertermError
from routerterm.tui.chat.attachment_files import attached_of
from routerterm.tui.commands.base import Choice, Command

if TYPE_CHECKING:
    from routerterm.tui.chat.screen import ChatScreen


class Retry(Command):
    """Answer again, by the same model or the one named; the old answer stays as a sibling."""

    name, title, group, slash, argument = "retry", "Answer again", "Message", "retry", "MODEL"

    @classmethod
    async def choices(cls, stage: ChatScreen, argument: str) -> Sequence[Choice]:
        """Models and routes, with what they cost."""
        from routerterm.tui.screens.models.choices import model_choices

        return await model_choices(stage, argument)

    async def run(self, stage: ChatScreen, argument: str = "") -> None:
        """Regenerate the last answer, or the one chosen."""
        session, id = stage.stage.session, stage.chosen
        model = argument or stage.stage.model
        stage.turns.start(session, lambda: session.regenerate(id, model=model), model=model)


class Edit(Command):
    """Ask the question differently; the old one stays as a sibling."""

    name, title, group, slash = "edit", "Edit and resend", "Message", "edit"

    async def run(self, stage: ChatScreen, argument: str = "") -> None:
        """Put the question into the composer; Enter then sends it in place of the old one."""
        question = await stage.stage.question(stage.chosen)
        stage.stage.editing = question.id
        stage.composer.put(question.message.said)
        stage.tray.give_back(attached_of(question.parts))
        stage.composer.focus()
        stage.app.notify("Enter asks this instead; Esc leaves it as it was.", timeout=3)


class Fork(Command):
    """Go on from here: what is asked next begins a new branch."""

    name, title, group, slash = "fork", "Fork from here", "Message", "fork"

    async def run(self, stage: ChatScreen, argument: str = "") -> None:
        """Show the branch only up to the chosen message."""
        id = stage.chosen or stage.pointed
        if id is None:
            raise RoutertermError("There is nothing to fork from yet.")
        await stage.stage.session.fork(id)
        await stage.stage.show()
        stage.composer.focus()


class _Sibling(Command):
    group = "Message"
    step = 0

    async def run(self, stage: ChatScreen, argument: str = "") -> None:
        """Walk to the sibling of the chosen message, or of the last one that has any."""
        id = stage.chosen or await stage.stage.session.last_fork()
        if id is None:
            raise RoutertermError("Nothing here has a sibling.", "r answers again, e asks again: both make one.")
        there = await stage.stage.session.walk(id, self.step)
        await stage.stage.show()
        await stage.stage.reveal(there)


class Previous(_Sibling):
    """The earlier of the answers or questions that stand in the same place."""

    name, title, slash, step = "previous", "Earlier sibling", "previous", -1


class Next(_Sibling):
    """The later of the answers or questions that stand in the same place."""

    name, title, slash, step = "next", "Later sibling", "following", 1


class Why(Command):
    """Why this model answered: the recorded decision and every attempt."""

    name, title, group, slash = "why", "Why", "Message", "why"

    async def run(self, stage: ChatScreen, argument: str = "") -> None:
        """Show the record of the chosen or last answer."""
        from routerterm.tui.screens.why import WhyScreen

        stage.app.push_screen(WhyScreen(await stage.stage.record(stage.chosen), stage.machine))


class Undo(Command):
    """Take the last turn back; its text comes back into the composer."""

    name, title, group, slash = "undo", "Undo the last turn", "Message", "undo"

    async def run(self, stage: ChatScreen, argument: str = "") -> None:
        """Step back one turn."""
        question = await stage.stage.session.undo()
        if question is None:
            raise RoutertermError("There is no turn to take back.")
        await stage.stage.show()
        stage.composer.put(question.message.said)
        stage.tray.give_back(attached_of(question.parts))


class Redo(Command):
    """Bring back the turn that was taken back last."""

    name, title, group, slash = "redo", "Redo the turn", "Message", "redo"

    async def run(self, stage: ChatScreen, argument: str = "") -> None:
        """Step forward again."""
        if not await stage.stage.session.redo():
            raise RoutertermError("There is no turn to bring back.")
        await stage.stage.show()
