"""Scanlines: every other row a little darker where theme and settings want it, and text on it can still be read."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from routerterm.config.paths import Paths, built_in_themes
from routerterm.tui.app import RoutertermApp
from routerterm.tui.themes.adapt import darker, to_textual
from routerterm.tui.themes.contrast import READ
from routerterm.tui.themes.reader import find_themes, read_theme
from tests.driver.headless import HeadlessDriver
from tests.tui.chat.program import answered, configure, running, say, screen_text, until
from tests.tui.test_themes import contrast

SHIPPED = find_themes([built_in_themes()])


def grounds(app: RoutertermApp, column: int = 60) -> list[str]:
    """The background of each row at some column, from the top."""
    found = []
    for strip in app.screen._compositor.render_strips():
        style = next(iter(strip.crop(column, column + 1))).style
        assert style is not None
        assert style.bgcolor is not None
        found.append(style.bgcolor.get_truecolor().hex)
    return found


@pytest.mark.parametrize("name", SHIPPED)
def test_what_is_read_can_be_read_on_darker_rows(name: str) -> None:
    colours = read_theme(SHIPPED[name]).colours
    if colours.background.startswith("ansi_") or not read_theme(SHIPPED[name]).dark:
        assert not read_theme(SHIPPED[name]).scanned("on", fast=True)
        return
    for ground in (darker(colours.background), darker(colours.panel)):
        assert {n for n in READ if contrast(getattr(colours, n), ground) < 4.5} == set()


def test_who_decides() -> None:
    tube, paper = read_theme(SHIPPED["phosphor"]), read_theme(SHIPPED["paperwhite"])
    assert tube.scanned("auto", fast=True)
    assert not tube.scanned("auto", fast=False)
    assert not tube.scanned("off", fast=True)
    assert not paper.scanned("auto", fast=True)
    assert paper.scanned("on", fast=False)
    assert "t-scan-background" in to_textual(replace(tube, scanning=True)).variables
    assert "t-scan-background" not in to_textual(tube).variables


async def test_every_other_row_is_darker_and_the_setting_is_live(paths: Paths) -> None:
    configure(paths, '[ui]\nscanlines = "on"\n')
    async with running(paths, (100, 30)) as (app, pilot):
        ground = app.active_theme.colours.background.lower()
        dark = darker(ground)
        rows = grounds(app)
        assert rows[4:16] == [ground, dark] * 6
        configure(paths, '[ui]\nscanlines = "off"\n')
        await app.take_up_settings()
        await until(pilot, lambda: set(grounds(app)[4:16]) == {ground})


async def test_the_rows_keep_their_ground_when_they_scroll(paths: Paths) -> None:
    configure(paths, '[ui]\nscanlines = "on"\n', default="demo/markdown")
    async with running(paths, (100, 24)) as (app, pilot):
        await say(pilot, "go")
        await answered(app, pilot)
        top, bottom = 4, 15  # below the list of conversations and the question that stays on top
        seen = screen_text(app)
        before = [
            (strip.text, ground)
            for strip, ground in zip(app.screen._compositor.render_strips(), grounds(app), strict=True)
        ]
        await HeadlessDriver(paths, app, pilot).wheel("up")
        await until(pilot, lambda: screen_text(app) != seen)
        after = [
            (strip.text, ground)
            for strip, ground in zip(app.screen._compositor.render_strips(), grounds(app), strict=True)
        ]
        moved = next(n for n in range(1, 9) if after[top + n][0] == before[top][0])
        assert [g for _, g in after[top + moved : bottom]] == [g for _, g in before[top : bottom - moved]]


async def test_an_overlay_lies_over_them_without_darkening_twice(paths: Paths) -> None:
    configure(paths, '[ui]\nscanlines = "on"\n')
    async with running(paths, (100, 30)) as (app, pilot):
        ground = app.active_theme.colours.background.lower()
        await pilot.press("f8")
        await until(pilot, lambda: type(app.screen).__name__ == "ThemePicker")
        await pilot.pause(0.2)
        assert set(grounds(app, 1)) <= {ground, darker(ground)}
