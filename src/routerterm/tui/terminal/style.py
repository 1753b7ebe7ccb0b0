"""Styles as small numbers, and the shortest SGR from one to the next.

A style is interned once; grids hold its number as one character (``chr(number)``), so that a row of
styles is a string that compares, slices and hashes at C speed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

BOLD, DIM, ITALIC, UNDERLINE, BLINK, BLINK_FAST, REVERSE, CONCEAL, STRIKE = (1 << n for n in range(9))
DOUBLE_UNDERLINE, FRAME, ENCIRCLE, OVERLINE = (1 << n for n in range(9, 13))

_ON = {
    "1": BOLD,
    "2": DIM,
    "3": ITALIC,
    "4": UNDERLINE,
    "5": BLINK,
    "6": BLINK_FAST,
    "7": REVERSE,
    "8": CONCEAL,
    "9": STRIKE,
    "21": DOUBLE_UNDERLINE,
    "51": FRAME,
    "52": ENCIRCLE,
    "53": OVERLINE,
}
_OFF = {
    "22": BOLD | DIM,
    "23": ITALIC,
    "24": UNDERLINE | DOUBLE_UNDERLINE,
    "25": BLINK | BLINK_FAST,
    "27": REVERSE,
    "28": CONCEAL,
    "29": STRIKE,
    "54": FRAME | ENCIRCLE,
    "55": OVERLINE,
}
_SEEN_ON_BLANKS = REVERSE | UNDERLINE | DOUBLE_UNDERLINE | STRIKE | OVERLINE | FRAME | ENCIRCLE | BLINK | BLINK_FAST
# (DIM, BOLD, ITALIC and CONCEAL change nothing that can be seen on a space.)


class Style(NamedTuple):
    """What a cell looks like: colours as SGR parameters (empty: the terminal's own), attribute bits, OSC 8 body."""

    foreground: str = ""
    background: str = ""
    attributes: int = 0
    link: str = ""


class Overflow(Exception):
    """More styles or graphemes than there are numbers: forget everything and draw anew."""


class StyleTable:
    """Interns styles; 0 is the terminal's default.  ``adapt`` fits a style to what the terminal can show."""

    LIMIT = 50_000

    def __init__(self, adapt: Callable[[Style], Style] | None = None) -> None:
        self.adapt = adapt
        self.styles: list[Style] = [Style()]
        self._ids: dict[Style, int] = {Style(): 0}
        self.blank: list[int] = [0]  # what a space in this style looks like: its background alone
        self._applied: dict[tuple[int, str], int] = {}
        self._transitions: dict[tuple[int, int], str] = {}
        self._adapted: dict[int, int] = {}
        self._raw: list[Style] = [Style()]  # as Textual asked for it, before it was adapted
        self._raw_ids: dict[Style, int] = {Style(): 0}

    def intern(self, style: Style) -> int:
        """The number of a style that the terminal can show."""
        number = self._ids.get(style)
        if number is None:
            number = len(self.styles)
            if number >= self.LIMIT:
                raise Overflow
            self._ids[style] = number
            self.styles.append(style)
            self.blank.append(number)
            if not (style.attributes & _SEEN_ON_BLANKS or style.link):
                self.blank[number] = self.intern(Style(background=style.background))
        return number

    def adapted(self, raw: int) -> int:
        """The number, as shown, of a raw state that :meth:`apply` gave."""
        found = self._adapted.get(raw)
        if found is None:
            style = self._raw[raw]
            found = self._adapted[raw] = self.intern(self.adapt(style) if self.adapt else style)
        return found

    def apply(self, raw: int, parameters: str) -> int:
        """The raw state after ``CSI parameters m``."""
        key = (raw, parameters)
        found = self._applied.get(key)
        if found is None:
            found = self._applied[key] = self._intern_raw(_sgr(self._raw[raw], parameters))
        return found

    def linked(self, raw: int, link: str) -> int:
        """The raw state after OSC 8 with this body (``params;URI``; empty: no link)."""
        return self._intern_raw(self._raw[raw]._replace(link=link))

    def _intern_raw(self, style: Style) -> int:
        number = self._raw_ids.get(style)
        if number is None:
            number = self._raw_ids[style] = len(self._raw)
            if number >= self.LIMIT:
                raise Overflow
            self._raw.append(style)
        return number

    def transition(self, old: int, new: int) -> str:
        """The shortest sequence from one style to another."""
        if old == new:
            return ""
        key = (old, new)
        found = self._transitions.get(key)
        if found is None:
            if len(self._transitions) > self.LIMIT:
                self._transitions.clear()
            found = self._transitions[key] = _transition(self.styles[old], self.styles[new])
        return found


def _sgr(style: Style, parameters: str) -> Style:
    foreground, background, attributes, link = style
    codes = iter(parameters.split(";"))
    for code in codes:
        number = code.lstrip("0")
        if not number:
            foreground = background = ""
            attributes = 0
        elif number in _ON:
            attributes |= _ON[number]
        elif number in _OFF:
            attributes &= ~_OFF[number]
        elif number in ("38", "48"):
            kind = next(codes, "").lstrip("0")
            wanted = {"5": 1, "2": 3}.get(kind, 0)
            values = [next(codes, "").lstrip("0") or "0" for _ in range(wanted)]
            if not wanted or not all(value.isdecimal() and int(value) < 256 for value in values):
                continue
            colour = ";".join((number, kind, *values))
            foreground, background = (colour, background) if number == "38" else (foreground, colour)
        elif number == "39":
            foreground = ""
        elif number == "49":
            background = ""
        elif number.isdecimal() and (30 <= int(number) <= 37 or 90 <= int(number) <= 97):
            foreground = number
        elif number.isdecimal() and (40 <= int(number) <= 47 or 100 <= int(number) <= 107):
            background = number
        elif number.startswith("4:"):  # underlines by kind: none, or one of several shapes
            attributes = attributes & ~UNDERLINE if number == "4:0" else attributes | UNDERLINE
    return Style(foreground, background, attributes, link)


def _transition(old: Style, new: Style) -> str:
    fresh = ["0", *_on_codes(new.attributes)]
    fresh += [colour for colour in (new.foreground, new.background) if colour]
    steps: list[str] = []
    left = old.attributes
    for code, bits in _OFF.items():
        if left & bits & ~new.attributes:
            steps.append(code)
            left &= ~bits
    steps += _on_codes(new.attributes & ~left)
    if old.foreground != new.foreground:
        steps.append(new.foreground or "39")
    if old.background != new.background:
        steps.append(new.background or "49")
    by_reset, by_steps = ";".join(fresh), ";".join(steps)
    if by_reset == "0":
        by_reset = ""
    elif by_reset.startswith("0;"):
        by_reset = by_reset[1:]
    sgr = f"\x1b[{by_reset if len(by_reset) < len(by_steps) else by_steps}m" if steps else ""
    if old.link != new.link:
        sgr += f"\x1b]8;{new.link or ';'}\x1b\\"
    return sgr


def _on_codes(attributes: int) -> list[str]:
    return [code for code, bit in _ON.items() if attributes & bit]
