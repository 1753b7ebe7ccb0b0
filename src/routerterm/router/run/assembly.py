"""An attempt that is under way, and what the person sees of it: joined, with redactions undone."""

from __future__ import annotations

from msgspec import Struct, field
from msgspec.structs import replace

from routerterm.core.events import (
    Event,
    HostedDelta,
    ReasoningDelta,
    Recovered,
    ScoresDelta,
    TextDelta,
    ThoughtsClosed,
    ToolCallDelta,
)
from routerterm.core.ledger import AttemptRecord
from routerterm.core.usage import Usage
from routerterm.router.decide.attempts import Attempt, Progress
from routerterm.router.decide.continuation import ContinuationJoiner
from routerterm.router.decide.prompt_cache import Digest
from routerterm.router.ports import Guarded, Restorer
from routerterm.router.run.attempt import AttemptStream


class RunningAttempt(Struct):
    """An attempt that is under way, and what it has brought."""

    attempt: Attempt
    record: AttemptRecord
    started: float
    stream: AttemptStream
    why: str = ""
    """Why it is made, and what of the request was changed for it."""
    left_out: tuple[str, ...] = ()
    """The names of what the request asks and this provider cannot be told."""
    text: list[str] = field(default_factory=list)
    spoken: list[str] = field(default_factory=list)
    """Everything that was generated, reasoning and tool arguments included, for an estimate."""
    characters: int = 0
    tool_calls: bool = False
    usage: Usage | None = None
    over: bool = False
    digests: tuple[Digest, ...] = ()
    """Of the prompt, where its provider may hold it in its cache."""

    @property
    def progress(self) -> Progress:
        """For the flow."""
        return Progress(self.characters, self.stream.content, self.tool_calls)


class ResponseAssembler:
    """What reaches the person of all attempts of a request.

    ``steps``: what a provider did by itself is told; only a client that gave it hosted tools can read that.
    """

    def __init__(self, guarded: Guarded, *, steps: bool = False) -> None:
        self._guarded = guarded
        self._steps = steps
        self._restorers: dict[str, Restorer | None] = {}
        self._last_text = TextDelta("")
        """Of which kind held text is (an answer's or a refusal's): that of the piece that came last."""
        self.partial = ""
        """The raw text of the attempts so far that a continuation starts from."""

    def joiner(self, run: RunningAttempt) -> ContinuationJoiner | None:
        """What joins an attempt to the text so far, if it continues it."""
        return ContinuationJoiner(self.partial) if run.attempt.recover == "continue" else None

    def recovered(self, run: RunningAttempt) -> Recovered:
        """The first content after a cut: now it is certain how the answer goes on."""
        how = run.attempt.recover
        assert how is not None
        characters = len(self.partial)
        if how == "restart":
            self.partial = ""
            self._restorers.clear()
        return Recovered(how, characters, run.attempt.target)

    def keep(self, run: RunningAttempt) -> None:
        """An attempt was cut off: its text may be continued."""
        if run.stream.content and not run.tool_calls:
            self.partial += "".join(run.text)

    def shown(
        self, run: RunningAttempt, event: TextDelta | ReasoningDelta | ToolCallDelta, joiner: ContinuationJoiner | None
    ) -> list[Event]:
        """A piece with repetitions dropped and redactions undone; the raw piece is kept for a continuation.

        What was held back of another kind goes first: an answer's last word must not come after the call it announces.
        """
        match event:
            case ThoughtsClosed():  # what was told as text was thinking: none of it is gone on with
                held = self._end("text")
                run.text.clear()
                run.characters = 0
                return [TextDelta(held), event] if held else [event]
            case ScoresDelta():
                return [event]
            case TextDelta(text):
                before = self._held_thoughts()
                run.spoken.append(text)
                self._last_text = event
                if joiner is not None:
                    text = joiner.feed(text)
                run.text.append(text)
                run.characters += len(text)
                text = self._restored("text", text)
                if text:
                    before.append(event if text == event.text else replace(event, text=text))
                return before
            case HostedDelta() if not self._steps:
                return []
            case ReasoningDelta(text):
                before = self._held_text(run, joiner)
                run.spoken.append(text)
                return [*before, replace(event, text=self._restored("reasoning", text))]
            case ToolCallDelta(index, id, name, arguments, signature):
                before = self._held_text(run, joiner) + self._held_thoughts()
                run.spoken.append(arguments)
                run.tool_calls = True
                arguments = self._restored(f"tool {index}", arguments)
                return [*before, ToolCallDelta(index, id, name, arguments, signature)]

    def _held_text(self, run: RunningAttempt, joiner: ContinuationJoiner | None) -> list[Event]:
        """What joiner and restorer hold back of the text."""
        held = joiner.end() if joiner is not None else ""
        run.text.append(held)
        run.characters += len(held)
        text = self._restored("text", held) + self._end("text")
        return [replace(self._last_text, text=text)] if text else []

    def _held_thoughts(self) -> list[Event]:
        text = self._end("reasoning")
        return [ReasoningDelta(text)] if text else []

    def rest(self, run: RunningAttempt, joiner: ContinuationJoiner | None) -> list[Event]:
        """What joiner and restorers still hold back at the end of an attempt."""
        rest = self._held_text(run, joiner) + self._held_thoughts()
        calls = [name for name in self._restorers if name.startswith("tool ")]
        ends = [(int(name[5:]), self._end(name)) for name in calls]
        return rest + [ToolCallDelta(index, arguments=text) for index, text in ends if text]

    def _restored(self, channel: str, text: str) -> str:
        if channel not in self._restorers:
            self._restorers[channel] = self._guarded.restorer(within_json=channel.startswith("tool "))
        restorer = self._restorers[channel]
        return text if restorer is None or not text else restorer.feed(text)

    def _end(self, channel: str) -> str:
        restorer = self._restorers.pop(channel, None)
        return restorer.end() if restorer is not None else ""
