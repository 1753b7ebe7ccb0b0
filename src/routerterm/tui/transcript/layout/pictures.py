"""Pictures drawn with half cells, where the extra ``images`` is installed: they scroll, wrap and stream as text does.

Pillow comes with that extra and loads with the first picture.  A picture is opened from the bytes that are there;
nothing is fetched.
"""

from __future__ import annotations

import os
from functools import lru_cache
from importlib.util import find_spec
from io import BytesIO
from itertools import groupby

from routerterm.tui.terminal.colour import Depth, depth_of
from routerterm.tui.transcript.layout.lines import Line, Run

ROWS = 16
"""Lines that a picture takes at most."""
COLUMNS = 72
PIXELS = 50_000_000
"""A picture of more is not opened: it would take the memory of a small machine."""
SHADES = 64
"""Different colours in a picture: neighbours that are alike cost the line one change of colour, not ten."""
HALF = "▀"


def can_draw() -> bool:
    """Whether there is something to open pictures with, and colours to draw them in."""
    return find_spec("PIL") is not None and depth_of(os.environ) is not Depth.NONE


@lru_cache(16)
def picture_lines(data: bytes, width: int) -> tuple[Line, ...]:
    """A picture as lines of upper half blocks, two pixels a cell; none where it cannot be read."""
    from PIL import Image, ImageOps

    try:
        with Image.open(BytesIO(data)) as opened:
            if opened.width * opened.height > PIXELS:
                return ()
            opened.draft("RGB", (2 * COLUMNS, 4 * ROWS))
            image = ImageOps.exif_transpose(opened).convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return ()
    image.thumbnail((max(min(width, COLUMNS), 1), 2 * ROWS))
    ground = Image.new("RGBA", image.size, "black")
    pixels = Image.alpha_composite(ground, image).convert("RGB").quantize(SHADES).convert("RGB").load()
    return tuple(_line(pixels, image.width, image.height, y) for y in range(0, image.height, 2))


def _line(pixels: object, width: int, height: int, y: int) -> Line:
    def colour(x: int, row: int) -> str:
        red, green, blue = pixels[x, row] if row < height else (0, 0, 0)  # type: ignore[index]
        return f"#{red:02x}{green:02x}{blue:02x}"

    keys = (f"~{colour(x, y)}@{colour(x, y + 1)}" for x in range(width))
    runs: list[Run] = [(HALF * len(list(same)), key) for key, same in groupby(keys)]
    return Line(tuple(runs))
