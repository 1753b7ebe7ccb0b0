"""Commands that carry conversations out and in."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from routerterm.engine.transfer.formats import ABOUT
from routerterm.tui.chat.import_export import ImportExport
from routerterm.tui.commands.base import Choice, Command, CommandContext

_FORMS: dict[str, str] = {form: f"{about.title}, {about.branch}" for form, about in ABOUT.items()}
_FORMS |= {f"all {form}": about.whole for form, about in ABOUT.items()}


class Export(Command):
    """Write this conversation, or all of them, as Markdown, HTML or JSON."""

    name, title, group, slash, argument = "export", "Export", "Conversation", "export", "md|html|json FILE"

    @classmethod
    async def choices(cls, chat: CommandContext, argument: str) -> Sequence[Choice]:
        """The forms."""
        return [Choice(form, about) for form, about in _FORMS.items() if form.startswith(argument)]

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Ask for what was not said, and write it."""
        ImportExport(chat.app, chat.sidebar.refresh).export(chat.about, argument)


class Import(Command):
    """Read conversations from an export of routerterm, ChatGPT or Claude, or from llm, elia or oterm."""

    name, title, group, slash, argument = "import", "Import", "Conversation", "import", "FILE"

    @classmethod
    async def choices(cls, chat: CommandContext, argument: str) -> Sequence[Choice]:
        """The files that fit what was typed."""
        from routerterm.tui.chat.completion import files

        return await asyncio.to_thread(files, argument)

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Say what would be done, then do it."""
        ImportExport(chat.app, chat.sidebar.refresh).import_file(argument)
