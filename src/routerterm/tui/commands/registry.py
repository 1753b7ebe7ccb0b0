"""All commands, by name, in the order of the help; and how one is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from routerterm.core.errors import RoutertermError
from routerterm.tui.app_context import StillStarting
from routerterm.tui.commands import (
    compare,
    composer,
    conversation,
    import_export,
    leaves,
    message,
    organise,
    outbox,
    parameters,
    prompts,
    screens,
    start,
    tools,
    tree,
)

if TYPE_CHECKING:
    from routerterm.tui.commands.base import Choice, Command, CommandContext
    from routerterm.tui.keymap import CommandInfo

COMMANDS: Mapping[str, type[Command]] = {
    command.name: command
    for command in (
        screens.Help,
        conversation.New,
        screens.Models,
        screens.Stats,
        screens.Find,
        screens.Keys,
        screens.Route,
        screens.Themes,
        screens.Settings,
        screens.Gateway,
        screens.Sidebar,
        screens.Leader,
        screens.Palette,
        screens.Notices,
        screens.Redraw,
        screens.Suspend,
        screens.Quit,
        conversation.Stop,
        conversation.Model,
        conversation.NextModel,
        conversation.System,
        conversation.Private,
        conversation.NextConversation,
        conversation.PreviousConversation,
        conversation.Switch,
        conversation.Rename,
        conversation.Look,
        conversation.Start,
        conversation.Pin,
        organise.Tag,
        organise.Tags,
        organise.Project,
        organise.Archive,
        organise.Archived,
        conversation.Clone,
        conversation.Delete,
        conversation.Undelete,
        organise.Bin,
        tree.Tree,
        import_export.Export,
        import_export.Import,
        prompts.Prompts,
        message.Edit,
        message.Continue,
        message.LeaveOut,
        message.Retry,
        tree.RetryWith,
        message.Fork,
        message.Previous,
        message.Next,
        tree.Keep,
        tree.Menu,
        tree.SumUp,
        message.Why,
        message.Undo,
        message.Redo,
        parameters.Temperature,
        parameters.Reasoning,
        parameters.Length,
        parameters.Web,
        compare.Compare,
        leaves.Leaves,
        tools.Tools,
        composer.Attach,
        composer.Drop,
        composer.Detach,
        composer.Editor,
        composer.Stash,
        outbox.Later,
        outbox.Outbox,
        start.Welcome,
        start.Boot,
    )
}
_SLASHES = {command.slash: command for command in COMMANDS.values() if command.slash}


_FORMER = {"cost": "stats"}
"""Names that fingers may remember."""


def slash_command(text: str) -> tuple[str, str] | None:
    """The command and its argument in ``/model smart``; None for anything that is no command of ours."""
    if not text.startswith("/") or "\n" in text.strip():
        return None
    name, _, argument = text.strip()[1:].partition(" ")
    command = _SLASHES.get(_FORMER.get(name.lower(), name.lower()))
    return (command.name, argument.strip()) if command else None


class CommandRunner:
    """Runs commands on one chat."""

    def __init__(self, chat: CommandContext) -> None:
        self._chat = chat
        self.recent: list[str] = []
        """The commands that were run, the last one last."""

    @property
    def infos(self) -> Mapping[str, type[CommandInfo]]:
        """Every command."""
        return COMMANDS

    def parse(self, text: str) -> tuple[str, str] | None:
        """The command and its argument; None for anything that is no command of ours."""
        return slash_command(text)

    async def choices(self, name: str, argument: str) -> Sequence[Choice]:
        """What may stand after its slash name, where ``argument`` stands so far."""
        return await COMMANDS[name].choices(self._chat, argument)

    async def run(self, name: str, argument: str = "") -> None:
        """Run it, before all is read as soon as it is; what is wrong becomes a notice."""
        if name in self.recent:
            self.recent.remove(name)
        self.recent.append(name)
        try:
            await COMMANDS[name]().run(self._chat, argument)
        except StillStarting:
            self._chat.app.run_worker(self._run_when_begun(name, argument), group="early", exit_on_error=False)
        except RoutertermError as error:
            self._chat.app.show_error(error)

    async def _run_when_begun(self, name: str, argument: str) -> None:
        await self._chat.begun.wait()
        await self.run(name, argument)
