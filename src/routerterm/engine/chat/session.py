"""One conversation with its turns: ask, stop, edit, ask again, go back, go on elsewhere.

A turn is one async generator of events; use it under `contextlib.aclosing`.  Closing it, or cancelling the
task that reads it, stops the answer; what was said so far is kept.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

from msgspec.structs import replace

from routerterm.core.errors import NotNow, StoreError
from routerterm.core.messages import Message, Part, Text
from routerterm.core.request import ChatRequest, Params
from routerterm.core.streams import Deferred
from routerterm.engine.chat.branches import Branches
from routerterm.engine.chat.context import ContextWindow, UnlimitedWindow
from routerterm.engine.chat.detached import DetachedReplies
from routerterm.engine.chat.params import params_from_json, params_to_json
from routerterm.engine.chat.reply import CHECKPOINT, RunningReply, despite_cancellation, joined
from routerterm.engine.chat.title import title_of
from routerterm.engine.chat.tool_parts import cut_last_words, finished_calls
from routerterm.engine.chat.trace import Interruption, LeftOut, ReplyTrace
from routerterm.engine.chat.turn_plan import TurnPlan, TurnRequest, request_of

if TYPE_CHECKING:
    from routerterm.core.events import Event
    from routerterm.engine.chat.router_port import ChatRouter, ToolSource
    from routerterm.engine.chat.truncation import Fitted
    from routerterm.store.database import Store
    from routerterm.store.values import Conversation, StoredMessage


class SessionBusy(NotNow):
    """An answer is still running in this conversation."""


class Session(Branches):
    """One conversation.  Until its first question a new one is on no disk."""

    def __init__(
        self,
        store: Store,
        router: ChatRouter,
        conversation_id: str | None = None,
        *,
        model: str = "any",
        system: str | None = None,
        private: bool = False,
        project: str | None = None,
        params: Params | None = None,
        window: ContextWindow | None = None,
        detached: DetachedReplies | None = None,
        checkpoint_every: float = CHECKPOINT,
        title: Callable[[str], str] = title_of,
        tools: ToolSource | None = None,
    ) -> None:
        """``tools`` says which tools an answer may call; None is none."""
        super().__init__(store, conversation_id)
        self._router = router
        self._default_model = model
        self._system = system
        self._private = private
        self._project = project
        self._params = params_to_json(params) if params else {}
        self._window = window or UnlimitedWindow()
        self._detached = detached or DetachedReplies()
        self._checkpoint_every = checkpoint_every
        self._title = title
        self.tools = tools
        """Which tools an answer may call."""
        self.reply: RunningReply | None = None
        """The answer that is running, or the last one that ran."""
        self.fitted: Fitted | None = None
        """What of the conversation went to the model in the last turn."""
        self._busy = False

    @property
    def busy(self) -> bool:
        """Whether an answer is running."""
        return self._busy

    @property
    def unsaved(self) -> bool:
        """Whether the end of the last answer could not be written: `save_again` when there is room."""
        return self.reply is not None and not self._busy and self.reply.unsaved

    async def save_again(self) -> None:
        """Try once more to write what could not be written.  Raises `StoreError`."""
        if self.reply is not None and self.unsaved:
            await self.reply.save()

    def send(
        self,
        text: str,
        *,
        parts: Sequence[Part] = (),
        model: str | None = None,
        params: Params | None = None,
        system: str | None = None,
        client: str = "tui",
    ) -> AsyncGenerator[Event]:
        """Ask at the end of the branch that is shown.

        Question and empty answer are on disk, safe from a power cut, before the request leaves, and the end of the
        answer is before its last event is passed on.  ``system`` becomes the conversation's.  Raises `StoreError` where
        the disk does not take the question (nothing was sent then) or the end (`unsaved` is then True, and the
        next turn begins by saving it).
        """
        question = Message("user", ((Text(text),) if text else ()) + tuple(parts))

        async def begin() -> AsyncGenerator[Event]:
            await self.load()
            return self._turn(TurnRequest(question, self.head, model, params=params, client=client, system=system))

        return Deferred(begin)

    def edit(
        self,
        message_id: str,
        text: str,
        *,
        parts: Sequence[Part] | None = None,
        model: str | None = None,
        params: Params | None = None,
        client: str = "tui",
    ) -> AsyncGenerator[Event]:
        """Ask another question in place of an earlier one: a sibling of it; without ``parts`` its files are kept."""

        async def begin() -> AsyncGenerator[Event]:
            earlier = await self.message(message_id)
            kept = (part for part in earlier.parts if not isinstance(part, Text) or part.name is not None)
            files = tuple(kept if parts is None else parts)
            question = Message("user", ((Text(text),) if text else ()) + files)
            return self._turn(TurnRequest(question, earlier.parent_id, model, params=params, client=client))

        return Deferred(begin)

    def regenerate(
        self,
        message_id: str | None = None,
        *,
        model: str | None = None,
        params: Params | None = None,
        client: str = "tui",
    ) -> AsyncGenerator[Event]:
        """Answer a question again, perhaps by another model: a sibling of the answer.

        ``message_id`` is the answer or its question; the end of the branch where None is given.
        """

        async def begin() -> AsyncGenerator[Event]:
            question = await self._question_of(message_id)
            return self._turn(TurnRequest(None, question.id, model, params=params, client=client))

        return Deferred(begin)

    def continue_answer(
        self,
        message_id: str,
        *,
        model: str | None = None,
        params: Params | None = None,
        client: str = "tui",
    ) -> AsyncGenerator[Event]:
        """Go on with an answer that was stopped or cut: a sibling of it that begins with all that was said.

        Raises `RoutertermError` where there is nothing to go on with.
        """

        async def begin() -> AsyncGenerator[Event]:
            found = await self.message(message_id)
            done, partial = cut_last_words(finished_calls(found.parts))
            if found.role != "assistant" or not (done or partial.strip()):
                raise NotNow("There is no answer here to continue.", "Choose one that was stopped or cut off.")
            wanted = TurnRequest(None, found.parent_id, model, params=params, client=client, partial=partial, done=done)
            turn = self._turn(wanted)
            return joined(turn, partial) if partial else turn

        return Deferred(begin)

    async def _question_of(self, message_id: str | None) -> StoredMessage:
        await self.load()
        if (id := message_id or self.head) is None:
            raise NotNow("There is no question to ask again yet.")
        found = await self.message(id)
        while found.role != "user" and found.parent_id is not None:
            found = await self.message(found.parent_id)
        return found

    async def _turn(self, wanted: TurnRequest) -> AsyncGenerator[Event]:
        if self._busy:
            raise SessionBusy("An answer is still running.", "Wait for it, or stop it with Esc.")
        self._busy = True
        try:
            if self.reply is not None:
                await self.reply.save()
            plan, partial, done = await self._plan(wanted), wanted.partial, wanted.done
            seams = (Interruption("continue", len(partial), plan.asked),) if partial else ()
            record = ReplyTrace(asked=plan.asked, params=params_to_json(plan.params), seams=seams)
            reply = RunningReply(plan.turn, self._store.turns, record, self._checkpoint_every, begun=partial, done=done)
            self.reply = reply
            with self._detached.running(reply):
                async with aclosing(self._stream(reply, plan)) as events:
                    async for event in events:
                        yield event
        finally:
            self._busy = False

    async def _plan(self, wanted: TurnRequest) -> TurnPlan:
        conversation, new = await self._conversation(wanted.model, wanted.system)
        question = wanted.question
        return TurnPlan(
            self._store.turns.plan(conversation.id, asks=question is not None),
            conversation,
            new,
            question=question,
            parent_id=wanted.parent_id,
            title=self._title(question.said or question.text) if question and not conversation.title else "",
            asked=wanted.model or conversation.model or self._default_model,
            params=wanted.params or params_from_json(conversation.params),
            client=wanted.client,
            partial=wanted.partial,
            done=wanted.done,
        )

    async def _conversation(self, model: str | None, system: str | None) -> tuple[Conversation, bool]:
        conversation = await self.load()
        if conversation is None:
            return self._new_conversation(model, system), True
        if system is not None and system != conversation.system:
            await self._store.conversations.change(conversation.id, system=system)
            conversation = replace(conversation, system=system)
        return conversation, False

    def _new_conversation(self, model: str | None, system: str | None) -> Conversation:
        fields = {"model": model or self._default_model, "system": system or self._system}
        more = {"private": self._private, "params": self._params, "project": self._project}
        return self._store.conversations.new(**fields, **more)

    async def draft(
        self, question: Message | None, *, model: str, params: Params, system: str | None = None, instead: str = ""
    ) -> tuple[ChatRequest, Fitted]:
        """The request that `send` would make of ``question``, and what of the branch is in it; nothing is written.

        ``instead``: the question that it takes the place of, as in `edit`.
        """
        conversation = await self.load()
        if conversation is None:
            conversation = self._new_conversation(model, system)
        elif system is not None:
            conversation = replace(conversation, system=system)
        plan = TurnPlan(
            self._store.turns.plan(conversation.id),
            conversation,
            False,
            question=question,
            parent_id=None,
            title="",
            asked=model,
            params=params,
            client="tui",
        )
        leaf = (await self.message(instead)).parent_id if instead else self.head
        request, fitted = await request_of(plan, self._store.messages, self._window, leaf, question)
        loop = await self.tools.loop(conversation, model, params) if self.tools is not None else None
        return loop.first(request) if loop is not None else request, fitted

    async def _ask(self, reply: RunningReply, plan: TurnPlan) -> ChatRequest:
        """The request of a turn; what did not fit is noted with the answer."""
        request, fitted = await request_of(plan, self._store.messages, self._window, plan.leaf)
        self.fitted = fitted
        if fitted.left_out:
            answer, private = plan.params.max_output or 0, plan.conversation.private
            window = self._window.room(plan.asked, answer=answer, private=private) or 0
            left_out = LeftOut(fitted.left_out, fitted.tokens_left_out, window)
            reply.record = replace(reply.record, left_out=left_out)
        return request

    async def _stream(self, reply: RunningReply, plan: TurnPlan) -> AsyncGenerator[Event]:
        """Write, ask, fold, keep, pass on; whatever happens after the writing, how it ended is saved."""
        on_disk = True
        try:
            try:
                await self._write(plan)
            except StoreError:
                on_disk = False
                reply.abandon()
                raise
            reply.start()
            async with aclosing(await self._events(reply, plan)) as events:
                async for event in events:
                    await reply.take(event)
                    yield event
            reply.end_without_event()
        except Exception as error:
            reply.end_without_event(error)
            raise
        finally:
            if on_disk:
                await despite_cancellation(reply.end())
        if reply.trouble is not None and not reply.saved:
            raise reply.trouble

    async def _events(self, reply: RunningReply, plan: TurnPlan) -> AsyncGenerator[Event]:
        """The router's answer, or where tools are on that of as many steps as it takes."""
        request = await self._ask(reply, plan)
        loop = await self.tools.loop(plan.conversation, plan.asked, plan.params) if self.tools is not None else None
        return self._router.stream(request) if loop is None else loop.events(self._router, request, reply.keep)

    async def _write(self, plan: TurnPlan) -> None:
        """Question and empty answer, on disk whole or not at all; if we are cancelled meanwhile, then whole."""
        writing = self._store.turns.begin(
            plan.turn, plan.conversation, plan.parent_id, plan.question, plan.asked, new=plan.new, title=plan.title
        )
        try:
            await writing
        except StoreError:
            raise
        except BaseException:
            self._moved(plan)
            raise
        self._moved(plan)

    def _moved(self, plan: TurnPlan) -> None:
        conversation = plan.conversation
        title, head = conversation.title or plan.title, plan.turn.reply_id
        self._came_to(replace(conversation, title=title, head_id=head, draft=""))
