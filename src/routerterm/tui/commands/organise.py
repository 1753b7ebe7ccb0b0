"""Commands that put conversations in order: tags, the archive, the bin."""

from __future__ import annotations

from collections.abc import Sequence

from routerterm.tui.chat.project import switch
from routerterm.tui.commands.base import Choice, Command, CommandContext
from routerterm.tui.dialogs.ask import show_dialog


class Tag(Command):
    """Tag this conversation, with commas between tags; tag:NAME finds it."""

    name, title, group, slash, argument = "tag", "Tags of this conversation", "Conversation", "tag", "NAME, NAME"

    @classmethod
    async def choices(cls, chat: CommandContext, argument: str) -> Sequence[Choice]:
        """The tags there are."""
        before, comma, begun = argument.rpartition(",")
        tags = await chat.services.store.conversations.tags()
        fitting = [(tag, n) for tag, n in tags if tag.lower().startswith(begun.strip().lower())]
        return [Choice(f"{before}{comma}{' ' if comma else ''}{tag}", f"{n} conversations") for tag, n in fitting]

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Set them, or ask for them."""
        from routerterm.tui.dialogs.prompt import PromptDialog

        id = chat.about
        if argument:
            await chat.sidebar.set_tags(id, argument)
            return
        conversation = await chat.sidebar.conversation(id)

        async def given(text: str) -> None:
            await chat.sidebar.set_tags(id, text)

        words = "Tags, separated by commas. Leave it empty to remove them."
        show_dialog(chat.app, PromptDialog("Tags", words, ", ".join(conversation.tags)), given)


class Tags(Command):
    """List all tags and their conversations."""

    name, title, group, slash, argument = "tags", "Conversations by tag", "Conversation", "tags", "TAG"

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Pick a tag, then one of its conversations."""
        from routerterm.store.values import Filter
        from routerterm.tui.screens.conversation_pickers import conversations, tags

        async def picked(tag: str) -> None:
            show_dialog(
                chat.app, conversations(chat.services.store, f"Tagged {tag}", Filter(tag=tag)), chat.conversation.open
            )

        if argument:
            await picked(argument)
        else:
            show_dialog(chat.app, tags(chat.services.store), picked)


class Project(Command):
    """Open a project, a folder with conversations of its own, or `none` for all conversations."""

    name, title, group, slash, argument = "project", "Project", "Conversation", "project", "FOLDER|none"

    @classmethod
    async def choices(cls, chat: CommandContext, argument: str) -> Sequence[Choice]:
        """The projects that have conversations, and none."""
        known = [Choice(path, f"{n} conversations") for path, n in await chat.services.store.conversations.projects()]
        return [choice for choice in (*known, Choice("none", "all conversations")) if argument in choice.value]

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Open it; without an argument, say which one is open."""
        if not argument:
            project = chat.services.project
            open_now = f"{project.name}, in {project.folder}" if project else "none, all conversations are listed"
            chat.app.notify(f"Project: {open_now}. /project and a blank lists others.", timeout=6, markup=False)
            return
        await switch(chat, None if argument == "none" else argument)


class Archive(Command):
    """Archive this conversation, or take it out of the archive."""

    name, title, group, slash = "archive", "Archive", "Conversation", "archive"

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Toggle it."""
        id = chat.about
        archived = await chat.sidebar.toggle_archive(id)
        if archived and id == chat.conversation.id:
            await chat.conversation.open(None)
        where = "Archived. /archived lists it, F5 still finds it." if archived else "Back in the list."
        chat.app.notify(where, timeout=4)


class Archived(Command):
    """Show archived conversations."""

    name, title, group, slash = "archived", "Archived conversations", "Conversation", "archived"

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Pick one to open."""
        from routerterm.store.values import Filter
        from routerterm.tui.screens.conversation_pickers import conversations

        show_dialog(
            chat.app,
            conversations(chat.services.store, "Archived conversations", Filter(archived=True)),
            chat.conversation.open,
        )


class Bin(Command):
    """Show deleted conversations, kept for a week, to restore one."""

    name, title, group, slash = "bin", "Deleted conversations", "Conversation", "bin"

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Pick one to bring back."""
        from routerterm.store.values import Filter
        from routerterm.tui.screens.conversation_pickers import conversations

        async def picked(id: str) -> None:
            await chat.services.store.conversations.restore(id)
            await chat.sidebar.refresh()
            await chat.conversation.open(id)

        screen = conversations(chat.services.store, "Deleted", Filter(deleted=True), hint="Enter Restore · Esc Close")
        show_dialog(chat.app, screen, picked)
