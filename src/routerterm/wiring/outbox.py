"""Sends what waits in the outbox: asks what it would cost, holds that back, sends it when its time has come.

Nothing leaves before the row is claimed (`routerterm.store.outbox`), so two programs, a kill or a clock that jumps
send nothing twice.  Times are compared with the clock of the moment; nothing sleeps until a time of day.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from routerterm.core.errors import NoCandidate, Offline, RoutertermError, Unreachable
from routerterm.core.events import Failed
from routerterm.core.ledger import AttemptRecord, CapReached
from routerterm.core.messages import Message
from routerterm.core.money import from_nano, to_nano
from routerterm.core.request import ChatRequest
from routerterm.core.targets import Candidate, Cause, Decision, Forecast, Target
from routerterm.engine.chat.context import context_of
from routerterm.engine.chat.params import params_from_json
from routerterm.engine.chat.title import title_of
from routerterm.engine.outbox.when import When, next_cheap
from routerterm.protocols.batch import BATCHES
from routerterm.router.accounting.admission import over
from routerterm.router.decide.budget import over_budget
from routerterm.store.outbox_rows import NewQuestion, Waiting
from routerterm.wiring.batches import AGAIN, BatchRunner

if TYPE_CHECKING:
    from decimal import Decimal

    from routerterm.store.values import Conversation
    from routerterm.wiring.services import Services

_REACH = 3.0
"""Seconds in which a provider's address must take a connection."""


class Draft(Struct, frozen=True):
    """A question before it is queued, and where it belongs: None is a new conversation."""

    question: Message
    model: str
    when: When
    conversation_id: str | None = None
    system: str | None = None
    source: str | None = None
    private: bool = False


class Queued(Struct, frozen=True):
    """What was queued.  ``held`` is what the budget holds back for it, None where a price is unknown."""

    count: int
    held: Decimal | None
    conversation_ids: tuple[str, ...]


class Outbox:
    """The outbox of one program."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._store = services.store
        self._batches = BatchRunner(services)
        self._busy = asyncio.Lock()

    async def add(self, drafts: Sequence[Draft]) -> Queued:
        """Queue questions, all or none.  Raises `RoutertermError` where a cap, a model or a time does not allow it."""
        questions = [await self._question(draft) for draft in drafts]
        added = await self._store.outbox.add(questions)
        if isinstance(added, CapReached):
            first = questions[0].hold
            raise over(added, Target(first.provider, first.model))
        costs = [question.hold.cost_nanousd for question in questions]
        held = None if None in costs else from_nano(sum(cost or 0 for cost in costs))
        return Queued(added, held, tuple(question.conversation.id for question in questions))

    async def tick(self) -> int:
        """Do what is due now; how many questions moved."""
        if self._busy.locked():
            return 0
        async with self._busy:
            outbox = self._store.outbox
            rows = await outbox.rows()
            if not rows:
                return 0
            moved = await outbox.recover(self._store.living())
            now = self._store.now()
            if moved:
                rows = await outbox.rows()
            for row in rows:
                if row.state == "waiting" and row.mode != "batch" and row.due_at <= now:
                    moved += await self._send(row)
            return moved + await self._batches.tick([row for row in rows if row.mode == "batch"])

    async def _question(self, draft: Draft) -> NewQuestion:
        services, store = self._services, self._store
        conversation, new = await self._conversation(draft)
        parent = None if new else await store.messages.head(conversation.id)
        request = await self._request(conversation, parent, draft, new=new)
        decision = await services.router.explain(request)
        batch = draft.when.mode == "batch"
        chosen, forecast = self._chosen(decision, batch)
        due_at = draft.when.due_at
        if draft.when.mode == "off-peak":
            due_at = self._cheap_at(chosen.target)
        model = services.catalog.model(chosen.target)
        route = services.options.route(request.model)
        name = request.model if route is not None else str(chosen.target)
        hold = AttemptRecord(
            store.new_id(),
            1,
            "outbox",
            route=name,
            provider=chosen.target.provider,
            model=chosen.target.model,
            started_at=store.now(),
            conversation_id=conversation.id,
            input_tokens=forecast.prompt_tokens,
            output_tokens=forecast.answer,
            cost_nanousd=None if forecast.high is None else to_nano(forecast.high),
            cost_source="declared" if model is not None and model.local else "computed",
            price_date=model.price_date if model is not None else None,
        )
        caps = services.costs.budget.caps(request, chosen.target, name, store.now())
        return NewQuestion(
            store.new_id(),
            store.new_id(),
            conversation,
            new=new,
            parent_id=parent,
            question=draft.question,
            model=request.model,
            mode=draft.when.mode,
            due_at=due_at,
            hold=hold,
            caps=caps,
            provider=chosen.target.provider if batch else None,
            target=str(chosen.target) if batch else None,
            source=draft.source,
        )

    def _chosen(self, decision: Decision, batch: bool) -> tuple[Candidate, Forecast]:
        """Who would answer, and what that may cost.  Raises `NoCandidate`."""
        known = [(one, one.forecast) for one in decision.candidates if one.forecast is not None]
        if not known:
            first = decision.passed_over[0] if decision.passed_over else None
            if first is not None and first.cause is Cause.BUDGET:
                raise over_budget(first.target, first.reason)
            reason = first.reason if first is not None else "no provider has a key"
            raise NoCandidate(f"No model can take this question: {reason}.", "See: routerterm why")
        takers = [pair for pair in known if self.takes_batches(pair[0].target)] if batch else known
        if not takers:
            raise NoCandidate(f"{known[0][0].target} takes no batches.", "OpenAI, Anthropic, Gemini and Mistral do.")
        return takers[0]

    async def _conversation(self, draft: Draft) -> tuple[Conversation, bool]:
        if draft.conversation_id is not None:
            found = await self._store.conversations.get(draft.conversation_id)
            if found is not None:
                return found, False
        title = title_of(draft.question.said or draft.question.text)
        project = self._services.project.key if self._services.project is not None else None
        fields = {"model": draft.model, "system": draft.system, "title": title, "private": draft.private}
        return self._store.conversations.new(**fields, project=project), True

    async def _request(self, conversation: Conversation, parent: str | None, draft: Draft, *, new: bool) -> ChatRequest:
        store, window = self._store.messages, self._services.window
        before = await context_of(store, parent, conversation.system, draft.model, window)
        params, private = params_from_json(conversation.params), conversation.private
        messages = (*before.messages, draft.question)
        request = ChatRequest(
            draft.model,
            messages,
            before.system,
            params,
            private=private,
            client="outbox",
            conversation_id=None if new else conversation.id,  # one that is on no disk belongs to the open project
            batch=draft.when.mode == "batch",
        )
        return replace(await self._services.within_project(request), conversation_id=conversation.id)

    def takes_batches(self, target: Target) -> bool:
        """Whether a model's provider answers batches."""
        info = self._services.catalog.provider(target.provider)
        return info is not None and "batch" in info.flags and info.protocol in BATCHES

    def _cheap_at(self, target: Target) -> int:
        model = self._services.catalog.model(target)
        if model is None or model.off_peak is None:
            raise RoutertermError(f"{target} costs the same at every hour.", "/later batch is half price at some.")
        return round(
            next_cheap(model.off_peak, datetime.fromtimestamp(self._store.now() / 1000, UTC)).timestamp() * 1000
        )

    async def _send(self, row: Waiting) -> int:
        """Send one that is due, if its provider can be reached."""
        outbox, services = self._store.outbox, self._services
        if not await self._reachable(row):
            return 0
        if not await outbox.claim([row.id]):
            return 0
        session = services.session(row.conversation_id)
        error: RoutertermError | None = None
        try:
            async with aclosing(session.regenerate(row.question_id, model=row.model, client="outbox")) as events:
                async for event in events:
                    if isinstance(event, Failed):
                        error = event.error
        except RoutertermError as failed:
            error = failed
        if isinstance(error, Offline | Unreachable):  # nothing was sent, and it may be tried again
            await outbox.change([row.id], "waiting", note=error.message, due_at=self._store.now() + AGAIN)
            return 0
        if error is not None:
            await outbox.change([row.id], "failed", note=error.message)
        else:
            await outbox.change([row.id], "done")
        return 1

    async def _reachable(self, row: Waiting) -> bool:
        """Whether a connection comes about to one of the providers that may see the question."""
        conversation = await self._store.conversations.get(row.conversation_id)
        private = conversation is not None and conversation.private
        request = ChatRequest(row.model, (Message.of("user", row.text),), private=private)
        try:
            decision = await self._services.router.explain(request)
        except RoutertermError:
            return True  # what is wrong is said by sending it
        if not decision.candidates:
            return True
        for one in decision.candidates[:3]:
            if await self._connects(one.target.provider):
                return True
        return False

    async def _connects(self, provider: str) -> bool:
        info, options = self._services.catalog.provider(provider), self._services.options
        if info is None or info.in_process:
            return info is not None
        place = urlsplit(options.proxies.get(provider) or options.proxies.get("*") or info.base_url)
        port = place.port or (443 if place.scheme == "https" else 80)
        try:
            async with asyncio.timeout(_REACH):
                _, writer = await asyncio.open_connection(place.hostname, port)
        except (OSError, TimeoutError, ValueError):
            return False
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        return True
