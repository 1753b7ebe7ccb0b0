"""The bar at the foot: the keys of the commands that have a place in it."""

from __future__ import annotations

from collections.abc import Iterable

from routerterm.tui.commands.base import Command
from routerterm.tui.widgets.fields import Field, Span


def key_fields(commands: Iterable[type[Command]], keys_of: dict[str, tuple[str, ...]]) -> tuple[Field, ...]:
    """A field per command, in the order of their keys."""
    shown = [command for command in commands if command.rank is not None and keys_of.get(command.name)]
    shown.sort(key=lambda command: _order(keys_of[command.name][0]))
    return tuple(
        Field(
            (Span(f" {key_name(keys_of[command.name][0])} ", "key"), Span(f" {command.title}", "text")),
            rank=command.rank or 0,
            action=f"app.command('{command.name}')",
        )
        for command in shown
    )


def key_name(key: str) -> str:
    """A key for a person: ``F1``, ``^O``, ``Alt+Up``."""
    if key == "ctrl+underscore":
        return "^/"
    if key.startswith("ctrl+") and len(key) == 6:
        return f"^{key[5:].upper()}"
    signs = {"left_square_bracket": "[", "right_square_bracket": "]", "question_mark": "?", "slash": "/"}
    return signs.get(key, "+".join(part.upper() if len(part) < 4 else part.capitalize() for part in key.split("+")))


def _order(key: str) -> tuple[int, int, str]:
    is_function = key.startswith("f") and key[1:].isdigit()
    return (0, int(key[1:]), key) if is_function else (1, 0, key)
