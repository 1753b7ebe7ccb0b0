"""Themes while the program runs: changed files are taken up, a broken one is told, poor terminals get plain signs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from routerterm.config.paths import Paths, built_in_themes
from routerterm.core.errors import RoutertermError
from routerterm.tui.app import RoutertermApp
from routerterm.tui.themes.manager import ThemeManager, letters
from routerterm.tui.themes.reader import find_themes, read_theme
from routerterm.tui.themes.values import Theme
from routerterm.tui.widgets.frame import Panes, draw
from tests.driver.probe import picture_of
from tests.tui.chat.program import configure, running, screen_text, until

MINE = 'title = "Mine"\nhead = "MY MACHINE"\nframe = "double"\nkeys = "pf"\nvoice = ["hello you"]\n'


def write(paths: Paths, text: str, age: int) -> Path:
    """The person's own theme, as if changed so many seconds after the epoch."""
    file = paths.user_themes / "mine.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    os.utime(file, (age, age))
    return file


def test_a_changed_file_is_seen_once_and_a_broken_one_leaves_the_old(paths: Paths) -> None:
    write(paths, MINE, 1000)
    entry_list = ThemeManager(paths)
    theme, trouble = entry_list.take("mine")
    assert (theme.head, theme.keys, theme.frame, trouble) == ("MY MACHINE", "pf", "double", None)
    assert entry_list.again() is None
    write(paths, MINE.replace("MY", "YOUR"), 2000)
    found = entry_list.again()
    assert isinstance(found, Theme)
    assert found.head == "YOUR MACHINE"
    assert entry_list.again() is None
    write(paths, "frame = 7", 3000)
    assert isinstance(entry_list.again(), RoutertermError)
    assert entry_list.again() is None
    missing, why = entry_list.take("nowhere")
    assert missing.name == "phosphor"
    assert why is not None
    assert "nowhere" in why.message


@pytest.mark.parametrize(
    ("wanted", "environ", "found"),
    [
        ("auto", {"TERM": "xterm-256color", "LANG": "de_DE.UTF-8"}, "unicode"),
        ("auto", {"TERM": "xterm", "LANG": "de_DE.ISO-8859-1"}, "ascii"),
        ("auto", {"TERM": "xterm", "LANG": "de_DE.ISO-8859-1", "LC_ALL": "C.UTF-8"}, "unicode"),
        ("auto", {"TERM": "linux", "LANG": "C.UTF-8"}, "console"),
        ("auto", {"TERM": "vt220"}, "ascii"),
        ("auto", {}, "unicode"),
        ("ascii", {"TERM": "xterm", "LANG": "C.UTF-8"}, "ascii"),
        ("unicode", {"TERM": "vt100"}, "unicode"),
    ],
)
def test_signs_follow_the_terminal(wanted: str, environ: dict[str, str], found: str) -> None:
    assert letters(wanted, environ) == found


@pytest.mark.parametrize("name", find_themes([built_in_themes()]))
def test_every_machine_has_a_plain_twin(name: str) -> None:
    theme = read_theme(find_themes([built_in_themes()])[name])
    plain = theme.in_ascii()
    assert plain.head.isascii()
    rows = draw(Panes(20, 8, rules=(4,), split=5), plain.frame)
    if plain.frame == "ascii":
        assert all(row.isascii() for row in rows)
    assert theme.on_console().frame in ("single", "double", "rules", "none")


def told(app: RoutertermApp, words: str) -> bool:
    """Whether a notice says so."""
    return any(words in notice.message for notice in app._notifications)


async def test_a_theme_is_lived_while_it_is_written(paths: Paths) -> None:
    write(paths, MINE, 1000)
    configure(paths, '[ui]\ntheme = "mine"\n')
    async with running(paths) as (app, pilot):
        assert "MY MACHINE" in screen_text(app)
        assert "PF1=Help" in screen_text(app)
        assert "╔" in screen_text(app)
        write(paths, MINE.replace("MY", "OUR").replace("pf", "box") + '[colours]\ntext = "#ABCDEF"\n', 2000)
        await app.follow_theme()
        await until(pilot, lambda: "OUR MACHINE" in screen_text(app) and "PF1" not in screen_text(app))
        await until(pilot, lambda: "#ABCDEF" in {look.fg.upper() for row in picture_of(app).looks for look in row})
        write(paths, "nonsense = [", 3000)
        await app.follow_theme()
        await until(pilot, lambda: told(app, "is not valid TOML"))
        assert app.active_theme.head == "OUR MACHINE"


async def test_a_broken_theme_is_a_notice_and_shown_as_broken(paths: Paths) -> None:
    write(paths, 'frame = "[red]round"', 1000)
    configure(paths, '[ui]\ntheme = "mine"\n')
    async with running(paths, (120, 40)) as (app, pilot):
        await until(pilot, lambda: told(app, "frame is '[red]round'"))
        assert app.active_theme.name == "phosphor"
        await pilot.press("f8", "end", "pagedown")
        await until(pilot, lambda: "mine: " in screen_text(app))


async def test_every_machine_can_be_tried_one_after_the_other(paths: Paths) -> None:
    configure(paths)
    async with running(paths) as (app, pilot):
        for name in find_themes([built_in_themes()]):
            app.use_theme(name)
            await pilot.pause()
            assert app.active_theme.head.split()[0] in screen_text(app)
