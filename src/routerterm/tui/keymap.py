"""What a command tells of itself, and which keys run it: the defaults, and the person's own in ``[bindings]``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from string import ascii_letters, digits
from typing import Any, ClassVar, Literal, TypeAlias

from msgspec import Struct
from textual.binding import Binding
from textual.keys import key_to_character

from routerterm.config.problems import Problem, dotted, known_names
from routerterm.config.toml_positions import Key

Group: TypeAlias = Literal["Screens", "Conversation", "Message", "Writing", "Program"]


class Choice(Struct, frozen=True):
    """Something that may stand after a slash name, with a few words about it."""

    value: str
    about: str = ""
    more: bool = False
    """Whether it is only the beginning, as a folder is of a path."""


class CommandInfo:
    """What keys, palette, help, key bar and slash names are made from: one thing that the person can do.

    The class's docstring is its line in help and palette.  ``keys`` are the defaults: the first is shown,
    the F-keys have a twin that tmux and phones let through.  ``rank`` gives it a place in the key bar,
    the highest leave it first.  ``slash`` is its name after a ``/`` in the composer.  ``letter`` is its key
    after the leader; one without gets a letter that is free.  ``everywhere``: its keys work on every screen.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    group: ClassVar[Group]
    keys: ClassVar[tuple[str, ...]] = ()
    rank: ClassVar[int | None] = None
    letter: ClassVar[str] = ""
    everywhere: ClassVar[bool] = False
    slash: ClassVar[str] = ""
    argument: ClassVar[str] = ""
    """What may follow the slash name, for the help: ``MODEL``."""

    @classmethod
    def help(cls) -> str:
        """The first line of the docstring."""
        return (cls.__doc__ or cls.title).strip().splitlines()[0]


def keys_by_command(commands: Iterable[type[CommandInfo]], own: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The keys of each command.  ``own`` maps a command's name to keys with commas between, or to ``none``."""
    return {command.name: _keys(command, own) for command in commands}


def bindings(commands: Iterable[type[CommandInfo]], keys: Mapping[str, tuple[str, ...]]) -> Iterator[Binding]:
    """Textual's bindings.  Function, control and Alt keys come before the composer's own use of them."""
    for command in commands:
        for key in keys[command.name]:
            always = key.startswith(("ctrl+", "alt+")) or (key.startswith("f") and key[1:].isdigit())
            yield Binding(
                key, f"app.command('{command.name}')", command.title, show=False, id=command.name, priority=always
            )


_SIGNS = "+-=*:;#%&@$^_~<>()[]{}|"
"""What runs commands after the leader once letters and digits are given out."""


def letters(commands: Iterable[type[CommandInfo]]) -> dict[str, str]:
    """The names of commands by the letter that runs each after the leader: their own, or the first that is free."""
    commands = [command for command in commands if command.name != "leader"]
    found: dict[str, str] = {}
    for command in commands:
        if command.letter:
            found.setdefault(command.letter, command.name)
    for command in commands:
        if command.name not in found.values():
            own = filter(str.isalnum, command.name + command.name.upper())
            wanted = (*own, *ascii_letters, *digits, *_SIGNS)
            found[next(letter for letter in wanted if letter not in found)] = command.name
    return found


NEEDED = frozenset(("enter", "tab", "shift+tab", "space", "backspace", "delete", "up", "down", "left", "right"))
"""Keys without which nothing can be written or reached: no command takes them."""
_NAMED = frozenset(("escape", "insert", "home", "end", "pageup", "pagedown", "print_screen", "pause", "menu", *NEEDED))
_FUNCTION = re.compile(r"f([1-9]|[12][0-9]|3[0-5])")
_MODIFIERS = frozenset(("ctrl", "alt", "shift", "super", "hyper", "meta"))


def check_bindings(own: Mapping[str, Any], names: Iterable[str]) -> Iterator[Problem]:
    """What is wrong with ``[bindings]``: commands that do not exist, keys that no keyboard has, keys given twice."""
    names = frozenset(names)
    given: dict[str, str] = {}
    for name, keys in own.items():
        at: Key = ("bindings", name)
        if name not in names:
            yield Problem(at, f'bindings: there is no command "{name}"', known_names(name, names))
        if not isinstance(keys, str) or keys.strip().lower() == "none":
            continue
        for key in filter(None, (key.strip() for key in keys.split(","))):
            if not is_key(key):
                hint = "For example f4, ctrl+g, alt+x or shift+f2; `routerterm doctor --press` names what you press."
                yield Problem(at, f'{dotted(at)}: "{key}" is not a key', hint)
            elif key in NEEDED:
                yield Problem(
                    at, f"{dotted(at)}: {key} is needed for writing", "Use a key with Ctrl or Alt, or an F-key."
                )
            elif given.setdefault(key, name) != name:
                yield Problem(at, f"{dotted(at)}: {key} is already used by {given[key]}")


def is_key(key: str) -> bool:
    """Whether a key of this name can be pressed somewhere."""
    *modifiers, last = key.split("+") if key != "+" else ["+"]
    if len(set(modifiers)) != len(modifiers) or not _MODIFIERS.issuperset(modifiers):
        return False
    return last in _NAMED or _FUNCTION.fullmatch(last) is not None or key_to_character(last) is not None


def _keys(command: type[CommandInfo], own: Mapping[str, str]) -> tuple[str, ...]:
    given = own.get(command.name)
    if given is None:
        return command.keys
    if given.strip().lower() == "none":
        return ()
    usable = tuple(key for key in map(str.strip, given.split(",")) if key and key not in NEEDED and is_key(key))
    return usable or command.keys  # a slip of the pen takes no command its keys; `check_bindings` tells of it
