"""Asks whether an answer that a cap refused is to be asked for all the same, this once."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING

from routerterm.core.errors import OverBudget
from routerterm.core.events import Event
from routerterm.core.messages import ToolResult
from routerterm.tui.chat.turn import Ask, Turn
from routerterm.tui.dialogs.confirm import Confirm

if TYPE_CHECKING:
    from routerterm.engine.chat.session import Session
    from routerterm.tui.app_context import AppContext


def ask_to_spend(
    app: AppContext,
    turn: Turn,
    error: OverBudget,
    start: Callable[[Session, Ask], None],
) -> None:
    """A cap was reached before anything was sent: let the person decide, if the settings say so."""
    budget, conversation = app.ready_services.costs.budget, turn.session.conversation
    if budget.on_cap != "ask" or conversation is None or turn.shown is None:
        return
    session, shown, id = turn.session, turn.shown, conversation.id

    async def again() -> AsyncGenerator[Event]:
        with_results = any(isinstance(part, ToolResult) for part in (await session.message(shown)).parts)
        budget.allow(id)
        answer = session.continue_answer(shown) if with_results else session.regenerate(shown)  # no call twice
        try:
            async with aclosing(answer) as events:
                async for event in events:
                    yield event
        finally:
            budget.revoke_override(id)

    dialog = Confirm("Over budget", error.message, "Send it anyway, this once", spends=True)
    app.push_screen(dialog, lambda yes: start(session, again) if yes else None)
