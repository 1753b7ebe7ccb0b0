"""Sums up the older part of a conversation on request, by whatever model the person names; it costs what it costs.

The summary stands with the last message it covers.  From then on it goes to the model in place of that part,
on every branch that runs through that message; the messages themselves stay as they are.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from msgspec import Struct

from routerterm.core.errors import NotNow, RoutertermError
from routerterm.core.events import Failed, Finished, Recovered, TextDelta
from routerterm.core.messages import Message
from routerterm.core.request import ChatRequest
from routerterm.engine.chat.context import SUMMARY, ContextWindow, UnlimitedWindow, context_of
from routerterm.router.ports import DEFAULT_RESERVE

if TYPE_CHECKING:
    from routerterm.core.money import Cost
    from routerterm.engine.chat.branches import Branches
    from routerterm.engine.chat.router_port import ChatRouter
    from routerterm.store.database import Store

_ASK = (
    "Sum up our conversation so far, for yourself, so that you could go on with it without having read it: what I"
    " want, what was decided and why, names, numbers, code and open questions that still matter. Be brief, leave"
    " out what was settled or dropped, and write nothing but the summary."
)


KEPT_AS_THEY_ARE = 4
"""Messages at the end that are not summed up where nobody says how far: the last two turns."""


class Summary(Struct, frozen=True):
    """A summary, and what came of asking for it."""

    text: str
    messages: int
    """How many messages it stands for."""
    target: str
    cost: Cost


async def end_of_older_part(session: Branches) -> str:
    """The last message of the part that is worth a summary.  Raises `RoutertermError` where there is none."""
    page = await session.page(KEPT_AS_THEY_ARE + 1)
    answers = [message for message in page.messages if message.role == "assistant" and message.parts]
    older = page.messages[:-KEPT_AS_THEY_ARE]
    if older or answers:
        return older[-1].id if older else answers[-1].id
    raise NotNow("There is nothing to summarise yet.")


async def sum_up(
    session: Branches,
    store: Store,
    router: ChatRouter,
    up_to: str,
    *,
    model: str = "cheap",
    window: ContextWindow | None = None,
    client: str = "summary",
) -> Summary:
    """Have everything down to the message ``up_to`` summed up, and keep the summary there.

    An earlier summary on the branch is part of what is summed up.  The attempts stand in the ledger under that
    message.  Raises the error of the attempt where none succeeded; nothing is kept then.
    """
    last = await session.message(up_to)
    conversation = session.conversation
    if conversation is None:
        raise NotNow("There is nothing to summarise yet.")
    window, private, asking = window or UnlimitedWindow(), conversation.private, Message.of("user", _ASK)
    free = DEFAULT_RESERVE + window.count(asking, model)
    fitted = await context_of(store.messages, last.id, conversation.system, model, window, answer=free, private=private)
    request = ChatRequest(
        model=model,
        messages=(*fitted.messages, asking),
        system=fitted.system,
        private=private,
        client=client,
        conversation_id=conversation.id,
        message_id=last.id,
    )
    summary, finished = await _answer(router, request)
    await store.messages.note(last.id, SUMMARY, summary)
    count = await store.messages.depth(last.id)
    return Summary(summary, count, str(finished.target), finished.cost)


async def _answer(router: ChatRouter, request: ChatRequest) -> tuple[str, Finished]:
    """The text of an answer and its end.  Raises the error of a failed one, and `RoutertermError` for no words."""
    pieces: list[str] = []
    finished: Finished | None = None
    async with aclosing(router.stream(request)) as events:
        async for event in events:
            match event:
                case TextDelta(text):
                    pieces.append(text)
                case Recovered(how="restart"):
                    pieces.clear()
                case Failed(error):
                    raise error
                case Finished():
                    finished = event
                case _:
                    pass
    text = "".join(pieces).strip()
    if not text or finished is None:
        raise RoutertermError("The model returned no summary.", "Try another model.")
    return text, finished


async def forget_summary(session: Branches, store: Store, message_id: str) -> None:
    """Send the messages themselves again."""
    await store.messages.note((await session.message(message_id)).id, SUMMARY, None)
