"""Styles in the theme's colours, for what draws itself line by line.

Component classes would do the same, but the style sheet is matched once for each of them on each widget whenever a
screen opens or the focus moves: that was most of the time that a screen took to open.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from rich.style import Style
from textual.color import Color
from textual.widget import Widget

from routerterm.tui.textual_internals.screens import keep_lines
from routerterm.tui.themes.adapt import layout_of

if TYPE_CHECKING:
    from rich.color import Color as RichColor

    from routerterm.tui.themes.values import Layout, SelectionForm

Tone: TypeAlias = Literal[
    "text", "dim", "bright", "faint", "accent", "warning", "error", "success", "key", "struck",
    "key-error", "key-success", "key-warning", "key-link", "key-void",
]  # fmt: skip
"""What a text is for; ``key-`` before a colour: a key whose ground is that, or ``void``, on the terminal's darkness."""
Look: TypeAlias = Tone | Literal["selected", "cursor", "band"]
"""A tone, what is chosen without being where the keys go, a list's row where they go, or a heading's ground."""


class Toned(Widget):
    """A widget that draws in tones upon its own ground."""

    _looks: dict[str, Style] | None = None
    _looks_of: dict[str, str] | None = None

    def __init__(self, *children: Widget, **options: Any) -> None:
        super().__init__(*children, **options)
        keep_lines(self)

    def tone(self, look: Look) -> Style:
        """How text of that tone looks here and now."""
        variables = self.app.theme_variables
        if self._looks is None or self._looks_of is not variables:
            self._looks, self._looks_of = {}, variables
        found = self._looks.get(look)
        if found is None:
            found = self._looks[look] = _look(look, variables, self.rich_style.bgcolor, self.form.selection)
        return found

    @property
    def form(self) -> Layout:
        """How the theme in force arranges things."""
        return layout_of(self.app)

    def notify_style_update(self) -> None:
        """The ground may be another now."""
        self._looks = None
        super().notify_style_update()


def _look(look: Look, variables: dict[str, str], ground: RichColor | None, selection: SelectionForm) -> Style:
    match look:
        case "cursor" if selection == "line":
            return _style(variables["t-bright"], ground, bold=True) + Style(underline=True)
        case "cursor" if selection == "pointer":
            return _style(variables["t-bright"], ground, bold=True)
        case "key" | "cursor":
            style = _style(variables["t-key-text"], _colour(variables["t-key-ground"]), bold=False)
            return style + Style(underline=True) if look == "cursor" and selection == "bar-line" else style
        case "key-void":
            return _style(variables["t-text"], _colour("#000000"), bold=False)
        case "key-error" | "key-success" | "key-warning" | "key-link":
            return _style(variables["t-key-text"], _colour(variables[f"t-{look[4:]}"]), bold=False)
        case "band":
            return _style(variables["t-bright"], _colour(variables["t-panel"]), bold=True)
        case "struck":
            return _style(variables["t-dim"], ground, bold=False) + Style(strike=True)
        case "selected":
            return _style(variables["t-bright"], _colour(variables["t-selection"]), bold=True)
        case _:
            return _style(variables[f"t-{look}"], ground, bold=look == "bright")


@lru_cache(maxsize=512)
def _style(colour: str, ground: RichColor | None, *, bold: bool) -> Style:
    return Style(color=_colour(colour), bgcolor=ground, bold=bold or None)


@lru_cache(maxsize=256)
def _colour(colour: str) -> RichColor:
    return Color.parse(colour).rich_color
