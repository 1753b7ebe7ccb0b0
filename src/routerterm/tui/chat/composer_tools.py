"""What can be written in the composer besides words: ``@`` references, ``!`` commands and prompts by their names."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from routerterm.core.errors import RoutertermError
from routerterm.tui.chat.prompt_files import PromptFiles
from routerterm.tui.chat.references import References
from routerterm.tui.chat.shell_commands import ShellCommands
from routerterm.tui.chat.turn import Asked
from routerterm.tui.chat.turns import TurnRunner
from routerterm.tui.dialogs.ask import show_dialog

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from textual.worker import Worker

    from routerterm.engine.chat.prompt_files import PromptFile
    from routerterm.engine.chat.templates import Field
    from routerterm.engine.tools.web_page import Fetched
    from routerterm.tui.app_context import AppContext
    from routerterm.tui.chat.attachments import Attachments
    from routerterm.tui.chat.confirmation import Confirmation
    from routerterm.tui.chat.context import Commands
    from routerterm.tui.chat.conversation import ConversationController
    from routerterm.tui.chat.view import ChatView


class ComposerTools:
    """Makes the three for a chat, and gives them what they need of it."""

    def __init__(
        self,
        app: AppContext,
        view: ChatView,
        *,
        commands: Commands,
        conversation: ConversationController,
        attachments: Attachments,
        turns: TurnRunner,
        confirmation: Confirmation,
        arrange: Callable[[], None],
    ) -> None:
        """``arrange`` puts the list of suggestions over the composer."""
        self._app = app
        self._composer = view.composer
        self._conversation = conversation
        self._attachments = attachments
        self._turns = turns
        self._confirmation = confirmation
        self.references = References(
            view.composer,
            view.suggestions,
            attachments,
            confirmation=confirmation,
            run=self._in_background,
            arrange=arrange,
            tell=self._tell,
            complain=app.show_error,
            fetch=self._fetch,
        )
        self.shell = ShellCommands(view.composer, attachments, confirmation, run=self._in_background, tell=self._tell)
        self.prompts = PromptFiles(
            app.paths.config_file,
            library=lambda: app.services.store.prompts if app.services else None,
            complain=app.show_error,
            is_command=lambda text: commands.parse(text) is not None,
            ask_for=self._ask_for,
            use=self._use_prompt,
        )

    def read_prompts(self) -> None:
        """Read the prompts again, beside the typing: one is about to be named."""
        self._in_background(self.prompts.refresh(), "prompts")

    async def took(self, text: str) -> bool:
        """Do what was submitted, where it is a command for a shell or calls a prompt.  Raises `RoutertermError`."""
        return self.shell.took(text) or (text.startswith("/") and await self.prompts.took(text))

    def _ask_for(
        self, title: str, fields: tuple[Field, ...], then: Callable[[Mapping[str, str]], Awaitable[None]]
    ) -> None:
        from routerterm.tui.dialogs.form import FormDialog

        show_dialog(self._app, FormDialog(title, fields), then)

    def _in_background(self, work: Coroutine[Any, Any, object], group: str) -> Worker[None]:
        async def safely() -> None:
            try:
                await work
            except RoutertermError as error:
                self._app.show_error(error)

        return self._composer.run_worker(safely(), group=group, exclusive=group == "suggest", exit_on_error=False)

    def _tell(self, text: str, timeout: float = 4) -> None:
        self._app.notify(text, timeout=timeout, markup=False)

    async def _fetch(self, address: str, *, private: bool = False) -> Fetched:
        from routerterm.engine.tools.web_page import fetch_over_network

        return await fetch_over_network(address, self._app.ready_services.settings.router.proxy, private=private)

    async def _use_prompt(self, prompt: PromptFile, text: str) -> None:
        """Send a prompt that was called by its name, to the model that it names; or take it as the system prompt."""
        conversation = self._conversation
        if prompt.model:
            from routerterm.wiring.model_lists import check_name

            await check_name(self._app.ready_services, prompt.model)
        params = prompt.params(conversation.params)
        if prompt.kind == "system":
            conversation.name_prompt(text, prompt.name)
            await conversation.set(system=text, params=params)
            if prompt.model:
                await conversation.use_model(prompt.model)
            tools = f" Tools: {', '.join(prompt.tools)}." if prompt.tools else ""
            self._tell(f"{prompt.name}: in use in this conversation.{tools}")
            return
        if not await self.references.attached_all(text):
            return
        alone = Asked(text, self._attachments.take())  # what is kept where the prompt's model or tools are refused
        asked = Asked(text, alone.files, prompt.model, params if params != conversation.params else None)

        def send() -> None:
            self._turns.send(asked)

        def cancelled() -> None:
            self._composer.give_back(text)
            self._attachments.give_back(alone)

        wants = [prompt.model] * bool(prompt.model) + [f"tools {', '.join(prompt.tools)}"] * bool(prompt.tools)
        if wants and self.prompts.is_of_working_folder(prompt):  # perhaps a stranger's: dear, or after files
            about = " with ".join(wants)
            self._confirmation.ask(
                f"/{prompt.name} asks", "", send, cancelled, yes="sends it", about=about, holds=alone
            )
        else:
            send()
