"""What a step of an answer with tools said, and what all its steps took together."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from routerterm.core.errors import ProviderError
from routerterm.core.events import (
    AttemptStarted,
    Event,
    Failed,
    Finished,
    ReasoningDelta,
    Recovered,
    TextDelta,
    Timing,
    ToolCallDelta,
)
from routerterm.core.messages import ToolCall
from routerterm.core.money import Cost, to_nano
from routerterm.core.reply import ReplyBuilder
from routerterm.core.targets import Target
from routerterm.core.usage import Usage
from routerterm.router.accounting.rows import total_cost, total_usage


class Heard:
    """What one step was answered."""

    def __init__(self) -> None:
        self.said = ReplyBuilder()
        self.end: Finished | Failed | None = None
        self.target: Target | None = None
        """The model that answered last."""

    def take(self, event: Event) -> Event | None:
        """Note an event; what is to be passed on, which the end of a step is not."""
        if isinstance(event, Finished | Failed):
            self.end = event
            return None
        if isinstance(event, Recovered) and event.how == "restart":
            self.said = ReplyBuilder()
        elif isinstance(event, TextDelta | ReasoningDelta | ToolCallDelta):
            self.said.add(event)
        elif isinstance(event, AttemptStarted):
            self.target = event.target
        return event

    @property
    def calls(self) -> Sequence[ToolCall]:
        """The calls that it asks for."""
        return [part for part in self.said.parts() if isinstance(part, ToolCall)]

    @property
    def broken_by(self) -> Target | None:
        """The model that failed in the middle of a call, if one did."""
        failed = isinstance(self.end, Failed) and isinstance(self.end.error, ProviderError)
        return self.target if failed and self.calls else None


class Sums:
    """Usage, cost and attempts of all steps so far."""

    def __init__(self) -> None:
        self._usages: list[Usage] = []
        self._costs: list[Cost] = []
        self._attempts = 0
        self._first_ms: int | None = None
        self._total_ms = 0

    @property
    def spent(self) -> int:
        """Nano-USD, as far as prices are known."""
        return sum(to_nano(cost.usd) for cost in self._costs if cost.usd is not None)

    def add(self, end: Finished | Failed) -> None:
        """One step more."""
        if end.attempts:
            self._usages.append(end.usage)
            self._costs.append(end.cost)
        self._attempts += end.attempts
        if isinstance(end, Finished):
            self._first_ms = end.timing.ttft_ms if self._first_ms is None else self._first_ms
            self._total_ms += end.timing.total_ms

    def finished(self, end: Finished) -> Finished:
        """The last step's end, with the sums of all."""
        sums = {"usage": total_usage(self._usages), "cost": total_cost(self._costs), "attempts": self._attempts}
        return replace(end, **sums, timing=Timing(self._first_ms, self._total_ms))

    def failed(self, end: Failed) -> Failed:
        """The same of one that failed."""
        usage = total_usage(self._usages)
        return replace(end, usage=usage, cost=total_cost(self._costs), attempts=self._attempts)
