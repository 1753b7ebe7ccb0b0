"""All commands, by name, in the order of the help."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from routerterm.tui.commands import (
    answering,
    beginning,
    comparing,
    conversation,
    message,
    moving,
    screens,
    shelf,
    tree,
    writing,
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
        conversation.Pin,
        shelf.Tag,
        shelf.Tags,
        shelf.Archive,
        shelf.Archived,
        conversation.Clone,
        conversation.Delete,
        conversation.Undelete,
        shelf.Bin,
        tree.Tree,
        moving.Export,
        moving.Import,
        shelf.Prompts,
        message.Edit,
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
        answering.Temperature,
        answering.Reasoning,
        answering.Length,
        comparing.Compare,
        writing.Attach,
        writing.Detach,
        writing.Editor,
        writing.Stash,
        beginning.Welcome,
        beginning.Boot,
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
