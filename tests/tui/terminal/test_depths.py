"""Every theme in every depth of colour that a terminal may have: what is read can be read."""

from __future__ import annotations

import pytest
from tests.tui.test_themes import contrast

from routerterm.config.paths import built_in_themes
from routerterm.tui.terminal import colour
from routerterm.tui.terminal.colour import Depth, adapter, choices_of, lightness
from routerterm.tui.terminal.style import REVERSE, Style
from routerterm.tui.themes.adapt import to_textual
from routerterm.tui.themes.reader import find_themes, read_theme
from routerterm.tui.themes.values import COLOUR_NAMES

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


def choices(name: str, depth: Depth) -> dict[tuple[int, int, int], int]:
    return choices_of(to_textual(read_theme(SHIPPED[name])).variables, depth)


@pytest.mark.parametrize("depth", [Depth.INDEXED, Depth.ANSI])
@pytest.mark.parametrize("name", SHIPPED)
def test_what_is_read_can_be_read_in_fewer_colours(name: str, depth: Depth) -> None:
    """WCAG AA with the numbers that the theme has chosen; sixteen colours are taken to be xterm's."""
    adapt = adapter(depth, chosen=lambda: choices(name, depth))
    assert adapt is not None
    weak = {}
    for what, (text, ground) in pairs(name).items():
        shown = adapt(style(text, ground))
        seen, below = colour._shown(shown.foreground), colour._shown(shown.background)
        assert seen is not None
        assert below is not None
        seen, below = ("#" + bytes(found).hex() for found in (seen, below))
        if contrast(seen, below) < 4.5:
            weak[what] = (shown, round(contrast(seen, below), 2))
    assert not weak


@pytest.mark.parametrize("depth", [Depth.INDEXED, Depth.ANSI])
def test_every_colour_was_chosen_by_hand_and_alike_in_every_theme(depth: Depth) -> None:
    """The driver remembers how a colour is shown: it must not be another when the theme is changed."""
    known: dict[tuple[int, int, int], tuple[int, str]] = {}
    for name, path in SHIPPED.items():
        theme = read_theme(path)
        if theme.colours.background.startswith("ansi_"):
            continue
        chosen = theme.colours256 if depth is Depth.INDEXED else theme.colours16
        assert set(chosen) == set(COLOUR_NAMES), name
        for what, number in chosen.items():
            found, where = known.setdefault(rgb(getattr(theme.colours, what)), (number, f"{name} {what}"))
            assert found == number, (name, what, where)


@pytest.mark.parametrize("depth", [Depth.INDEXED, Depth.ANSI])
@pytest.mark.parametrize("name", SHIPPED)
def test_the_nearest_colours_are_taken_where_a_theme_chooses_none(name: str, depth: Depth) -> None:
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
