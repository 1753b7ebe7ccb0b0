"""Find: full text over all conversations, results as one types, Enter jumps to the very message."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from routerterm.core.sanitise import one_line
from routerterm.store.query import parse
from routerterm.tui.clock import local, now_ms
from routerterm.tui.dialogs.picker import Picker
from routerterm.tui.widgets.fields import Span
from routerterm.tui.widgets.rows import Column, Row

if TYPE_CHECKING:
    from routerterm.store.search import Hit
    from routerterm.store.snippet import Snippet
    from routerterm.tui.app_context import AppContext
    from routerterm.wiring import Services

PAUSE = 0.06
"""Seconds to wait for the next key before the disk is asked."""


async def open_screen(app: AppContext) -> None:
    """Let the person look for something that was said."""
    look_for(app, "")


def look_for(app: AppContext, words: str) -> None:
    """The same, with some words to begin with."""
    services = app.services
    assert services is not None
    source = Finder(services)
    columns = (Column("", 2, most=16), Column("", 1, most=24), Column("", 0, grow=True))
    picker = Picker(
        "Find in all conversations",
        columns,
        source,
        placeholder='words, "a phrase", model:gpt, role:user, before:2026-01-01, tag:work, cost:>0.1',
        hint="Enter Open · Esc Close",
        empty="Type words to find.",
        nothing="Nothing found in any conversation, archived ones included.",
        query=words,
    )

    async def taken(id: str | None) -> None:
        if id is not None:
            conversation, _, message = id.partition(" ")
            await app.open_conversation(conversation, message or None, source.word)

    app.push_screen(picker, taken)


class Finder:
    """Asks the store for what fits, once the hands rest for a moment."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.word = ""
        """The longest word that was looked for: it is marked where the hit is shown."""

    async def __call__(self, query: str) -> Sequence[Row]:
        """The hits as rows."""
        if not query.strip():
            return ()
        await asyncio.sleep(PAUSE)
        asked = parse(query, now_ms(), self._services.zone, typing=True)
        results = await self._services.store.search.find(asked)
        if not results.hits:
            parse(query, now_ms(), self._services.zone)  # says what of it cannot be understood
        used = dict(results.instead)
        self.word = max(
            (used.get(term.text, term.text) for term in asked.terms if not term.excluded), key=len, default=""
        )
        rows = [row_of(hit) for hit in results.hits]
        return [corrected(results.instead), *rows] if results.instead else rows


def corrected(instead: Sequence[tuple[str, str]]) -> Row:
    """A heading that says which words were looked for in place of those that stand nowhere."""
    typed, used = (one_line(", ".join(words)) for words in zip(*instead, strict=True))
    return Row("", (f"Showing results for {used} (nothing found for {typed})",), "dim")


def row_of(hit: Hit) -> Row:
    """One hit: when, where, and the words around it."""
    day = local(hit.created_at).strftime("%Y-%m-%d %H:%M")
    return Row(f"{hit.conversation_id} {hit.message_id or ''}", (day, one_line(hit.title), marked(hit.snippet)))


def marked(snippet: Snippet) -> tuple[Span, ...]:
    """The snippet with the hits bright."""
    spans, at = [], 0
    for start, end in snippet.marks:
        spans.append(Span(one_line(snippet.text[at:start]), "dim"))
        spans.append(Span(one_line(snippet.text[start:end]), "bright"))
        at = end
    spans.append(Span(one_line(snippet.text[at:]), "dim"))
    return tuple(span for span in spans if span.text)
