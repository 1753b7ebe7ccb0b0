"""Where the terminal cannot hold a frame back until it is whole, no cell flickers: it shows the old, then the new."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.tui.terminal.emulators import Emulator, Lean
from tests.tui.terminal.test_equivalence import STYLES, page, strip
from tests.tui.terminal.test_equivalence import frame as whole

from routerterm.tui.terminal.diff import Abilities

COLUMNS, ROWS = 30, 6
WORDS = ["a", "word", "  ", "      ", " " * 12, "é", "─┼", "if x:", "0123456789"]
lines = st.lists(
    st.tuples(
        st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(STYLES)), min_size=1, max_size=6),
        st.sampled_from(STYLES),
    ),
    min_size=ROWS,
    max_size=ROWS,
)
_PIECE = re.compile("\x1b\\[[0-9;?]*[a-zA-Z]|\x1bM|.", re.DOTALL)


@settings(max_examples=40, deadline=None)
@given(lines, lines)
def test_a_cell_shows_the_old_until_it_shows_the_new(before: list, after: list) -> None:
    lean, screen = Lean(COLUMNS, ROWS, Abilities(scroll=False)), Emulator(COLUMNS, ROWS)
    old, new = ([strip(parts, COLUMNS, pad) for parts, pad in half] for half in (before, after))
    screen.feed(lean.frame(whole(old)))
    shown = screen.cells()
    text = lean.frame(whole(new))
    final = Emulator(COLUMNS, ROWS)
    final.feed(whole(new))
    wanted = final.cells()
    for piece in _PIECE.findall(text):
        screen.feed(piece)
        if piece[-1] in "KXJ" or len(piece) == 1:
            for y, row in enumerate(screen.cells()):
                for x, cell in enumerate(row):
                    assert cell in (shown[y][x], wanted[y][x]), (y, x, piece, text)
    assert screen.cells() == wanted


def test_nothing_is_cleared_once_the_program_has_begun() -> None:
    lean = Lean(80, 24)
    assert "\x1b[2J" in lean.frame(whole(page(80, 24, 0)))
    for first in (1, 2, 3, 20, 4, 0):
        assert "J" not in re.sub(r"\x1b\[[0-9;]*m", "", lean.frame(whole(page(80, 24, first))))
