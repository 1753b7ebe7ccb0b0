"""The prompt library: a system prompt is set, a template is filled in and put into the composer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from routerterm.core.errors import RoutertermError
from routerterm.engine.chat.prompt_files import FileExists, for_library, prompt_folders, read_prompts, write_prompt
from routerterm.engine.chat.templates import fields_of, fill
from routerterm.tui.commands.base import Choice, Command, CommandContext
from routerterm.tui.dialogs.ask import show_dialog

if TYPE_CHECKING:
    from routerterm.store.prompts import Prompt, PromptKind
    from routerterm.store.prompts import Prompts as StoredPrompts
    from routerterm.tui.dialogs.edit_text import Edited

_WORDS = {
    "system": "How the model should answer. It is sent before everything else.",
    "template": "Fields are written {{language}}, or {{tone=friendly}} with a default.",
}


class Prompts(Command):
    """The prompt library: system prompts, templates with fields; `export` and `import` write and read prompts/*.md."""

    name, title, group, slash, argument = "prompts", "Prompt library", "Writing", "prompts", "NAME|export|import"
    keys = ("alt+l",)

    @classmethod
    async def choices(cls, chat: CommandContext, argument: str) -> Sequence[Choice]:
        """The names there are."""
        prompts = await chat.services.store.prompts.all()
        files = [Choice("export", "write them to prompts/*.md"), Choice("import", "read prompts/*.md into the library")]
        known = [*(Choice(prompt.name, prompt.kind) for prompt in prompts), *files]
        return [choice for choice in known if choice.value.lower().startswith(argument.lower())]

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Use the one that is named, or show them all."""
        if argument == "export":
            await PromptLibrary(chat).write_files()
        elif argument == "import":
            await PromptLibrary(chat).read_files()
        elif argument:
            await PromptLibrary(chat).use_named(argument)
        else:
            await PromptLibrary(chat).open()


class PromptLibrary:
    """The person's own prompts, as the chat uses them."""

    def __init__(self, chat: CommandContext) -> None:
        self._chat = chat

    @property
    def _folders(self) -> tuple[Path, ...]:
        return prompt_folders(self._chat.services.paths.config_file, Path.cwd())

    @property
    def _prompts(self) -> StoredPrompts:
        return self._chat.services.store.prompts

    async def open(self, on: str | None = None) -> None:
        """Show the library."""
        from routerterm.tui.screens.prompts import PromptsScreen

        show_dialog(self._chat.app, PromptsScreen(await self._prompts.all(), on), self._do)

    async def _do(self, answer: tuple[str, str]) -> None:
        what, name = answer
        if what == "new":
            self.write("system" if name == "system" else "template")
            return
        prompt = await self._named(name)
        if what == "use":
            await self.use(prompt)
        elif what == "edit":
            self.write(prompt.kind, prompt)
        else:
            self._remove(prompt)

    async def use_named(self, name: str) -> None:
        """Use the prompt of that name.  Raises `RoutertermError` where there is none."""
        await self.use(await self._named(name))

    async def use(self, prompt: Prompt) -> None:
        """Set a system prompt; fill a template in and give it to the composer."""
        from routerterm.tui.dialogs.form import FormDialog

        if prompt.kind == "system":
            self._chat.conversation.name_prompt(prompt.text, prompt.name)
            await self._chat.conversation.set(system=prompt.text)
            self._chat.app.notify(f"{prompt.name}: in use in this conversation.", timeout=4, markup=False)
            return

        async def filled(values: dict[str, str]) -> None:
            self._chat.composer.insert(fill(prompt.text, values))
            self._chat.composer.focus()

        fields = fields_of(prompt.text)
        if fields:
            show_dialog(self._chat.app, FormDialog(prompt.name, fields), filled)
        else:
            await filled({})

    async def write_files(self) -> None:
        """Write every prompt of the library into the folder beside the settings; what is there stays as it is."""
        folder = self._folders[0]
        written, kept = 0, 0
        for prompt in await self._prompts.all():
            try:
                await asyncio.to_thread(write_prompt, folder, prompt.name, prompt.kind, prompt.text)
            except FileExists:
                kept += 1
            else:
                written += 1
        there = f"; {kept} existed already" if kept else ""
        self._chat.app.notify(f"{written} prompts written to {folder}{there}.", timeout=6, markup=False)

    async def read_files(self) -> None:
        """Take the prompts of the folders into the library, in place of those of the same name."""
        found, troubles = await asyncio.to_thread(read_prompts, self._folders)
        prompts = found.values()
        for prompt in prompts:
            await self._prompts.keep(prompt.name, prompt.kind, for_library(prompt))
        lost = any(prompt.model or prompt.tools or prompt.temperature is not None for prompt in prompts)
        said = " Models, tools and temperatures stay in the files." if lost else ""
        said += f" {troubles[0].message}" if troubles else ""
        self._chat.app.notify(f"{len(found)} prompts read into the library.{said}", timeout=6, markup=False)

    def write(self, kind: PromptKind, before: Prompt | None = None, text: str = "") -> None:
        """Write a new one, or change one; another name makes it another prompt's place."""
        from routerterm.tui.dialogs.edit_text import EditText

        title = "System prompt" if kind == "system" else "Template"

        async def kept(edited: Edited) -> None:
            if not edited.text.strip():
                raise RoutertermError("The empty prompt was not saved.")
            await self._prompts.keep(edited.name, kind, edited.text)
            if before is not None and before.name != edited.name:
                await self._prompts.remove(before.name)
            await self.open(edited.name)

        named, words = (before.name, before.text) if before else ("", text)
        show_dialog(self._chat.app, EditText(title, _WORDS[kind], words, name=named), kept)

    def _remove(self, prompt: Prompt) -> None:
        from routerterm.tui.dialogs.confirm import Confirm

        async def sure(yes: bool) -> None:
            if yes:
                await self._prompts.remove(prompt.name)
            await self.open()

        show_dialog(
            self._chat.app,
            Confirm("Remove", f"Remove the prompt {prompt.name}? This cannot be undone.", "Remove"),
            sure,
        )

    async def _named(self, name: str) -> Prompt:
        prompt = await self._prompts.get(name)
        if prompt is None:
            close = [p.name for p in await self._prompts.all() if p.name.lower().startswith(name.lower())]
            if len(close) == 1 and (prompt := await self._prompts.get(close[0])) is not None:
                return prompt
            raise RoutertermError(f"There is no prompt {name!r}.", "/prompts lists the prompts.")
        return prompt
