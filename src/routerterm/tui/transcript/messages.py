"""What the transcript says to those around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

from routerterm.tui.transcript.values import Action

if TYPE_CHECKING:
    from routerterm.tui.transcript.widget import Transcript


@dataclass
class TranscriptMessage(Message):
    """Something from a transcript."""

    transcript: Transcript

    @property
    def control(self) -> Transcript:
        """The transcript it comes from."""
        return self.transcript


@dataclass
class CopyRequested(TranscriptMessage):
    """The person wants this text on the clipboard; ``what`` names it: ``message``, ``code block``, ``selection``…"""

    text: str
    what: str


@dataclass
class EntryAction(TranscriptMessage):
    """The person wants something done with an entry."""

    id: str
    action: Action


@dataclass
class OlderWanted(TranscriptMessage):
    """The view nears the first entry it has, and there are earlier ones: answer with `Transcript.show_older`."""

    before: str
    """The id of the first entry there is."""


@dataclass
class FollowChanged(TranscriptMessage):
    """Whether the view follows the end."""

    follow: bool


@dataclass
class CursorLeft(TranscriptMessage):
    """The cursor went past the last entry: the composer may have the focus back."""


@dataclass
class LinkChosen(TranscriptMessage):
    """The person chose a link."""

    href: str
