"""The requests behind a figure, one by one: metadata only; from there to the message."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from routerterm.core.ledger import AttemptRecord
from routerterm.core.sanitise import one_line
from routerterm.tui.dialogs.picker import Picker, later
from routerterm.tui.screens.stats.rows import REQUESTS, request_row

if TYPE_CHECKING:
    from routerterm.tui.app_context import AppContext
    from routerterm.tui.widgets.rows import Row

LookUp: TypeAlias = Callable[[], Awaitable[Sequence[AttemptRecord]]]


def show_requests(app: AppContext, name: str, look_up: LookUp) -> None:
    """A list of single requests; Enter leaves the books for the message of one."""
    found: dict[str, AttemptRecord] = {}

    async def rows() -> Sequence[Row]:
        found.update((row.id, row) for row in await look_up())
        return [request_row(row) for row in found.values()]

    async def taken(id: str | None) -> None:
        if id is not None:
            await _open_message(app, found[id])

    picker = Picker(
        f"Requests: {one_line(name)}",
        REQUESTS,
        later(rows),
        hint="Enter Show · Esc Close",
        empty="Nothing here.",
        explained=True,
    )
    app.push_screen(picker, taken)


async def _open_message(app: AppContext, row: AttemptRecord) -> None:
    """Leave for the conversation, if it is still there."""
    assert app.services is not None
    store = app.services.store
    conversation = await store.conversations.get(row.conversation_id) if row.conversation_id else None
    if conversation is None or conversation.deleted_at is not None:
        app.notify("This request has no conversation, or it was deleted.", timeout=5)
        return
    app.pop_screen()
    await app.open_conversation(conversation.id, row.message_id)
