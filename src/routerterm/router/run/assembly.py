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
    Source,
    SourcesDelta,
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
    ``scores``: how likely the tokens were is told.
    """

    def __init__(self, guarded: Guarded, *, steps: bool = False, scores: bool = False) -> None:
        self._guarded = guarded
        self._steps = steps
        self._restorers: dict[str, Restorer | None] = {}
        self._scores = _ScoresBehind() if scores else None
        self._blocked = False
        """Whether a rule ended the answer: nothing that comes later is shown, of whatever kind."""
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
            self._scores = self._scores and _ScoresBehind()
            self._blocked = False
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
                return self._scores.told(event) if self._scores is not None else []
            case TextDelta(text):
                before = self._held_thoughts()
                run.spoken.append(text)
                self._last_text = event
                if joiner is not None:
                    text = joiner.feed(text)
                run.text.append(text)
                run.characters += len(text)
                raw, text = text, self._restored("text", text)
                if text:
                    before.append(self._shown_as(event, text))
                return before if self._scores is None else before + self._scores.shown(raw, text)
            case HostedDelta() if not self._steps or self._is_hidden(event.redacted or ""):
                return []
            case ReasoningDelta(text):
                before = self._held_text(run, joiner)
                run.spoken.append(text)
                shown = replace(event, text=self._restored("reasoning", text))
                return before if self._blocked and not shown.text else [*before, shown]
            case ToolCallDelta(index, id, name, arguments, signature):
                before = self._held_text(run, joiner) + self._held_thoughts()
                run.spoken.append(arguments)
                run.tool_calls = True
                arguments = self._restored(f"tool {index}", arguments)
                return (
                    before
                    if self._blocked and not arguments
                    else [*before, ToolCallDelta(index, id, name, arguments, signature)]
                )

    def _held_text(self, run: RunningAttempt, joiner: ContinuationJoiner | None) -> list[Event]:
        """What joiner and restorer hold back of the text."""
        held = joiner.end() if joiner is not None else ""
        run.text.append(held)
        run.characters += len(held)
        text = self._restored("text", held) + self._end("text")
        shown: list[Event] = [self._shown_as(self._last_text, text)] if text else []
        return shown if self._scores is None else shown + self._scores.shown(held, text)

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
        if restorer is None or not text:
            return text
        if self._blocked:
            return ""
        text = restorer.feed(text)
        self._blocked = restorer.blocked
        return text

    def _end(self, channel: str) -> str:
        restorer = self._restorers.pop(channel, None)
        if restorer is None or (self._blocked and not restorer.blocked):
            return ""
        text = restorer.end()
        self._blocked = self._blocked or restorer.blocked
        return text

    def _shown_as(self, event: TextDelta, text: str) -> TextDelta:
        """The event with what may be shown of its text now; sources come once, held against the rules one by one."""
        if isinstance(event, SourcesDelta):
            self._last_text = replace(event, sources=())
            sources = tuple(Source(self._restored_whole(each.title), each.address) for each in event.sources)
            kept = tuple(source for source in sources if not self._is_hidden(source.address))
            return replace(event, text=text, sources=kept)
        return event if text == event.text else replace(event, text=text)

    def _restored_whole(self, text: str) -> str:
        restorer = self._guarded.restorer()
        return text if restorer is None else restorer.feed(text) + restorer.end()

    def _is_hidden(self, text: str) -> bool:
        """Whether a text that comes whole holds what a rule hides, or comes after the end that a rule made."""
        restorer = self._guarded.restorer()
        if self._blocked or restorer is None:
            return self._blocked
        restorer.feed(text)
        restorer.end()
        return restorer.hid


class _ScoresBehind:
    """Probabilities of tokens spell the answer: they follow the text as it is shown, and end where it was changed."""

    def __init__(self) -> None:
        self._waiting: list[ScoresDelta] = []
        self._held: str | None = ""
        """What came and is not shown yet; None once something was shown otherwise than it came."""

    def told(self, event: ScoresDelta) -> list[Event]:
        """The scores of text that came before."""
        if self._held is None:
            return []
        self._waiting.append(event)
        return self.shown("", "")

    def shown(self, came: str, shown: str) -> list[Event]:
        """Text came, and text was shown: the scores that may be told now."""
        if self._held is None:
            return []
        held = self._held + came
        if not held.startswith(shown):
            self._held = None
            self._waiting.clear()
            return []
        self._held = held[len(shown) :]
        if self._held or not self._waiting:
            return []
        ready, self._waiting = self._waiting, []
        return [*ready]
