"""Files that go with a message: how their text is written into it, what is known of one, and sizes in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from routerterm.core.counting import format_bytes
from routerterm.core.messages import Image, Part

Kind: TypeAlias = Literal["text", "image", "PDF", "folder", "page", "output"]


class Attached(Struct, frozen=True):
    """A file that is attached to a message and not sent yet: as it was when it was attached, whatever becomes of it."""

    name: str
    part: Part
    size: int
    """Bytes of the picture or of the file's text."""
    pasted: str = ""
    """What stood in the composer for it, to be put back when it is taken off."""
    kind: Kind = "text"
    reference: str = ""
    """What stands in the composer after ``@`` for it, if it came by that."""
    text_tokens: int = 0
    """About how many tokens its text is; 0 for a picture, of which only the model decides."""
    from_project: bool = False
    """Whether the project attaches it to each new conversation by itself."""

    @property
    def is_picture(self) -> bool:
        """Whether a model must be able to see it."""
        return isinstance(self.part, Image)

    @property
    def shown_size(self) -> str:
        """``812 B``, ``12 kB``, ``1.2 MB``."""
        return format_bytes(self.size)

    @property
    def kind_and_size(self) -> str:
        """``image 1.2 MB``; the kind only where the name does not say it."""
        return self.shown_size if self.kind in self.name.split() else f"{self.kind} {self.shown_size}"


def under_name(name: str, text: str) -> str:
    """A file's text in a fence that it cannot end, with the file's name over it."""
    fence = "```"
    while fence in text:
        fence += "`"
    shown = "".join(letter if letter.isprintable() else "?" for letter in name)
    return f"\n\n{shown}:\n{fence}\n{text.rstrip()}\n{fence}\n"


def size_in(file: str) -> int:
    """The bytes of that text as a file that ends its last line, as nearly every one does."""
    text = text_in(file)
    return len(text.encode()) + (text != file and bool(text))


def text_in(file: str) -> str:
    """The text that `under_name` put under a name; all of it where it was written in another way."""
    _, _, fenced = file.strip("\n").partition("\n")
    fence, _, body = fenced.partition("\n")
    if len(fence) < 3 or fence.strip("`") or not f"\n{body}".endswith(f"\n{fence}"):
        return file
    return body[: -len(fence) - 1]


class Draft(Struct, frozen=True):
    """What is written and attached in a conversation, and not sent yet."""

    text: str = ""
    files: tuple[Attached, ...] = ()
    model: str = ""
    """Who is to answer it, where that is not the conversation's model."""
    params: Mapping[str, Any] | None = None
    """How it is to be answered, where that is not as in the rest of the conversation: as in ``conversation.params``."""
