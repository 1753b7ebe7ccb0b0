"""What the transcript says to those around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routerterm.tui.data_message import DataMessage

if TYPE_CHECKING:
    from routerterm.tui.transcript.values import Action
    from routerterm.tui.transcript.viewport import Viewport


class TranscriptMessage(DataMessage):
    """Something from a transcript."""

    transcript: Viewport

    @property
    def control(self) -> Viewport:
        """The transcript it comes from."""
        return self.transcript


class CopyRequested(TranscriptMessage):
    """The person wants this text on the clipboard; ``what`` names it: ``message``, ``code block``, ``selection``…"""

    text: str
    what: str


class EntryAction(TranscriptMessage):
    """The person wants something done with an entry."""

    id: str
    action: Action


class OlderWanted(TranscriptMessage):
    """The view nears the first entry it has, and there are earlier ones: answer with `Transcript.show_older`."""

    before: str
    """The id of the first entry there is."""


class FollowChanged(TranscriptMessage):
    """Whether the view follows the end."""

    follow: bool


class FindChanged(TranscriptMessage):
    """The view went to an occurrence: in which of the entries that have the words."""

    query: str
    place: int
    """From 1; 0 for none."""
    count: int
