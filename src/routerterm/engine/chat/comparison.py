"""One question to several models at once: each answer streams by itself, and all of them are siblings.

The first model's session writes the question; the others answer the same question as soon as it is on disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

from msgspec import Struct

from routerterm.core.errors import NotNow, RoutertermError

if TYPE_CHECKING:
    from routerterm.core.events import Event
    from routerterm.core.messages import Part
    from routerterm.engine.chat.reply import RunningReply
    from routerterm.engine.chat.session import Session

MOST = 4
"""Models side by side."""


class Heard(Struct, frozen=True):
    """Something that happened to one of the answers; None when it is over, an error where it could not be kept."""

    index: int
    event: Event | RoutertermError | None


class Comparison:
    """Two to four answers to one question."""

    def __init__(self, session: Session, another: Callable[[str], Session], models: Sequence[str]) -> None:
        """``another`` gives a further session of the conversation of that id."""
        if not 2 <= len(models) <= MOST:
            raise RoutertermError(f"Compare two to {MOST} models.", "For example: /compare openai/x groq/y")
        self.models = tuple(models)
        self.sessions: list[Session | None] = [session, *([None] * (len(models) - 1))]
        self._another = another
        self._heard: asyncio.Queue[Heard] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None] | None] = [None] * len(models)
        self._left = len(models)
        self._earlier = session.reply

    @property
    def is_written(self) -> bool:
        """Whether the question is on disk: else it is to be asked again, or given back."""
        session = self.sessions[0]
        return session is not None and session.reply is not self._earlier

    def reply(self, index: int) -> RunningReply | None:
        """The answer of one of them, as far as it has come."""
        session = self.sessions[index]
        return session.reply if session is not None and self._tasks[index] is not None else None

    async def ask(self, text: str, parts: Sequence[Part] = ()) -> AsyncGenerator[Heard]:
        """Ask a new question at the end of the branch on show.  Raises where the disk does not take it."""
        session = self.sessions[0]
        assert session is not None
        first = session.send(text, parts=parts, model=self.models[0])
        async with aclosing(self._run(first, None)) as heard:
            async for one in heard:
                yield one

    async def ask_again(self, question_id: str) -> AsyncGenerator[Heard]:
        """Have a question that was asked before answered by all of them."""
        session = self.sessions[0]
        assert session is not None
        first = session.regenerate(question_id, model=self.models[0])
        async with aclosing(self._run(first, question_id)) as heard:
            async for one in heard:
                yield one

    async def take(self, index: int) -> str:
        """Go on with one of the answers: it becomes the branch that is shown; its id."""
        reply = self.reply(index)
        session = self.sessions[0]
        if reply is None or session is None:
            raise NotNow("There is no answer to continue with yet.")
        await session.refresh()  # the other sessions moved the end of the branch
        await session.show(reply.turn.reply_id)
        return reply.turn.reply_id

    async def choose(self, index: int) -> str:
        """`take` the answer that the person prefers, which is a vote for its model."""
        id = await self.take(index)
        session = self.sessions[0]
        assert session is not None
        await session.prefer(id)
        return id

    def stop(self) -> bool:
        """Stop every answer that is still coming; False if none is."""
        running = [task for task in self._tasks if task is not None and not task.done()]
        for task in running:
            task.cancel()
        return bool(running)

    async def _run(self, first: AsyncGenerator[Event], question_id: str | None) -> AsyncGenerator[Heard]:
        begun = self._start(0, first)
        try:
            await begun.wait()
            self._start_others(question_id)
            while self._left:
                heard = await self._heard.get()
                if heard.event is None:
                    self._left -= 1
                yield heard
        finally:
            self.stop()
            ends = await asyncio.gather(*filter(None, self._tasks), return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception):  # a mistake of ours: it must not look like an answer that failed
                raise end

    def _start_others(self, question_id: str | None) -> None:
        """Let the others answer, now that the question is on disk; nothing where it is not."""
        session = self.sessions[0]
        assert session is not None
        turn = session.reply.turn if session.reply is not None else None
        asked = question_id or (turn.question_id if turn is not None else None)
        if turn is None or asked is None or session.head != turn.reply_id:
            self._left = 1
            return
        for index in range(1, len(self.models)):
            other = self.sessions[index] = self._another(turn.conversation_id)
            self._start(index, other.regenerate(asked, model=self.models[index]))

    def _start(self, index: int, events: AsyncGenerator[Event]) -> asyncio.Event:
        """Have an answer come; set once it has begun, or never will: a task may be stopped before its first step."""
        begun = asyncio.Event()

        def ended(_: asyncio.Task[None]) -> None:
            begun.set()
            self._heard.put_nowait(Heard(index, None))

        self._tasks[index] = task = asyncio.create_task(self._pump(index, events, begun))
        task.add_done_callback(ended)
        return begun

    async def _pump(self, index: int, events: AsyncGenerator[Event], begun: asyncio.Event) -> None:
        """Pass on what comes.  No tool is called: several answers at once would each ask the person about theirs."""
        session = self.sessions[index]
        assert session is not None
        tools, session.tools = session.tools, None
        try:
            async with aclosing(events) as stream:
                async for event in stream:
                    self._heard.put_nowait(Heard(index, event))
                    begun.set()
        except RoutertermError as error:
            self._heard.put_nowait(Heard(index, error))
        finally:
            session.tools = tools
