"""What a replay has spent so far, held against caps as the router holds requests."""

from __future__ import annotations

from collections.abc import Callable

from routerterm.catalog.values import ModelInfo
from routerterm.core.ledger import AttemptRecord, Cap
from routerterm.core.request import ChatRequest
from routerterm.core.targets import Forecast, Target
from routerterm.engine.replay.values import PastRequest, prompt_of, target_of
from routerterm.router.decide.budget import BudgetRules, caps_of, is_free, objection


class Spending:
    """The sums behind the caps of some rules."""

    def __init__(self, rules: BudgetRules, model: Callable[[Target], ModelInfo | None]) -> None:
        self._rules = rules
        self._model = model
        self._used: dict[Cap, int] = {}

    def add(self, row: AttemptRecord, cost: int | None) -> None:
        """An attempt that was made, and what it cost."""
        for cap in self._caps(row.conversation_id, target_of(row), row.route, row.started_at):
            if cap.scope != "request":
                wants = {"usd": cost or 0, "requests": 1, "tokens": prompt_of(row) + (row.output_tokens or 0)}[cap.unit]
                self._used[cap] = self._used.get(cap, 0) + wants

    def objection(self, request: PastRequest, target: Target, route: str, forecast: Forecast) -> str | None:
        """Why the caps would not let a model be asked, or None."""
        at = request.rows[0].started_at
        caps = self._caps(request.rows[0].conversation_id, target, route, at)
        return objection(caps, [self._used.get(cap, 0) for cap in caps], forecast) if caps else None

    def _caps(self, conversation: str | None, target: Target, route: str, at: int) -> tuple[Cap, ...]:
        model = self._model(target)
        if model is not None and is_free(model):
            return ()
        return caps_of(self._rules, ChatRequest(route, (), conversation_id=conversation), target, route, at)
