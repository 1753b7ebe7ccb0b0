"""What a command is, and the chat on which it acts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from routerterm.tui.chat.context import ChatContext
from routerterm.tui.keymap import Choice, CommandInfo, Group

if TYPE_CHECKING:
    from routerterm.tui.chat.attachments import Attachments
    from routerterm.tui.chat.compare import CompareController
    from routerterm.tui.chat.composer_controller import ComposerController
    from routerterm.tui.chat.conversation import ConversationController
    from routerterm.tui.chat.places import Places
    from routerterm.tui.chat.sidebar import Sidebar
    from routerterm.tui.chat.spending import Spending
    from routerterm.tui.chat.status import StatusController
    from routerterm.tui.chat.turns import TurnRunner

__all__ = ["Choice", "Command", "CommandContext", "Group"]


class CommandContext(ChatContext, Protocol):
    """The chat with those of its parts that commands act on; a part that one command needs is made by the command."""

    @property
    def conversation(self) -> ConversationController:
        """The one on show."""
        ...

    @property
    def turns(self) -> TurnRunner:
        """The answers that are running."""
        ...

    @property
    def sidebar(self) -> Sidebar:
        """What is done to a conversation as a whole."""
        ...

    @property
    def attachments(self) -> Attachments:
        """What goes with the next message."""
        ...

    @property
    def compare(self) -> CompareController:
        """Several models at once."""
        ...

    @property
    def places(self) -> Places:
        """Where the keyboard is."""
        ...

    @property
    def composer_controller(self) -> ComposerController:
        """What becomes of what is written."""
        ...

    @property
    def spending(self) -> Spending:
        """Asks before money is spent."""
        ...

    @property
    def status(self) -> StatusController:
        """Title and status row."""
        ...


class Command(CommandInfo):
    """A command that can be run; its class's docstring is its line in help and palette."""

    @classmethod
    async def choices(cls, chat: CommandContext, argument: str) -> Sequence[Choice]:
        """What may stand after the slash name, for completion; ``argument`` is what stands there so far."""
        return ()

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Do it.  Raises `RoutertermError`, which becomes a notice."""
        raise NotImplementedError
