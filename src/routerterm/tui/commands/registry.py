"""All commands, by name, in the order of the help."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from routerterm.tui.commands import (
    comparing,
    composer,
    conversation,
    import_export,
    message,
    organise,
    parameters,
    screens,
    start,
    tree,
)

if TYPE_CHECKING:
    from routerterm.tui.commands.base import Command

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
        organise.Archive,
        organise.Archived,
        conversation.Clone,
        conversation.Delete,
        conversation.Undelete,
        organise.Bin,
        tree.Tree,
        import_export.Export,
        import_export.Import,
        organise.Prompts,
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
        comparing.Compare,
        composer.Attach,
        composer.Detach,
        composer.Editor,
        composer.Stash,
        start.Welcome,
        start.Boot,
    )
}
_SLASHES = {command.slash: command for command in COMMANDS.values() if command.slash}


def slash_command(text: str) -> tuple[str, str] | None:
    """The command and its argument in ``/model smart``; None for anything that is no command of ours."""
    if not text.startswith("/") or "\n" in text.strip():
        return None
    name, _, argument = text.strip()[1:].partition(" ")
    command = _SLASHES.get(name.lower())
    return (command.name, argument.strip()) if command else None
