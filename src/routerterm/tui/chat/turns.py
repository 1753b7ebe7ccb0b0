"""Runs answers: one at a time in each conversation, what is typed meanwhile waits, nothing typed is ever lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, assert_never

from textual.worker import WorkerError

from routerterm.core.errors import NoKey, OverBudget, RoutertermError
from routerterm.core.events import (
    AttemptFailed,
    AttemptStarted,
    Event,
    Failed,
    Finished,
    ReasoningDelta,
    Recovered,
    RouteDecided,
    StepEnded,
    TextDelta,
    ThoughtsClosed,
    ToolCallDelta,
    ToolFinished,
    ToolStarted,
    UsageReported,
)
from routerterm.core.messages import Text
from routerterm.core.sanitise import one_line
from routerterm.tui.chat.entries import header_of, seam_of, trouble_of, words
from routerterm.tui.chat.turn import PENDING, Ask, Asked, Turn, joined
from routerterm.tui.clock import now_ms, time_of_day
from routerterm.tui.transcript.values import Entry, Header

if TYPE_CHECKING:
    from routerterm.config.keys.values import KeyLocation
    from routerterm.engine.chat.session import Session
    from routerterm.tui.app_context import AppContext
    from routerterm.tui.chat.attachments import Attachments
    from routerterm.tui.chat.conversation import ConversationController
    from routerterm.tui.chat.events import TurnEvents
    from routerterm.tui.chat.view import ChatView
    from routerterm.tui.notifications import Notifications


class TurnRunner:
    """All answers that are running in this program."""

    def __init__(
        self,
        app: AppContext,
        view: ChatView,
        conversation: ConversationController,
        attachments: Attachments,
        notifications: Notifications,
        events: TurnEvents,
    ) -> None:
        self._app = app
        self._transcript = view.transcript
        self._composer = view.composer
        self._conversation = conversation
        self._attachments = attachments
        self._notifications = notifications
        self._events = events
        self._turns: list[Turn] = []
        self._leaving = False
        self._declined: set[KeyLocation] = set()
        """Locked places of keys that the person would not open; asked for again once an answer fails without."""

    @property
    def answering(self) -> frozenset[str]:
        """Conversations with a running answer."""
        return frozenset(t.session.conversation.id for t in self._turns if t.session.conversation)

    @property
    def current(self) -> Turn | None:
        """The one of the conversation on show."""
        return next((t for t in self._turns if t.session is self._conversation.session), None)

    @property
    def any(self) -> bool:
        """Whether any answer is running."""
        return bool(self._turns)

    def session_of(self, id: str) -> Session | None:
        """The session that is answering in that conversation."""
        return next(
            (t.session for t in self._turns if t.session.conversation and t.session.conversation.id == id), None
        )

    def send(self, asked: Asked) -> None:
        """Ask, or queue behind the answer that is running."""
        text = asked.text
        if (turn := self.current) is not None:
            turn.queue.append(asked)
            self._events.turn_state_changed()
            return
        here = self._conversation
        session, model, editing = here.session, asked.model or here.model, here.editing
        if editing is not None:
            here.edited()
        self._events.question_shown()
        now = time_of_day(now_ms())
        shown = ((Text(text),) if text else ()) + asked.parts
        self._transcript.append_entry(Entry(PENDING, "user", shown, header=Header("you", now)))

        def ask() -> AsyncGenerator[Event]:
            if editing is not None:
                return session.edit(editing, text, parts=asked.parts, model=model, params=asked.params)
            return session.send(text, parts=asked.parts, model=model, params=asked.params)

        self.start(session, ask, asked, model)

    def start(self, session: Session, ask: Ask, question: Asked | None = None, model: str = "") -> None:
        """Run a turn.  ``model`` is what is asked, where it is not the conversation's."""
        turn = Turn(session, ask, question, model or self._conversation.model, earlier=session.reply)
        if self._on_show(turn):
            self._conversation.asks()
        self._turns.append(turn)
        turn.worker = self._transcript.run_worker(self._run(turn), name="turn", group="turns", exit_on_error=False)
        self._events.turn_started()

    def stop(self) -> bool:
        """Stop the answer on show; what was queued behind it comes back into the composer.  False if none runs."""
        if (turn := self.current) is None or turn.worker is None:
            return False
        self.give_back_queue()
        turn.stopped = True
        if turn.begun:  # else it ends by itself as soon as it begins: cancelled before, it would give nothing back
            turn.worker.cancel()
        return True

    def give_back_queue(self) -> None:
        """What waits behind the answer on show comes back into the composer."""
        if self.current is None or not self.current.queue:
            return
        queued, self.current.queue = self.current.queue, []
        self._composer.put("\n\n".join(filter(None, (*(asked.text for asked in queued), self._composer.text))))
        self._attachments.give_back(*queued)

    async def stop_all(self) -> None:
        """Stop everything and wait until it is saved; what waits behind an answer becomes its conversation's draft."""
        self._leaving = True
        waiting = [(turn.session, joined(turn.queue)) for turn in self._turns if turn.queue]
        for turn in self._turns:
            turn.queue = []
        workers = [turn.worker for turn in self._turns if turn.worker]
        await asyncio.sleep(0)  # a worker that is cancelled before it began never runs, and gives nothing back
        for worker in workers:
            worker.cancel()
        for worker in workers:
            with suppress(WorkerError):  # that it was cancelled is no news: its answer is saved by then
                await worker.wait()
        for session, asked in waiting:
            if session.conversation is None:
                self._composer.give_back(asked.text)
                self._attachments.give_back(asked)
            else:
                await self._app.ready_services.store.drafts.add(session.conversation.id, asked.draft)

    def show_running(self, session: Session) -> None:
        """Let the transcript take up the answer that is running in a conversation that is shown again."""
        turn = next((t for t in self._turns if t.session is session), None)
        if turn is None or session.reply is None:
            return
        turn.shown = session.reply.turn.reply_id
        self._transcript.begin_stream(self._entry(turn, parts=True))

    async def _run(self, turn: Turn) -> None:
        from routerterm.tui.dialogs.unlock import open_locked

        ended, turn.begun = False, True
        try:
            if turn.stopped:
                raise asyncio.CancelledError
            conversation = turn.session.conversation
            if conversation is None or not conversation.private:  # what stays on this machine needs no key
                await open_locked(self._app, self._app.ready_services.keys, turn.model, self._declined)
            async with aclosing(turn.ask()) as events:
                async for event in events:
                    await self._take(turn, event)
                    ended = isinstance(event, Finished | Failed)
        except RoutertermError as error:
            await self._give_back(turn, error)
        except Exception as error:  # noqa: BLE001 - a mistake of ours: told, and what is queued is still asked
            from routerterm.config.crash import report

            if turn.shown is None and turn.session.reply is not None:
                await self._appear(turn)
            self._app.show_error(report(error))
        except asyncio.CancelledError:
            await self._stopped_early(turn)
            if not self._leaving:  # what came until it was stopped has cost something, too
                self._transcript.run_worker(self._events.turn_ended(), name="stopped", exit_on_error=False)
            raise
        finally:
            self._turns.remove(turn)
            if turn.shown is None:
                await self._conversation.settle(turn.session)
            if not ended and turn.shown is not None and self._on_show(turn):
                self._transcript.end_stream(turn.shown, self._entry(turn, parts=True, ended=True))
            self._events.turn_state_changed()
            if turn.stopped and turn.queue and not self._leaving:  # asked after Esc, while what came was being saved
                self._go_on(turn)
        if turn.shown is not None and self._on_show(turn) and not turn.session.unsaved:
            await self._conversation.settle_header(turn.shown)
        await self._events.turn_ended()
        if turn.over_budget is not None:
            from routerterm.tui.chat.over_budget import ask_to_spend

            ask_to_spend(self._app, turn, turn.over_budget, self.start)
        if turn.queue:
            self._go_on(turn)

    async def _stopped_early(self, turn: Turn) -> None:
        """Stopped before anything of it was seen: show that, or give back what was never written down."""
        if turn.shown is None and turn.session.reply is not turn.earlier:
            await self._appear(turn)
        elif turn.shown is None:
            await self._return_question(turn)

    def _go_on(self, ended: Turn) -> None:
        """Ask what was queued behind an answer, also where the person has gone to another conversation since."""
        first, *rest = ended.queue
        session, model = ended.session, ended.model
        if session is self._conversation.session:
            self.send(first)
        else:
            model = first.model or model

            def ask() -> AsyncGenerator[Event]:
                return session.send(first.text, parts=first.parts, model=model or None, params=first.params)

            self.start(session, ask, first, model)
        if (turn := next((t for t in self._turns if t.session is session), None)) is not None:
            turn.queue.extend(rest)

    async def _take(self, turn: Turn, event: Event) -> None:
        """The one place where the interface learns what happens to an answer."""
        if turn.shown is None and turn.session.reply is not None:
            await self._appear(turn)
        match event:
            case ThoughtsClosed():  # what was shown as the answer so far was thinking
                if turn.shown and self._on_show(turn):
                    self._transcript.begin_stream(self._entry(turn, parts=True))
            case TextDelta() | ReasoningDelta() | ToolCallDelta():
                turn.first_at = turn.first_at or time.monotonic()
                turn.pieces += 1
                if turn.shown and self._on_show(turn):
                    self._transcript.feed(turn.shown, event)
            case RouteDecided() | UsageReported():
                pass
            case AttemptStarted(target=target):
                turn.note = f"asking {target}"
                self._new_header(turn)
            case AttemptFailed(target=target, error=error, next=then):
                turn.note = f"{target.provider} {words(error.kind)} · {then}"
                self._new_header(turn)
            case Recovered():
                turn.note = "continuing with another model"
                if turn.shown and self._on_show(turn):
                    self._transcript.begin_stream(self._entry(turn, parts=True))
            case ToolStarted(tool=tool):
                turn.note, turn.first_at = f"calling {one_line(tool)}", None
                self._events.turn_state_changed()
            case ToolFinished() | StepEnded():
                turn.note, turn.first_at = "asking again with the results", None
                if turn.shown and self._on_show(turn):
                    self._transcript.begin_stream(self._entry(turn, parts=True))
            case Finished() | Failed():
                failed = event.error if isinstance(event, Failed) else None
                self._events.reached(failed is None or not self._notifications.failed(failed))
                self._notifications.answered(time.monotonic() - turn.started, failed is None)
                turn.over_budget = failed if isinstance(failed, OverBudget) else None
                if isinstance(failed, NoKey):
                    self._declined.clear()
                if turn.shown and self._on_show(turn):
                    self._transcript.end_stream(turn.shown, self._entry(turn, parts=True, ended=True))
            case _:
                assert_never(event)

    async def _appear(self, turn: Turn) -> None:
        """Question and answer are on disk: show them under their real ids."""
        assert turn.session.reply is not None
        turn.shown = turn.session.reply.turn.reply_id
        if self._on_show(turn):
            await self._conversation.show()
            await self._conversation.question_kept(turn.session)
        await self._events.conversations_changed()

    def _on_show(self, turn: Turn) -> bool:
        return turn.session is self._conversation.session

    def _new_header(self, turn: Turn) -> None:
        if turn.shown and self._on_show(turn):
            self._transcript.set_header(turn.shown, self._entry(turn).header)

    def _entry(self, turn: Turn, *, parts: bool = False, ended: bool = False) -> Entry:
        reply = turn.session.reply
        assert reply is not None
        record = reply.record
        header = header_of(record, record.target or record.asked, time_of_day(now_ms()))
        status = reply.status if ended else "streaming"
        trouble = trouble_of(record, status, begun=reply.builder.text_length > 0) if ended else ""
        seams = tuple(map(seam_of, record.seams))
        return Entry(
            reply.turn.reply_id,
            "assistant",
            reply.builder.parts() if parts else (),
            status=status,
            header=header,
            seams=seams,
            trouble=trouble,
        )

    async def _return_question(self, turn: Turn) -> None:
        """What was asked goes back into the composer, and out of the transcript."""
        if turn.question is None:
            return
        if self._on_show(turn):
            await self._conversation.show()
        self._composer.give_back(turn.question.text)
        self._attachments.give_back(turn.question)

    async def _give_back(self, turn: Turn, error: RoutertermError) -> None:
        """It never left: the text goes back where it was typed."""
        if turn.shown is None:
            await self._return_question(turn)
        self._app.show_error(error)
        if turn.session.unsaved:
            self._events.unsaved(turn.session)
