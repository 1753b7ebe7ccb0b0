"""Pictures drawn with half cells, where the extra ``images`` is installed: they scroll, wrap and stream as text does.

Pillow comes with that extra and loads with the first picture.  A picture is opened from the bytes that are there, by
the decoders for the four formats of the web alone; nothing is fetched.  Decoding takes long: see `gallery`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib.util import find_spec
from io import BytesIO
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeAlias

from routerterm.tui.markdown.lines import Line, Run
from routerterm.tui.terminal.colour import Depth, depth_of

if TYPE_CHECKING:
    from PIL.Image import Image

Draw: TypeAlias = Callable[[bytes, int], Sequence[Line]]
"""A picture's bytes and the width there is for it; its lines, or none where it is not drawn, or not yet."""

ROWS = 12
"""Lines that a picture takes at most."""
COLUMNS = 60
PIXELS = 16_000_000
"""A picture that would unpack to more is not: it would take the memory of a small machine."""
MOST_PIXELS = 400_000_000
"""The same for a photograph that is scaled while it is decoded: its time counts, not its memory."""
SHADES = 64
"""Different colours in a picture: neighbours that are alike cost the line one change of colour, not ten."""
FORMATS = ("PNG", "JPEG", "GIF", "WEBP")


@lru_cache(1)
def can_draw() -> bool:
    """Whether there is something to open pictures with, and colours to draw them in."""
    return find_spec("PIL") is not None and depth_of(os.environ) is not Depth.NONE


def picture_lines(data: bytes, width: int, half: str) -> tuple[Line, ...]:
    """A picture as lines of upper half blocks, two pixels a cell; none where it cannot be read.  Takes its time."""
    import PIL.Image

    PIL.Image.MAX_IMAGE_PIXELS = None  # it would warn on the terminal; the limit is ours
    try:
        with PIL.Image.open(BytesIO(data), formats=FORMATS) as opened:
            # A photograph is decoded at the smallest scale that serves; nothing else can be.  A progressive one is held
            # whole all the same until its last pass, so its own size counts.
            if opened.width * opened.height > (PIXELS if opened.info.get("progressive") else MOST_PIXELS):
                return ()
            opened.draft("RGB", (2 * COLUMNS, 4 * ROWS))
            if opened.width * opened.height > PIXELS:
                return ()
            image = _small(opened, max(min(width, COLUMNS), 1))
    except (OSError, ValueError, SyntaxError, MemoryError, OverflowError):
        return ()
    pixels = image.load()
    return tuple(_line(pixels, image.width, image.height, y, half) for y in range(0, image.height, 2))


def _small(image: Image, width: int) -> Image:
    """As large as it is drawn, upright, on black, in few colours."""
    import PIL.Image
    import PIL.ImageOps

    rough = 4 * max(width, 2 * ROWS)
    if image.mode in ("RGB", "RGBA", "L", "LA"):  # before anything makes it larger
        image.thumbnail((rough, rough), PIL.Image.Resampling.BOX)
    image = PIL.ImageOps.exif_transpose(image).convert("RGBA")
    image.thumbnail((width, 2 * ROWS))
    ground = PIL.Image.new("RGBA", image.size, "black")
    return PIL.Image.alpha_composite(ground, image).convert("RGB").quantize(SHADES).convert("RGB")


def _line(pixels: Any, width: int, height: int, y: int, half: str) -> Line:
    def colour(x: int, row: int) -> str:
        red, green, blue = pixels[x, row] if row < height else (0, 0, 0)
        return f"#{red:02x}{green:02x}{blue:02x}"

    keys = (f"~{colour(x, y)}@{colour(x, y + 1)}" for x in range(width))
    runs: list[Run] = [(half * len(list(same)), key) for key, same in groupby(keys)]
    return Line(tuple(runs))


def is_picture(line: Line) -> bool:
    """Whether a line is part of a drawn picture."""
    return bool(line.runs) and line.runs[-1][1].startswith("~#")
