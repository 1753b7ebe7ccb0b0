"""A theme's colours as a Textual theme: the names that the style sheet and Textual's own widgets use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import asdict, replace
from textual.theme import Theme as TextualTheme

from routerterm.tui.themes.palette import Palette, Signs
from routerterm.tui.themes.values import Layout

if TYPE_CHECKING:
    from typing import Any

    from textual.app import App

    from routerterm.tui.themes.values import Glyphs, Theme


SHADE = 0.2
"""How much light the rows between scanlines have."""


def to_textual(theme: Theme) -> TextualTheme:
    """The style sheet's variables are ``$t-`` and the colour's name; the rest is for Textual's own widgets."""
    colours = theme.colours
    own = {f"t-{name.replace('_', '-')}": value for name, value in asdict(colours).items()}
    # The cursor is as bright as a heading, and so what stands on it has the ground's colour, where that is a colour.
    own["t-cursor-text"] = colours.background if colours.background.startswith("#") else colours.key_text
    for depth, chosen in ((256, theme.colours256), (16, theme.colours16)):
        own |= {f"t-{depth}-{name.replace('_', '-')}": str(number) for name, number in chosen.items()}
    if theme.scanning:
        own |= {"t-scan-background": darker(colours.background), "t-scan-panel": darker(colours.panel)}
    return TextualTheme(
        name=theme.name,
        dark=theme.dark,
        ansi=colours.background.startswith("ansi_"),
        primary=colours.text,
        secondary=colours.dim,
        accent=colours.accent,
        foreground=colours.text,
        background=colours.background,
        surface=colours.background,
        panel=colours.panel,
        boost=colours.panel,
        warning=colours.warning,
        error=colours.error,
        success=colours.success,
        variables=own
        | {
            "block-cursor-foreground": colours.key_text,
            "block-cursor-background": colours.key_ground,
            "input-cursor-foreground": own["t-cursor-text"],
            "input-cursor-background": colours.bright,
            "input-selection-background": colours.selection,
            "screen-selection-background": colours.selection,
            "scrollbar": colours.faint,
            "scrollbar-hover": colours.dim,
            "scrollbar-active": colours.text,
            "scrollbar-background": colours.background,
            "scrollbar-background-hover": colours.background,
            "scrollbar-background-active": colours.background,
            "scrollbar-corner-color": colours.background,
            "ansi-background": "ansi_default",
            "ansi-foreground": "ansi_default",
            "border": colours.faint,
            "border-blurred": colours.faint,
        },
    )


def layout_of(app: App[Any]) -> Layout:
    """How the theme in force arranges things; the plainest where a test shows a widget without our program."""
    theme: Theme | None = getattr(app, "active_theme", None)
    return theme.layout if theme is not None else Layout()


def darker(colour: str) -> str:
    """A ground on the rows between the lines of a tube."""
    return "#" + "".join(f"{round(int(colour[at : at + 2], 16) * SHADE):02x}" for at in (1, 3, 5))


def to_palette(theme: Theme) -> Palette:
    """The theme's colours and signs for the transcript."""
    c = theme.colours
    return Palette.of(
        background=c.background, text=c.text, dim=c.dim, bright=c.bright, faint=c.faint, panel=c.panel,
        selection=c.selection, warning=c.warning, error=c.error, success=c.success, code=c.code, link=c.link,
        accent=c.accent, signs=_signs(theme.glyphs, theme.layout), bloom=theme.layout.bloom,
    )  # fmt: skip


def _signs(glyphs: Glyphs, layout: Layout) -> Signs:
    plain = Signs.plain() if glyphs.rule.isascii() and glyphs.pointer.isascii() and glyphs.full.isascii() else Signs()
    return replace(
        plain, cursor=glyphs.cursor, pointer=glyphs.pointer, bar=glyphs.bar, rule=glyphs.rule, dot=glyphs.dot,
        seam=glyphs.seam, ellipsis=glyphs.ellipsis, bullets=(glyphs.bullet, *plain.bullets[1:]),
        header=layout.header, turns=layout.turns, gutter=layout.gutter,
    )  # fmt: skip
