"""Conversations as text in a chosen form: one, one branch of it, or all of them; API keys in them are masked."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING, assert_never

from routerterm.core.errors import RoutertermError
from routerterm.engine.transfer import html, markdown, native_format
from routerterm.engine.transfer.redaction import redacted
from routerterm.store.transfer import ConversationBundle

if TYPE_CHECKING:
    from routerterm.engine.transfer.formats import Form
    from routerterm.store.database import Store
    from routerterm.store.values import StoredMessage


async def export_json(
    store: Store, ids: Sequence[str], progress: Callable[[int], None] | None = None
) -> AsyncGenerator[str]:
    """Our own JSON of these conversations with all their branches, a piece at a time; the memory of one of them."""
    yield native_format.HEAD + "\n"
    written = 0
    for n, id in enumerate(ids):
        if (carried := await store.transfer.carry_out(id)) is not None:
            yield (",\n" if written else "") + native_format.line_of(redacted(carried))
            written += 1
        if progress is not None:
            progress(n + 1)
    yield "\n" + native_format.TAIL + "\n"


async def export_one(
    store: Store,
    id: str,
    form: Form,
    *,
    leaf: str | None = None,
    colours: html.Colours | None = None,
    zone: tzinfo | None = None,
) -> str:
    """One conversation.  Markdown and HTML hold one branch: the one down to ``leaf``, or the one that is shown.

    JSON holds all branches, unless a ``leaf`` is given.
    """
    carried = await store.transfer.carry_out(id)
    if carried is None:
        raise RoutertermError("There is no such conversation.", "routerterm find lists them.")
    carried = redacted(carried)
    branch = branch_of(carried, leaf or await store.messages.head(id))
    if leaf is not None and not branch:
        raise RoutertermError("There is no such message in this conversation.")
    match form:
        case "json":
            return "".join(native_format.write([_only(carried, branch) if leaf else carried]))
        case "md":
            return "".join(markdown.write(carried, branch, zone))
        case "html":
            return "".join(html.write(carried, branch, colours, zone))
        case _:
            assert_never(form)


def branch_of(carried: ConversationBundle, leaf: str | None) -> tuple[StoredMessage, ...]:
    """The messages from the first down to ``leaf``."""
    by_id = {message.id: message for message in carried.messages}

    def up() -> Iterator[StoredMessage]:
        at = leaf
        seen: set[str] = set()
        while at in by_id and at not in seen:
            seen.add(at)
            yield by_id[at]
            at = by_id[at].parent_id or ""

    return tuple(up())[::-1]


def _only(carried: ConversationBundle, branch: Sequence[StoredMessage]) -> ConversationBundle:
    ids = {message.id for message in branch}
    attempts = tuple(attempt for attempt in carried.attempts if attempt.message_id in ids)
    return ConversationBundle(carried.conversation, tuple(branch), attempts)


def file_name(carried_title: str, id: str, form: Form) -> str:
    """A name for the file that any system takes: the title's letters and digits, and the id's end."""
    words = "".join(letter if letter.isalnum() else "-" for letter in carried_title.lower())
    short = "-".join(word for word in words.split("-") if word)[:60].rstrip("-") or "conversation"
    return f"{short}-{id[-6:].lower()}.{form}"
