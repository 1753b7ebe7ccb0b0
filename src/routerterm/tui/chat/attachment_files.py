"""Files that go with the next message: found in what was pasted or typed, and read.  Pure but for `load`."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, TypeAlias
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from routerterm.core.counting import format_bytes
from routerterm.core.errors import RoutertermError
from routerterm.core.messages import Image, Part, Text

LONGEST_DROP = 8_192
"""Characters that a terminal sends for files dropped on it, at most."""
MOST_DROPPED = 20
COUNTED = 50_000
"""Characters by which a text's tokens are estimated."""
LARGE_PASTE = 10_000
"""Characters from which on a paste becomes a chip instead of a long text to scroll through."""


Kind: TypeAlias = Literal["text", "image", "PDF", "folder", "page", "output"]


class Attached(Struct, frozen=True):
    """A file in the tray."""

    name: str
    part: Part
    size: int
    """Bytes."""
    pasted: str = ""
    """What stood in the composer for it, to be put back when it is taken off."""
    kind: Kind = "text"
    reference: str = ""
    """What stands in the composer after ``@`` for it, if it came by that."""
    text_tokens: int = 0
    """About how many tokens its text is; 0 for a picture, of which only the model decides."""

    @property
    def is_picture(self) -> bool:
        """Whether a model must be able to see it."""
        return isinstance(self.part, Image)

    @property
    def shown_size(self) -> str:
        """As `format_bytes` says it."""
        return format_bytes(self.size)

    @property
    def kind_and_size(self) -> str:
        """``image 1.2 MB``; the kind only where the name does not say it."""
        return self.shown_size if self.kind in self.name.split() else f"{self.kind} {self.shown_size}"

    def tokens(self, model: str) -> int:
        """About how many tokens it is for a model."""
        if not isinstance(self.part, Image):
            return self.text_tokens
        from routerterm.tokens.families import family_name
        from routerterm.tokens.images import image_tokens

        return image_tokens(self.part, family_name(model), model)


def attached(part: Part, size: int, *, kind: Kind = "text", pasted: str = "", reference: str = "") -> Attached:
    """A part of a message with what its chip shows."""
    name = getattr(part, "name", None) or ("picture" if isinstance(part, Image) else "text")
    kind = "image" if isinstance(part, Image) else kind
    tokens = _count(part.text) if isinstance(part, Text) else 0
    return Attached(name, part, size, pasted=pasted, kind=kind, reference=reference, text_tokens=tokens)


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


def load(path: str, pasted: str = "", *, reference: str = "") -> Attached:
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
    if isinstance(part, Image):
        return attached(part, len(part.data), pasted=pasted, reference=reference)
    kind: Kind = "PDF" if _is_pdf(file) else "text"
    size = len(part.text.encode()) if kind == "PDF" and isinstance(part, Text) else file.stat().st_size
    return attached(part, size, kind=kind, pasted=pasted, reference=reference)


def from_paste(text: str, number: int) -> Attached:
    """A long pasted text as a file of its own."""
    from routerterm.engine.chat.attachments import under_name

    name = f"pasted text {number}" if number > 1 else "pasted text"
    return attached(Text(under_name(name, text), name), len(text.encode()))


def attached_of(parts: Iterable[Part]) -> list[Attached]:
    """The files among the parts of a question that was asked before."""
    found = []
    for part in parts:
        match part:
            case Text(text, name) if name is not None:
                found.append(attached(part, len(text.encode())))
            case Image(_, data, _, _):
                found.append(attached(part, len(data)))
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
