"""What must hold on every theme's screens: notices beside what is done, whole hints, lines that belong to a pane."""

from __future__ import annotations

import re
import time

import pytest
from textual.color import Color

from routerterm.config.paths import Paths, built_in_themes
from routerterm.tui.dialogs.modal import Modal
from routerterm.tui.themes.contrast import READ
from routerterm.tui.themes.values import COLOUR_NAMES
from routerterm.tui.widgets.conversations import ConversationList
from routerterm.tui.widgets.letter_input import hint_in
from tests.tui.chat.program import answered, configure, running, screen_text, until
from tests.tui.seed import fill

NOTICE = "Your question is saved"


@pytest.mark.parametrize(
    ("keys", "shown", "kept"),
    [
        (("f3",), "model or route", ("Select", "Close")),
        (("ctrl+p",), "Commands", ("Run", "Close")),
        (("alt+t",), "messages", ("Show", "Close")),
        (("ctrl+x",), "Press a letter", ("Press a letter", "Esc")),
    ],
)
@pytest.mark.parametrize("size", [(45, 20), (80, 24)])
async def test_a_notice_lies_beside_a_dialog_and_hides_none_of_its_keys(
    paths: Paths, size: tuple[int, int], keys: tuple[str, ...], shown: str, kept: tuple[str, ...]
) -> None:
    configure(paths)
    async with running(paths, size) as (app, pilot):
        await pilot.press(*"hello", "enter")
        await answered(app, pilot)
        await pilot.press(*keys)
        await until(pilot, lambda: isinstance(app.screen, Modal) and shown in screen_text(app))
        app.notify(NOTICE, timeout=600)
        await until(pilot, lambda: NOTICE in screen_text(app))
        rows = screen_text(app).splitlines()
        lies = next(y for y, row in enumerate(rows) if NOTICE in row)
        assert isinstance(app.screen, Modal)
        box = app.screen._lies_at
        assert not box.y < lies < box.bottom, "\n".join(rows)  # only its title may be covered
        for words in kept:
            assert words in screen_text(app)


@pytest.mark.parametrize(
    ("room", "shown"),
    [
        (60, "type a word; the file is /home/ann/settings.toml"),
        (40, "type a word"),
        (8, "type a …"),
        (0, "…"),
    ],
)
def test_a_hint_is_whole_or_ends_where_words_do(room: int, shown: str) -> None:
    assert hint_in("type a word; the file is /home/ann/settings.toml", room) == shown


async def test_a_hint_has_room_at_45_columns(paths: Paths) -> None:
    configure(paths)
    async with running(paths, (45, 20)) as (app, pilot):
        await pilot.press(*"/settings", "enter")
        await until(pilot, lambda: "type a word" in screen_text(app))
        assert "the file is" not in screen_text(app)


@pytest.mark.parametrize(("theme", "edge"), [("home64", "█"), ("desktop", "▒"), ("phosphor", "│")])
async def test_the_ground_that_a_screen_lies_on_is_no_line_of_a_pane(paths: Paths, theme: str, edge: str) -> None:
    configure(paths, f'[ui]\ntheme = "{theme}"\n')
    async with running(paths, (100, 30)) as (app, pilot):
        await until(pilot, lambda: "ready" in screen_text(app))
        strips = app.screen._compositor.render_strips()
        cells = [next(iter(strip.crop(99, 100))) for strip in strips[3:27]]
        colours = {cell.style.color for cell in cells if cell.style and cell.text == edge}
        assert len(colours) == (2 if theme == "phosphor" else 1)  # there the pane with the keyboard has a brighter line


async def test_ages_stand_apart_from_the_scroll_bar(paths: Paths) -> None:
    await fill(paths, now=int(time.time() * 1000))
    configure(paths)
    async with running(paths, (100, 30)) as (app, pilot):
        await until(pilot, lambda: "Yesterday" in screen_text(app))
        listing = app.screen.query_one(ConversationList)
        await until(pilot, lambda: listing.show_vertical_scrollbar)
        bar = listing.scrollable_content_region.right - listing.region.x
        assert all(listing.render_line(y).crop(bar - 1, bar).text == " " for y in range(listing.size.height))


READ_IN = {(ink, ground) for ink in READ for ground in ("background", "panel")} | {
    ("key_text", ground) for ground in ("key_ground", "error", "success", "warning", "link")
}
"""What `weak` looks at, in every theme and depth; two colours have one contrast, whichever is the ground."""


@pytest.mark.parametrize("layout", ["phosphor", "teletext", "bbs"])
@pytest.mark.parametrize("size", [(120, 40), (45, 20)])
async def test_every_tone_that_letters_are_read_in_has_its_contrast_checked(
    paths: Paths, layout: str, size: tuple[int, int]
) -> None:
    """Drawn in a theme whose colours are all different, so that each cell says which two it is made of."""
    colours = {name: f"#{40 + n * 13:02x}{200 - n * 11:02x}{n * 67 % 256:02x}" for n, name in enumerate(COLOUR_NAMES)}
    text = (built_in_themes() / f"{layout}.toml").read_text()
    text = re.sub(r"\[colours(256|16)\]\n(?:.+\n)*", "", text)
    for name, colour in colours.items():
        text = re.sub(rf'^{name} = "#.*"', f'{name} = "{colour}"', text, flags=re.MULTILINE)
    paths.user_themes.mkdir(parents=True)
    (paths.user_themes / "odd.toml").write_text(text)
    configure(paths, '[ui]\ntheme = "odd"\nscanlines = "off"\n')
    names = {Color.parse(colour).rich_color.triplet: name for name, colour in colours.items()}
    found: dict[tuple[str, str], str] = {}
    async with running(paths, size) as (app, pilot):
        await pilot.press(*"hello", "enter")
        await answered(app, pilot)
        screens = ["escape", "tab", "f1", "f3", "f4", "f6", "f7", "f8", "ctrl+p", "alt+t", "ctrl+x"]
        for keys in (("shift+tab", "up"), *((key,) for key in screens)):
            await pilot.press(*keys)
            await pilot.pause(0.3)
            screen = app.screen
            box = screen._lies_at if isinstance(screen, Modal) else screen.region
            for y, strip in enumerate(screen._compositor.render_strips()):
                x = 0
                for part, style, _ in strip:
                    for letter in part:
                        inside = box.contains(x, y)
                        x += 1
                        if not (inside and letter.isalnum() and style and style.color and style.bgcolor):
                            continue
                        ink, ground = names.get(style.color.triplet, "?"), names.get(style.bgcolor.triplet, "?")
                        pair = (ground, ink) if style.reverse else (ink, ground)
                        found.setdefault(pair, f"{keys}: {part}")
            while len(app.screen_stack) > 1:
                await pilot.press("escape")
            await pilot.press("escape")
    assert len(found) > 8
    assert {pair: where for pair, where in found.items() if not {pair, pair[::-1]} & READ_IN} == {}
