"""Tokens of a picture by the providers' published rules, from its size in pixels alone."""

from __future__ import annotations

import struct
from math import ceil, sqrt

from routerterm.core.messages import Image

Size = tuple[int, int]
"""Width and height in pixels."""

TYPICAL: Size = (1024, 768)
"""Assumed where the size cannot be read: a picture that the provider fetches itself."""


def image_tokens(image: Image, family: str, model: str = "") -> int:
    """Tokens of a picture for a family of models (`routerterm.tokens.families.family_name`)."""
    width, height = image_size(image.data) or TYPICAL
    if family.startswith("claude"):
        return claude_tokens(width, height)
    if family.startswith(("gemini", "gemma")):
        return gemini_tokens(width, height)
    if family in ("openai", "openai-reasoning"):
        return openai_patches(width, height, model) if is_patched(model) else openai_tiles(width, height, model)
    if family in ("mistral", "magistral"):
        return mistral_tokens(width, height)
    return claude_tokens(width, height)


def is_patched(model: str) -> bool:
    """Whether OpenAI counts patches of 32 pixels for the model, not tiles of 512."""
    return any(word in model for word in ("4.1-mini", "4.1-nano", "o4-mini", "gpt-5-mini", "gpt-5-nano", "gpt-5."))


def openai_tiles(width: int, height: int, model: str) -> int:
    """85 tokens and 170 for each tile of 512, after the picture is fitted to 2048² and to 768 on its short side."""
    base, tile = next((cost for word, cost in _TILES.items() if word in model), (85, 170))
    width, height = _fit(width, height, 2048)
    shrink = min(1.0, 768 / min(width, height))
    return base + tile * ceil(int(width * shrink) / 512) * ceil(int(height * shrink) / 512)


_TILES = {"4o-mini": (2833, 5667), "gpt-5": (70, 140), "o1": (75, 150), "o3": (75, 150)}


def openai_patches(width: int, height: int, model: str) -> int:
    """Patches of 32 pixels, at most 1536 of them, times a factor of the model."""
    patches = ceil(width / 32) * ceil(height / 32)
    if patches > 1536:
        shrink = sqrt(1536 * 32 * 32 / (width * height))
        across, down = width * shrink / 32, height * shrink / 32
        shrink *= min(int(across) / across, int(down) / down)
        patches = ceil(round(width * shrink, 6) / 32) * ceil(round(height * shrink, 6) / 32)
    factor = next((factor for word, factor in _PATCH_FACTORS.items() if word in model), 1.0)
    return ceil(min(patches, 1536) * factor)


_PATCH_FACTORS = {"nano": 2.46, "o4-mini": 1.72, "mini": 1.62}


def claude_tokens(width: int, height: int) -> int:
    """A token for 750 pixels, after the picture is fitted to 1568 on its long side and to about 1.15 megapixels."""
    width, height = _fit(width, height, 1568)
    return min(1600, ceil(width * height / 750))


def gemini_tokens(width: int, height: int) -> int:
    """258 for a small picture; for a larger one 258 for each tile."""
    if width <= 384 and height <= 384:
        return 258
    tile = min(768, max(256, min(width, height) / 1.5))
    return 258 * ceil(width / tile) * ceil(height / tile)


def mistral_tokens(width: int, height: int) -> int:
    """Patches of 28 pixels of a picture fitted to 1540, and a mark at the end of each row."""
    width, height = _fit(width, height, 1540)
    across, down = ceil(width / 28), ceil(height / 28)
    return across * down + down


def image_size(data: bytes) -> Size | None:
    """The size that a PNG, GIF, WebP or JPEG says it has; None where it does not say."""
    if data[:8] == b"\x89PNG\r\n\x1a\n" and len(data) >= 24:
        return _checked(*struct.unpack(">II", data[16:24]))
    if data[:6] in (b"GIF87a", b"GIF89a") and len(data) >= 10:
        return _checked(*struct.unpack("<HH", data[6:10]))
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP" and len(data) >= 30:
        return _webp(data)
    if data[:2] == b"\xff\xd8":
        return _jpeg(data)
    return None


def _webp(data: bytes) -> Size | None:
    match data[12:16]:
        case b"VP8X":
            return _checked(*(int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27)))
        case b"VP8L":
            bits = int.from_bytes(data[21:25], "little")
            return _checked((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
        case b"VP8 ":
            width, height = struct.unpack("<HH", data[26:30])
            return _checked(width & 0x3FFF, height & 0x3FFF)
        case _:
            return None


def _jpeg(data: bytes) -> Size | None:
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return _checked(width, height)
        at += 2 + max(length, 2)
    return None


def _checked(width: int, height: int) -> Size | None:
    return (width, height) if width and height else None


def _fit(width: int, height: int, longest: int) -> Size:
    shrink = min(1.0, longest / max(width, height))
    return max(1, int(width * shrink)), max(1, int(height * shrink))
