"""How much of a conversation fits, by the settings, catalogue and keys of the moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routerterm.core.messages import Message
from routerterm.engine.chat.context_window import ModelContextWindow
from routerterm.router.decide.names import Names

if TYPE_CHECKING:
    from routerterm.wiring.services import Services


class CurrentContextWindow:
    """Fulfils `routerterm.engine.chat.context.Fitting`; a session keeps it while settings come and go."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._of: tuple[object, ...] = ()
        self._window: ModelContextWindow | None = None

    def room(self, model: str, *, answer: int = 0, private: bool = False) -> int | None:
        """Tokens of prompt; None where the window is not known."""
        return self._present().room(model, answer=answer, private=private)

    def count(self, message: Message, model: str) -> int:
        """Tokens of one message."""
        return self._present().count(message, model)

    def _present(self) -> ModelContextWindow:
        services = self._services
        of = (services.options, services.catalog, services.costs)
        if self._window is None or any(a is not b for a, b in zip(of, self._of, strict=True)):
            names = Names(services.options, services.catalog.provider, services.catalog.providers)
            self._of = of
            self._window = ModelContextWindow(
                names, services.catalog.model, services.costs.estimator, lambda: services.with_key
            )
        return self._window
