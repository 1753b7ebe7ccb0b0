"""Colours as the terminal has them: 24 bits, 256, 16 or none.

Textual thinks in 24 bits.  Where the terminal has fewer, a colour becomes the nearest there is, by how
different colours look (OKLab) and not by their numbers; a text that would vanish into its background is moved
away from it.  Without colours, what a theme says by background (a selection, a cursor, a bar) is said by reverse video.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import Enum
from functools import lru_cache

from routerterm.tui.terminal.style import REVERSE, Style


class Depth(Enum):
    """How many colours a terminal has."""

    TRUE = "truecolor"
    INDEXED = "256"
    ANSI = "16"
    NONE = "none"


Rgb = tuple[int, int, int]

# What most terminals show for their sixteen (the VGA-like defaults of xterm).
ANSI_COLOURS: tuple[Rgb, ...] = (
    (0, 0, 0),
    (205, 0, 0),
    (0, 205, 0),
    (205, 205, 0),
    (0, 0, 238),
    (205, 0, 205),
    (0, 205, 205),
    (229, 229, 229),
    (127, 127, 127),
    (255, 0, 0),
    (0, 255, 0),
    (255, 255, 0),
    (92, 92, 255),
    (255, 0, 255),
    (0, 255, 255),
    (255, 255, 255),
)
_STEPS = (0, 95, 135, 175, 215, 255)
_APART = 0.22  # the least difference in lightness between a text and its background
_TRUE_TERMS = re.compile(r"kitty|alacritty|foot|ghostty|wezterm|contour|iterm|direct")


def depth_of(environ: Mapping[str, str]) -> Depth:
    """What the environment says; SSH forwards TERM but rarely COLORTERM, so that names count too."""
    if environ.get("NO_COLOR"):
        return Depth.NONE
    asked = environ.get("TEXTUAL_COLOR_SYSTEM", "").lower()
    if asked in ("truecolor", "256", "standard"):
        return {"truecolor": Depth.TRUE, "256": Depth.INDEXED, "standard": Depth.ANSI}[asked]
    term = environ.get("TERM", "").lower()
    if environ.get("COLORTERM", "").lower() in ("truecolor", "24bit") or _TRUE_TERMS.search(term):
        return Depth.TRUE
    if environ.get("WT_SESSION") or environ.get("TERM_PROGRAM") in ("iTerm.app", "WezTerm", "ghostty", "vscode"):
        return Depth.TRUE
    if "256color" in term or term.startswith(("tmux", "screen.")):
        return Depth.INDEXED
    if not term or term in ("dumb", "vt100", "vt102", "vt220", "unknown") or term.endswith("-m"):
        return Depth.NONE
    return Depth.ANSI


def adapter(
    depth: Depth,
    background: Callable[[], Rgb | None] = lambda: None,
    chosen: Callable[[], Mapping[Rgb, int]] = dict,
) -> Callable[[Style], Style] | None:
    """What fits a style to this depth; ``None``: nothing needs to.

    ``background`` is the theme's own; ``chosen`` gives the numbers that the theme has chosen for its colours at this
    depth, which are taken as they are.
    """
    if depth is Depth.TRUE:
        return None
    if depth is Depth.NONE:
        return lambda style: _without(style, background())
    return lambda style: _fewer(style, depth, chosen())


def choices_of(variables: Mapping[str, str], depth: Depth) -> dict[Rgb, int]:
    """The numbers that a theme has chosen, by its colours in 24 bits: of ``t-text`` it is ``t-256-text``."""
    prefix = f"t-{depth.value}-"
    found: dict[Rgb, int] = {}
    for name, number in variables.items():
        colour = variables.get(f"t-{name.removeprefix(prefix)}", "") if name.startswith(prefix) else ""
        if colour.startswith("#"):
            found.setdefault((int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)), int(number))
    return found


def _fewer(style: Style, depth: Depth, own: Mapping[Rgb, int]) -> Style:
    text, ground = _rgb(style.foreground), _rgb(style.background)
    background = style.background
    if ground:
        background = _parameters(own[ground], depth, 40) if ground in own else _code(ground, depth, 40)
    if text is not None and text in own and (not ground or ground in own):
        return style._replace(foreground=_parameters(own[text], depth, 30), background=background)
    if text is None:
        return style._replace(background=background)
    shown = _shown(background)
    chosen = nearest(text, depth)
    if ground and shown and text != ground:
        wanted = lightness(text) - lightness(ground)
        close = abs(lightness(_palette(depth)[chosen]) - lightness(shown)) < _APART
        if (close and abs(wanted) > _APART / 2) or (_palette(depth)[chosen] == shown and abs(wanted) > 0.02):
            chosen = _away(text, shown, depth, lighter=wanted > 0)
    return style._replace(foreground=_parameters(chosen, depth, 30), background=background)


def _without(style: Style, background: Rgb | None) -> Style:
    """No colours: a background that stands out from the theme's is reversed."""
    ground, base = _shown(style.background), background or (0, 0, 0)
    plain = style._replace(foreground="", background="")
    if ground is not None and abs(lightness(ground) - lightness(base)) > 0.3:
        return plain._replace(attributes=style.attributes ^ REVERSE)
    return plain


# -- colours by number --------------------------------------------------------------------------------------
def _rgb(parameters: str) -> Rgb | None:
    """The colour of ``38;2;r;g;b`` (or 48)."""
    parts = parameters.split(";")
    if len(parts) == 5 and parts[1] == "2":
        return int(parts[2]), int(parts[3]), int(parts[4])
    return None


def _shown(parameters: str) -> Rgb | None:
    """The colour that any SGR colour shows; ``None`` for the terminal's own."""
    if not parameters:
        return None
    parts = [int(part) for part in parameters.split(";")]
    if len(parts) == 5:
        return parts[2], parts[3], parts[4]
    if len(parts) == 3:
        return _palette(Depth.INDEXED, whole=True)[parts[2]]
    code = parts[0]
    return ANSI_COLOURS[code % 10 + (8 if code >= 90 else 0)]


@lru_cache
def _palette(depth: Depth, whole: bool = False) -> dict[int, Rgb]:
    """The colours to choose from.  Of 256 the first sixteen are the person's own, and are not to be relied on."""
    ansi = dict(enumerate(ANSI_COLOURS))
    if depth is Depth.ANSI:
        return ansi
    cube = {
        16 + 36 * r + 6 * g + b: (_STEPS[r], _STEPS[g], _STEPS[b]) for r in range(6) for g in range(6) for b in range(6)
    }
    greys = {232 + n: (8 + 10 * n,) * 3 for n in range(24)}
    return (ansi if whole else {}) | cube | greys


@lru_cache(maxsize=4096)
def nearest(colour: Rgb, depth: Depth) -> int:
    """The number of the colour that looks most like this one."""
    wanted = _oklab(colour)
    return min(_palette(depth), key=lambda number: _distance(wanted, _oklab(_palette(depth)[number])))


def shade(number: int, depth: Depth) -> Rgb:
    """What a colour of that number looks like."""
    return _palette(depth, whole=True)[number]


def _away(colour: Rgb, ground: Rgb, depth: Depth, *, lighter: bool) -> int:
    """The nearest colour that can be read on this background, on the side of it where the theme has the text.

    Where nothing lies on that side, black on what has become black, it is one on the other.
    """
    wanted, level = _oklab(colour), lightness(ground)

    def readable(apart: float, sign: int = 1 if lighter else -1) -> list[int]:
        return [n for n, rgb in _palette(depth).items() if sign * (lightness(rgb) - level) >= apart]

    choices = readable(_APART) or readable(0.01) or readable(_APART, -1 if lighter else 1)
    return min(choices, key=lambda number: _distance(wanted, _oklab(_palette(depth)[number])))


def _code(colour: Rgb, depth: Depth, base: int) -> str:
    return _parameters(nearest(colour, depth), depth, base)


def _parameters(number: int, depth: Depth, base: int) -> str:
    """The SGR parameters of a palette colour, as text (``base`` 30) or background (40)."""
    if depth is Depth.INDEXED:
        return f"{base + 8};5;{number}"
    return str(base + number) if number < 8 else str(base + 60 + number - 8)


def lightness(colour: Rgb) -> float:
    """How light a colour looks, from 0 to 1 (OKLab's L)."""
    return _oklab(colour)[0]


@lru_cache(maxsize=4096)
def _oklab(colour: Rgb) -> tuple[float, float, float]:
    r, g, b = ((c / 255) / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour)
    long = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3)
    medium = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3)
    short = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )


def _distance(a: tuple[float, float, float], b: tuple[float, float, float]) -> float:
    return (a[0] - b[0]) ** 2 + 4 * ((a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2)
