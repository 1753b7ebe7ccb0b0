"""What the transcript is told: entries, their headers, and the seams of a recovered answer."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

from routerterm.core.messages import Image, Part, Reasoning, Role, Text, ToolCall, ToolResult

Status: TypeAlias = Literal["done", "streaming", "stopped", "cut", "error", "interrupted", "queued"]
Action: TypeAlias = Literal[
    "edit",
    "regenerate",
    "regenerate_with",
    "fork",
    "previous",
    "next",
    "why",
    "delete",
    "menu",
    "keep",
    "undo",
    "redo",
    "tree",
    "continue",
    "find",
    "leave_out",
    "start",
]


class Header(Struct, frozen=True):
    """The line above a message.  Every field is ready to be shown; an empty one is left out.

    On a narrow screen the least important go first: duration, tokens, note, time; never the speaker.
    """

    speaker: str = ""
    """``you``, or the model that answered, as ``provider/model``."""
    time: str = ""
    ttft: str = ""
    """Time to the first token, such as ``TTFT 0.4 s``."""
    duration: str = ""
    tokens: str = ""
    """Such as ``69 tok``; ``~69 tok`` where we estimated them."""
    cost: str = ""
    """Such as ``$0.0041``, ``~$0.0041``, ``free`` or ``?``."""
    siblings: str = ""
    """Such as ``2/3``, where the message has siblings."""
    note: str = ""
    """What happened on the way, such as ``groq 429 → openai``."""


class Seam(Struct, frozen=True):
    """Where an answer was cut and went on: after ``offset`` characters of its text."""

    offset: int
    text: str
    """What to say there, such as ``groq broke off · openai goes on``."""


class Entry(Struct, frozen=True):
    """One message as the transcript shows it."""

    id: str
    role: Role
    parts: tuple[Part, ...] = ()
    status: Status = "done"
    header: Header = Header()
    seams: tuple[Seam, ...] = ()
    trouble: str = ""
    """Why it ended as it did, in a sentence; shown beneath."""

    @property
    def text(self) -> str:
        """Its text parts, joined, the files among them too: what is copied and found."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def size(self) -> int:
        """About how many characters it shows: what its height is guessed from before it is laid out."""
        return sum(_size(part) for part in self.parts)


def _size(part: Part) -> int:
    match part:
        case Text(_, name) if name is not None:
            return 0
        case Text(text):
            return len(text)
        case Reasoning() | ToolCall() | ToolResult() | Image():
            return 0
