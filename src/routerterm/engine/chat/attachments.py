"""Turns a file into a part of a message: pictures as pictures, everything else as text under its name."""

from __future__ import annotations

from pathlib import Path

from routerterm.config.atomic_file import open_regular
from routerterm.core.errors import RoutertermError
from routerterm.core.messages import Image, Part, Text

LARGEST_TEXT = 2_000_000
"""Bytes of a text file: more fits no model."""
LARGEST_PICTURE = 20_000_000
"""Bytes of a picture: more is refused by every provider."""


def attachment(file: Path, *, pipes: bool = False) -> Part:
    """The file's content.  Blocks while it reads; of ``pipes``, such as a shell's ``<(...)``, until they end.

    Raises `RoutertermError`.
    """
    try:
        with file.open("rb") if pipes else open_regular(file) as source:
            data = source.read(LARGEST_PICTURE + 1)
    except OSError as error:
        raise RoutertermError(f"{file} cannot be read: {error.strerror}.", "Is the path right?") from error
    if media_type := picture_type(data):
        if len(data) > LARGEST_PICTURE:
            raise RoutertermError(f"{file} is too large.", f"Pictures may have {LARGEST_PICTURE // 1_000_000} MB.")
        return Image(media_type, data, name=file.name)
    if len(data) > LARGEST_TEXT:
        raise RoutertermError(f"{file} is too large.", f"Text files may have {LARGEST_TEXT // 1_000_000} MB.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        kinds = "Text in UTF-8 and PNG, JPEG, GIF and WebP pictures can be attached."
        raise RoutertermError(f"{file} is neither text nor a picture.", kinds)
    return Text(under_name(file.name, text), file.name)


def under_name(name: str, text: str) -> str:
    """A file's text in a fence that it cannot end, with the file's name over it."""
    fence = "```"
    while fence in text:
        fence += "`"
    shown = "".join(letter if letter.isprintable() else "?" for letter in name)
    return f"\n\n{shown}:\n{fence}\n{text.rstrip()}\n{fence}\n"


def picture_type(data: bytes) -> str | None:
    """The media type of a picture, by its first bytes; None for what is no picture that providers take."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    return "image/webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None
