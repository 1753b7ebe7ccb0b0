"""A theme as a frozen value: colours, frame, glyphs, cursor, spinner, boot text."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

Frame: TypeAlias = Literal["single", "double", "heavy", "wide", "rules", "none", "ascii", "ascii-rules"]
"""What is drawn around and between the panes; ``rules`` has lines between them and none around, ``wide`` a solid
border around and none between."""
KeyForm: TypeAlias = Literal["box", "number", "pf", "colours"]
"""Keys in the bar at the foot: boxed; a bare number and a boxed word; ``PF1=``; a word in one of four colours."""


class Colours(Struct, frozen=True):
    """Colours as ``#rrggbb`` or ``ansi_…`` names.  What is read has a contrast of at least 4.5:1 to ``background``."""

    background: str = "#07140B"
    text: str = "#4DF07A"
    dim: str = "#2BB456"
    """Second-rank text: times, hints, captions."""
    bright: str = "#C5FFD6"
    """Headings, what is selected, what the person said."""
    faint: str = "#1F8F47"
    """Decoration: frames, rules, empty parts of meters.  Never for what must be read."""
    accent: str = "#C5FFD6"
    panel: str = "#0B1F11"
    """The ground of the composer, code and bars."""
    selection: str = "#1C5C30"
    warning: str = "#FFD75E"
    error: str = "#FF7A6B"
    success: str = "#8CFFB0"
    code: str = "#9BFFB9"
    link: str = "#8EEBFF"
    key_text: str = "#07140B"
    key_ground: str = "#4DF07A"
    """A key's name in the bar at the foot."""


class Glyphs(Struct, frozen=True):
    """The little signs; each has a twin in plain ASCII for terminals without."""

    cursor: str = "▊"
    spinner: tuple[str, ...] = ("|", "/", "-", "\\")
    pointer: str = "▸"
    bar: str = "▌"
    full: str = "▓"
    empty: str = "░"
    on: str = "●"
    half: str = "◐"
    off: str = "○"
    prompt: str = ">"
    pin: str = "◆"
    ellipsis: str = "…"
    dot: str = "·"
    rule: str = "─"
    seam: str = "┄"
    bullet: str = "•"
    branch: str = "⎇"
    star: str = "★"
    line: str = "│"
    """What joins things that came one after the other."""


ASCII_GLYPHS = Glyphs(
    cursor="#", pointer=">", bar="|", full="#", empty=".", on="*", half="+", off="o", prompt=">", pin="!",
    ellipsis="~", dot="-", rule="-", seam="=", bullet="*", branch="%", star="^", line="|",
)  # fmt: skip


class Theme(Struct, frozen=True):
    """One machine."""

    name: str
    title: str
    dark: bool = True
    colours: Colours = field(default_factory=Colours)
    glyphs: Glyphs = field(default_factory=Glyphs)
    frame: Frame = "single"
    scanlines: bool = False
    """Whether the machine had them."""
    scanning: bool = False
    """Whether they are drawn on this terminal, now."""
    head: str = "ROUTERTERM"
    """What stands at the left of the first line."""
    keys: KeyForm = "box"
    boot: tuple[str, ...] = ()
    voice: tuple[str, ...] = ()
    """What an empty transcript says, a line each."""

    def in_ascii(self) -> Theme:
        """The same machine for a terminal that knows no other letters."""
        kept: dict[Frame, Frame] = {"none": "none", "rules": "ascii-rules"}
        head = "".join(letter for letter in self.head if letter.isascii())
        return replace(self, glyphs=ASCII_GLYPHS, frame=kept.get(self.frame, "ascii"), head=head)

    def on_console(self) -> Theme:
        """The same machine for a system console, whose fonts have lines and few signs."""
        frame: Frame = "single" if self.frame in ("heavy", "wide") else self.frame
        return replace(self.in_ascii(), glyphs=replace(ASCII_GLYPHS, rule="─", line="│"), frame=frame)

    def scanned(self, wanted: str, *, fast: bool) -> bool:
        """Whether it has scanlines where the setting says that; ``fast``: true colours, and no line to spare.

        Never on a light ground, where dark text would be hard to read.
        """
        can = self.dark and self.colours.background.startswith("#") and self.colours.panel.startswith("#")
        return can and (wanted == "on" or (wanted == "auto" and self.scanlines and fast))

    @property
    def fill(self) -> str:
        """What runs on between the words of the first line."""
        return "█" if self.frame == "wide" else self.glyphs.rule


COLOUR_NAMES = Colours.__struct_fields__
GLYPH_NAMES = Glyphs.__struct_fields__
