"""Every theme in every depth of colour that a terminal may have: what is read can be read."""

from __future__ import annotations

import pytest

from routerterm.config.paths import built_in_themes
from routerterm.tui.terminal import colour
from routerterm.tui.terminal.colour import Depth, adapter, lightness
from routerterm.tui.terminal.style import REVERSE, Style
from routerterm.tui.themes.reader import find_themes, read_theme

SHIPPED = find_themes([built_in_themes()])
READ = ("text", "dim", "bright", "accent", "warning", "error", "success", "code", "link")


def rgb(value: str) -> tuple[int, int, int]:
    return int(value[1:3], 16), int(value[3:5], 16), int(value[5:7], 16)


def style(text: str, ground: str) -> Style:
    return Style("38;2;{};{};{}".format(*rgb(text)), "48;2;{};{};{}".format(*rgb(ground)))


def pairs(name: str) -> dict[str, tuple[str, str]]:
    colours = read_theme(SHIPPED[name]).colours
    if colours.background.startswith("ansi_"):
        pytest.skip("the terminal's own colours are the person's business")
    found = {
        f"{key} on {ground}": (getattr(colours, key), getattr(colours, ground))
        for key in READ
        for ground in ("background", "panel")
    }
    return found | {
        "key": (colours.key_text, colours.key_ground),
        "selected": (colours.bright, colours.selection),
    }


@pytest.mark.parametrize("depth", [Depth.INDEXED, Depth.ANSI])
@pytest.mark.parametrize("name", SHIPPED)
def test_what_is_read_can_be_read_in_fewer_colours(name: str, depth: Depth) -> None:
    adapt = adapter(depth)
    assert adapt is not None
    weak = {}
    for what, (text, ground) in pairs(name).items():
        shown = adapt(style(text, ground))
        seen, below = colour._shown(shown.foreground), colour._shown(shown.background)
        assert seen is not None
        assert below is not None
        if abs(lightness(seen) - lightness(below)) < 0.2:
            weak[what] = shown
    assert not weak


@pytest.mark.parametrize("depth", [Depth.INDEXED, Depth.ANSI])
@pytest.mark.parametrize("name", SHIPPED)
def test_the_nearest_colours_are_taken(name: str, depth: Depth) -> None:
    """A theme stays recognisable: its text goes to no colour that another one is far nearer to."""
    adapt = adapter(depth)
    assert adapt is not None
    text, ground = pairs(name)["text on background"]
    shown = colour._shown(adapt(style(text, ground)).foreground)
    assert shown is not None
    choices = colour._palette(depth).values()
    wanted = colour._oklab(rgb(text))
    apart = colour._distance(wanted, colour._oklab(shown))
    assert apart <= min(colour._distance(wanted, colour._oklab(one)) for one in choices) + 0.05


@pytest.mark.parametrize("name", SHIPPED)
def test_without_colours_nothing_is_said_by_colour_alone(name: str) -> None:
    found = pairs(name)
    ground = found["text on background"][1]
    adapt = adapter(Depth.NONE, lambda: rgb(ground))
    assert adapt is not None
    for what, (text, below) in found.items():
        shown = adapt(style(text, below))
        assert not shown.foreground
        assert not shown.background
        if abs(lightness(rgb(below)) - lightness(rgb(ground))) > 0.3:
            assert shown.attributes & REVERSE, what
