"""Asks before a single key spends money: what it would cost stands in the status row, Enter does it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from routerterm.core.errors import RoutertermError
from routerterm.core.money import show_range

if TYPE_CHECKING:
    from routerterm.core.messages import Message
    from routerterm.tui.chat.confirmation import Confirmation
    from routerterm.tui.chat.conversation import ConversationController
    from routerterm.wiring import Services
    from routerterm.wiring.preview import Preview


class Spending:
    """Looks up what something would cost, and does it at once only where it is free."""

    def __init__(
        self, confirmation: Confirmation, conversation: ConversationController, services: Callable[[], Services]
    ) -> None:
        self._confirmation = confirmation
        self._conversation = conversation
        self._services = services

    async def gate(
        self,
        label: str,
        models: str | Sequence[str],
        do: Callable[[], None],
        *,
        leaf: str | None = None,
        message: Message | None = None,
    ) -> None:
        """Do it once its cost is confirmed.

        ``leaf`` is the last message that each of ``models`` would be sent, with ``message`` after it.  Where no model
        can serve it, it is done at once: nothing is sent then, and the reason is said where an answer would stand.
        """
        from routerterm.wiring.preview import preview

        conversation = self._conversation
        names = [models] if isinstance(models, str) else list(models)
        question = self._confirmation.look_up(label, " | ".join(names))
        found: list[Preview | None] = []
        for name in names:
            try:
                found.append(
                    await preview(
                        self._services(), conversation.session, message, name,
                        params=conversation.params, leaf=leaf, system=conversation.system, private=conversation.private,
                    )
                )  # fmt: skip
            except RoutertermError:
                continue  # this one cannot be asked, so it costs nothing
        if all(one is not None and one.free for one in found):
            if self._confirmation.drop(question):
                do()
        else:
            self._confirmation.settle(question, cost_words(found), do)


def cost_words(found: Sequence[Preview | None]) -> str:
    """``~$0.004–0.011`` for all of them together, or ``?``."""
    low = high = Decimal(0)
    for one in found:
        if one is None or one.forecast.low is None or one.forecast.high is None:
            return show_range(None, None)
        low, high = low + one.forecast.low, high + one.forecast.high
    return f"~{show_range(low, high)}"
