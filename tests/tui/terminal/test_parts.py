"""The small parts: styles, cells, the grid, the cursor's ways, colours, answers, what is chosen when."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pyte
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len
from tests.tui.terminal.emulators import Emulator, Lean
from tests.tui.terminal.simulated import Chat
from textual.app import App, ComposeResult
from textual.widgets import Input

from routerterm.config.early_settings import quick_ui
from routerterm.config.paths import Paths
from routerterm.tui import terminal
from routerterm.tui.app import _driver
from routerterm.tui.markdown.lines import chop
from routerterm.tui.terminal.cells import CONT, Graphemes
from routerterm.tui.terminal.colour import Depth, adapter, depth_of, lightness
from routerterm.tui.terminal.grid import Grid
from routerterm.tui.terminal.line import LineMeter
from routerterm.tui.terminal.motion import motion
from routerterm.tui.terminal.prompt import Prompter
from routerterm.tui.terminal.setup import abilities
from routerterm.tui.terminal.style import Overflow, Style, StyleTable
from routerterm.tui.textual_internals.screens import waits_to_be_drawn
from routerterm.tui.textual_internals.text import count_vowel_signs, is_spacing

CODES = st.sampled_from(
    ["0", "1", "3", "4", "7", "9", "22", "23", "24", "27", "29", "31", "39", "44", "49", "92", "103"]
)
COLOURS = st.sampled_from(["38;5;200", "48;5;17", "38;2;1;2;3", "48;2;200;100;0"])


@given(st.lists(st.one_of(CODES, COLOURS), min_size=2, max_size=12), st.integers(1, 11))
def test_a_transition_gives_the_style_that_the_codes_give(codes: list[str], cut: int) -> None:
    table = StyleTable()
    raw, first = 0, 0
    for n, code in enumerate(codes):
        raw = table.apply(raw, code)
        if n == min(cut, len(codes) - 1) - 1:
            first = table.adapted(raw)
    last = table.adapted(raw)
    ours, theirs = pyte.Screen(4, 1), pyte.Screen(4, 1)
    pyte.Stream(ours).feed(table.transition(0, first) + table.transition(first, last) + "x")
    pyte.Stream(theirs).feed("".join(f"\x1b[{code}m" for code in codes) + "x")
    assert ours.buffer[0][0] == theirs.buffer[0][0]
    assert len(table.transition(first, last)) <= len(table.transition(0, last)) + 3


@given(
    st.one_of(st.none(), st.integers(0, 19)),
    st.one_of(st.none(), st.integers(0, 9)),
    st.integers(0, 19),
    st.integers(0, 9),
)
def test_every_way_of_the_cursor_arrives(x: int | None, y: int | None, to_x: int, to_y: int) -> None:
    one = Emulator(20, 10)
    one.screen.cursor_position((y if y is not None else 4) + 1, (x if x is not None else 7) + 1)
    way = motion(x, y, to_x, to_y)
    one.feed(way)
    assert (one.screen.cursor.x, one.screen.cursor.y) == (to_x, to_y)
    assert len(way) <= len(f"\x1b[{to_y + 1};{to_x + 1}H")


def test_cells_are_as_many_as_columns() -> None:
    graphemes = Graphemes()
    assert graphemes.cells("ab") == "ab"
    assert graphemes.cells("日x") == "日" + CONT + "x"
    family = graphemes.cells("👨‍👩‍👧!")
    assert len(family) == 3
    assert graphemes.text(family[0]) == "👨‍👩‍👧"
    assert [graphemes.text(cell) for cell in graphemes.cells("e\u0301x")] == ["e\u0301", "x"]


def test_half_of_a_wide_character_becomes_a_blank() -> None:
    grid = Grid(6, 1)
    grid.put(0, 0, "日" + CONT + "本" + CONT + "ab", "\0" * 6)
    grid.put(0, 1, "x", "\0")
    assert grid.text[0] == " x本" + CONT + "ab"
    grid.put(0, 2, "yz", "\0\0")
    grid.put(0, 5, "日" + CONT, "\0\0")
    assert grid.text[0] == " xyza "


def test_what_follows_a_risky_character_is_anchored() -> None:
    """A terminal may draw 👨‍👩‍👧 six columns wide: the word after it must still stand where Textual put it."""
    out = Lean(20, 2).frame("\x1b[1;1H👨‍👩‍👧word\x1b[2;1H")
    before, _, after = out.partition("👨‍👩‍👧")
    assert before.endswith("  \r")
    assert after.startswith("\x1b[3Gword")


def test_too_many_styles_are_an_overflow_not_a_wrong_colour() -> None:
    table = StyleTable()
    table.LIMIT = 10  # type: ignore[misc]
    for n in range(9):
        table.adapted(table.apply(0, f"38;5;{n}"))
    with pytest.raises(Overflow):
        table.apply(0, "38;5;9")


def test_streamed_text_costs_its_own_length() -> None:
    lean = Lean(80, 24)
    lean.frame("\x1b[1;1H" + "\n".join(f"\x1b[{y + 1};1H\x1b[32mline {y}\x1b[0m" + " " * 70 for y in range(24)))
    lean.frame("\x1b[24;1H\x1b[32mline 23 and\x1b[0m" + " " * 60 + "\x1b[1;1H")
    out = lean.frame("\x1b[24;1H\x1b[32mline 23 and more\x1b[0m" + " " * 60 + "\x1b[1;1H")
    assert out == " more"


def test_a_scrolled_block_costs_its_new_line() -> None:
    lean = Lean(80, 24)

    def page(first: int) -> str:
        rows = [f"\x1b[{y + 1};1H" + f"row {first + y} of a text that is not short at all".ljust(80) for y in range(20)]
        return "\n".join([*rows, "\x1b[22;1Hthe status line stays".ljust(80)])

    lean.frame(page(0))
    out = lean.frame(page(1))
    assert len(out) < 80
    assert "row 20 of" in out
    assert "row 19" not in out


# -- colours ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("environ", "depth"),
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, Depth.TRUE),
        ({"TERM": "xterm-kitty"}, Depth.TRUE),
        ({"TERM": "xterm-256color"}, Depth.INDEXED),
        ({"TERM": "tmux-256color"}, Depth.INDEXED),
        ({"TERM": "linux"}, Depth.ANSI),
        ({"TERM": "xterm"}, Depth.ANSI),
        ({"TERM": "vt220"}, Depth.NONE),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor", "NO_COLOR": "1"}, Depth.NONE),
    ],
)
def test_the_depth_is_what_the_terminal_says(environ: dict[str, str], depth: Depth) -> None:
    assert depth_of(environ) is depth


RGB = st.tuples(*[st.integers(0, 255)] * 3)


@given(RGB, RGB, st.sampled_from([Depth.INDEXED, Depth.ANSI]))
@example((0, 0, 0), (0, 0, 54), Depth.ANSI)
def test_text_that_could_be_read_can_still_be_read(
    text: tuple[int, int, int], ground: tuple[int, int, int], depth: Depth
) -> None:
    adapt = adapter(depth)
    assert adapt is not None
    style = adapt(Style("38;2;" + ";".join(map(str, text)), "48;2;" + ";".join(map(str, ground))))
    assert ";2;" not in style.foreground + style.background
    if abs(lightness(text) - lightness(ground)) > 0.15:
        assert style.foreground.removeprefix("38;5;") != style.background.removeprefix("48;5;")
        if depth is Depth.ANSI:
            number = lambda code: int(code) % 10 + (8 if int(code) >= 90 else 0)  # noqa: E731
            assert number(style.foreground) != number(style.background)


def test_the_terminals_own_colours_are_left_alone() -> None:
    for depth in (Depth.INDEXED, Depth.ANSI):
        adapt = adapter(depth)
        assert adapt is not None
        assert adapt(Style("31", "100", 1)) == Style("31", "100", 1)
        assert adapt(Style()) == Style()


def test_without_colours_a_highlight_is_reversed() -> None:
    adapt = adapter(Depth.NONE, lambda: (0, 10, 0))
    assert adapt is not None
    assert adapt(Style("38;2;0;255;0", "48;2;0;10;0")) == Style()
    assert adapt(Style("38;2;0;10;0", "48;2;0;255;0")).attributes
    assert adapt(Style("31", "", 1)) == Style(attributes=1)


# -- choices --------------------------------------------------------------------------------------------------
def test_textuals_own_driver_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stream:
        def __init__(self, tty: bool) -> None:
            self.tty = tty

        def isatty(self) -> bool:
            return self.tty

    monkeypatch.delenv("TEXTUAL_DRIVER", raising=False)
    for tty in (True, False):
        monkeypatch.setattr(sys, "__stderr__", Stream(tty))
        monkeypatch.setattr(sys, "__stdout__", Stream(tty))
        assert (terminal.driver_class() is not None) is tty
        assert terminal.driver_class(driver="textual") is None
    monkeypatch.setattr(sys, "__stdout__", Stream(True))
    chosen = terminal.driver_class(line="slow")
    assert chosen is not None
    assert chosen.line_mode == "slow"  # type: ignore[attr-defined]
    monkeypatch.setattr(sys, "platform", "win32")
    assert terminal.driver_class() is None


def test_gnu_screen_is_not_trusted_to_erase_in_colour() -> None:
    assert not abilities({"TERM": "screen-256color"}).coloured_erase
    assert not abilities({"TERM": "screen-256color", "STY": "1.tty"}).coloured_erase
    assert abilities({"TERM": "screen-256color", "TMUX": "x"}).coloured_erase
    assert abilities({"TERM": "linux"}).coloured_erase
    assert not abilities({"TERM": "vt100"}).coloured_erase


async def test_what_a_key_changed_does_not_wait_for_the_tick() -> None:
    class Typed(App[None]):
        frames = 0

        def compose(self) -> ComposeResult:
            yield Input()

        def _display(self, *given: object) -> None:
            self.frames += 1
            super()._display(*given)  # type: ignore[arg-type]

    app = Typed()
    async with app.run_test() as pilot:
        app.query_one(Input).cursor_blink = False  # a blink is a change, too, and on a busy machine one comes
        while waits_to_be_drawn(app.screen) or not app.frames:
            await pilot.pause(0.01)
        app.screen._update_timer.resume = lambda: None  # type: ignore[method-assign]
        app.screen._update_timer.pause()  # no tick comes any more, not even one that was on its way
        prompter = Prompter(app, asyncio.get_running_loop())

        async def when(holds: Callable[[], bool]) -> None:
            while not holds():  # noqa: ASYNC110
                await asyncio.sleep(0.001)

        async def looked() -> None:
            prompter.pressed()
            await when(lambda: prompter._timer is None)

        await looked()
        assert prompter.drawn == 0  # nothing has changed
        before = app.frames
        app.query_one(Input).insert_text_at_cursor("x")
        await when(lambda: waits_to_be_drawn(app.screen))
        assert app.frames == before
        await looked()
        assert prompter.drawn == 1
        await when(lambda: not waits_to_be_drawn(app.screen))
        assert app.frames == before + 1
        app.query_one(Input).insert_text_at_cursor("y")
        prompter.pressed()
        prompter.stop()
        await asyncio.sleep(0.05)
        assert app.frames <= before + 2


@pytest.mark.parametrize("line", ["auto", "fast", "slow"])
def test_the_line_and_the_driver_are_what_the_settings_say(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROUTERTERM_HOME", str(tmp_path))
    monkeypatch.delenv("TEXTUAL_DRIVER", raising=False)
    monkeypatch.setattr(sys, "__stderr__", SimpleNamespace(isatty=lambda: True))
    file = Paths.find().config_file
    file.write_text(f"[ui]\nline = '{line}'\n")
    chosen = _driver(quick_ui(Paths.find()))
    assert chosen is not None
    assert chosen.line_mode == line  # type: ignore[attr-defined]
    assert LineMeter(chosen.line_mode).state(0.0).slow is (line == "slow")  # type: ignore[attr-defined]
    file.write_text(f"[ui]\nline = '{line}'\ndriver = 'textual'\n")
    assert _driver(quick_ui(Paths.find())) is None


def test_another_terminal_is_asked_anew_what_it_can() -> None:
    chat = Chat(200_000)
    written: list[bytes] = []
    chat.wire.write = lambda data: written.append(data) or len(data)  # type: ignore[method-assign,func-returns-value]
    chat.output.has_columns()
    assert chat.output.painter.abilities.columns
    chat.output.redraw()
    assert not chat.output.painter.abilities.columns
    chat.clock.run(0.1)
    assert b"\x1b[?69$p" in b"".join(written)
    chat.output.has_columns()
    chat.output.resume(chat.wire)
    assert not chat.output.painter.abilities.columns


WORDS = ["हिन्दी", "நிலா", "বাংলায়", "తెలుగు", "ಕನ್ನಡ", "മലയാളം", "မြန်မာ", "ខ្មែរ", "සිංහල"]


@pytest.mark.parametrize("word", WORDS)
def test_a_sign_stays_with_its_letter_and_both_have_their_columns(word: str) -> None:
    count_vowel_signs()
    graphemes = Graphemes()
    cells = graphemes.cells(word)
    assert len(cells) == cell_len(word)
    assert "".join(graphemes.text(cell) for cell in cells) == word
    signs = sum(is_spacing(character) for character in word)
    assert len(cells) >= signs + 1
    for width in range(2, 8):
        for piece in chop(word, width):
            assert cell_len(piece) <= width
            assert width == 2 or not is_spacing(piece[0])  # a letter with its sign may need three


def test_a_letter_over_part_of_a_wide_one_leaves_nothing_of_it() -> None:
    grid = Grid(8, 1)
    grid.put(0, 0, "a\0\0\0bcde", "\0" * 8)
    grid.put(0, 1, "x", "\0")
    assert grid.text[0] == " x  bcde"
