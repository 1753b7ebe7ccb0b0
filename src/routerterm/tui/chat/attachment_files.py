"""Files that go with the next message: found in what was pasted or typed, and read.  Pure but for `load`."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from routerterm.core.errors import RoutertermError
from routerterm.core.files import Attached, Kind, size_in, under_name
from routerterm.core.messages import Image, Part, Text

LONGEST_DROP = 8_192
"""Characters that a terminal sends for files dropped on it, at most."""
MOST_DROPPED = 20
COUNTED = 50_000
"""Characters by which a text's tokens are estimated."""
LARGE_PASTE = 10_000
"""Characters from which on a paste becomes a chip instead of a long text to scroll through."""


def attached(
    part: Part,
    *,
    file_bytes: int = 0,
    kind: Kind = "text",
    pasted: str = "",
    reference: str = "",
    from_project: bool = False,
) -> Attached:
    """A part of a message with what its chip shows; ``file_bytes`` is the size of the file that is the text."""
    if isinstance(part, Image):
        name, size, tokens, kind = part.name or "picture", len(part.data), 0, "image"
    else:
        text, own_name = (part.text, part.name) if isinstance(part, Text) else ("", None)
        name, size, tokens = own_name or "text", file_bytes or size_in(text), _count(text)
    return Attached(
        name,
        part,
        size,
        pasted=pasted,
        kind=kind,
        reference=reference,
        text_tokens=tokens,
        from_project=from_project,
    )


def tokens_of(item: Attached, model: str) -> int:
    """About how many tokens it is for a model."""
    if not isinstance(item.part, Image):
        return item.text_tokens
    from routerterm.tokens.families import family_name
    from routerterm.tokens.images import image_tokens

    return image_tokens(item.part, family_name(model), model)


def _count(text: str) -> int:
    """About how many tokens; of a long text from its beginning, so that no key press waits for it."""
    from routerterm.tokens.light import LightCounter

    counted = text[:COUNTED]
    return round(LightCounter().count(counted) * len(text) / len(counted)) if counted else 0


def paths_in(text: str) -> tuple[str, ...]:
    """The absolute paths of which a pasted text consists, as terminals write dropped files; none if it has other words.

    They come quoted, with backslashes before blanks, or as ``file://`` addresses, one after the other.
    """
    text = text.strip()
    if not text or len(text) > LONGEST_DROP or not _BEGINS.match(text):
        return ()
    if "\n" in text:
        words = [word for line in text.splitlines() if line.strip() for word in paths_in(line) or ("",)]
    elif os.path.isabs(text) and "\\" not in text and text[0] not in "'\"" and Path(text).suffix and "'" not in text:
        words = [text] if " /" not in text else text.split(" /")
        words = [words[0], *("/" + word for word in words[1:])]
    else:
        try:
            words = shlex.split(text)
        except ValueError:
            return ()
    paths = tuple(_path(word) for word in words)
    return paths if paths and all(map(os.path.isabs, paths)) and len(paths) <= MOST_DROPPED else ()


def named(text: str) -> tuple[str, ...]:
    """The paths that a person typed after ``/attach``: blanks part them unless they are quoted."""
    try:
        words = shlex.split(text)
    except ValueError:
        raise RoutertermError("A quotation mark is not closed.", 'Write /attach "a name with spaces.txt".') from None
    return tuple(_path(word) for word in words)


def load(path: str, pasted: str = "", *, reference: str = "", from_project: bool = False) -> Attached:
    """Read a file for the tray; one that is referred to keeps the path it was given.  Blocks.

    Raises `RoutertermError`.
    """
    from routerterm.engine.chat.attachments import attachment

    file = Path(path)
    if os.path.isdir(file):
        raise RoutertermError(f"{file} is a folder.", "Attach the files in it.")
    if os.path.exists(file) and not os.path.isfile(file):
        raise RoutertermError(f"{file} is not a regular file.", "Text and images can be attached.")
    part = attachment(file, name=reference)
    kind: Kind = "PDF" if _is_pdf(file) else "text"
    size = file.stat().st_size if kind == "text" else 0
    return attached(part, file_bytes=size, kind=kind, pasted=pasted, reference=reference, from_project=from_project)


def from_paste(text: str, number: int) -> Attached:
    """A long pasted text as a file of its own."""
    name = f"pasted text {number}" if number > 1 else "pasted text"
    return attached(Text(under_name(name, text), name))


def attached_of(parts: Iterable[Part]) -> list[Attached]:
    """The files among the parts of a question that was asked before."""
    found = []
    for part in parts:
        match part:
            case Text(name=str()) | Image():
                found.append(attached(part))
            case _:
                pass
    return found


def _is_pdf(file: Path) -> bool:
    with file.open("rb") as source:
        return source.read(5) == b"%PDF-"


def _path(word: str) -> str:
    if word.startswith("file://"):
        word = unquote(urlsplit(word).path)
    return os.path.expanduser(word)


_BEGINS = re.compile(r"""['"]?(?:/|~/|file://)""")
