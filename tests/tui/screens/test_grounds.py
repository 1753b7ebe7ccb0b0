"""Every background is a colour that the theme has chosen: another becomes a grey where there are 256."""

from __future__ import annotations

import pytest
from msgspec.structs import asdict

from routerterm.config.paths import Paths
from routerterm.tui.app import RoutertermApp
from tests.tui.chat.program import answered, configure, running, say

PLACES: dict[str, tuple[str, ...]] = {
    "chat": (),
    "chat menu": ("ctrl+x",),
    "commands": ("ctrl+p",),
    "help": ("f1",),
    "models": ("f3",),
    "stats": ("f4",),
    "find": ("f5",),
    "keys": ("f6",),
    "another key": ("f6", "a"),
    "settings": ("f8",),
    "a title": (*"/rename", "enter"),
    "a system prompt": (*"/system", "enter"),
}
SHADOW = "#000000"


def others(app: RoutertermApp) -> set[str]:
    """Backgrounds on the screen that are none of the theme's."""
    own = {value.lower() for value in asdict(app.active_theme.colours).values()} | {SHADOW}
    seen = {
        segment.style.bgcolor.get_truecolor().hex
        for strip in app.screen._compositor.render_strips()
        for segment in strip
        if segment.style is not None and segment.style.bgcolor is not None
    }
    return seen - own


@pytest.mark.parametrize("theme", ["amber", "dosblue", "teletype"])
async def test_every_background_is_the_themes(paths: Paths, theme: str) -> None:
    configure(paths, f'[ui]\ntheme = "{theme}"\nscanlines = "off"\nmotion = "reduced"\n')
    async with running(paths, (100, 30)) as (app, pilot):
        await say(pilot, "hello")
        await answered(app, pilot)
        found = {}
        for place, keys in PLACES.items():
            await pilot.press(*keys)
            await pilot.pause(0.2)
            found[place] = others(app)
            while len(app.screen_stack) > 1:
                await pilot.press("escape")
                await pilot.pause()
        assert {place: grounds for place, grounds in found.items() if grounds} == {}
