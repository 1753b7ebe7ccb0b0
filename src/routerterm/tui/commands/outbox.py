"""Commands on questions that are sent later."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from routerterm.core.errors import NotNow, RoutertermError
from routerterm.core.messages import Message, Text
from routerterm.core.sanitise import one_line
from routerterm.tui.commands.base import Choice, Command, CommandContext

if TYPE_CHECKING:
    from routerterm.store.outbox_rows import Waiting
    from routerterm.tui.widgets.rows import Row

_TIMES = {
    "online": "when the network is back",
    "batch": "as a batch, half price, within a day",
    "off-peak": "in the model's cheap hours",
    "in 1h": "in an hour",
    "22:00": "at a time",
    "tomorrow 8:00": "tomorrow morning",
}


class Later(Command):
    """Send later: when the network is back, at a time, off-peak, or as a batch at half price."""

    name, title, group, slash, argument = "later", "Send later", "Writing", "later", "WHEN QUESTION"

    @classmethod
    async def choices(cls, chat: CommandContext, argument: str) -> Sequence[Choice]:
        """The ways."""
        return [Choice(when, about) for when, about in _TIMES.items() if when.startswith(argument)]

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Queue what follows the time, or what is written; ask for the time where none is said."""
        if argument:
            await self._tell(chat, argument)
            return
        from routerterm.engine.outbox.when import HINT
        from routerterm.tui.dialogs.prompt import PromptDialog

        async def take(text: str) -> None:
            await self._tell(chat, text)

        chat.app.push_screen(PromptDialog("Send later", HINT, "online", take=take))

    async def _tell(self, chat: CommandContext, argument: str) -> None:
        if said := await self._queue(chat, argument):
            chat.app.notify(said, timeout=6, markup=False)

    async def _queue(self, chat: CommandContext, argument: str) -> str:
        from routerterm.engine.outbox.when import parse_when
        from routerterm.tui.chat.outbox import OutboxController

        services = chat.services
        zone = services.zone
        now = datetime.fromtimestamp(services.store.now() / 1000, UTC).astimezone(zone)
        when, rest = parse_when(argument, now)
        text = rest or chat.composer.text
        typed = f"/later {argument}" if rest else text
        if not rest:
            chat.composer.put("")  # else it would be kept as the draft
        try:
            if not await chat.composer_controller.references.attached_all(text, typed):
                return ""
        except RoutertermError:
            chat.composer.give_back(typed)
            raise
        asked = chat.attachments.take_for(text)
        files = asked.files
        if not text.strip() and not files:
            raise RoutertermError("There is no question to send later.", "Write it after the time: /later 22:00 …")
        parts = ((Text(text),) if text.strip() else ()) + tuple(file.part for file in files)
        outbox = OutboxController(chat.app, chat.conversation, chat.sidebar)
        try:
            said = await outbox.queue(Message("user", parts), when, asked.model)
        except RoutertermError:
            chat.composer.give_back(typed)
            chat.attachments.give_back(asked)
            raise
        chat.app.run_worker(outbox.look(), name="outbox", exit_on_error=False)
        return said


class Outbox(Command):
    """List the questions that wait: open, send or drop them."""

    name, title, group, slash = "outbox", "Outbox", "Writing", "outbox"

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Show them; Enter opens the conversation."""
        from routerterm.tui.chat.outbox import OutboxController
        from routerterm.tui.dialogs.picker import Picker, RowAction, later
        from routerterm.tui.widgets.rows import Column

        store, places = chat.services.store.outbox, dict[str, str]()

        async def rows() -> list[Row]:
            found = await store.rows(every=True)
            places.update({row.id: row.conversation_id for row in found})
            return [_row(row) for row in found]

        async def send(id: str) -> None:
            if not await store.hurry(id):
                raise NotNow("It is being sent, or was sent already.")
            outbox = OutboxController(chat.app, chat.conversation, chat.sidebar)
            chat.app.run_worker(outbox.look(), name="outbox", exit_on_error=False)

        async def drop(id: str) -> None:
            if not await store.drop(id):
                raise NotNow("It was sent already.", "A batch that is handed in is paid for.")
            await chat.conversation.show()

        async def taken(id: str | None) -> None:
            if id is not None and id in places:
                await chat.app.open_conversation(places[id])

        picker = Picker(
            "Outbox",
            (Column("what waits", 0, grow=True), Column("model", 2, most=30), Column("when", 1, most=46)),
            later(rows),
            empty="Nothing waits. /later 22:00 and a question queues one.",
            hint="Enter Open · Esc Close",
            row_actions=(RowAction("ctrl+s", "Send", send), RowAction("ctrl+d", "Drop", drop)),
        )
        chat.app.push_screen(picker, taken)


def _row(row: Waiting) -> Row:
    from routerterm.engine.outbox.words import state_words
    from routerterm.tui.clock import local
    from routerterm.tui.widgets.rows import Row

    asked, who = one_line(row.text), one_line(row.target or row.model)
    state = state_words(row, local(row.due_at))
    tone = {"unsure": "warning", "failed": "error"}.get(row.state, "text")
    return Row(row.id, (asked, who, state), tone)  # type: ignore[arg-type]  # tones of ours
