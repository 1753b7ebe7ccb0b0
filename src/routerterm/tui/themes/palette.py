"""The transcript's colours and signs, filled in by the theme.

A style is named by a *key*: a field of `Styles`, and after a dot any of ``b`` bold, ``i`` italic, ``s`` struck
out and ``u`` underlined: ``text.bi``.  A key that begins with ``~`` is decoration: drawn, never copied.  A picture's
cells have their colours for a key: ``~#102030@#405060``.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Self
from zlib import crc32

from msgspec import Struct, field
from rich.color import Color
from rich.style import Style

if TYPE_CHECKING:
    from routerterm.tui.themes.values import HeaderForm

KNOWN = 4_096
"""Styles that are kept."""


class Styles(Struct, frozen=True):
    """Rich style definitions by what they are for; the ground comes from ``ground`` unless one is named."""

    ground: str = "on #07140B"
    text: str = "#4DF07A"
    dim: str = "#2BB456"
    """Second-rank text: times, hints, targets of links."""
    faint: str = "#1F8F47"
    """Decoration only."""
    strong: str = "#C5FFD6"
    """Bold text."""
    said: str = "#C5FFD6"
    """What the person wrote."""
    speaker: str = "bold #C5FFD6"
    model: str = "bold #4DF07A"
    heading1: str = "bold underline #C5FFD6"
    heading2: str = "bold #C5FFD6"
    heading3: str = "bold #4DF07A"
    bullet: str = "#2BB456"
    quote: str = "italic #2BB456"
    code: str = "#9BFFB9"
    """Inline code, and code in no known language."""
    fence: str = "on #0B1F11"
    """The ground of code blocks."""
    link: str = "underline #8EEBFF"
    math: str = "#9BFFB9"
    thought: str = "italic #2BB456"
    tool: str = "#9BFFB9"
    note: str = "#2BB456"
    seam: str = "#FFD75E"
    error: str = "#FF7A6B"
    selection: str = "on #1C5C30"
    found: str = "#07140B on #FFD75E"
    cursor: str = "#C5FFD6"
    sticky: str = "#C5FFD6 on #0B1F11"
    more: str = "bold #07140B on #4DF07A"
    """The notice of new lines below."""
    tab: str = "#07140B on #2BB456"
    """The language of a code block, as a tab on it."""
    keyword: str = "bold #4DF07A"
    name: str = "#9BFFB9"
    function: str = "#C5FFD6"
    string: str = "#8CFFB0"
    number: str = "#8EEBFF"
    rule: str = "#1F8F47"
    """Rules across the text and within tables: never copied, nor is their line."""
    cell: str = "#1F8F47"
    """The lines between a table's columns: copied as tabs."""
    comment: str = "italic #2BB456"
    inserted: str = "#8CFFB0"
    deleted: str = "#FF7A6B"


class Signs(Struct, frozen=True):
    """The little signs of the transcript; each one cell wide."""

    cursor: str = "▊"
    pointer: str = "▸"
    opened: str = "▾"
    bar: str = "▌"
    bullets: tuple[str, ...] = ("•", "◦", "▪")
    done: str = "☑"
    open: str = "☐"
    rule: str = "─"
    upright: str = "│"
    cross: str = "┼"
    dot: str = "·"
    seam: str = "┄"
    wrap: str = "↪"
    ellipsis: str = "…"
    image: str = "▣"
    tool: str = "⚙"
    branch: str = "⎇"
    down: str = "▼"
    ascent: str = "▲"
    open_quote: str = "‹"
    close_quote: str = "›"
    half: str = "▀"
    """The upper half of a cell, which pictures are drawn with."""
    header: HeaderForm = "line"
    turns: str = ""
    """Between two turns, again and again over the row; empty is a blank row."""
    gutter: str = ""
    """Beside an answer, one for a model; empty is nothing."""

    @classmethod
    def plain(cls) -> Self:
        """The same in ASCII, for terminals without."""
        return cls(
            cursor="#", pointer=">", opened="v", bar="|", bullets=("*", "-", "+"), done="x", open="o", rule="-",
            upright="|", cross="+", dot="-", seam=".", wrap=">", ellipsis="~", image="#", tool="%", branch="Y",
            down="v", ascent="^", open_quote="<", close_quote=">", half="",
        )  # fmt: skip


class Palette(Struct, frozen=True, dict=True):
    """Everything the transcript takes from a theme."""

    styles: Styles = field(default_factory=Styles)
    signs: Signs = field(default_factory=Signs)
    models: tuple[str, ...] = ("#4DF07A",)
    """Colours that models are told apart by, beside their names."""

    @classmethod
    def default(cls) -> Palette:
        """The green tube."""
        return cls()

    @classmethod
    def of(
        cls, *, background: str, text: str, dim: str, bright: str, faint: str, panel: str, selection: str,
        warning: str, error: str, success: str, code: str, link: str, accent: str = "", signs: Signs | None = None,
        bloom: bool = False,
    ) -> Palette:  # fmt: skip
        """A palette from a theme's few colours, each ``#rrggbb`` or ``ansi_…``."""
        ground, body, second, high = _rich(background), _rich(text), _rich(dim), _rich(bright)
        deco, raised, chosen = _rich(faint), _rich(panel), _rich(selection)
        alert, bad, good, literal, target = _rich(warning), _rich(error), _rich(success), _rich(code), _rich(link)
        point = _rich(accent) if accent else high
        styles = Styles(
            ground=f"on {ground}", text=body, dim=second, faint=deco, strong=f"bold {high}",
            said=f"bold {high}" if bloom else high,
            speaker=f"bold {high}", model=f"bold {point}", heading1=f"bold underline {high}", heading2=f"bold {high}",
            heading3=f"bold {body}", bullet=second, quote=f"italic {second}", code=literal, fence=f"on {raised}",
            link=f"underline {target}", math=literal, thought=f"italic {second}",
            tool=literal, note=second, seam=alert, error=bad, selection=f"on {chosen}", found=f"{ground} on {alert}",
            cursor=point, sticky=f"{high} on {raised}", more=f"bold {ground} on {body}", tab=_on(ground, second),
            keyword=f"bold {body}",
            name=literal, function=high, string=good, number=target, comment=f"italic {second}",
            inserted=good, deleted=bad, rule=deco, cell=deco,
        )  # fmt: skip
        models = tuple(dict.fromkeys((point, literal, good, target, alert, body)))
        return cls(styles, signs or Signs(), models)

    def mark_of(self, model: str) -> tuple[str, Style] | None:
        """The sign in the gutter of this model's answers; None where the theme has none."""
        marks = self.signs.gutter
        if not marks or not model:
            return None
        number = crc32(model.encode("utf-8", "replace"))
        return marks[number % len(marks)], self.ground + Style.parse(self.models[number % len(self.models)])

    @cached_property
    def _known(self) -> dict[str, Style]:
        return {}

    @cached_property
    def ground(self) -> Style:
        """What lies under everything."""
        return Style.parse(self.styles.ground)

    def style(self, key: str) -> Style:
        """The Rich style of a key, on the ground."""
        style = self._known.get(key)
        if style is None:
            if len(self._known) > KNOWN:  # the cells of many pictures
                self._known.clear()
            style = self._known[key] = self._make(key)
        return style

    def _make(self, key: str) -> Style:
        name, _, marks = key.lstrip("~").partition(".")
        on = ""
        if "@" in name:  # ``keyword@fence``: on another ground
            name, _, on = name.partition("@")
        style = self.ground + Style.parse(self.styles.text)
        if name.startswith("#"):  # a picture's own colours, ``#rrggbb@#rrggbb``
            return style + Style(color=name, bgcolor=on or None)
        if on:
            style += Style.parse(getattr(self.styles, on))
        if name in STYLE_NAMES:
            style += Style.parse(getattr(self.styles, name))
        elif name:
            raise KeyError(f"the palette has no style {name!r}")
        return style + Style(
            bold="b" in marks or None, italic="i" in marks or None, strike="s" in marks or None,
            underline="u" in marks or None,
        )  # fmt: skip


STYLE_NAMES = frozenset(Styles.__struct_fields__)


def _on(ink: str, ground: str) -> str:
    """Ink on a ground; where the terminal's own colours are both, in reverse video."""
    return f"reverse {ground}" if "default" in (ink, ground) else f"{ink} on {ground}"


def _rich(colour: str) -> str:
    """A theme's colour in Rich's spelling."""
    name = colour.removeprefix("ansi_")
    return Color.parse(name).name
