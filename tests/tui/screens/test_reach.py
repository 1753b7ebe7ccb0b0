"""Nothing can be done only by an F-key, only by mouse, or only by what tmux or a phone keeps for itself."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.binding import Binding
from textual.dom import DOMNode

import routerterm.tui
from routerterm.config.paths import Paths
from routerterm.tui.commands.registry import COMMANDS
from routerterm.tui.keymap import letters
from routerterm.tui.screens.which_key import WhichKey
from routerterm.tui.widgets.fast_screen import FastScreen
from tests.driver.probe import picture_of
from tests.tui.chat.program import configure, in_chat, running, screen_text, until

SENT_BY_NONE = {"ctrl+i", "ctrl+m", "ctrl+h", "ctrl+tab", "ctrl+shift+tab"}
"""What old terminals cannot tell from Tab, Enter and Backspace, or cannot send at all."""
EATEN = {"ctrl+a", "ctrl+b", "ctrl+z", "insert"}
"""What tmux, screen and shells keep for themselves, and phones do not have."""
OTHERWISE = {
    "history(-1)": "Up in an empty composer",
    "history(1)": "Down while walking in it",
    "scroll_talk('start')": "Tab, then Home",
    "scroll_talk('end')": "Tab, then End",
    "cursor_left": "Left",
    "cursor_word_left": "Left",
    "cursor_word_right": "Right",
    "cursor_left_word": "Left",
    "cursor_right_word": "Right",
    "kill_word_left(False)": "Ctrl+W",
    "kill_word_right": "Delete",
    "redo": "Alt+R, which old terminals send as ESC r",
    "stretch(-1)": "v, then k",
    "stretch(1)": "v, then j",
}
"""Actions that are a shorter way to what other keys do together."""


def parts() -> Iterator[type[DOMNode]]:
    """Every part of the screen and every screen of ours that binds keys."""
    for module in pkgutil.walk_packages(routerterm.tui.__path__, "routerterm.tui."):
        importlib.import_module(module.name)
    waiting: list[type[DOMNode]] = [DOMNode]
    while waiting:
        waiting.extend(owner := waiting.pop().__subclasses__() or [])
        yield from (each for each in owner if each.__module__.startswith("routerterm.") and "BINDINGS" in vars(each))


def bound(part: type[DOMNode]) -> Iterator[Binding]:
    yield from Binding.make_bindings(part.BINDINGS)


def everybody_has(key: str) -> bool:
    """Whether every keyboard and terminal can send it."""
    if re.fullmatch(r"(\w+\+)*f\d+", key) or key in SENT_BY_NONE | EATEN:
        return False
    if key.startswith("ctrl+"):
        return len(key) == 6 or key[5:] in ("underscore", "backslash", "right_square_bracket")
    return "+" not in key or key == "shift+tab"


def test_every_part_can_be_driven_from_any_keyboard() -> None:
    found = list(dict.fromkeys(parts()))
    assert len(found) > 15
    for part in found:
        keys_of: dict[str, list[str]] = {}
        for binding in bound(part):
            keys_of.setdefault(binding.action, []).append(binding.key)
        for action, keys in keys_of.items():
            assert any(map(everybody_has, keys)) or action in OTHERWISE, (part.__name__, action, keys)
            assert not SENT_BY_NONE.intersection(keys), (part.__name__, action)


def test_every_command_has_a_letter_of_its_own_and_no_impossible_key() -> None:
    by_letter = letters(COMMANDS.values())
    assert sorted(by_letter.values()) == sorted(set(COMMANDS) - {"leader"})
    assert all(len(letter) == 1 and letter.isprintable() for letter in by_letter)
    assert any(map(everybody_has, COMMANDS["leader"].keys))
    for command in COMMANDS.values():
        assert not SENT_BY_NONE.intersection(command.keys), command.name
        assert not EATEN.intersection(command.keys), command.name
        assert command.help().endswith("."), command.name
        if any(key[0] == "f" and key[1:].isdigit() for key in command.keys):
            twin = any(map(everybody_has, command.keys)) or command.name in OTHERWISE
            assert twin, f"{command.name} has an F-key without a twin"


def test_every_row_of_keys_hears_a_click() -> None:
    """A screen that shows a `FieldLine` of its own also does what is clicked there: every `FastScreen` does."""
    sources = (path.read_text() for path in Path(routerterm.tui.__path__[0]).rglob("*.py"))
    screens = [
        re.findall(r"^class \w+\((Modal|FramedScreen|FastScreen|TableBox)\b", text, re.M)
        for text in sources
        if "yield FieldLine(" in text
    ]
    assert screens
    assert all(screens)
    assert FastScreen.run_clicked


@pytest.mark.parametrize("size", [(120, 40), (45, 20)])
async def test_every_command_can_be_clicked(paths: Paths, size: tuple[int, int]) -> None:
    configure(paths)
    async with running(paths, size) as (app, pilot):
        await pilot.press("ctrl+x")
        await until(pilot, lambda: isinstance(app.screen, WhichKey))
        grid = app.screen.query_one("Grid")
        told = {found[0] for column in range(9) for line in range(99) if (found := grid._at(column, line))}  # type: ignore[attr-defined]
        assert told - {""} == set(COMMANDS) - {"leader"}
        before = screen_text(app)
        await pilot.press("down")
        assert size[0] > 60 or screen_text(app) != before  # it can be walked where it has no room for all
        await pilot.press("up")
        await pilot.click(grid, offset=(2, 2))  # beneath the border and the first title
        await until(pilot, lambda: "Help" in picture_of(app).titles)
        await pilot.press("escape")
        await until(pilot, lambda: in_chat(app))


async def test_a_letter_after_the_leader_does_it(paths: Paths) -> None:
    configure(paths)
    async with running(paths) as (app, pilot):
        await pilot.press("ctrl+x", "s")
        await until(pilot, lambda: type(app.screen).__name__ == "StatsScreen")
        await pilot.press("escape", "ctrl+x", "escape")
        await until(pilot, lambda: in_chat(app))
        await pilot.press(*"cut", *["shift+left"] * 3, "ctrl+x")
        await until(pilot, lambda: not picture_of(app).composer)
        assert in_chat(app)


async def test_f_keys_lead_from_screen_to_screen_and_close_their_own(paths: Paths) -> None:
    configure(paths)
    async with running(paths) as (app, pilot):
        for key, name in (
            ("f4", "StatsScreen"),
            ("f7", "RouteScreen"),
            ("f6", "KeysScreen"),
            ("ctrl+t", "StatsScreen"),
        ):
            await pilot.press(key)
            await until(pilot, lambda name=name: type(app.screen).__name__ == name)
            assert len(app.screen_stack) == 2
        await pilot.press("f4")
        await until(pilot, lambda: in_chat(app))


async def test_help_tells_of_the_screen_that_is_open_and_does_what_it_tells(paths: Paths) -> None:
    configure(paths)
    async with running(paths, (100, 40)) as (app, pilot):
        await pilot.press("f4")
        await until(pilot, lambda: type(app.screen).__name__ == "StatsScreen")
        await pilot.press("f1")
        await until(pilot, lambda: "this screen" in screen_text(app))
        assert "Sort by another column" in screen_text(app)
        await pilot.press(*"property", "enter")
        await until(pilot, lambda: "by provider" in screen_text(app))
        await pilot.press("escape", "f3", "f1")
        await until(pilot, lambda: "here: " in screen_text(app))
        assert "Close without a change" in screen_text(app)
        assert "stats" not in screen_text(app)


async def test_keys_can_be_given_in_the_settings(paths: Paths) -> None:
    configure(paths, '[bindings]\nstats = "ctrl+e"\nthemes = "none"\nkeyz = "f6"\nhelp = "enter"\n')
    async with running(paths) as (app, pilot):
        await until(pilot, lambda: 'config.toml: bindings: there is no command "keyz"' in screen_text(app))
        assert app.keys_of["help"][0] == "f1"  # what cannot be a key takes none away
        await pilot.press("f8", "f4")
        assert in_chat(app)
        await pilot.press("ctrl+e")
        await until(pilot, lambda: type(app.screen).__name__ == "StatsScreen")
