"""A theme as a frozen value: colours, frame, glyphs, cursor, spinner, boot text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

Frame: TypeAlias = Literal[
    "single", "double", "mixed", "heavy", "round", "rows", "wide", "block", "thick", "pixel", "window", "tractor",
    "rules", "ruler", "dashes", "mosaic", "none", "ascii", "ascii-rules",
]  # fmt: skip
"""What is drawn around and between the panes: ``mixed`` is double around and single between, ``rows`` double across
and single down, ``wide`` a solid border and nothing between, ``block`` and ``pixel`` borders of half and whole cells,
``thick`` whole cells around and between, ``window`` a patterned ground around a window, ``tractor`` the holes of
printer paper, ``rules`` lines between only, ``ruler`` the same with tab stops, ``dashes`` and ``mosaic`` rows of those
and nothing upright."""
KeyForm: TypeAlias = Literal["box", "number", "pf", "colours", "plain", "bracket", "tag"]
"""Keys in the bar at the foot: boxed; a bare number and a boxed word; ``PF1=``; a word in one of four colours; the key
bright and nothing else; ``[F1]``; the word boxed and the key after it."""
TitleForm: TypeAlias = Literal["line", "bar", "centre"]
"""The first row: words on the line, a reversed bar, or words in the middle of the line."""
StatusForm: TypeAlias = Literal["plain", "bar", "below", "below-bar"]
"""The status row: over the keys or beneath them, plain or a reversed bar."""
HeaderForm: TypeAlias = Literal["line", "leader", "band", "bracket", "chip", "columns"]
"""The row above a message: fields after the name; a ledger's dots up to them; on a ground of its own; in brackets on a
rule; the name in reverse video; in columns."""
CaptionForm: TypeAlias = Literal["left", "centre", "chip", "bar"]
"""A dialog's title: on its frame at the left or in the middle, boxed there, or a reversed bar from side to side."""
SelectionForm: TypeAlias = Literal["bar", "line", "pointer", "bar-line"]
"""A list's row under the cursor: reversed, bright and underlined, bright behind a sign, or reversed and underlined."""
HeadingForm: TypeAlias = Literal["bar", "rule", "caps", "band", "dashes"]
"""What parts a list: a name behind a bar, on a rule, in capitals, on a ground of its own, or between dashes."""
Ink: TypeAlias = Literal[
    "solid", "half", "scan", "line", "self", "dots", "mesh", "shadow", "stripe", "fade", "hash", "none"
]
"""What block letters are drawn with."""


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


class Layout(Struct, frozen=True):
    """How the theme arranges what it shows, beside its frame, signs and colours."""

    title: TitleForm = "line"
    fill: str = ""
    """What runs on between the words of the first row, again and again; empty: the rule."""
    status: StatusForm = "plain"
    header: HeaderForm = "line"
    turns: str = ""
    """What is drawn between two turns, again and again over the row; empty: a blank row."""
    gutter: str = ""
    """Signs beside an answer, one cell each; which of them depends on the model, as the colour does."""
    dialog: Frame | Literal[""] = ""
    """The frame of dialogs; empty: the screen's, or single lines where that has none."""
    shadow: str = ""
    """What a dialog's shadow is made of; a blank is darkness, empty is none."""
    caption: CaptionForm = "left"
    dither: str = ""
    """What the empty cells behind a dialog are filled with, again and again; empty: they stay empty."""
    selection: SelectionForm = "bar"
    headings: HeadingForm = "bar"
    leader: str = ""
    """What leads from a conversation's title to its age, again and again."""
    scrollbar: str = ""
    """Two signs, of the part in view and of the rest; empty: a block on nothing."""
    divider: str = ""
    """What stands between the fields of the status row."""
    sign: str = ""
    """What stands before the line that is written; empty: the prompt among the signs."""
    field: str = ""
    """What that line is filled with where nothing is written."""
    masthead: bool = False
    """Whether a tall screen begins with the name in block letters."""
    dated: bool = False
    """Whether the first row says the day."""
    letters: Ink = "solid"
    """What the name on an empty chat is drawn with."""
    bloom: bool = False
    """Whether what you said is bold too, as where a beam lingers."""


_BARE: tuple[Frame, ...] = ("rules", "ruler", "tractor", "dashes", "mosaic")
"""Frames that become rules where signs are few."""
_TOPS: Mapping[Frame, str] = {
    "double": "═", "mixed": "═", "rows": "═", "heavy": "━", "block": "▀", "thick": "▀", "pixel": "▄", "tractor": "-",
    "mosaic": "▖", "ruler": "─", "dashes": "-", "wide": "█",
}  # fmt: skip
"""What the upper edge of a frame is made of, where it is no single line."""


class Theme(Struct, frozen=True):
    """One theme."""

    name: str
    title: str
    dark: bool = True
    colours: Colours = field(default_factory=Colours)
    colours256: Mapping[str, int] = field(default_factory=dict)
    """The same by their numbers where a terminal has 256; what is not named is the nearest there is."""
    colours16: Mapping[str, int] = field(default_factory=dict)
    """And where it has sixteen, whose shades are the person's own."""
    glyphs: Glyphs = field(default_factory=Glyphs)
    frame: Frame = "single"
    layout: Layout = field(default_factory=Layout)
    scanlines: bool = False
    """Whether the theme had them."""
    scanning: bool = False
    """Whether they are drawn on this terminal, now."""
    fading: bool = False
    """Whether what lies behind a dialog is grey, since sixteen colours have no fainter shade of the theme's own."""
    head: str = "ROUTERTERM"
    """What stands at the left of the first line."""
    keys: KeyForm = "box"
    boot: tuple[str, ...] = ()
    voice: tuple[str, ...] = ()
    """What an empty transcript says, a line each."""

    def in_ascii(self) -> Theme:
        """The same theme for a terminal that knows no other letters."""
        kept: dict[Frame, Frame] = {"none": "none", **dict.fromkeys(_BARE, "ascii-rules")}
        head = "".join(letter for letter in self.head if letter.isascii())
        own = self.layout
        layout = replace(
            own, fill=_plain(own.fill), turns=_plain(own.turns, "-"), gutter=_plain(own.gutter, "|"), dialog="ascii",
            shadow=_plain(own.shadow), letters="none" if own.letters == "none" else "hash", dither=_plain(own.dither),
            leader=_plain(own.leader, "."), scrollbar="#:" if own.scrollbar else "", divider=_plain(own.divider, "|"),
            sign=_plain(own.sign), field=_plain(own.field, "_"), masthead=False,
            headings="dashes" if own.headings == "rule" else own.headings,
        )  # fmt: skip
        frame = kept.get(self.frame, "ascii")
        return replace(self, glyphs=ASCII_GLYPHS, frame=frame, head=head, layout=layout)

    def on_console(self) -> Theme:
        """The same theme for a system console, whose fonts have lines and few signs."""
        kept: dict[Frame, Frame] = {"double": "double", "none": "none", **dict.fromkeys(_BARE, "rules")}
        layout = replace(
            self.in_ascii().layout,
            dialog="single",
            turns="─" if self.layout.turns else "",
            headings=self.layout.headings,
        )
        glyphs = replace(ASCII_GLYPHS, rule="─", line="│")
        return replace(self.in_ascii(), glyphs=glyphs, frame=kept.get(self.frame, "single"), layout=layout)

    def scanned(self, wanted: str, *, fast: bool) -> bool:
        """Whether it has scanlines where the setting says that; ``fast``: true colours, and no line to spare.

        Never on a light ground, where dark text would be hard to read.
        """
        can = self.dark and self.colours.background.startswith("#") and self.colours.panel.startswith("#")
        return can and (wanted == "on" or (wanted == "auto" and self.scanlines and fast))

    @property
    def fill(self) -> str:
        """What runs on between the words of the first line."""
        return " " if self.frame == "wide" else self.edge

    @property
    def edge(self) -> str:
        """The same on a screen whose first row is the upper edge of its frame."""
        if self.layout.title == "bar":
            return " "
        return self.layout.fill or _TOPS.get(self.frame, self.glyphs.rule)

    @property
    def sign(self) -> str:
        """What stands before the line that is written."""
        return self.layout.sign or self.glyphs.prompt


def _plain(signs: str, otherwise: str = "") -> str:
    """Signs for a terminal without; nothing stays nothing."""
    return signs if signs.isascii() else otherwise


COLOUR_NAMES = Colours.__struct_fields__
GLYPH_NAMES = Glyphs.__struct_fields__
LAYOUT_NAMES = Layout.__struct_fields__
