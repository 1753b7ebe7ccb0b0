"""A theme seen before it is taken: a small chat in its frame, signs and colours, whatever theme is in force."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from routerterm.core.messages import Text
from routerterm.tui.themes.adapt import to_palette
from routerterm.tui.transcript.layout.header import header_line
from routerterm.tui.transcript.values import Entry, Header
from routerterm.tui.widgets.frame import UNBOXED, Panes, draw
from routerterm.tui.widgets.keybar import key_spans

if TYPE_CHECKING:
    from rich.style import Style

    from routerterm.tui.themes.palette import Palette
    from routerterm.tui.themes.values import Theme
    from routerterm.tui.widgets.fields import Span

Piece: TypeAlias = tuple[str, str]
"""Text, and the palette's key for its style."""
LEAST = (24, 10)
"""Columns and rows without which there is nothing to see."""
KEYS = (("f1", "Help"), ("f3", "Model"), ("f10", "Quit"))


def sample(theme: Theme, width: int, height: int) -> list[list[tuple[str, Style]]]:
    """The rows of a small chat; each is ``width`` cells."""
    palette = to_palette(theme)
    if width < LEAST[0] or height < LEAST[1]:
        return [[(" " * width, palette.style("text"))] for _ in range(height)]
    boxed = theme.frame not in UNBOXED
    low = height - (4 if boxed else 3)
    frame = draw(Panes(width, height, boxed=boxed, rules=(low - 2, low)), theme.frame)
    inset = 2 if boxed else 1
    room = width - 2 * inset
    below = theme.layout.status in ("below", "below-bar")
    words: dict[int, Sequence[Piece]] = {0: list(_title(theme, room))}
    words |= dict(enumerate(_talk(theme, palette, room, low - 4), 2))
    words[low - 1] = [
        (f"{theme.sign} ", "speaker"),
        (theme.glyphs.cursor, "cursor"),
        (theme.layout.field * room, "faint"),
    ]
    status, keys = (low + 2, low + 1) if below else (low + 1, low + 2)
    words[status] = [(" WRITE ", "more"), (f" {theme.glyphs.on} ready", "text")]
    words[keys] = list(_keys(theme))
    bars = {0} if theme.layout.title == "bar" else set()
    bars |= {status} if theme.layout.status in ("bar", "below-bar") else set()
    rows = []
    for y in range(height):
        row, style = frame[y], palette.style
        pieces = [(text, style("more" if y in bars else key)) for text, key in _cut(words.get(y, ()), room)]
        used = sum(cell_len(text) for text, _ in pieces)
        if not pieces:
            rows.append([(row, style("faint"))])
            continue
        rest = row[inset + used : width - inset] if y == 0 else " " * (room - used)
        tail = (set_cell_size(rest, max(0, room - used)), style("more" if y in bars else "faint"))
        rows.append([(row[:inset], style("faint")), *pieces, tail, (row[width - inset :], style("faint"))])
    return rows


def _title(theme: Theme, room: int) -> Iterator[Piece]:
    head, model = f" {theme.head[: room - 10]} ", " smart "
    fill = theme.fill or " "
    gap = room - cell_len(head) - len(model)
    line = (fill * (gap // len(fill) + 1))[:gap]
    if theme.layout.title == "centre":
        yield line[: gap // 2], "faint"
        line = line[gap // 2 :]
    yield head, "speaker"
    yield line, "faint"
    yield model, "model"


def _talk(theme: Theme, palette: Palette, room: int, most: int) -> list[list[Piece]]:
    """A question and the beginning of its answer."""
    signs = palette.signs
    asked = Entry("q", "user", (Text("hello"),), header=Header("you", "20:04"))
    answer = Entry("a", "assistant", (Text("hi"),), header=Header("smart", "20:04", tokens="42 tok", cost="free"))
    wide = room - 2
    mark, bullet = signs.gutter[:1] or " ", signs.bullets[0]
    rows: list[list[Piece]] = [
        [("  ", "text"), *header_line(asked, wide, signs).runs],
        [(f"{signs.bar} ", "faint"), ("Where am I?", "said")],
        [("  ", "text"), ((signs.turns * wide)[:wide] or "", "faint")],
        [(f"{mark} ", "model"), *header_line(answer, wide, signs).runs],
        [(f"{mark} ", "model"), ("In front of ", "text"), (theme.title, "strong")],
        [(f"{mark} ", "model"), (f"{bullet} ", "bullet"), ("code: ", "text"), ("print(1)", "code")],
        [
            (f"{mark} ", "model"),
            (f"{bullet} ", "bullet"),
            ("a link", "link"),
            (" and ", "text"),
            ("dim", "dim"),
        ],
    ]
    return rows[:most]


def _keys(theme: Theme) -> Iterator[Piece]:
    tones = {"key": "more", "dim": "dim", "bright": "speaker", "faint": "faint", "error": "error", "warning": "seam"}
    for number, (key, title) in enumerate(KEYS):
        spans: tuple[Span, ...] = key_spans(key, title, theme.keys, number)
        for span in spans:
            yield span.text, tones.get(span.tone, "more" if span.tone.startswith("key-") else "text")
        yield " ", "text"


def _cut(row: Sequence[Piece], room: int) -> list[Piece]:
    left, kept = room, []
    for text, key in row:
        piece = text if cell_len(text) <= left else set_cell_size(text, left)
        kept.append((piece, key))
        left -= cell_len(piece)
    return kept


class ThemePreview(Widget):
    """Told a theme, shows it."""

    DEFAULT_CSS = "ThemePreview { width: 1fr; height: 1fr; }"
    _theme: Theme | None = None
    _drawn_for: tuple[int, int] = (0, 0)
    _drawn: Sequence[Sequence[tuple[str, Style]]] = ()

    def show(self, theme: Theme) -> None:
        """This one."""
        self._theme, self._drawn_for = theme, (0, 0)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One row of it."""
        width, height = self.size
        if self._theme is None:
            return Strip.blank(width, self.rich_style)
        if self._drawn_for != (width, height):
            self._drawn, self._drawn_for = sample(self._theme, width, height), (width, height)
        return Strip([Segment(text, style) for text, style in self._drawn[y]]).adjust_cell_length(width)
