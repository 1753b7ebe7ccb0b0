"""What a text that begins with a slash may become: names of commands, then what may stand after them."""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeAlias

from routerterm.core.counting import format_bytes
from routerterm.core.lazy_pattern import LazyPattern
from routerterm.tui.keymap import Choice, CommandInfo
from routerterm.tui.widgets.fuzzy import best
from routerterm.tui.widgets.suggestions import Suggestion

NAME = LazyPattern(r"/([a-z_-]*)\Z")
WITH_ARGUMENT = LazyPattern(r"/([a-z_-]+) ([^\n]*)\Z")
MOST = 40
"""Suggestions at a time."""


Choices: TypeAlias = Callable[[str, str], Awaitable[Sequence[Choice]]]
"""What may stand after the command of a name, for what stands there so far."""


def names(text: str, commands: Iterable[type[CommandInfo]]) -> tuple[Suggestion, ...]:
    """The commands whose slash name begins as it was typed, then those that contain it or are about it."""
    found = NAME.match(text)
    if found is None:
        return ()
    typed = found[1]
    slashed = sorted((command for command in commands if command.slash), key=lambda command: command.slash)
    ranked = [command for command in slashed if command.slash.startswith(typed)]
    if typed:
        ranked += [command for command in slashed if typed in command.slash and command not in ranked]
        if len(typed) > 2:
            about = [command for command in slashed if typed in f"{command.title} {command.help()}".lower()]
            ranked += [command for command in about if command not in ranked]
    return tuple(
        Suggestion(
            f"/{command.slash} {command.argument}".strip(),
            command.help(),
            f"/{command.slash} " if command.argument else f"/{command.slash}",
            more=bool(command.argument),
        )
        for command in ranked
    )


async def arguments(text: str, commands: Iterable[type[CommandInfo]], choices_of: Choices) -> tuple[Suggestion, ...]:
    """What may stand after a command's name."""
    found = WITH_ARGUMENT.match(text)
    if found is None:
        return ()
    command = next((command for command in commands if command.slash == found[1]), None)
    if command is None:
        return ()
    choices = await choices_of(command.name, found[2])
    head = f"/{found[1]} "
    rows = [Suggestion(c.value, c.about, head + c.value, c.more) for c in choices[:MOST]]
    return tuple(row for row in rows if row.text != text)


def fitting(choices: Sequence[Choice], typed: str) -> Sequence[Choice]:
    """Those that fit what was typed, best first."""
    return list(best(typed, choices, lambda choice: choice.value)) if typed.strip() else choices


def files(typed: str) -> list[Choice]:
    """The files and folders that a half-typed path may mean.  Reads the disk."""
    folder, _, begun = os.path.expanduser(typed).rpartition("/")
    where = folder + "/" if folder or typed.startswith("/") else "."
    shown = typed[: len(typed) - len(begun)]
    found = []
    try:
        with os.scandir(where) as entries:
            for entry in entries:
                if entry.name.startswith(begun) and (begun.startswith(".") or not entry.name.startswith(".")):
                    if entry.is_dir():
                        found.append(Choice(_quoted(f"{shown}{entry.name}/"), "folder", more=True))
                    elif entry.is_file():
                        found.append(Choice(_quoted(shown + entry.name), format_bytes(entry.stat().st_size)))
    except OSError:
        return []
    return sorted(found, key=lambda choice: (choice.more, choice.value.lower()))


def _quoted(path: str) -> str:
    """As ``/attach`` reads it: a blank has a backslash before it."""
    return re.sub(r"([\s'\"\\])", r"\\\1", path)
