"""An app with nothing but a transcript, that keeps what it is told."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.message import Message

from routerterm.core.messages import Text
from routerterm.tui.transcript import messages
from routerterm.tui.transcript.values import Entry, Header
from routerterm.tui.transcript.widget import Transcript


class Stage(App[None]):
    """Shows a transcript."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Message] = []

    def compose(self) -> ComposeResult:
        transcript = Transcript()
        transcript.leaves = lambda: self.told.append("left")
        yield transcript

    @property
    def transcript(self) -> Transcript:
        return self.query_one(Transcript)

    def on_copy_requested(self, message: messages.CopyRequested) -> None:
        self.told.append(message)

    def on_entry_action(self, message: messages.EntryAction) -> None:
        self.told.append(message)

    def on_older_wanted(self, message: messages.OlderWanted) -> None:
        self.told.append(message)

    def on_follow_changed(self, message: messages.FollowChanged) -> None:
        self.told.append(message)

    def on_find_changed(self, message: messages.FindChanged) -> None:
        self.told.append(message)

    def of(self, kind: type[Message]) -> list[Message]:
        return [message for message in self.told if isinstance(message, kind)]


def rows(transcript: Transcript) -> list[str]:
    """What is in view, row by row."""
    return [transcript.render_line(y).text.rstrip() for y in range(transcript.rows)]


def said(id: str, text: str, role: str = "user") -> Entry:
    speaker = "you" if role == "user" else "demo/echo"
    return Entry(id, role, (Text(text),), header=Header(speaker, time="12:01"))  # type: ignore[arg-type]


def talk(
    count: int, answer: str = "Answer {n}.\n\nA paragraph with **bold words** to wrap.\n\n- one\n- two"
) -> list[Entry]:
    """A conversation of so many messages."""
    return [
        said(f"m{n}", f"Question {n}?") if n % 2 == 0 else said(f"m{n}", answer.replace("{n}", str(n)), "assistant")
        for n in range(count)
    ]
