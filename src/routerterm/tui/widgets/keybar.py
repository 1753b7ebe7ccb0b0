"""The bar at the foot: the keys of the commands that have a place in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, assert_never

from routerterm.tui.actions import offered
from routerterm.tui.widgets.fields import Field, Span, Tone

if TYPE_CHECKING:
    from routerterm.tui.actions import Action
    from routerterm.tui.keymap import CommandInfo
    from routerterm.tui.themes.values import KeyForm

_FASTEXT: tuple[Tone, ...] = ("key-error", "key-success", "key-warning", "key-link")
FEW = 4
"""Up to so many keys of a place, the commands stand beside them as equals."""
YIELD = 10
WAY_OUT = -1
"""The rank of the key that closes: however narrow the terminal, it is the last to go."""
_NAMES = {
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "question_mark": "?",
    "slash": "/",
    "comma": ",",
    "full_stop": ".",
    "minus": "-",
    "plus": "+",
    "escape": "Esc",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "delete": "Del",
    "insert": "Ins",
    "shift+tab": "Shift+Tab",
}


def key_fields(
    commands: Iterable[type[CommandInfo]],
    keys_of: Mapping[str, tuple[str, ...]],
    form: KeyForm = "box",
    *,
    actions: Sequence[Action] = (),
) -> tuple[Field, ...]:
    """A field for each action of the place where the keys go, then one per command, as the theme shows keys."""
    shown = [command for command in commands if command.rank is not None and keys_of.get(command.name)]
    shown.sort(key=lambda command: _order(keys_of[command.name][0]))
    here = [
        (action.first_key, action.name(), action.rank, action.method) for action in actions if action.rank is not None
    ]
    away = YIELD if sum(action.rank is not None for action in actions) > FEW else 0
    everywhere = [
        (keys_of[command.name][0], command.title, _rank(command.rank or 0, away), f"app.command('{command.name}')")
        for command in shown
    ]
    return tuple(
        Field(key_spans(key, title, form, number), rank=rank, action=method)
        for number, (key, title, rank, method) in enumerate((*here, *everywhere))
    )


def _rank(rank: int, away: int) -> int:
    """The two that matter most stay; the others leave the bar before the keys of the place do."""
    return rank if rank < 2 else rank + away


def key_spans(key: str, title: str, form: KeyForm, number: int = 0) -> tuple[Span, ...]:
    """A key and what it does; ``number`` counts along the bar."""
    return _spans(key_name(key), title, form, number)


def _spans(name: str, title: str, form: KeyForm, number: int) -> tuple[Span, ...]:
    """The same for a key as its cap is printed."""
    function = name[1:] if name[:1] == "F" and name[1:].isdigit() else ""
    match form:
        case "box":
            return (Span(f" {name} ", "key"), Span(f" {title}", "text"))
        case "number":
            return (Span(function or name, "key-void"), Span(f"{title} ", "key"))
        case "pf":
            return (Span(f"{'PF' + function if function else name}=", "dim"), Span(title, "text"))
        case "colours":
            return (Span(f" {name} {title} ", _FASTEXT[number % len(_FASTEXT)]),)
        case "plain":
            return (Span(name, "bright"), Span(f" {title}", "dim"))
        case "bracket":
            return (Span("[", "faint"), Span(name, "bright"), Span("]", "faint"), Span(title, "text"))
        case "tag":
            return (Span(f" {title} ", "key"), Span(f"{name}", "dim"))
        case _:
            assert_never(form)


def action_fields(
    actions: Iterable[Action], part: object, owner: str = "screen", *, form: KeyForm = "box"
) -> tuple[Field, ...]:
    """The key bar of a screen or dialog: what its table offers now, each a key that can be clicked.

    ``part`` is who the table belongs to, ``owner`` how Textual names it in an action.
    """
    return tuple(
        Field(
            _spans(key_name(action.key(part)), action.name(part), form, number),
            rank=WAY_OUT if "escape" in action.keys.split(",") else action.rank or 0,
            action=_owned(action.method, owner),
        )
        for number, action in enumerate(offered(actions, part))
    )


def _owned(method: str, owner: str) -> str:
    """An action with its owner before it, unless it names one."""
    name, bracket, arguments = method.partition("(")
    return method if "." in name else f"{owner}.{name}{bracket}{arguments}"


def foot(hint: str, actions: Mapping[str, str], form: KeyForm = "box") -> tuple[Field, ...]:
    """Fields to click from a line such as ``Enter Select · Esc Close``; ``actions`` by the name of the key."""
    fields = []
    for rank, part in enumerate(hint.split(" · ")):
        key, _, words = part.partition(" ")
        if key in actions:
            fields.append(way(key, words, actions[key], form, rank))
        else:
            fields.append(Field((Span(part, "dim"),), rank=rank + 5))
    return tuple(fields)


def way(key: str, words: str, action: str, form: KeyForm, rank: int = 0) -> Field:
    """A key of a dialog, to be clicked; ``rank`` is its place, too."""
    return Field(_spans(key, words, form, rank), rank=WAY_OUT if key == "Esc" else rank, action=action)


def key_name(key: str) -> str:
    """A key for a person: ``F1``, ``^O``, ``Alt+Up``; a letter as it is typed, ``k`` or ``K``."""
    if key == "ctrl+underscore":
        return "^/"
    *modifiers, last = key.split("+") if key != "+" else [key]
    last = _NAMES.get(last, last)
    if modifiers == ["ctrl"] and len(last) == 1:
        return f"^{last.upper()}"
    if len(last) > 1 or modifiers:  # as keys are labelled: Alt+O, whose capital is Alt+Shift+O
        last = last[:1].upper() + last[1:]
    return "+".join((*(modifier.capitalize() for modifier in modifiers), last))


def _order(key: str) -> tuple[int, int, str]:
    is_function = key.startswith("f") and key[1:].isdigit()
    return (0, int(key[1:]), key) if is_function else (1, 0, key)
