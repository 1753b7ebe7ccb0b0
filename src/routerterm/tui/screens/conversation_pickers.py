"""Pickers over conversations: those with a tag, the archive, the deleted ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from routerterm.core.sanitise import one_line
from routerterm.store.values import Filter
from routerterm.tui.clock import local
from routerterm.tui.dialogs.picker import Picker
from routerterm.tui.widgets.fields import Span
from routerterm.tui.widgets.rows import Column, Row

if TYPE_CHECKING:
    from routerterm.store.database import Store
    from routerterm.store.values import Conversation

MOST = 300
"""Rows that are shown; typing narrows down all there are."""
COLUMNS = (Column("", 0, grow=True), Column("", 1, most=30), Column("", 2, most=30), Column("", 3))


def conversations(store: Store, title: str, which: Filter, hint: str = "Enter Open · Esc Close") -> Picker:
    """Pick one of them, by a part of its title."""

    async def source(query: str) -> Sequence[Row]:
        narrowed = Filter(which.archived, which.deleted, which.tag, query.strip())
        return [_row(one) for one in await store.conversations.page(MOST, which=narrowed)]

    return Picker(title, COLUMNS, source, placeholder="part of the title", hint=hint, empty="Nothing here.")


def tags(store: Store) -> Picker:
    """Pick a tag."""

    async def source(query: str) -> Sequence[Row]:
        found = await store.conversations.tags()
        return [Row(tag, (one_line(tag), f"{n:,}")) for tag, n in found if query.strip().lower() in tag.lower()]

    columns = (Column("", 0, most=50), Column("", 1, right=True))
    empty = "No conversation has a tag. /tag adds tags to this one."
    return Picker("Tags", columns, source, hint="Enter Show · Esc Close", empty=empty)


def _row(one: Conversation) -> Row:
    labels = " ".join(f"#{one_line(tag)}" for tag in one.tags)
    day = local(one.updated_at).strftime("%Y-%m-%d")
    title = one_line(one.title) or "(untitled)"
    return Row(one.id, (title, (Span(labels, "accent"),), (Span(one_line(one.model or ""), "dim"),), day))
