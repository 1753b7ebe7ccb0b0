"""Whether what a theme shows can be read: contrasts as WCAG 2 defines them, in every depth of colour."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from routerterm.tui.terminal.colour import Depth, Rgb, choices_of, nearest, shade
from routerterm.tui.themes.adapt import to_textual

if TYPE_CHECKING:
    from routerterm.tui.themes.values import Theme

LEAST = 4.5
"""WCAG 2.1 AA for text of usual size, https://www.w3.org/TR/WCAG21/#contrast-minimum."""
READ = ("text", "dim", "bright", "accent", "warning", "error", "success", "code", "link")
"""Colours of text, by their names; the rest is decoration."""


def contrast(one: Rgb, other: Rgb) -> float:
    """From 1 for the same colour to 21 for black on white."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def weak(theme: Theme) -> Iterator[str]:
    """What cannot be read well enough, a sentence each; nothing is known of colours that are the terminal's own."""
    for depth in (Depth.TRUE, Depth.INDEXED, Depth.ANSI):
        own = {} if depth is Depth.TRUE else choices_of(to_textual(theme).variables, depth)
        for ink, ground in (*_pairs(), ("key_text", "key_ground"), ("bright", "selection"), *_key_pairs(theme)):
            values = getattr(theme.colours, ink), getattr(theme.colours, ground)
            if not all(value.startswith("#") for value in values):
                continue
            text, below = (_shown(value, depth, own) for value in values)
            found = contrast(text, below)
            if found < LEAST:
                shown = "true colour" if depth is Depth.TRUE else f"{depth.value} colours"
                yield f"{ink} on {ground} has a contrast of {found:.1f} in {shown}; {LEAST} is needed"


def _pairs() -> Iterator[tuple[str, str]]:
    for ink in READ:
        for ground in ("background", "panel"):
            yield ink, ground


def _key_pairs(theme: Theme) -> Iterator[tuple[str, str]]:
    """Grounds that keys have in one form alone."""
    if theme.keys == "colours":
        for ground in ("error", "success", "warning", "link"):
            yield "key_text", ground


def _shown(value: str, depth: Depth, own: dict[Rgb, int]) -> Rgb:
    rgb = int(value[1:3], 16), int(value[3:5], 16), int(value[5:7], 16)
    return rgb if depth is Depth.TRUE else shade(own.get(rgb, nearest(rgb, depth)), depth)


def _luminance(colour: Rgb) -> float:
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in (n / 255 for n in colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
