"""What happens while the person writes: suggestions, history, pastes, the external editor, the stash, and Enter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from routerterm.core.errors import NotNow, RoutertermError
from routerterm.core.nearest import did_you_mean
from routerterm.tui.chat.completion import NAME, arguments, names
from routerterm.tui.chat.composer_tools import ComposerTools
from routerterm.tui.chat.pastes import Pastes
from routerterm.tui.chat.turn import Asked

if TYPE_CHECKING:
    from routerterm.core.messages import Message
    from routerterm.tui.app_context import AppContext
    from routerterm.tui.chat.attachments import Attachments
    from routerterm.tui.chat.compare import CompareController
    from routerterm.tui.chat.confirmation import Confirmation
    from routerterm.tui.chat.context import Commands
    from routerterm.tui.chat.conversation import ConversationController
    from routerterm.tui.chat.onboarding import Onboarding
    from routerterm.tui.chat.spending import Spending
    from routerterm.tui.chat.turns import TurnRunner
    from routerterm.tui.chat.view import ChatView

REMEMBERED = 200
"""Questions that can be walked back to."""


class ComposerController:
    """Looks after the composer of the chat."""

    def __init__(
        self,
        app: AppContext,
        view: ChatView,
        *,
        commands: Commands,
        conversation: ConversationController,
        attachments: Attachments,
        turns: TurnRunner,
        compare: CompareController,
        spending: Spending,
        confirmation: Confirmation,
        onboarding: Onboarding,
        waiting: Callable[[], None],
    ) -> None:
        """``waiting`` is called when something was sent before there was anybody to send it to."""
        self._app = app
        self._composer = view.composer
        self._suggestions = view.suggestions
        self._prompt = view.prompt
        self._commands = commands
        self._conversation = conversation
        self._attachments = attachments
        self._turns = turns
        self._compare = compare
        self._spending = spending
        self._confirmation = confirmation
        self._onboarding = onboarding
        self._waiting = waiting
        self._tools = ComposerTools(
            app,
            view,
            commands=commands,
            conversation=conversation,
            attachments=attachments,
            turns=turns,
            confirmation=confirmation,
            arrange=self.place_suggestions,
        )
        self.references = self._tools.references
        self.pastes = Pastes(app, view.composer, attachments)
        self.early: list[str] = []
        """What was sent before there was anybody to send it to, in its order."""
        self._on_their_way: list[str] = []
        """What has left the composer and is not asked yet: files are still read for it."""
        self._leaving = False
        self._declined = ""
        """The text for which suggestions were closed."""

    def begin(self) -> None:
        """Listen to the composer."""
        self._composer.takes_key = self._took_key
        self._composer.takes_paste = self.pastes.took

    async def remember(self) -> None:
        """Take up what was asked in earlier sessions; a line with a key in it does not come back."""
        from routerterm.store.recent_prompts import recent_prompts

        lines = await self._app.ready_services.store.reader.read(
            lambda connection: recent_prompts(connection, REMEMBERED)
        )
        self._composer.set_history(lines)

    def place_suggestions(self) -> None:
        """Keep what lies over the composer where it belongs."""
        region = self._prompt.region
        self._suggestions.place(region.x, region.y, region.width)

    # -- suggestions -----------------------------------------------------------------------------------

    def edited(self) -> None:
        """The text is another: what may it become?"""
        text = self._composer.text
        if self.references.edited():
            return
        if not text.startswith("/") or "\n" in text or text == self._declined:
            self._suggestions.offer(())
            return
        self._declined = ""
        if NAME.match(text):
            self._offer(text)
        elif self._app.services is not None:

            async def offer() -> None:
                await self._offer_arguments(text)

            self._composer.run_worker(offer, group="suggest", exclusive=True, exit_on_error=False)  # type: ignore[arg-type]

    def _offer(self, text: str) -> None:
        if text == "/":
            self._tools.read_prompts()
        rows = (*self._tools.prompts.rows(text), *names(text, self._commands.infos.values()))
        self._suggestions.offer(() if len(rows) == 1 and rows[0].text == text else rows)
        self.place_suggestions()

    async def _offer_arguments(self, text: str) -> None:
        try:
            rows = await arguments(text, self._commands.infos.values(), self._commands.choices)
        except RoutertermError:
            rows = ()
        if self._composer.text == text != self._declined:  # Esc may have come while they were looked up
            self._suggestions.offer(rows)
            self.place_suggestions()

    def _took_key(self, key: str) -> bool:
        """Keys that mean the suggestions while they are open, or the ways in."""
        if self._onboarding.took_key(key):
            return True
        if key in ("escape", "ctrl+c") and self._tools.shell.stop():
            return True
        if key == "ctrl+c" and not self._composer.selected_text:
            self._composer.call_later(self._app.action_interrupt)
            return True
        if self.references.took_key(key):
            return True
        offered = self._suggestions
        if not offered.open:
            return False
        match key:
            case "up" | "down":
                offered.move(-1 if key == "up" else 1)
            case "tab":
                self._fill(offered.cursor)
            case "escape":
                self._declined = self._composer.text
                offered.offer(())
            case "enter" if offered.moved or self._unfinished():
                self._composer.call_later(self.accept, offered.cursor)
            case _:
                return False
        return True

    def _unfinished(self) -> bool:
        """Whether what stands there is only the beginning of a command's name."""
        text = self._composer.text
        return bool(NAME.match(text)) and self._commands.parse(text) is None and not self._tools.prompts.knows(text)

    async def accept(self, index: int) -> None:
        """Take a row; where nothing more is to be said, run it."""
        row = self._suggestions.rows[index]
        self._composer.focus()
        if self.references.open:
            self.references.take(index)
            return
        if row.more:
            self._fill(index)
        else:
            self._composer.put("")
            await self.submitted(row.text)

    def _fill(self, index: int) -> None:
        self._composer.put(self._suggestions.rows[index].text)

    # -- Enter -----------------------------------------------------------------------------------------

    async def submitted(self, text: str) -> None:
        """Run it if it is a command, else send it; ``text`` has left the composer, and goes back where it must."""
        self._suggestions.offer(())
        if self._app.services is None:
            self.early.append(text)  # done as soon as there is somebody to do it
            self._waiting()
            return
        self._on_their_way.append(text)
        try:
            landed = await self._attachments.landed(text)
            command = self._commands.parse(landed)
            if command is None:
                await self._ask_or_say(landed)
        finally:
            self._on_their_way.remove(text)
        if command is not None:
            self._composer.remember(landed)
            await self._commands.run(*command)

    async def _ask_or_say(self, text: str) -> None:
        if await self._tools.took(text):
            self._composer.remember(text)
        elif NAME.match(text.strip().lower()) or (text.startswith("/") and "/" not in text.split()[0][1:]):
            self._composer.give_back(text)
            self._unknown(text)
        elif self.pastes.is_key(text):
            self.pastes.to_keys(text)
        elif not text.strip() and not self._attachments.items and not self._compare.models:
            pass  # a second Enter, after the first has taken everything
        elif await self.references.attached_all(text):
            if text.strip():
                self._composer.remember(text)
            if self._leaving:
                pass  # it was gathered
            elif self._compare.models:
                await self._ask_several(text)
            else:
                await self._send(text)

    @property
    def on_their_way(self) -> Sequence[str]:
        """What has left the composer and is not asked yet, in its order."""
        written = self._composer.text  # a text that is given back before its files are read is there again
        return [text for text in (*self._on_their_way, *self.early) if text not in written]

    def gather(self) -> Sequence[str]:
        """What was sent and is not asked yet, in its order; none of it is asked any more: the program is left."""
        self._leaving = True
        unsent, self.early = self.on_their_way, []
        return unsent

    async def message(self) -> Message | None:
        """What Enter would send now, with the files that the text refers to; None for a command or nothing."""
        text = self._composer.text
        if text.startswith("!") or (text.startswith("/") and "/" not in text.split()[0][1:]):
            return None
        await self.references.attach_files(text)
        unsent = self._app.unsent
        return unsent if unsent.parts else None

    async def _send(self, text: str) -> None:
        conversation = self._conversation
        if conversation.editing is not None and conversation.edits_answer:
            await self._edit_answer(conversation.editing, text)
            return
        where = await conversation.unseen_image()
        if self._leaving:
            return
        asked = self._attachments.take_for(text)  # what fails before leaves the files where they are
        if where is None:
            self._turns.send(asked)
            return

        def without() -> None:
            self._composer.run_worker(self._send_without_images(asked), group="send", exit_on_error=False)

        def cancelled() -> None:
            self._composer.give_back(text)
            self._attachments.give_back(asked)

        said = f"Can't read images; message {where} contains one."
        self._confirmation.ask(
            said, "", without, cancelled, yes="sends without it", about=conversation.model, holds=asked
        )

    async def _send_without_images(self, asked: Asked) -> None:
        conversation = self._conversation
        await conversation.session.leave_images_out()
        await conversation.show()
        self._turns.send(asked)

    async def _edit_answer(self, id: str, text: str) -> None:
        conversation = self._conversation
        try:
            there = await conversation.session.edit_answer(id, text)
        except RoutertermError as error:
            self._composer.give_back(text)
            self._app.show_error(error)
            return
        conversation.edited()
        await conversation.show()
        await conversation.reveal(there)

    async def send_early(self) -> None:
        """Do what was sent before all was ready, in its order."""
        while self.early:
            text = self.early.pop(0)
            if not self._onboarding.took_way(text):
                await self.submitted(text)

    async def _ask_several(self, text: str) -> None:
        """Ask several models; Enter alone asks the last question again, once its cost is confirmed."""
        asked = self._attachments.take_for(text)

        async def start() -> None:
            try:
                if self._turns.current is not None:
                    raise NotNow("An answer is still running.", "Wait for it, or stop it with Esc.")
                await self._compare.start(asked if text.strip() else replace(asked, text=""))
            except RoutertermError as error:
                self._attachments.give_back(asked)
                self._composer.give_back(text)
                self._app.show_error(error)

        def begin() -> None:
            self._composer.run_worker(start(), group="compare", exit_on_error=False)

        if text.strip() or asked.files:
            await start()
        else:
            question = await self._conversation.question(None)
            await self._spending.gate("Ask again", self._compare.models, begin, leaf=question.id)

    def _unknown(self, text: str) -> None:
        word = text.split()[0]
        known = {f"/{command.slash}" for command in self._commands.infos.values() if command.slash}
        hint = did_you_mean(word, known, "/ alone lists the commands.")
        self._app.show_error(
            RoutertermError(f"There is no command {word}.", f"{hint} Put a space before it to send it as text.")
        )
