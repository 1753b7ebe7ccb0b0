"""A turn before it is on disk, and the request that it becomes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from routerterm.core.messages import Message, Part
from routerterm.core.request import ChatRequest, Params
from routerterm.engine.chat.context import context_of
from routerterm.engine.chat.tool_parts import split_steps

if TYPE_CHECKING:
    from routerterm.engine.chat.context import ContextWindow
    from routerterm.engine.chat.truncation import Fitted
    from routerterm.store.messages import Messages
    from routerterm.store.turns import Turn
    from routerterm.store.values import Conversation


class TurnRequest(Struct, frozen=True):
    """What is to be asked, and under which message; None leaves model, parameters and system prompt as they are."""

    question: Message | None
    """None answers the message ``parent_id`` again."""
    parent_id: str | None
    model: str | None
    params: Params | None
    client: str
    system: str | None = None
    partial: str = ""
    """As in `TurnPlan`."""
    done: tuple[Part, ...] = ()


class TurnPlan(Struct, frozen=True):
    """A turn before it is on disk."""

    turn: Turn
    conversation: Conversation
    new: bool
    question: Message | None
    parent_id: str | None
    title: str
    asked: str
    params: Params
    client: str
    partial: str = ""
    """The beginning of the answer, where an earlier one is gone on with."""
    done: tuple[Part, ...] = ()
    """What comes before that: calls of tools, and their results."""

    @property
    def begun(self) -> tuple[Message, ...]:
        """What there is already of an answer that is gone on with."""
        done = split_steps(Message("assistant", self.done)) if self.done else ()
        return (*done, Message.of("assistant", self.partial)) if self.partial else done

    @property
    def leaf(self) -> str | None:
        """The last message that is sent, once all of it is on disk."""
        return self.turn.question_id or self.parent_id


async def request_of(
    plan: TurnPlan, messages: Messages, window: ContextWindow, leaf: str | None, question: Message | None = None
) -> tuple[ChatRequest, Fitted]:
    """What the router is asked: the part of the branch down to ``leaf`` that fits, and the unwritten ``question``."""
    conversation = plan.conversation
    fitted = await context_of(
        messages,
        leaf,
        conversation.system,
        plan.asked,
        window,
        answer=plan.params.max_output or 0,
        private=conversation.private,
        question=question,
    )
    request = ChatRequest(
        model=plan.asked,
        messages=(*fitted.messages, *plan.begun),
        system=fitted.system,
        params=plan.params,
        private=conversation.private,
        client=plan.client,
        conversation_id=conversation.id,
        message_id=plan.turn.reply_id,
        continues=bool(plan.partial),
    )
    return request, fitted
