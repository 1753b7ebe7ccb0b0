"""What commands may ask of the chat, as far as it is no matter of one of the chat's parts; none of them is imported.

What they ask of a part (`CommandContext` in ``commands/base.py`` names those) they ask it directly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio

    from routerterm.tui.app_context import AppContext
    from routerterm.tui.keymap import Choice, CommandInfo
    from routerterm.tui.notifications import Notifications
    from routerterm.tui.transcript.widget import Transcript
    from routerterm.tui.widgets.composer import Composer
    from routerterm.tui.widgets.conversations import ConversationList
    from routerterm.wiring import Services


class Commands(Protocol):
    """The commands: they lie above the chat, and are handed to it."""

    @property
    def infos(self) -> Mapping[str, type[CommandInfo]]:
        """Every command by its name, in the order of the help."""
        ...

    @property
    def recent(self) -> Sequence[str]:
        """The commands that were run, the last one last."""
        ...

    def parse(self, text: str) -> tuple[str, str] | None:
        """The command and its argument in ``/model smart``; None for anything that is no command of ours."""
        ...

    async def choices(self, name: str, argument: str) -> Sequence[Choice]:
        """What may stand after its slash name, where ``argument`` stands so far."""
        ...

    async def run(self, name: str, argument: str = "") -> None:
        """Run it; what is wrong becomes a notice."""
        ...


class ChatContext(Protocol):
    """The chat as a whole."""

    chosen: str | None
    """The message that a command is about; None is the last one."""

    @property
    def app(self) -> AppContext:
        """The program."""
        ...

    @property
    def services(self) -> Services:
        """What was put together after the first paint.  Raises `StillStarting` before that."""
        ...

    @property
    def commands(self) -> Commands:
        """Every command."""
        ...

    @property
    def notifications(self) -> Notifications:
        """What was said so far, and how to call."""
        ...

    @property
    def begun(self) -> asyncio.Event:
        """Set once the panes are filled."""
        ...

    @property
    def about(self) -> str | None:
        """The conversation that a command is about; None for one that is on no disk yet."""
        ...

    @property
    def pointed(self) -> str | None:
        """The message under the transcript's cursor, or the last one."""
        ...

    @property
    def composer(self) -> Composer:
        """Where is written."""
        ...

    @property
    def transcript(self) -> Transcript:
        """The messages."""
        ...

    @property
    def conversation_list(self) -> ConversationList:
        """The list at the side."""
        ...

    def toggle_sidebar(self) -> None:
        """Show or hide the list."""
        ...

    def show_welcome(self) -> None:
        """Show how to start."""
        ...

    async def leave(self) -> None:
        """Stop and save everything.  Raises `RoutertermError`."""
        ...
