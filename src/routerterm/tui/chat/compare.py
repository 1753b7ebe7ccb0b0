"""Asking several models at once: which ones, the question, the screen, and the one that is gone on with."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from routerterm.core.errors import RoutertermError
from routerterm.engine.chat.comparison import MOST, Comparison, Heard
from routerterm.tui.chat.turn import Asked

if TYPE_CHECKING:
    from routerterm.tui.app_context import AppContext
    from routerterm.tui.chat.attachments import Attachments
    from routerterm.tui.chat.conversation import ConversationController
    from routerterm.tui.chat.view import ChatView


class CompareView(Protocol):
    """The screen where the answers stand side by side; it lies above the chat."""

    @property
    def comparison(self) -> Comparison:
        """What is being compared."""
        ...

    @property
    def chosen(self) -> int | None:
        """The answer to go on with, from 0; None where none was chosen."""
        ...

    @property
    def trouble(self) -> RoutertermError | None:
        """Why it could not even begin."""
        ...

    async def finish(self) -> None:
        """Stop what runs, and save it."""
        ...


class CompareController:
    """What the chat knows of comparisons."""

    def __init__(
        self,
        app: AppContext,
        view: ChatView,
        conversation: ConversationController,
        attachments: Attachments,
        *,
        changed: Callable[[], None],
        ended: Callable[[], Awaitable[None]],
    ) -> None:
        """``changed``: other models answer the next message; ``ended``: a comparison was left, and money spent."""
        self._app = app
        self._composer = view.composer
        self._conversation = conversation
        self._attachments = attachments
        self._changed = changed
        self._on_end = ended
        self.models: tuple[str, ...] = ()
        """The models that all answer the next message; empty where one does."""
        self.last: tuple[str, ...] = ()
        self.open: CompareView | None = None
        self._new: Asked | None = None
        """What is asked for the first time."""

    @property
    def unasked(self) -> Asked | None:
        """What was sent to several models and is not on disk as a question."""
        return self._new if self.open is not None and not self.open.comparison.is_written else None

    async def choose(self, names: Sequence[str]) -> None:
        """Let these answer the next question.  Raises `RoutertermError`."""
        from routerterm.wiring.preview import abilities

        names = tuple(dict.fromkeys(names))
        if not 2 <= len(names) <= MOST:
            raise RoutertermError(f"Compare two to {MOST} models.", "For example: /compare openai/gpt-4o groq/llama")
        book = await abilities(self._app.ready_services)
        for name in names:
            if not book.models(name):
                raise RoutertermError(f"{name} is neither a model nor a route.", "F3 lists the models.")
        self.models = self.last = names
        self._changed()
        again = "Enter alone asks the last question again. " if self._conversation.id else ""
        self._app.notify(
            f"The next question goes to {len(names)} models. {again}Esc: back to one model.", timeout=6, markup=False
        )

    def pick(self) -> None:
        """Let the person pick them one after the other."""
        self._pick_next(())

    def _pick_next(self, chosen: tuple[str, ...]) -> None:
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
                await self._app.action_command("compare", " ".join(names))

        self._app.push_screen(self._app.screen_maker("model_picker")(self._app, title), taken)

    def give_up(self) -> bool:
        """One model answers again; False if that was so anyway."""
        had, self.models = bool(self.models), ()
        self._changed()
        return had

    async def start(self, asked: Asked) -> None:
        """Ask them, and show the answers side by side.  Raises `RoutertermError`."""
        services, session = self._app.ready_services, self._conversation.session
        comparison = Comparison(session, services.session, self.models)
        self._new = asked if asked.text or asked.files else None
        if asked.text or asked.files:
            await self._watch(comparison, lambda: comparison.ask(asked.text, asked.parts), asked)
        else:
            question = await self._conversation.question(None)
            again = Asked(question.message.said)
            await self._watch(comparison, lambda: comparison.ask_again(question.id), again)

    async def _watch(self, comparison: Comparison, ask: Callable[[], AsyncGenerator[Heard]], asked: Asked) -> None:
        self.give_up()
        screen = self._app.screen_maker("compare")(self._app.active_theme, comparison, ask, asked)
        self.open = screen
        self._app.push_screen(screen, self._ended)

    async def _ended(self, _: None) -> None:
        """Show the branch that was chosen, or the first answer's."""
        unasked = self.unasked
        watched, self.open, self._new = self.open, None, None
        if watched is None:
            return
        comparison, index = watched.comparison, watched.chosen
        try:
            if index is None:
                await comparison.take(0)
            else:
                await comparison.choose(index)
                self._app.ready_services.costs.ratings.forget()
        except RoutertermError as error:
            if watched.trouble is None:
                self._app.show_error(error)
        else:
            if index is not None:
                await self._conversation.use_model(comparison.models[index])
                others = len(comparison.models) - 1
                self._app.notify(f"Continuing with {comparison.models[index]}. [ and ] show the other {others}.")
        if unasked is not None:
            self._composer.give_back(unasked.text)
            self._attachments.give_back(unasked)
        await self._conversation.show()
        await self._on_end()

    async def stop_all(self) -> None:
        """Stop and save what is being compared."""
        if self.open is not None:
            await self.open.finish()
