"""Themes while the program runs: changed files are taken up, a broken one is told, poor terminals get plain signs."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from routerterm.config.paths import Paths, built_in_themes
from routerterm.core.errors import RoutertermError
from routerterm.tui.app import RoutertermApp
from routerterm.tui.dialogs.modal import cut_word
from routerterm.tui.themes.letters import block_letters
from routerterm.tui.themes.manager import ThemeManager, letters
from routerterm.tui.themes.reader import find_themes, read_theme
from routerterm.tui.themes.values import Theme
from routerterm.tui.widgets.box import Box, frame_of
from routerterm.tui.widgets.frame import Panes, draw
from routerterm.tui.widgets.rows import RowList
from tests.driver.headless import HeadlessDriver
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
    assert plain.layout.headings != "rule", "that is drawn with lines"
    assert theme.on_console().layout.headings == theme.layout.headings
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


FORMS = {
    "mainframe": ("PF1=Help", "Enter=Run", "===>", "-- Today"),
    "bbs": ("[F1]Help", "[Enter]Run", "»", "-- Today"),
    "videotex": ("Help F1", "Run Enter", "■ ", "Today"),
    "teletext": ("F1 Help", "Enter Run", "P100 ROUTERTERM", "Today"),
    "dosblue": ("1Help", "EnterRun", "C:\\>", "── Today"),
    "home64": ("F1  Help", "Enter  Run", "READY.", "TODAY"),
    "paperwhite": ("F1 Help", "Enter Run", "›", "TODAY"),
}
"""Of some themes: a key of the chat, one of a dialog, something else of the chat, and a heading of its list."""


async def test_a_theme_arranges_the_chat_and_what_lies_over_it(paths: Paths) -> None:
    configure(paths)
    async with running(paths, (120, 30)) as (app, pilot):
        driver = HeadlessDriver(paths, app, pilot)
        await driver.ask("One")
        for name, (key, way, sign, heading) in FORMS.items():
            app.use_theme(name)
            seen = (key, sign, heading)
            await until(pilot, lambda seen=seen: all(words in screen_text(app) for words in seen))  # type: ignore[misc]
            await pilot.press("ctrl+p")
            await until(pilot, lambda way=way: way in screen_text(app))  # type: ignore[misc]
            corner = draw(Panes(9, 3), frame_of(app.active_theme))[-1][0]
            assert corner in screen_text(app), name
            await pilot.press("escape")


@pytest.mark.parametrize("theme", ["contrast", "amber"])
async def test_what_is_said_in_a_list_is_no_heading(paths: Paths, theme: str) -> None:
    configure(paths, f'[ui]\ntheme = "{theme}"\n')
    async with running(paths) as (app, pilot):
        await pilot.press("f4")
        await until(pilot, lambda: re.search(r" No requests in this period\. +\S?$", screen_text(app), re.MULTILINE))


async def test_a_tall_screen_begins_with_the_name_where_the_theme_has_it(paths: Paths) -> None:
    configure(paths, '[ui]\ntheme = "teletext"\n')
    block = block_letters("ROUTERTERM", "half", 80)[0]
    async with running(paths, (80, 28)) as (app, pilot):
        await until(pilot, lambda: screen_text(app).count(block) == 1)
        assert screen_text(app).splitlines()[1].strip() == block.strip()
        await pilot.resize_terminal(80, 27)  # then it stands among the words of the empty chat
        await until(pilot, lambda: block not in "".join(screen_text(app).splitlines()[:3]))
        assert block in screen_text(app)


async def test_the_line_one_writes_on_is_a_field_where_the_theme_says_so(paths: Paths) -> None:
    configure(paths, '[ui]\ntheme = "mainframe"\n')
    async with running(paths) as (app, pilot):
        await until(pilot, lambda: "===>" in screen_text(app))
        await pilot.press(*"hi")
        await until(pilot, lambda: re.search(r"===> hi ____", screen_text(app)))


async def test_what_lies_behind_a_dialog_is_dithered_but_no_words_are(paths: Paths) -> None:
    configure(paths, '[ui]\ntheme = "desktop"\n')
    async with running(paths, (100, 30)) as (app, pilot):
        driver = HeadlessDriver(paths, app, pilot)
        await driver.ask("Is it so")
        await pilot.press("ctrl+p")
        await until(pilot, lambda: "Commands" in screen_text(app))
        rows = screen_text(app).splitlines()
        assert any("▒▒▒▒" in row for row in rows)
        assert any(" Is it so " in row for row in rows)


@pytest.mark.parametrize("theme", ["amber", "desktop", "pocket"])
async def test_beside_a_dialog_and_its_shadow_are_no_scraps_of_words(paths: Paths, theme: str) -> None:
    configure(paths, f'[ui]\ntheme = "{theme}"\n')
    async with running(paths, (120, 40)) as (app, pilot):
        driver = HeadlessDriver(paths, app, pilot)
        await driver.ask("Is it so")
        await pilot.press(*"/rename", "enter")
        await until(pilot, lambda: "Its title in the list." in screen_text(app))
        rows = screen_text(app).splitlines()
        first = next(y for y, row in enumerate(rows) if "Rename" in row)
        for row in rows[first : first + 8]:
            assert not re.search(r"\w", row[:18].replace("_", "")), row
            assert not re.search(r"\w", row[102:]), row
        for key, words in (("f3", "model or route"), ("f8", "Bulletin board")):
            await pilot.press("escape", key)
            await until(pilot, lambda words=words: words in screen_text(app))  # type: ignore[misc]
            region = app.screen.query_one(Box).region
            for row in screen_text(app).splitlines()[region.y : region.bottom]:
                assert not re.search(r"\w", f"{row[: region.x]}{row[region.right :]}"), row


def test_where_a_dialog_leaves_room_only_words_that_it_cuts_go() -> None:
    assert cut_word("a long word beside it", 9, -1) == 2
    assert cut_word("a long word beside it", 9, 1) == 2
    assert cut_word("a long word beside it", 7, -1) == 0
    assert cut_word("日本語の文", 4, -1) == 4


@pytest.mark.parametrize("theme", ["phosphor", "mainframe"])
async def test_no_letter_touches_a_scroll_bar_and_what_is_said_of_a_row_is_whole(paths: Paths, theme: str) -> None:
    configure(paths, f'[ui]\ntheme = "{theme}"\n[routes.long]\nmodels = ["demo/down", "demo/cut", "demo/markdown"]\n')
    async with running(paths, (45, 20)) as (app, pilot):
        await pilot.press("f3")
        await until(pilot, lambda: "model or route" in screen_text(app))
        await pilot.press(*"long")
        await until(pilot, lambda: "The route long uses" in screen_text(app))
        said = " ".join(row.strip("│| ") for row in screen_text(app).splitlines()[-5:-2])
        assert "demo/markdown; strategy:" in said
        assert re.search(r"(F7 changes it\.|F6 adds one\.|…)", said)
        rows = app.screen.query_one(RowList)
        bar = rows.scrollable_content_region.right - rows.region.x
        assert all(rows.render_line(y).crop(bar - 1, bar).text == " " for y in range(rows.size.height))


async def test_a_narrow_greeting_does_not_say_the_name_that_the_first_line_has(paths: Paths) -> None:
    configure(paths, '[ui]\ntheme = "home64"\n')
    async with running(paths, (45, 20)) as (app, pilot):
        await until(pilot, lambda: "ready" in screen_text(app))
        assert screen_text(app).count("ROUTERTERM") == 1
