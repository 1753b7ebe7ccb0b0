"""Asking several models at once: which ones, the question, the screen, and the one that is gone on with."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import TYPE_CHECKING

from routerterm.core.errors import RoutertermError
from routerterm.engine.chat.comparison import MOST, Comparison, Heard
from routerterm.tui.chat.turns import Asked

if TYPE_CHECKING:
    from routerterm.tui.chat.screen import ChatScreen
    from routerterm.tui.screens.compare.screen import CompareScreen


class CompareController:
    """What the chat knows of comparisons."""

    def __init__(self, screen: ChatScreen) -> None:
        self._screen = screen
        self.models: tuple[str, ...] = ()
        """The models that all answer the next message; empty where one does."""
        self.last: tuple[str, ...] = ()
        self.open: CompareScreen | None = None

    async def choose(self, names: Sequence[str]) -> None:
        """Let these answer the next question.  Raises `RoutertermError`."""
        from routerterm.wiring.preview import abilities

        names = tuple(dict.fromkeys(names))
        if not 2 <= len(names) <= MOST:
            raise RoutertermError(f"Compare two to {MOST} models.", "For example: /compare openai/gpt-4o groq/llama")
        book = await abilities(self._screen.services)
        for name in names:
            if not book.models(name):
                raise RoutertermError(f"{name} is neither a model nor a route.", "F3 lists the models.")
        self.models = self.last = names
        self._show()
        again = "Enter alone asks the last question again. " if self._screen.conversation.id else ""
        self._screen.notify(
            f"The next question goes to {len(names)} models. {again}Esc: back to one model.", timeout=6, markup=False
        )

    def pick(self) -> None:
        """Let the person pick them one after the other."""
        self._pick_next(())

    def _pick_next(self, chosen: tuple[str, ...]) -> None:
        from routerterm.tui.screens.models.picker import model_picker

        screen = self._screen
        titles = (
            "Compare: first model",
            f"{' | '.join(chosen)} and?",
            f"{' | '.join(chosen)} and which model? Esc: no more",
        )
        title = titles[min(len(chosen), 2)]

        async def taken(name: str | None) -> None:
            names = (*chosen, name) if name is not None and name not in chosen else chosen
            if name is not None and len(names) < MOST:
                self._pick_next(names)
            elif len(names) >= 2:
                await screen.commands.run("compare", " ".join(names))

        screen.app.push_screen(model_picker(screen.app, title), taken)

    def give_up(self) -> bool:
        """One model answers again; False if that was so anyway."""
        had, self.models = bool(self.models), ()
        self._show()
        return had

    async def start(self, asked: Asked) -> None:
        """Ask them, and show the answers side by side.  Raises `RoutertermError`."""
        screen, conversation = self._screen, self._screen.conversation
        if screen.turns.current is not None:
            raise RoutertermError("An answer is still running.", "Wait for it, or stop it with Esc.")
        services, session = screen.services, conversation.session
        comparison = Comparison(session, services.session, self.models)
        if asked.text or asked.files:
            await self._watch(comparison, lambda: comparison.ask(asked.text, asked.parts), asked)
        else:
            question = await conversation.question(None)
            again = Asked(question.message.said)
            await self._watch(comparison, lambda: comparison.ask_again(question.id), again)

    async def _watch(self, comparison: Comparison, ask: Callable[[], AsyncGenerator[Heard]], asked: Asked) -> None:
        from routerterm.tui.screens.compare.screen import CompareScreen

        self.give_up()
        self._screen.composer.put("")
        self.open = CompareScreen(self._screen.machine, comparison, ask, asked)
        self._screen.app.push_screen(self.open, self._ended)

    async def _ended(self, _: None) -> None:
        """Show the branch that was chosen, or the first answer's."""
        watched, self.open = self.open, None
        if watched is None:
            return
        screen, comparison, index = self._screen, watched.comparison, watched.chosen
        try:
            await comparison.take(index or 0)
        except RoutertermError as error:
            if watched.trouble is None:
                screen.app.show_error(error)
        else:
            if index is not None:
                await screen.conversation.use_model(comparison.models[index])
                others = len(comparison.models) - 1
                screen.notify(f"Continuing with {comparison.models[index]}. [ and ] show the other {others}.")
        if watched.trouble is not None and watched.asked is not None and comparison.reply(0) is None:
            screen.composer.put(watched.asked.text)
            screen.attachments.give_back(watched.asked.files)
        await screen.conversation.show()
        await screen.sidebar.refresh()
        await screen.status.spent()
        await screen.status.lamps()
        screen.notifications.guarded()

    async def stop_all(self) -> None:
        """Stop and save what is being compared."""
        if self.open is not None:
            await self.open.finish()

    def _show(self) -> None:
        self._screen.composer.goes_empty = bool(self._screen.attachments.items or self.models)
        self._screen.status.refresh()
        self._screen.status.typed()
