"""Which keys run which command: the defaults, and the person's own in ``[bindings]``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from string import ascii_letters, digits
from typing import TYPE_CHECKING

from textual.binding import Binding

if TYPE_CHECKING:
    from routerterm.tui.commands.base import Command


def keys_by_command(commands: Iterable[type[Command]], own: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The keys of each command.  ``own`` maps a command's name to keys with commas between, or to ``none``."""
    return {command.name: _keys(command, own) for command in commands}


def bindings(commands: Iterable[type[Command]], keys: Mapping[str, tuple[str, ...]]) -> Iterator[Binding]:
    """Textual's bindings.  Function, control and Alt keys come before the composer's own use of them."""
    for command in commands:
        for key in keys[command.name]:
            always = key.startswith(("ctrl+", "alt+")) or (key.startswith("f") and key[1:].isdigit())
            yield Binding(
                key, f"app.command('{command.name}')", command.title, show=False, id=command.name, priority=always
            )


def letters(commands: Iterable[type[Command]]) -> dict[str, str]:
    """The names of commands by the letter that runs each after the leader: their own, or the first that is free."""
    commands = [command for command in commands if command.name != "leader"]
    found: dict[str, str] = {}
    for command in commands:
        if command.letter:
            found.setdefault(command.letter, command.name)
    for command in commands:
        if command.name not in found.values():
            wanted = (*command.name, *command.name.upper(), *ascii_letters, *digits)
            found[next(letter for letter in wanted if letter not in found and letter.isalnum())] = command.name
    return found


def _keys(command: type[Command], own: Mapping[str, str]) -> tuple[str, ...]:
    given = own.get(command.name)
    if given is None:
        return command.keys
    if given.strip().lower() == "none":
        return ()
    return tuple(key.strip() for key in given.split(",") if key.strip())
