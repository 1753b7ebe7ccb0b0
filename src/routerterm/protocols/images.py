"""Pictures as they come in the wild: base64 in every spelling, and types that are seen in the bytes, not believed."""

from __future__ import annotations

import base64
import binascii

from routerterm.core.messages import Image

_STARTS = (
    (b"\x89PNG\r\n\x1a\n", 0, "image/png"),
    (b"\xff\xd8\xff", 0, "image/jpeg"),
    (b"GIF8", 0, "image/gif"),
    (b"WEBP", 8, "image/webp"),
    (b"ftypavif", 4, "image/avif"),
    (b"ftyphei", 4, "image/heic"),
    (b"ftypmif1", 4, "image/heif"),
    (b"II*\x00", 0, "image/tiff"),
    (b"MM\x00*", 0, "image/tiff"),
    (b"BM", 0, "image/bmp"),
)
"""First bytes, where they stand, and whose they are."""


def sniffed_type(data: bytes) -> str:
    """The media type that the bytes themselves tell; empty where they tell none."""
    return next((kind for start, place, kind in _STARTS if data.startswith(start, place)), "")


def true_type(image: Image) -> str:
    """The media type of a picture: as its bytes tell it, else as it was declared."""
    return sniffed_type(image.data) or image.media_type


def from_base64(text: str) -> bytes:
    """The bytes: line breaks, the alphabet for addresses and missing padding are put right.  Raises `ValueError`."""
    packed = "".join(text.split()).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)
    except binascii.Error:
        raise ValueError("not base64") from None


def to_base64(image: Image) -> str:
    """The bytes of a picture as base64, without a prefix."""
    return base64.b64encode(image.data).decode("ascii")


def data_uri(image: Image) -> str:
    """The address of a picture: its own, or its bytes as a ``data:`` URI."""
    return image.url or f"data:{true_type(image)};base64,{to_base64(image)}"
