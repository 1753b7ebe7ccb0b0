"""Asks before a single key spends money: what it would cost stands in the status row, Enter does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from routerterm.core.errors import RoutertermError
from routerterm.tui.widgets.status import cost_range

if TYPE_CHECKING:
    from routerterm.core.messages import Message
    from routerterm.tui.chat.confirmation import Confirmation
    from routerterm.tui.chat.conversation import ConversationController
    from routerterm.wiring import Services
    from routerterm.wiring.preview import Preview


class Spending:
    """Looks up what something would cost, and does it at once only where it is free."""

    def __init__(
        self, confirmation: Confirmation, stage: ConversationController, services: Callable[[], Services]
    ) -> None:
        self._confirmation = confirmation
        self._stage = stage
        self._services = services

    async def gate(
        self,
        label: str,
        model: str,
        do: Callable[[], None],
        *,
        leaf: str | None = None,
        message: Message | None = None,
    ) -> None:
        """Do it once its cost is confirmed.

        ``leaf`` is the last message that ``model`` would be sent, with ``message`` after it.  Where no model can
        serve it, it is done at once: nothing is sent then, and the reason is said where an answer would stand.
        """
        from routerterm.wiring.preview import preview

        stage = self._stage
        session = stage.session
        try:
            found = await preview(
                self._services(), session, message, model,
                params=stage.params, leaf=leaf, system=stage.system, private=stage.private,
            )  # fmt: skip
        except RoutertermError:
            do()
            return
        if found is not None and found.free:
            do()
        else:
            self._confirmation.ask(f"{label} · {model}", cost_words(found), do)


def cost_words(found: Preview | None) -> str:
    """``~$0.004–0.011``, or that nobody knows."""
    cost = cost_range(found.forecast) if found is not None else "?"
    return "price unknown" if cost == "?" else f"~{cost}"
