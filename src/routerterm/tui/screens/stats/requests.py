"""Single requests: those behind a figure, and the request log; from there to the message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from routerterm.core.sanitise import one_line
from routerterm.store.guard_hits import GuardHits
from routerterm.store.requests import RequestFilter, rows_of_filter
from routerterm.tui.clock import local
from routerterm.tui.dialogs.picker import Picker, among, later
from routerterm.tui.screens.stats.rows import REQUESTS, request_row
from routerterm.tui.widgets.rows import Column, Row

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from routerterm.core.ledger import AttemptRecord
    from routerterm.tui.app_context import AppContext

MOST = 500
"""Requests in a list: the newest; a filter looks at all of them."""
FIGURES = (Column("", 0, most=22), Column("", 0, grow=True))
GUARD = (
    Column("when", 0),
    Column("rule", 0, grow=True),
    Column("action", 1),
    Column("role", 1),
    Column("times", 2, right=True),
)


def show_requests(app: AppContext, title: str, wanted: RequestFilter) -> None:
    """A list of requests; what is typed narrows it down; Enter leaves for the message of one."""
    found: dict[str, AttemptRecord] = {}

    async def rows(words: str) -> Sequence[Row]:
        assert app.services is not None
        narrowed = replace(wanted, words=words)
        newest = await app.services.store.reader.read(lambda connection: rows_of_filter(connection, narrowed, MOST))
        found.update((row.id, row) for row in newest)
        return [request_row(row) for row in newest]

    async def taken(id: str | None) -> None:
        if id is not None:
            await _open_message(app, found[id])

    app.push_screen(
        Picker(
            f"Requests: {one_line(title)}",
            REQUESTS,
            rows,
            hint="Enter Show the message · Esc Close",
            placeholder="filter: openai error:rate client:gateway route:fast outcome:failed",
            empty="No requests.",
            explained=True,
        ),
        taken,
    )


def show_figures(app: AppContext, title: str, rows: Sequence[Row], run: Callable[[str], Awaitable[object]]) -> None:
    """A list of figures; Enter runs the action that a row's id names, and leads to what lies behind the figure."""

    async def taken(action: str | None) -> None:
        if action and not action.isdigit():
            await run(action)

    app.push_screen(Picker(title, FIGURES, among(rows)), taken)


def show_guard_hits(app: AppContext) -> None:
    """What the guard found: rule, role and time, never the text; Enter leaves for the conversation."""
    conversations: dict[str, str | None] = {}

    async def rows() -> Sequence[Row]:
        assert app.services is not None
        store = app.services.store
        await app.services.costs.keep(store)
        hits = await GuardHits(store.writer, store.reader).newest(MOST)
        conversations.update((str(number), hit.conversation_id) for number, hit in enumerate(hits))
        return [
            Row(
                str(number),
                (
                    local(hit.at).strftime("%m-%d %H:%M"),
                    one_line(hit.rule),
                    f"{hit.action}, timed out" if hit.timed_out else hit.action,
                    hit.role,
                    f"{hit.count:,}",
                ),
                tone="warning" if hit.action == "block" else "text",
            )
            for number, hit in enumerate(hits)
        ]

    async def taken(id: str | None) -> None:
        if id is not None:
            await _open_conversation(app, conversations[id], None)

    app.push_screen(
        Picker(
            "Guard hits",
            GUARD,
            later(rows),
            hint="Enter Show the conversation · Esc Close",
            empty="The guard has found nothing so far.",
        ),
        taken,
    )


async def _open_message(app: AppContext, row: AttemptRecord) -> None:
    """Leave for the conversation, if it is still there."""
    await _open_conversation(app, row.conversation_id, row.message_id)


async def _open_conversation(app: AppContext, id: str | None, message_id: str | None) -> None:
    assert app.services is not None
    conversation = await app.services.store.conversations.get(id) if id else None
    if conversation is None or conversation.deleted_at is not None:
        app.notify("It belongs to no conversation, or to one that was deleted.", timeout=5)
        return
    app.pop_screen()
    await app.open_conversation(conversation.id, message_id)
