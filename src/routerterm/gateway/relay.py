"""The router's events as the events of one answer, for a client that cannot take anything back.  Pure.

When a provider dies after content has gone out, the router goes on by prefill (what follows is appended) or
begins anew elsewhere.  A new beginning is held against what was sent: as long as it says the same it is skipped,
and what follows goes out.  If it says anything else the answer ends with an error: never with a clean end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from copy import copy
from typing import TYPE_CHECKING, assert_never

from msgspec.structs import replace

from routerterm.core.errors import NoCandidate, RoutertermError, StreamInterrupted, UnknownModel
from routerterm.core.events import (
    AttemptFailed,
    AttemptStarted,
    Event,
    Failed,
    Finished,
    ReasoningDelta,
    Recovered,
    RouteDecided,
    ScoresDelta,
    StepEnded,
    StreamEnd,
    StreamError,
    TextDelta,
    ToolCallDelta,
    ToolFinished,
    ToolStarted,
    UsageReported,
    WireEvent,
)
from routerterm.core.targets import Target

if TYPE_CHECKING:
    from routerterm.gateway.response import Header

_LONGEST_HEADER = 1_000
"""Letters of the names of fields that were left out; a client can invent as many as it likes."""


class Relay:
    """One answer on its way to a client.  After `over` nothing more is to be fed.

    ``whole``: the client gets the answer at once, so a new beginning simply replaces the old one.  ``hidden``: it is
    not told who was asked, in errors either.
    """

    def __init__(self, *, whole: bool = False, hidden: bool = False) -> None:
        self._whole = whole
        self._hidden = hidden
        self._said: list[str] = []
        self._thought = False
        self._replay = ""
        """What was sent and must come again before anything new may go out."""
        self._at = 0
        self._kept = 0
        """How many of the gathered events are of steps that are over."""
        self._restarted = False
        self.restart = False
        """What was gathered so far is void; only where the answer goes out whole."""
        self.settled = False
        """What was gathered so far stays, even if what follows begins anew."""
        self.target: Target | None = None
        """Who answers, or was asked last."""
        self.cut = False
        """Whether an answer broke off on the way."""
        self.attempts = 0
        self.left_out: tuple[str, ...] = ()
        """What of the request was not said to who was asked last."""
        self.failed: list[Target] = []
        """Who was asked and failed."""
        self.error: RoutertermError | None = None
        self.finished: Finished | None = None
        self.ended: Finished | Failed | None = None

    @property
    def over(self) -> bool:
        """Whether the answer has ended, well or badly."""
        return self.ended is not None or self.error is not None

    def gather(self, event: Event, said: list[WireEvent]) -> list[WireEvent]:
        """The same as `feed`, added to what was ``said`` so far, which a new beginning makes void."""
        fresh = self.feed(event)
        if self.settled:
            self.settled, self._kept = False, len(said)
        if self.restart:
            self.restart = False
            del said[self._kept :]
        said += fresh
        return fresh

    def feed(self, event: Event) -> list[WireEvent]:
        """What the client is to be told of one event of the router."""
        match event:
            case ScoresDelta() if self._replaying:
                return []
            case TextDelta(text):
                return self._text(event, text)
            case ReasoningDelta():
                return self._reasoning(event)
            case ToolCallDelta():
                return self._mismatch() if self._replaying else [event]
            case Recovered(how, _, target):
                self.target, self.cut = target, True
                if how == "restart":
                    self._begin_anew()
                return []
            case AttemptStarted(n, target, left_out=left_out):
                self.attempts = max(self.attempts, n)
                self.target, self.left_out = target, left_out
                return []
            case AttemptFailed(_, target):
                self.failed.append(target)
                return []
            case Finished():
                return self._finish(event)
            case Failed(error):
                self.ended = event
                self.attempts = event.attempts or self.attempts
                if self._hidden:
                    error = self._nameless(error)
                self.error = error
                return [StreamError(error)]  # type: ignore[arg-type]  # any of our errors can be told to a client
            case StepEnded(kept=False):
                self._begin_anew()
                return []
            case StepEnded():  # what was said until now stays, whatever becomes of the next step
                self._said, self._thought, self._restarted, self.settled = [], False, False, True
                return []
            case RouteDecided() | UsageReported() | ToolStarted() | ToolFinished():
                return []
            case _:
                assert_never(event)

    @property
    def _replaying(self) -> bool:
        return self._at < len(self._replay)

    def _begin_anew(self) -> None:
        if self._whole:
            self.restart = True
            return
        self._replay, self._at, self._restarted = "".join(self._said), 0, True

    def _text(self, event: TextDelta, text: str) -> list[WireEvent]:
        if self._replaying:
            due = self._replay[self._at : self._at + len(text)]
            if not text.startswith(due):
                return self._mismatch()
            self._at += len(due)
            text = text[len(due) :]
            if not text:
                return []
            event = replace(event, text=text)
        if not self._whole:
            self._said.append(text)
        return [event]

    def _reasoning(self, event: ReasoningDelta) -> list[WireEvent]:
        """Thoughts of a second beginning are not the first one's going on: they are left out."""
        if self._restarted and (self._replaying or self._thought):
            return []
        self._thought = True
        return [event]

    def _finish(self, event: Finished) -> list[WireEvent]:
        if self._replaying:
            return self._mismatch()
        self.ended = self.finished = event
        self.target, self.attempts = event.target, event.attempts
        return [UsageReported(event.usage), StreamEnd(event.reason, event.raw, event.sequence)]

    def headers(self, left_out: Iterable[str] = ()) -> list[Header]:
        """Who answered, and what of the request was said to nobody: ``left_out`` is what was so from the start."""
        names = ", ".join(dict.fromkeys((*left_out, *self.left_out)))
        found = [("x-routerterm-left-out", names[:_LONGEST_HEADER])] if names else []
        if self.target is None or self._hidden:
            return found
        return [
            *found,
            ("x-routerterm-provider", self.target.provider),
            ("x-routerterm-model", self.target.model),
            ("x-routerterm-attempts", str(self.attempts)),
            ("x-routerterm-fallback", "true" if self.failed else "false"),
        ]

    def _nameless(self, error: RoutertermError) -> RoutertermError:
        """The error without the names of those that were asked."""
        shown = copy(error)
        if isinstance(error, NoCandidate) and not isinstance(error, UnknownModel):
            shown.message = "No model can answer this now."
            return shown
        asked = [*self.failed, *([self.target] if self.target is not None else [])]
        names = {name for target in asked for name in (str(target), target.model, target.provider) if name}
        if names:  # the longest first: one may be a part of another
            pattern = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
            shown.message = re.sub(pattern, "the provider", error.message, flags=re.IGNORECASE)
        return shown

    def _mismatch(self) -> list[WireEvent]:
        self.error = error = StreamInterrupted(
            "The provider's answer was cut off, and the next provider's answer differs.",
            "What arrived is the beginning of an incomplete answer. Try again.",
        )
        return [StreamError(error)]
