"""Commands on the tree of the open conversation, and on what of it goes to the model."""

from __future__ import annotations

from routerterm.core.errors import NotNow, RoutertermError
from routerterm.core.money import show_usd
from routerterm.tui.commands.base import Command, CommandContext
from routerterm.tui.commands.message import again
from routerterm.tui.dialogs.ask import show_dialog

COPY = "copy"
"""The first row of a message's menu; it is no command of its own."""


class Tree(Command):
    """The branches of this conversation with their costs: show, continue from or copy any."""

    name, title, group, slash, letter = "tree", "Tree", "Conversation", "tree", "t"
    keys = ("alt+t",)

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Show the tree, and do what is chosen in it."""
        from routerterm.tui.screens.tree import TreeScreen

        session = chat.conversation.session
        tree = await session.tree()
        if not tree:
            raise NotNow("There is no tree yet.", "Send a message first.")

        async def chosen(answer: tuple[str, str]) -> None:
            what, id = answer
            if what == "clone":
                await chat.conversation.open((await session.clone(id)).id)
                await chat.sidebar.refresh()
                return
            if what == "keep":
                await chat.conversation.keep(id)
                return
            await (session.fork(id) if what == "fork" else session.show(id))
            await chat.conversation.show()
            await chat.conversation.reveal(id)
            (chat.composer if what == "fork" else chat.transcript).focus()

        show_dialog(
            chat.app, TreeScreen(chat.conversation.title, tree, session.head, chat.app.active_theme.glyphs), chosen
        )


class RetryWith(Command):
    """Ask again with another model; the old answer stays as a version."""

    name, title, group, slash = "retry_with", "Ask again with another model", "Message", "other"

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Pick a model, and have it answer the chosen question, or the last."""
        from routerterm.tui.screens.models.picker import model_picker

        id = chat.chosen

        async def picked(model: str) -> None:
            chat.chosen = id
            try:
                await again(chat, model)
            finally:
                chat.chosen = None

        if argument:
            await picked(argument)
        else:
            show_dialog(chat.app, model_picker(chat.app, "Ask again with"), picked)


class Menu(Command):
    """Show the commands for this message."""

    name, title, group = "menu", "Menu of the message", "Message"

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Pick one of the commands on messages, and run it on the chosen one."""
        from routerterm.tui.dialogs.picker import Picker, among
        from routerterm.tui.widgets.fields import Span
        from routerterm.tui.widgets.rows import Column, Row

        id = chat.chosen or chat.pointed
        rows = [Row(COPY, ("Copy", (Span("Copy this message.", "dim"),)), detail="Copy this message.")] + [
            Row(command.name, (command.title, (Span(command.help(), "dim"),)), detail=command.help())
            for command in chat.commands.infos.values()
            if command.group == "Message" and command is not Menu
        ]

        async def picked(name: str) -> None:
            if name == COPY and id is not None:
                chat.transcript.ask_copy(chat.transcript.message_text(id), "message")
                return
            chat.chosen = id
            try:
                await chat.commands.run(name)
            finally:
                chat.chosen = None

        columns = (Column("", 0), Column("", 1, grow=True))
        menu = Picker("This message", columns, among(rows), hint="Enter Run · Esc Close", explained=True)
        show_dialog(chat.app, menu, picked)


class Keep(Command):
    """Always send this message to the model, however long the conversation; again to stop."""

    name, title, group, slash = "keep", "Keep in context", "Message", "keep"

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Turn it over on the chosen message, or on the one under the cursor, or on the last."""
        id = chat.chosen or chat.pointed
        if id is None:
            raise NotNow("There is no message to keep yet.")
        await chat.conversation.keep(id)


class SumUp(Command):
    """Summarise older messages with a cheap model; the summary is sent in their place. `off` ends that."""

    name, title, group, slash, argument = "summary", "Summarise older messages", "Conversation", "summary", "MODEL|off"

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Sum up down to the chosen message, or all but the last turns, in the background."""
        session, id = chat.conversation.session, chat.chosen
        if argument.lower() == "off":
            await self._forget(chat)
            return

        async def work() -> None:
            from routerterm.engine.chat.summary import end_of_older_part, sum_up

            try:
                up_to = id or await end_of_older_part(session)
                services = chat.services
                model = argument or services.model_for_chores(
                    chat.conversation.model, private=chat.conversation.private
                )
                chat.app.notify(f"{model} is summarising…", timeout=3, markup=False)
                summary = await sum_up(session, services.store, services, up_to, model=model, window=services.window)
            except RoutertermError as error:
                chat.app.show_error(error)
                return
            cost = show_usd(summary.cost.usd)
            chat.app.notify(
                f"{summary.messages} messages are now sent as a summary by {summary.target} ({cost}). "
                "/summary off sends them in full again.",
                timeout=6,
                markup=False,
            )
            if chat.conversation.session is session:
                await chat.conversation.show()
            await chat.status.spent()

        def begin() -> None:
            chat.app.run_worker(work(), name="summary", group="summary", exclusive=True, exit_on_error=False)

        model = argument or chat.services.model_for_chores(chat.conversation.model, private=chat.conversation.private)
        await chat.spending.gate(
            "Summarise older messages",
            model,
            begin,
        )

    async def _forget(self, chat: CommandContext) -> None:
        from routerterm.engine.chat.context import SUMMARY
        from routerterm.engine.chat.summary import forget_summary

        session, before, found = chat.conversation.session, None, 0
        while True:
            page = await session.page(1000, before)
            for message in page.messages:
                if message.params.get(SUMMARY):
                    await forget_summary(session, chat.services.store, message.id)
                    found += 1
            if not page.earlier:
                break
            before = page.messages[0].id
        if not found:
            raise NotNow("Nothing in this conversation is summarised.")
        await chat.conversation.show()
