"""What happens while the person writes: suggestions, history, pastes, the external editor, the stash, and Enter."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from routerterm.core.errors import RoutertermError
from routerterm.store.recent_prompts import recent_prompts
from routerterm.tui.chat.attachment_files import LARGE_PASTE, paths_in
from routerterm.tui.chat.completion import NAME, arguments, names
from routerterm.tui.chat.composer_tools import ComposerTools
from routerterm.tui.chat.turns import Asked

if TYPE_CHECKING:
    from routerterm.tui.chat.attachment_files import Attached
    from routerterm.tui.chat.screen import ChatScreen

REMEMBERED = 200
"""Questions that can be walked back to."""
MANY_LINES = 200


class ComposerController:
    """Looks after the composer of the chat."""

    def __init__(self, screen: ChatScreen) -> None:
        self._screen = screen
        self._declined = ""
        """The text for which suggestions were closed."""

    def begin(self) -> None:
        """Listen to the composer."""
        self.tools = ComposerTools(self._screen, self.arrange)
        self._screen.composer.takes_key = self._took_key
        self._screen.composer.takes_paste = self._took_paste

    async def remember(self) -> None:
        """Take up what was asked in earlier sessions; a line with a key in it does not come back."""
        lines = await self._screen.services.store.reader.read(lambda connection: recent_prompts(connection, REMEMBERED))
        self._screen.composer.set_history(lines)

    def arrange(self) -> None:
        """Keep what lies over and under the composer where it belongs."""
        screen = self._screen
        screen.forecast_line.fill = screen.machine.glyphs.rule if screen.frame != "none" else " "
        screen.welcome.glyphs, screen.welcome.boot = screen.machine.glyphs, screen.machine.boot
        split = screen.conversation_list.display and screen.size.width >= 80
        left = (screen.conversation_list.outer_size.width if split else 0) + (4 if split else 2)
        screen.forecast_line.styles.margin = (0, 2 if screen.has_class("-no-box") else 3, 0, left)
        region = screen.query_one("#prompt").region
        screen.suggestions.place(region.x, region.y, region.width)

    # -- suggestions -----------------------------------------------------------------------------------

    def edited(self) -> None:
        """The text is another: what may it become?"""
        screen, text = self._screen, self._screen.composer.text
        if self.tools.references.edited():
            return
        if not text.startswith("/") or "\n" in text or text == self._declined:
            screen.suggestions.offer(())
            return
        self._declined = ""
        if NAME.match(text):
            self._offer(text)
        elif screen.app.services is not None:

            async def offer() -> None:
                await self._offer_arguments(text)

            screen.run_worker(offer, group="suggest", exclusive=True, exit_on_error=False)  # type: ignore[arg-type]

    def _offer(self, text: str) -> None:
        if text == "/":
            self.tools.read_prompts()
        rows = (*self.tools.prompts.rows(text), *names(text, self._screen.commands.infos.values()))
        self._screen.suggestions.offer(() if len(rows) == 1 and rows[0].text == text else rows)
        self.arrange()

    async def _offer_arguments(self, text: str) -> None:
        try:
            rows = await arguments(text, self._screen.commands.infos.values(), self._screen.commands.choices)
        except RoutertermError:
            rows = ()
        if self._screen.composer.text == text:
            self._screen.suggestions.offer(rows)
            self.arrange()

    def _took_key(self, key: str) -> bool:
        """Keys that mean the suggestions while they are open, or the ways in."""
        if self._screen.onboarding.took_key(key):
            return True
        if key in ("escape", "ctrl+c") and self.tools.shell.stop():
            return True
        if key == "ctrl+c" and not self._screen.composer.selected_text:
            self._screen.call_later(self._screen.app.action_interrupt)
            return True
        offered = self._screen.suggestions
        if not offered.open:
            return False
        if self.tools.references.took_key(key):
            return True
        match key:
            case "up" | "down":
                offered.move(-1 if key == "up" else 1)
            case "tab":
                self._fill(offered.cursor)
            case "escape":
                self._declined = self._screen.composer.text
                offered.offer(())
            case "enter" if offered.moved or self._unfinished():
                self._screen.call_later(self.accept, offered.cursor)
            case _:
                return False
        return True

    def _unfinished(self) -> bool:
        """Whether what stands there is only the beginning of a command's name."""
        text = self._screen.composer.text
        return (
            bool(NAME.match(text)) and self._screen.commands.parse(text) is None and not self.tools.prompts.knows(text)
        )

    async def accept(self, index: int) -> None:
        """Take a row; where nothing more is to be said, run it."""
        row = self._screen.suggestions.rows[index]
        self._screen.composer.focus()
        if self.tools.references.open:
            self.tools.references.take(index)
            return
        if row.more:
            self._fill(index)
        else:
            self._screen.composer.put("")
            await self.submitted(row.text)

    def _fill(self, index: int) -> None:
        self._screen.composer.put(self._screen.suggestions.rows[index].text)

    # -- Enter -----------------------------------------------------------------------------------------

    async def submitted(self, text: str) -> None:
        """Run it if it is a command, else send it; ``text`` has left the composer, and goes back where it must."""
        screen = self._screen
        screen.suggestions.offer(())
        if screen.app.services is None:
            screen.early.append(text)  # done as soon as there is somebody to do it
            screen.status.refresh()
            return
        command = self._screen.commands.parse(text)
        if command is not None:
            screen.composer.remember(text)
            await screen.commands.run(*command)
        elif await self.tools.took(text):
            screen.composer.remember(text)
        elif NAME.match(text.strip().lower()) or (text.startswith("/") and "/" not in text.split()[0][1:]):
            screen.composer.give_back(text)
            self._unknown(text)
        elif self._is_key(text):
            self._to_keys(text)
        elif not text.strip() and not screen.attachments.items and not screen.compare.models:
            pass  # a second Enter, after the first has taken everything
        elif await self.tools.references.attached_all(text):
            if text.strip():
                screen.composer.remember(text)
            if screen.compare.models:
                await self._compare(text)
                return
            await self._send(text)

    async def _send(self, text: str) -> None:
        screen = self._screen
        conversation = screen.conversation
        if conversation.editing is not None and conversation.editing_what == "answer":
            await self._edit_answer(conversation.editing, text)
            return
        files = screen.attachments.take()
        if (where := await screen.conversation.unseen_image()) is None:
            screen.turns.send(text, files)
            return

        def without() -> None:
            screen.run_worker(self._send_without_images(text, files), group="send", exit_on_error=False)

        def cancelled() -> None:
            screen.composer.give_back(text)
            screen.attachments.give_back(files)

        said = f"Can't read images; message {where} contains one."
        screen.confirmation.ask(said, "", without, cancelled, yes="sends without it", about=conversation.model)

    async def _send_without_images(self, text: str, files: tuple[Attached, ...]) -> None:
        conversation = self._screen.conversation
        await conversation.session.leave_images_out()
        await conversation.show()
        self._screen.turns.send(text, files)

    async def _edit_answer(self, id: str, text: str) -> None:
        conversation = self._screen.conversation
        try:
            there = await conversation.session.edit_answer(id, text)
        except RoutertermError as error:
            self._screen.composer.give_back(text)
            self._screen.app.show_error(error)
            return
        conversation.edited()
        await conversation.show()
        await conversation.reveal(there)

    async def send_early(self) -> None:
        """Do what was sent before all was ready, in its order."""
        screen = self._screen
        while screen.early:
            text = screen.early.pop(0)
            if not screen.onboarding.took_way(text):
                await self.submitted(text)

    def give_back_early(self) -> None:
        """Nothing will be done: what was sent stands in the composer again."""
        early, self._screen.early[:] = "\n".join(self._screen.early), []
        self._screen.composer.give_back(early)

    async def _compare(self, text: str) -> None:
        """Ask several models; Enter alone asks the last question again, once its cost is confirmed."""
        screen, files = self._screen, self._screen.attachments.take()

        async def start() -> None:
            try:
                await screen.compare.start(Asked(text.strip() and text, files))
            except RoutertermError as error:
                screen.attachments.give_back(files)
                screen.composer.give_back(text)
                screen.app.show_error(error)

        def begin() -> None:
            screen.run_worker(start(), group="compare", exit_on_error=False)

        if text.strip() or files:
            await start()
        else:
            question = await screen.conversation.question(None)
            await screen.spending.gate("Ask again", screen.compare.models, begin, leaf=question.id)

    def _unknown(self, text: str) -> None:
        word = text.split()[0]
        known = {f"/{command.slash}" for command in self._screen.commands.infos.values() if command.slash}
        near = get_close_matches(word, known, 1)
        hint = f"Did you mean {near[0]}? " if near else "/ alone lists the commands. "
        self._screen.app.show_error(
            RoutertermError(f"There is no command {word}.", f"{hint}Put a space before it to send it as text.")
        )

    # -- pastes ----------------------------------------------------------------------------------------

    def _took_paste(self, text: str) -> bool:
        """Long texts become a chip, files are attached, a key goes to the keys; the rest is written."""
        screen = self._screen
        if len(text) >= LARGE_PASTE or text.count("\n") >= MANY_LINES:
            try:
                screen.attachments.pasted(text)
            except RoutertermError as error:
                screen.app.show_error(error)
            return True
        if not screen.composer.text and self._is_key(text):
            self._to_keys(text)
            return True
        if paths_in(text):
            screen.run_worker(self._look_for_files(text), group="drop", exit_on_error=False)
        return False

    def took_early_key(self) -> None:
        """An API key that was pasted before anybody could recognise it goes to the keys now."""
        composer = self._screen.composer
        text = composer.text.strip()
        if text and self._is_key(text):
            composer.put("")
            self._to_keys(text)

    def _is_key(self, text: str) -> bool:
        from routerterm.config.keys.paste import looks_like_a_key

        services = self._screen.app.services
        return services is not None and looks_like_a_key(text, services.keys.providers.values())

    def _to_keys(self, text: str) -> None:
        """A key goes to the keys: it is no question, and nothing of it is kept in a conversation."""
        from routerterm.tui.screens.keys.open import open_keys

        self._screen.run_worker(open_keys(self._screen.app, pasted=text.strip()), group="key", exit_on_error=False)

    async def _look_for_files(self, text: str) -> None:
        if await self._screen.attachments.dropped(text):
            self._screen.composer.retract(text)
