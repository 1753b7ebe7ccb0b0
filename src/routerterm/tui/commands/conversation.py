"""Commands on the open conversation as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from routerterm.core.errors import NotNow
from routerterm.tui.commands.base import Choice, Command, CommandContext
from routerterm.tui.dialogs.ask import show_dialog

if TYPE_CHECKING:
    from routerterm.tui.dialogs.edit_text import Edited


class New(Command):
    """Start a new conversation; nothing is saved until something is sent."""

    name, title, group, slash = "new", "New", "Conversation", "new"
    keys = ("f2", "ctrl+n")
    rank = 2
    letter = "c"
    everywhere = True

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Show an empty conversation."""
        await chat.conversation.open(None)
        chat.composer.focus()


class _Beside(Command):
    group = "Conversation"
    step = 0

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Open the one beside the open one; a new one stands above the first."""
        if chat.services and not chat.begun.is_set():
            await chat.begun.wait()
        order = (None, *chat.conversation_list.order)
        here = order.index(chat.conversation.id) if chat.conversation.id in order else 0
        there = max(0, min(len(order) - 1, here + self.step))
        if there != here:
            await chat.conversation.open(order[there])


class NextConversation(_Beside):
    """Open the next conversation of the list."""

    name, title, slash, step = "next-conversation", "Next conversation", "down", 1
    keys = ("alt+down", "ctrl+pagedown")


class PreviousConversation(_Beside):
    """Open the previous conversation of the list; above the first there is a new one."""

    name, title, slash, step = "previous-conversation", "Previous conversation", "up", -1
    keys = ("alt+up", "ctrl+pageup")


class Switch(Command):
    """Switch to another conversation: type a part of its title."""

    name, title, group, slash, letter = "switch", "Switch conversation", "Conversation", "switch", "w"
    keys = ("alt+o",)

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Pick one, newest first."""
        from routerterm.store.values import Filter
        from routerterm.tui.screens.conversation_pickers import conversations

        show_dialog(
            chat.app, conversations(chat.services.store, "Switch conversation", Filter()), chat.conversation.open
        )


class Model(Command):
    """Use this model or route from now on."""

    name, title, group, slash, argument = "model", "Use model", "Conversation", "model", "MODEL"

    @classmethod
    async def choices(cls, chat: CommandContext, argument: str) -> Sequence[Choice]:
        """Models and routes, with what they cost."""
        from routerterm.tui.screens.models.choices import model_choices

        return await model_choices(chat.services, argument)

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Set it, or open the picker if none is named."""
        if argument:
            await chat.conversation.use_model(argument)
        else:
            await chat.app.action_open("models")


class NextModel(Command):
    """Cycle through recent and favourite models."""

    name, title, group, slash, letter = "next-model", "Next model", "Conversation", "next", "n"
    keys = ("alt+m", "ctrl+right_square_bracket")

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Take the next one and say which."""
        from routerterm.tui.screens.models.picker import next_recent

        found = await next_recent(chat.app)
        if found is None:
            raise NotNow("There is no other recent model.", "F3 picks one; ^S in it adds a favourite.")
        name, place, count = found
        await chat.conversation.use_model(name)
        chat.app.notify(f"{name}  ({place} of {count})", timeout=2, markup=False)


class System(Command):
    """Set the system prompt of this conversation; without words, show it for editing."""

    name, title, group, slash, argument = "system", "System prompt", "Conversation", "system", "TEXT"

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Set it, or open it for editing; ``none`` takes it away."""
        from routerterm.tui.dialogs.edit_text import EditText

        if argument:
            await chat.conversation.set(system=None if argument.lower() == "none" else argument)
            return

        async def edited(answer: Edited) -> None:
            await chat.conversation.set(system=answer.text.strip() or None)

        words = "How the model should answer here. Leave it empty for none; /prompts stores named prompts."
        show_dialog(chat.app, EditText("System prompt", words, chat.conversation.system or ""), edited)


class Private(Command):
    """Private: only models on this computer answer in this conversation."""

    name, title, group, slash = "private", "Private", "Conversation", "private"

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Toggle it."""
        await chat.conversation.set(private=not chat.conversation.private)


class Rename(Command):
    """Rename this conversation."""

    name, title, group, slash, argument = "rename", "Rename", "Conversation", "rename", "TITLE"

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Rename it, or ask for a title."""
        from routerterm.tui.dialogs.prompt import PromptDialog

        id = chat.about
        if argument:
            await chat.sidebar.rename(id, argument)
            return
        conversation = await chat.sidebar.conversation(id)

        async def given(title: str) -> None:
            await chat.sidebar.rename(id, title)

        show_dialog(chat.app, PromptDialog("Rename", "Its title in the list.", conversation.title), given)


class Look(Command):
    """Find words in this conversation; n and N jump between matches."""

    name, title, group, slash, argument = "look", "Find here", "Conversation", "look", "WORDS"

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Look for them, or ask for them; without words nothing is marked any more."""

        from routerterm.tui.dialogs.prompt import PromptDialog

        async def given(words: str) -> None:
            if await chat.conversation.look_for(words):
                chat.places.go("MESSAGES")
                chat.transcript.action_find(-1)
            elif words.strip():
                raise NotNow("Not found in this conversation.", "F5 searches all conversations.")

        if argument:
            await given(argument)
        else:
            words, hint = "Words in this conversation; n previous, N next.", "Enter Find · Esc Close"
            show_dialog(chat.app, PromptDialog("Find here", words, hint=hint), given)


class Start(Command):
    """Scroll to the first message of this conversation."""

    name, title, group, slash = "start", "Start of the conversation", "Conversation", "top"

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Load all there is, and show its beginning."""
        await chat.conversation.to_start()


class Delete(Command):
    """Delete this conversation; /undelete restores it for a week."""

    name, title, group, slash = "delete", "Delete conversation", "Conversation", "delete"

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Delete the open one, or the one of the list."""
        id = chat.about
        if id is None:
            raise NotNow("There is no conversation to delete yet.")
        if chat.turns.session_of(id) is not None:
            raise NotNow("An answer is still running there.", "Stop it with Esc first.")
        await chat.sidebar.delete(id)
        if id == chat.conversation.id:
            await chat.conversation.open(None)
        chat.app.notify("Deleted. /undelete restores it for a week.")


class Undelete(Command):
    """Restore the conversation that was deleted last."""

    name, title, group, slash = "undelete", "Undelete", "Conversation", "undelete"

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Bring it back and open it."""
        await chat.conversation.open(await chat.sidebar.undelete())


class Pin(Command):
    """Pin this conversation to the top of the list, or unpin it."""

    name, title, group, slash = "pin", "Pin", "Conversation", "pin"

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Toggle it."""
        await chat.sidebar.toggle_pin(chat.about)


class Clone(Command):
    """Copy this conversation with all its branches, and open the copy."""

    name, title, group, slash = "clone", "Clone conversation", "Conversation", "clone"

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Copy and open."""
        await chat.conversation.open(await chat.sidebar.clone(chat.about))


class Stop(Command):
    """Stop the running answer; the text so far is kept."""

    name, title, group = "stop", "Stop", "Writing"
    keys = ("escape",)

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Stop the turn; queued messages come back into the composer; else go back to writing."""
        if chat.turns.stop() or chat.compare.give_up():
            return
        writing = chat.composer.has_focus
        chat.places.go("WRITE")
        if not chat.conversation.stop_editing() and writing and await chat.conversation.end_fork():
            await chat.conversation.show()
            chat.app.notify("Back where you were: no new branch.", timeout=3)
