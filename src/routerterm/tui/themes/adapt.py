"""A machine's colours as a Textual theme: the names that the style sheet and Textual's own widgets use."""

from __future__ import annotations

from dataclasses import asdict

from textual.theme import Theme as TextualTheme

from routerterm.tui.themes.values import Theme


def to_textual(theme: Theme) -> TextualTheme:
    """The style sheet's variables are ``$t-`` and the colour's name; the rest is for Textual's own widgets."""
    colours = theme.colours
    own = {f"t-{name.replace('_', '-')}": value for name, value in asdict(colours).items()}
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
            "input-cursor-foreground": colours.key_text,
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
            "border": colours.faint,
            "border-blurred": colours.faint,
        },
    )
