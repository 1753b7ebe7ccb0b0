"""Every shipped theme can be read, is comfortable to read in, and a broken one is named."""

from __future__ import annotations

import string
from itertools import combinations
from pathlib import Path
from typing import get_args

import pytest
from click.testing import CliRunner
from rich.cells import cell_len

from routerterm.cli.themes_command import command
from routerterm.config.paths import built_in_themes
from routerterm.core.errors import SettingsError
from routerterm.tui.themes.adapt import to_textual
from routerterm.tui.themes.contrast import READ, weak
from routerterm.tui.themes.contrast import contrast as between
from routerterm.tui.themes.letters import block_letters, shapes
from routerterm.tui.themes.reader import find_themes, read_theme
from routerterm.tui.themes.values import Frame, Ink
from routerterm.tui.widgets.frame import UNBOXED, Panes, draw
from routerterm.tui.widgets.theme_preview import sample

SHIPPED = find_themes([built_in_themes()])
SIXTEEN = (
    "phosphor amber paperwhite vt220 mainframe videotex teletext home64 dosblue teletype plasma pocket ansi16 contrast"
    " desktop bbs"
)


def contrast(one: str, other: str) -> float:
    return between(*((int(c[1:3], 16), int(c[3:5], 16), int(c[5:7], 16)) for c in (one, other)))


def test_there_are_sixteen() -> None:
    assert set(SHIPPED) == set(SIXTEEN.split())


def test_each_is_a_machine_of_its_own_without_its_colours() -> None:
    """No two arrange the screen alike, and any two differ in several of what the eye meets first."""
    themes = {name: read_theme(path) for name, path in SHIPPED.items()}
    looks = {
        name: (t.frame, t.keys, t.layout.title, t.fill, t.layout.status, t.layout.header, t.layout.letters,
               t.layout.turns, t.layout.gutter[:1], t.glyphs.cursor)
        for name, t in themes.items()
    }  # fmt: skip
    for one, other in combinations(looks, 2):
        apart = [mine != theirs for mine, theirs in zip(looks[one], looks[other], strict=True)]
        assert sum(apart) >= 4, (one, other)


@pytest.mark.parametrize("frame", get_args(Frame))
def test_every_frame_is_drawn_whole(frame: Frame) -> None:
    for panes in (Panes(30, 9, rules=(6,), split=9, right_rules=(4,)), Panes(20, 5, boxed=False, rules=(3,), split=8)):
        rows = draw(panes, frame)
        assert [cell_len(row) for row in rows] == [panes.width] * panes.height
        if panes.boxed and frame not in (*UNBOXED, "tractor"):  # whose edge is holes
            sides = "".join(row[0] + row[-1] for row in rows)
            assert " " not in sides + rows[0] + rows[-1]
        if frame not in ("none", "wide", "tractor", "dashes", "mosaic"):
            assert all(row[panes.split or 0] != " " for row in rows[:3])


@pytest.mark.parametrize("ink", get_args(Ink))
def test_letters_keep_their_cells(ink: Ink) -> None:
    rows = block_letters("ROUTERTERM", ink, 60)
    assert bool(rows) == (ink != "none")
    assert len({cell_len(row) for row in rows}) <= 1
    assert len(rows) <= 6
    assert block_letters("ROUTERTERM", ink, 30) == ()
    if ink in ("hash", "self"):
        assert all(row.isascii() for row in rows)


def test_every_letter_has_a_shape_of_five_even_rows() -> None:
    found = shapes()
    assert set(found) == set(string.ascii_uppercase + string.digits)
    for letter, rows in found.items():
        assert len(rows) == 5, letter
        assert len({len(row) for row in rows}) == 1, letter
        assert set("".join(rows)) <= {"#", "."}, letter
    assert len(set(found.values())) >= 34  # O and 0 may look alike, and 5 like S


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
def test_so_it_can_in_every_depth_and_on_the_grounds_that_keys_have(name: str) -> None:
    assert list(weak(read_theme(SHIPPED[name]))) == []


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
        ("frame = 'square'", "single"),
        ("[glyphs]\ncursor = 'xx'", "one printable character"),
        ("[glyphs]\nbar = '\\u001b'", "printable"),
        ("voice = 'x'", "list"),
        ("boot = ['\\u001b[2J']", "printable"),
        ("colors = {}", "colours"),
        ("[layout]\nheader = 'round'", "leader"),
        ("[layout]\nturn = '-'", "turns"),
        ("[layout]\nturns = '漢'", "one cell wide"),
        ("[layout]\nbloom = 'yes'", "true or false"),
        ("[layout]\nmasthead = 1", "true or false"),
        ("[layout]\nscrollbar = '#'", "two signs"),
        ("[layout]\nsign = 'too long'", "at most 6"),
        ("[layout]\nselection = 'loud'", "pointer"),
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


@pytest.mark.parametrize("name", SHIPPED)
def test_a_theme_is_seen_whole_before_it_is_taken(name: str) -> None:
    theme = read_theme(SHIPPED[name])
    for width, height in ((72, 16), (30, 12), (24, 10), (10, 3)):
        rows = sample(theme, width, height)
        assert [sum(cell_len(text) for text, _ in row) for row in rows] == [width] * height
    text = "\n".join("".join(piece for piece, _ in row) for row in sample(theme, 72, 16))
    for words in ("Where am I?", theme.title, "42 tok", "WRITE", "Help", theme.head):
        assert words in text


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(command, arguments)
    assert done.exception is None or isinstance(done.exception, SystemExit | SettingsError)
    hint = getattr(done.exception, "hint", "")
    return done.exit_code, f"{done.output}{done.exception or ''} {hint}"


def test_a_theme_of_ones_own_is_begun_checked_and_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUTERTERM_HOME", str(tmp_path))
    code, said = run("new", "night", "--like", "amber")
    file = Path(said.strip())
    assert (code, file.name) == (0, "night.toml")
    assert read_theme(file).title == "night"
    assert read_theme(file).colours == read_theme(SHIPPED["amber"]).colours
    assert "exists already" in run("new", "night")[1]
    assert "Did you mean amber?" in run("new", "other", "--like", "ambre")[1]
    assert "cannot be a theme's name" in run("new", "../night")[1]
    assert "night is good" in run("check", "night")[1]
    file.write_text(file.read_text().replace('text = "#FFB52E"', 'text = "#5A4A2A"'))
    code, said = run("check", str(file))
    assert code == 2
    assert "text on background has a contrast of" in said
    code, said = run("preview", str(file))
    assert code == 0
    assert "In front of night" in said
    assert "\x1b" not in said  # nobody looks
    file.write_text('frame = "square"')
    assert "frame is 'square'" in run("check", "night")[1]
    assert list(weak(read_theme(SHIPPED["ansi16"]))) == []  # the terminal's own colours are the person's business
