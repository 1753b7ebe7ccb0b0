"""Sums up the older part of a conversation on request, by whatever model the person names; it costs what it costs.

The summary stands with the last message it covers.  From then on it goes to the model in place of that part,
on every branch that runs through that message; the messages themselves stay as they are.
"""

from __future__ import annotations

from contextlib import aclosing

from routerterm.core.errors import RoutertermError
from routerterm.core.events import Failed, Recovered, TextDelta
from routerterm.core.messages import Message
from routerterm.core.request import ChatRequest
from routerterm.engine.asking import Streams
from routerterm.engine.branches import Branches
from routerterm.engine.history import SUMMARY, Fitting, NoFitting, context_of
from routerterm.store.database import Store

_ASK = (
    "Sum up our conversation so far, for yourself, so that you could go on with it without having read it: what I"
    " want, what was decided and why, names, numbers, code and open questions that still matter. Be brief, leave"
    " out what was settled or dropped, and write nothing but the summary."
)


async def sum_up(
    session: Branches,
    store: Store,
    router: Streams,
    up_to: str,
    *,
    model: str = "cheap",
    fitting: Fitting | None = None,
    client: str = "summary",
) -> str:
    """Have everything down to the message ``up_to`` summed up, and keep the summary there.

    An earlier summary on the branch is part of what is summed up.  The attempts stand in the ledger under that
    message.  Raises the error of the attempt where none succeeded; nothing is kept then.
    """
    last = await session.message(up_to)
    conversation = session.conversation
    if conversation is None:
        raise RoutertermError("There is nothing to sum up yet.")
    fitted = await context_of(store.messages, last.id, conversation.system, model, fitting or NoFitting())
    request = ChatRequest(
        model=model,
        messages=(*fitted.messages, Message.of("user", _ASK)),
        system=fitted.system,
        private=conversation.private,
        client=client,
        conversation_id=conversation.id,
        message_id=last.id,
    )
    pieces: list[str] = []
    async with aclosing(router.stream(request)) as events:
        async for event in events:
            match event:
                case TextDelta(text):
                    pieces.append(text)
                case Recovered(how="restart"):
                    pieces.clear()
                case Failed(error):
                    raise error
                case _:
                    pass
    summary = "".join(pieces).strip()
    if not summary:
        raise RoutertermError("The model gave no summary.", "Try another model.")
    await store.messages.note(last.id, SUMMARY, summary)
    return summary


async def forget_summary(session: Branches, store: Store, message_id: str) -> None:
    """Send the messages themselves again."""
    await store.messages.note((await session.message(message_id)).id, SUMMARY, None)
