"""Draws what a terminal shows with a bitmap font: each cell exactly where it is, no ligatures, no smoothing.

A picture begins as text with SGR sequences, which is what ``tmux capture-pane -e`` gives and what a strip of Textual's
renders to.  The fonts are Debian's ``xfonts-terminus``, and ``xfonts-unifont`` for what that lacks; they are needed
only while pictures are drawn.  ``ROUTERTERM_FONTS`` may name another folder with the same files.
"""

from __future__ import annotations

import gzip
import os
import re
import struct
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from PIL import Image

FONTS = Path(os.environ.get("ROUTERTERM_FONTS", "/usr/share/fonts/X11/misc"))
SGR = re.compile(r"\x1b\[([0-9;:]*)m|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b\[[0-9;?]*[a-ln-zA-Z]")
Rgb = tuple[int, int, int]
INK, PAPER = (204, 204, 204), (0, 0, 0)
"""What a terminal shows where no colour was named."""
THIN = 80
"""How much of a pixel, of 255, a glyph must cover to be seen where its font had to be made smaller: no line is lost."""
SIXTEEN: tuple[Rgb, ...] = (
    (0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0), (0, 0, 238), (205, 0, 205), (0, 205, 205), (229, 229, 229),
    (127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0), (92, 92, 255), (255, 0, 255), (0, 255, 255),
    (255, 255, 255),
)  # fmt: skip
"""xterm's own."""


@dataclass(frozen=True)
class Look:
    """How a cell looks."""

    ink: Rgb | None = None
    paper: Rgb | None = None
    bold: bool = False
    dim: bool = False
    underline: bool = False
    strike: bool = False
    reverse: bool = False


Cell = tuple[str, Look]


def cells_of(text: str, width: int) -> list[list[Cell]]:
    """The cells of each line; a wide character is followed by an empty one."""
    rows, look = [], Look()
    for line in text.split("\n"):
        row: list[Cell] = []
        at = 0
        for found in [*SGR.finditer(line), None]:
            for char in line[at : found.start() if found else None]:
                if unicodedata.combining(char) or char in "\u200d\ufe0f":
                    continue
                row.append((char, look))
                if unicodedata.east_asian_width(char) in "WF":
                    row.append(("", look))
            if found:
                at = found.end()
                if found.group(1) is not None:
                    look = _changed(look, found.group(1))
        # tmux leaves erased cells away: they are as those before them, but for what ends with the side of a frame
        rest = look if look.paper and row and not _is_frame(row[-1][0]) else Look()
        rows.append([*row, *[(" ", rest)] * (width - len(row))][:width])
    return rows


def _is_frame(char: str) -> bool:
    return char in "|+" or "\u2500" <= char <= "\u259f"


def _changed(look: Look, parameters: str) -> Look:
    numbers = iter([int(part or 0) for part in parameters.replace(":", ";").split(";")])
    for number in numbers:
        match number:
            case 0:
                look = Look()
            case 1:
                look = replace(look, bold=True)
            case 2:
                look = replace(look, dim=True)
            case 4:
                look = replace(look, underline=True)
            case 7:
                look = replace(look, reverse=True)
            case 9:
                look = replace(look, strike=True)
            case 22:
                look = replace(look, bold=False, dim=False)
            case 24:
                look = replace(look, underline=False)
            case 27:
                look = replace(look, reverse=False)
            case 29:
                look = replace(look, strike=False)
            case 38:
                look = replace(look, ink=_colour(numbers))
            case 39:
                look = replace(look, ink=None)
            case 48:
                look = replace(look, paper=_colour(numbers))
            case 49:
                look = replace(look, paper=None)
            case _ if 30 <= number <= 37 or 90 <= number <= 97:
                look = replace(look, ink=SIXTEEN[number % 10 + (8 if number >= 90 else 0)])
            case _ if 40 <= number <= 47 or 100 <= number <= 107:
                look = replace(look, paper=SIXTEEN[number % 10 + (8 if number >= 100 else 0)])
    return look


def _colour(numbers: Iterator[int]) -> Rgb:
    if next(numbers) == 2:
        return next(numbers), next(numbers), next(numbers)
    number = next(numbers)
    if number < 16:
        return SIXTEEN[number]
    if number >= 232:
        return (8 + 10 * (number - 232),) * 3
    steps = (0, 95, 135, 175, 215, 255)
    number -= 16
    return steps[number // 36], steps[number // 6 % 6], steps[number % 6]


# -- the fonts ---------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Font:
    """A bitmap font; a glyph is read from its file's tables when it is first wanted."""

    width: int
    height: int
    ascent: int
    data: bytes
    bits: int
    """Where the pixels begin."""
    form: int
    """How they are packed, as the format has it."""
    offsets: tuple[int, ...]
    inks: list[tuple[int, int, int, int, int]]
    """Left and right edge, width, ascent and descent of each glyph."""
    numbers: dict[int, int]
    """The glyph of each character."""

    def rows(self, number: int) -> Iterator[int]:
        """The rows of a glyph, its leftmost pixel in the highest bit."""
        left, right, _, ascent, descent = self.inks[number]
        pad = 1 << (self.form & 3)
        stride = -(-(right - left) // (8 * pad)) * pad
        for y in range(ascent + descent):
            start = self.bits + self.offsets[number] + y * stride
            raw = self.data[start : start + stride]
            if not self.form & 8:  # least significant bit first
                raw = bytes(int(f"{byte:08b}"[::-1], 2) for byte in raw)
            yield int.from_bytes(raw, "big") >> (8 * stride - (right - left))

    def mask(self, char: str, width: int, height: int) -> Image.Image | None:
        """The character's pixels in a cell of that size."""
        number = self.numbers.get(ord(char))
        if number is None:
            return None
        left, right, _, ascent, _ = self.inks[number]
        cell = Image.new("1", (max(self.width, right), self.height))
        for y, row in enumerate(self.rows(number), self.ascent - ascent):
            for x in range(right - left):
                if row >> (right - left - 1 - x) & 1 and 0 <= y < self.height:
                    cell.putpixel((max(0, left + x), y), 1)
        columns = width * (2 if unicodedata.east_asian_width(char) in "WF" else 1)
        if cell.size == (columns, height):
            return cell
        covered = cell.convert("L").resize((columns, height), Image.Resampling.BOX)
        return covered.point(lambda share: 255 if share > THIN else 0).convert("1", dither=Image.Dither.NONE)


@lru_cache
def font(name: str) -> Font:
    """A font from its file in X11's portable compiled format."""
    data = gzip.decompress((FONTS / name).read_bytes())
    tables = {}
    for n in range(struct.unpack_from("<I", data, 4)[0]):
        kind, _, _, offset = struct.unpack_from("<4I", data, 8 + 16 * n)
        tables[kind] = offset
    at = tables[8]
    (form,) = struct.unpack_from("<I", data, at)
    order = ">" if form & 4 else "<"
    (count,) = struct.unpack_from(f"{order}I", data, at + 4)
    offsets = struct.unpack_from(f"{order}{count}I", data, at + 8)
    top, bottom = struct.unpack_from(f"{order}2i", data, tables[2] + 12)
    inks, numbers = _metrics(data, tables[4]), _encoding(data, tables[32])
    width = inks[numbers[65]][2]
    return Font(width, top + bottom, top, data, at + 8 + 4 * count + 16, form, offsets, inks, numbers)


def _metrics(data: bytes, at: int) -> list[tuple[int, int, int, int, int]]:
    (form,) = struct.unpack_from("<I", data, at)
    order = ">" if form & 4 else "<"
    if form & 0x100:
        (count,) = struct.unpack_from(f"{order}H", data, at + 4)
        raw = data[at + 6 : at + 6 + 5 * count]
        return [tuple(byte - 128 for byte in raw[n : n + 5]) for n in range(0, 5 * count, 5)]  # type: ignore[misc]
    (count,) = struct.unpack_from(f"{order}I", data, at + 4)
    return [struct.unpack_from(f"{order}5h", data, at + 8 + 12 * n) for n in range(count)]  # type: ignore[misc]


def _encoding(data: bytes, at: int) -> dict[int, int]:
    order = ">" if struct.unpack_from("<I", data, at)[0] & 4 else "<"
    low, high, first, last, _ = struct.unpack_from(f"{order}5H", data, at + 4)
    found, place = {}, at + 14
    for row in range(first, last + 1):
        for column in range(low, high + 1):
            (number,) = struct.unpack_from(f"{order}H", data, place)
            place += 2
            if number != 0xFFFF:
                found[row << 8 | column] = number
    return found


# -- drawing -----------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Face:
    """A size of letters."""

    width: int
    height: int

    @lru_cache(maxsize=4096)  # noqa: B019 - there are two faces, for as long as the script runs
    def mask(self, char: str, bold: bool) -> Image.Image:
        """The pixels of a character."""
        for name in (f"ter-u{self.height}{'b' if bold else 'n'}_unicode", "unifont"):
            found = font(f"{name}.pcf.gz").mask(char, self.width, self.height)
            if found is not None:
                return found
        return Image.new("1", (self.width, self.height))


LARGE, SMALL = Face(8, 16), Face(6, 12)


def draw(rows: Iterable[list[Cell]], face: Face = LARGE, *, ground: Rgb = PAPER, margin: int = 0) -> Image.Image:
    """A picture of these cells, with a margin in the ground's colour."""
    rows = list(rows)
    wide, high = face.width, face.height
    size = (len(rows[0]) * wide + 2 * margin, len(rows) * high + 2 * margin)
    image = Image.new("RGB", size, ground)
    for y, row in enumerate(rows):
        for x, (char, look) in enumerate(row):
            ink, paper = look.ink or INK, look.paper or ground
            if look.reverse:
                ink, paper = paper, ink
            left, top = margin + x * wide, margin + y * high
            if char and (paper != ground):
                span = 2 if x + 1 < len(row) and not row[x + 1][0] else 1
                image.paste(paper, (left, top, left + wide * span, top + high))
            if char.strip():
                mask = face.mask(char, look.bold)
                image.paste(ink, (left, top), mask)
            if look.underline:
                line = top + high - high // 8  # below the letters, also of the small face
                image.paste(ink, (left, line, left + wide, line + 1))
            if look.strike:
                image.paste(ink, (left, top + high // 2, left + wide, top + high // 2 + 1))
    return image


def save(image: Image.Image, file: Path, scale: int = 1) -> None:
    """Write it with no more colours than it has: each pixel as it is, the file as small as that gets."""
    if scale > 1:
        image = image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)
    colours = image.getcolors(256)
    if colours is not None:
        image = image.quantize(max(2, len(colours)), method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    image.save(file, optimize=True)
