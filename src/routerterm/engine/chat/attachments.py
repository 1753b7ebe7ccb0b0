"""Turns a file into a part of a message: pictures as pictures, everything else as text under its name."""

from __future__ import annotations

from pathlib import Path

from routerterm.config.atomic_file import open_regular
from routerterm.core.errors import RoutertermError
from routerterm.core.files import under_name
from routerterm.core.messages import Image, Part, Text

LARGEST_TEXT = 2_000_000
"""Bytes of a text file: more fits no model."""
LARGEST_PICTURE = 20_000_000
"""Bytes of a picture: more is refused by every provider."""


def attachment(file: Path, *, pipes: bool = False, name: str = "") -> Part:
    """The file's content.  Blocks while it reads; of ``pipes``, such as a shell's ``<(...)``, until they end.

    ``name`` is what the model reads of where it lies; the file's own name otherwise.  Raises `RoutertermError`.
    """
    try:
        with file.open("rb") if pipes else open_regular(file) as source:
            data = source.read(LARGEST_PICTURE + 1)
    except OSError as error:
        raise RoutertermError(f"{name or file} cannot be read: {error.strerror}.", "Check the path.") from error
    return part_of(data, name or file.name, shown=name or str(file))


def part_of(data: bytes, name: str, *, shown: str = "", charset: str = "utf-8-sig") -> Part:
    """What these bytes are in a message: a picture, or text under its name; of a PDF its text.

    ``shown`` is what an error calls it.  Blocks for a PDF.  Raises `RoutertermError`.
    """
    shown = shown or name
    if media_type := picture_type(data):
        if len(data) > LARGEST_PICTURE:
            raise RoutertermError(f"{shown} is too large.", f"Images may be up to {LARGEST_PICTURE // 1_000_000} MB.")
        return Image(media_type, data, name=name)
    if data.startswith(b"%PDF-"):
        from routerterm.engine.chat.pdf_text import pdf_text

        if len(data) > LARGEST_PICTURE:
            raise RoutertermError(f"{shown} is too large.", f"A PDF may have {LARGEST_PICTURE // 1_000_000} MB.")
        return Text(under_name(name, pdf_text(data, shown)), name)
    if len(data) > LARGEST_TEXT:
        raise RoutertermError(f"{shown} is too large.", f"Text files may be up to {LARGEST_TEXT // 1_000_000} MB.")
    try:
        text = data.decode(charset)
    except (UnicodeDecodeError, LookupError):
        text = "\0"
    if "\0" in text:
        kinds = "Text in UTF-8, PDF, and PNG, JPEG, GIF and WebP images can be attached."
        raise RoutertermError(f"{shown} is neither text nor an image.", kinds)
    return Text(under_name(name, text), name)


def picture_type(data: bytes) -> str | None:
    """The media type of a picture, by its first bytes; None for what is no picture that providers take."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    return "image/webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None
