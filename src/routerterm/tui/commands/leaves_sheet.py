"""What can be done about a line of what leaves, in the conversation on show: leave it out, pin it, summarise to it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec.structs import replace

from routerterm.core.errors import RoutertermError
from routerterm.engine.chat.context import NOT_SENT
from routerterm.engine.chat.leaves import HOSTED, SYSTEM, UNSENT, OutgoingLine, Sheet
from routerterm.tui.commands.base import CommandContext

if TYPE_CHECKING:
    from routerterm.core.files import Attached
    from routerterm.tui.screens.leaves.screen import LeavesScreen


class ChatSheet:
    """Fulfils `routerterm.tui.screens.leaves.screen.SheetActions` for the conversation on show."""

    def __init__(self, chat: CommandContext) -> None:
        self._chat = chat
        self._system = ""
        self._files: dict[str, Attached] = {}
        """Files that were taken off the message here, by the text of their line."""
        self._held: list[OutgoingLine] = []
        self.changed = False
        """Whether messages look different now."""
        self.screen: LeavesScreen | None = None

    async def look(self) -> Sheet:
        """What the message would take along if it were sent now."""
        from routerterm.wiring.leaves import what_leaves

        chat = self._chat
        now = chat.conversation
        models = chat.compare.models
        sheet = await what_leaves(
            chat.services,
            now.session,
            await chat.composer_controller.message(),
            models[0] if models else now.model,
            params=now.params,
            system=now.system,
            instead=now.editing if now.editing and now.editing_what == "question" else "",
        )
        held = tuple(line for line in self._held if line.id != UNSENT)
        files = tuple(line for line in self._held if line.id == UNSENT)
        return replace(sheet, lines=(*held, *sheet.lines, *files))

    async def leave_out(self, line: OutgoingLine) -> None:
        """See `SheetActions.leave_out`."""
        if line.id == SYSTEM:
            await self._leave_out_system(line)
        elif line.id == UNSENT:
            await self._leave_out_file(line)
        elif line.kind == "summary":
            raise RoutertermError("The summary stands for older messages.", "/summary off sends them in full again.")
        elif line.id == HOSTED:
            now = self._chat.conversation
            await now.set(params=replace(now.params, web=None))
        elif line.kind == "tool":
            await self._leave_out_tool(line)
        elif not line.id:
            raise RoutertermError("This provider needs this line.", "Another model may not: F3 picks one.")
        elif line.state == "too long":
            raise RoutertermError("This message has no room anyway.", "p pins it: then it always goes.")
        else:
            value = None if line.state == "left out" else "left out"
            await self._chat.services.store.messages.note(line.id, NOT_SENT, value)
            self.changed = True

    async def _leave_out_system(self, line: OutgoingLine) -> None:
        if line.is_sent:
            self._system = self._chat.conversation.system or ""
            self._hold(line)
            await self._chat.conversation.set(system=None)
        else:
            self._held = [held for held in self._held if held.id != SYSTEM]
            await self._chat.conversation.set(system=self._system or None)

    async def _leave_out_tool(self, line: OutgoingLine) -> None:
        """Offer the tool in this conversation no more, or again."""
        chat = self._chat
        now, name = chat.conversation, line.id.removeprefix("tool:")
        offers = await chat.services.tools().offers(private=now.private)
        shown = next((tool.shown for tool in offers if tool.name == name), None)
        if shown is None:
            raise RoutertermError("This tool stands for many others.", "Switch some of them off in the settings.")
        off = tuple(other for other in now.params.tools_off if other != shown)
        if line.is_sent:
            self._hold(line)
        else:
            self._held = [held for held in self._held if held.id != line.id]
        await now.set(params=replace(now.params, tools_off=(*off, shown) if line.is_sent else off))

    async def _leave_out_file(self, line: OutgoingLine) -> None:
        attachments = self._chat.attachments
        if not line.is_sent:
            self._held = [held for held in self._held if held.text != line.text]
            await attachments.add(self._files.pop(line.text), attachments.items)
            return
        parts = self._chat.app.unsent.parts
        place = line.part - (len(parts) - len(attachments.items))
        if place < 0:
            raise RoutertermError("This is what you are writing.", "Change it in the composer.")
        self._files[line.text] = attachments.items[place]
        self._hold(line)
        attachments.remove(place)

    def _hold(self, line: OutgoingLine) -> None:
        held = replace(line, state="left out", tokens=0, usd=Decimal(0), cached=False)
        self._held.append(replace(held, part=1_000 + len(self._held)))

    async def pin(self, line: OutgoingLine) -> None:
        """See `SheetActions.pin`."""
        await self._chat.conversation.keep(_message_id(line))
        self.changed = True

    async def summarise(self, line: OutgoingLine) -> None:
        """See `SheetActions.summarise`."""
        from routerterm.tui.chat.spending import cost_words
        from routerterm.tui.dialogs.confirm import Confirm
        from routerterm.wiring.preview import preview

        chat, id = self._chat, _message_id(line)
        services, now = chat.services, chat.conversation
        model = services.model_for_chores(now.model, private=now.private)
        found = await preview(
            services, now.session, None, model, params=now.params, leaf=id, system=now.system, private=now.private
        )

        def answered(yes: bool | None) -> None:
            if yes:
                chat.app.run_worker(self._summarise(id, model), group="summary", exit_on_error=False)

        if found is not None and found.free:
            answered(True)
            return
        price = cost_words([found])
        words = f"Everything down to this message goes as a summary from then on. {model} writes it for {price}."
        chat.app.push_screen(Confirm("Summarise", words, "Summarise", spends=True), answered)

    async def _summarise(self, id: str, model: str) -> None:
        from routerterm.engine.chat.summary import sum_up

        chat = self._chat
        services = chat.services
        chat.app.notify(f"{model} is summarising…", timeout=3, markup=False)
        try:
            await sum_up(chat.conversation.session, services.store, services, id, model=model, window=services.window)
        except RoutertermError as error:
            chat.app.show_error(error)
            return
        self.changed = True
        await chat.status.spent()
        if self.screen is not None and self.screen.is_running:
            self.screen.look_again()
        else:
            await chat.conversation.show()


def _message_id(line: OutgoingLine) -> str:
    """The message on disk that a line is of.  Raises `RoutertermError`."""
    if line.id in ("", SYSTEM, UNSENT) or line.kind == "tool":
        raise RoutertermError("Only earlier messages can be pinned or summarised.", "Choose one of them.")
    return line.id
