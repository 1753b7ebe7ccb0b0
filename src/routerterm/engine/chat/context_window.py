"""How much of a conversation the models behind a name can take: from the catalogue, counted by the estimator."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from routerterm.core.errors import NoCandidate
from routerterm.core.request import ChatRequest, Params
from routerterm.router.ports import Estimator, reserve_of

if TYPE_CHECKING:
    from routerterm.catalog.values import ModelInfo
    from routerterm.core.messages import Message
    from routerterm.core.targets import Target
    from routerterm.router.decide.names import Names

RESERVE: Final = 4096
"""Tokens kept for the answer, or a quarter of a small window; more where the router keeps more."""
MARGIN: Final = 0.95
"""What may be filled of the rest: a count is an estimate, and a little too much is refused as a whole."""


class ModelContextWindow:
    """Fulfils `routerterm.engine.chat.context.Fitting`.

    A route is as roomy as its roomiest model that has a key (or needs none): the router passes over those
    for which the conversation is too long.
    """

    def __init__(
        self,
        names: Names,
        model: Callable[[Target], ModelInfo | None],
        estimator: Estimator,
        with_key: Callable[[], frozenset[str]] = frozenset,
    ) -> None:
        self._names = names
        self._model = model
        self._estimator = estimator
        self._with_key = with_key
        self._known: dict[tuple[str, frozenset[str], bool], ModelInfo | None] = {}

    def room(self, model: str, *, answer: int = 0, private: bool = False) -> int | None:
        """Tokens of prompt; None where the window of none of them is known."""
        roomiest = self._roomiest(model, private)
        return None if roomiest is None else window_of(roomiest, answer)

    def count(self, message: Message, model: str) -> int:
        """Tokens of one message, as the roomiest model counts them."""
        roomiest = self._roomiest(model)
        if roomiest is None:
            return 0
        return self._estimator.prompt(ChatRequest(model, (message,)), roomiest)

    def _roomiest(self, model: str, private: bool = False) -> ModelInfo | None:
        """The same for every message of a conversation, so it is looked up once."""
        asked = (model, self._with_key(), private)
        if asked not in self._known:
            self._known[asked] = self._look_up(*asked)
        return self._known[asked]

    def _look_up(self, model: str, with_key: frozenset[str], private: bool) -> ModelInfo | None:
        try:
            entries = self._names.resolve(model, with_key).entries
        except NoCandidate:
            return None
        known = [info for entry in entries if (info := self._model(entry.target)) and info.context]
        if private:
            known = [info for info in known if info.local]
        usable = [info for info in known if info.local or info.provider in with_key]
        return max(usable or known, key=lambda info: window_of(info) or 0, default=None)


def window_of(model: ModelInfo, answer: int = 0) -> int | None:
    """Tokens of prompt that a model takes beside its answer: never more than the router lets pass."""
    if model.context is None:
        return model.max_input
    wanted = reserve_of(ChatRequest("", (), params=Params(max_output=answer or None)), model)
    reserve = max(wanted, min(RESERVE, model.context // 4))
    window = max(0, int((model.context - reserve) * MARGIN))
    return min(window, model.max_input) if model.max_input else window
