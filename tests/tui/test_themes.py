"""Every shipped theme can be read, is comfortable to read in, and a broken one is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from routerterm.config.paths import built_in_themes
from routerterm.core.errors import SettingsError
from routerterm.tui.themes.adapt import to_textual
from routerterm.tui.themes.reader import find_themes, read_theme
from routerterm.tui.widgets.frame import Panes, draw

SHIPPED = find_themes([built_in_themes()])
READ = ("text", "dim", "bright", "accent", "warning", "error", "success", "code", "link")
FOURTEEN = (
    "phosphor amber paperwhite vt220 mainframe videotex teletext home64 dosblue teletype plasma pocket ansi16 contrast"
)


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_there_are_fourteen() -> None:
    assert set(SHIPPED) == set(FOURTEEN.split())


@pytest.mark.parametrize("name", SHIPPED)
def test_what_is_read_can_be_read(name: str) -> None:
    colours = read_theme(SHIPPED[name]).colours
    if colours.background.startswith("ansi_"):
        pytest.skip("the terminal's own colours are the person's business")
    for ground in (colours.background, colours.panel):
        weak = {n: round(contrast(getattr(colours, n), ground), 2) for n in READ}
        assert {n: c for n, c in weak.items() if c < 4.5} == {}
    assert contrast(colours.key_text, colours.key_ground) >= 4.5
    assert contrast(colours.bright, colours.selection) >= 4.5


@pytest.mark.parametrize("name", SHIPPED)
def test_textual_takes_every_theme(name: str) -> None:
    theme = read_theme(SHIPPED[name])
    assert to_textual(theme).to_color_system().generate()
    assert theme.boot
    assert theme.voice
    assert theme.title
    assert theme.in_ascii().glyphs.rule.isascii()
    frame = draw(Panes(20, 6, boxed=False, rules=(3,), split=8), theme.in_ascii().frame)
    assert all(row.isascii() for row in frame)
    assert frame[0][:8] == (" " if theme.frame == "none" else "-") * 8


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("title = ", "TOML"),
        ("[colours]\ntxet = '#000000'", "text"),
        ("[colours]\ntext = 'red'", "#rrggbb"),
        ("frame = 'round'", "single"),
        ("[glyphs]\ncursor = 'xx'", "one printable character"),
        ("[glyphs]\nbar = '\\u001b'", "printable"),
        ("voice = 'x'", "list"),
        ("boot = ['\\u001b[2J']", "printable"),
        ("colors = {}", "colours"),
    ],
)
def test_a_broken_theme_is_named(tmp_path: Path, text: str, word: str) -> None:
    broken = tmp_path / "mine.toml"
    broken.write_text(text.replace("'", '"'))
    with pytest.raises(SettingsError, match="mine") as caught:
        read_theme(broken)
    assert word in str(caught.value)


def test_the_persons_own_theme_replaces_ours(tmp_path: Path) -> None:
    (tmp_path / "amber.toml").write_text("title = 'Mine'")
    found = find_themes([built_in_themes(), tmp_path])
    assert read_theme(found["amber"]).title == "Mine"
    assert set(found) == set(SHIPPED)
