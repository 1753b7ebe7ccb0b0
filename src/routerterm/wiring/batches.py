"""Hands questions in as batches, looks after them, and writes their answers down once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from msgspec.structs import replace

from routerterm.catalog.parameters import fitted
from routerterm.catalog.pricing import batch_class
from routerterm.core.errors import NoCandidate, Offline, ProviderError, RateLimited, RoutertermError, Unreachable
from routerterm.core.events import ReasoningDelta, StreamEnd, StreamError, TextDelta, ToolCallDelta, UsageReported
from routerterm.core.ledger import AttemptRecord
from routerterm.core.messages import Part, Text
from routerterm.core.money import Cost
from routerterm.core.reply import ReplyBuilder
from routerterm.core.request import ChatRequest
from routerterm.core.targets import Target
from routerterm.core.usage import Usage
from routerterm.engine.chat.context import context_of
from routerterm.engine.chat.params import params_from_json
from routerterm.engine.chat.trace import ErrorInfo, ReplyTrace
from routerterm.protocols import codec
from routerterm.protocols.base import HttpRequest
from routerterm.protocols.batch import BATCHES, MOST_BYTES, BatchItem, BatchResult, Steps, T, batch_call
from routerterm.router.accounting.rows import settlement_row
from routerterm.store.outbox_rows import Waiting
from routerterm.store.turns import Answer

if TYPE_CHECKING:
    from routerterm.catalog.values import ModelInfo, ProviderInfo
    from routerterm.core.ports import ApiKey
    from routerterm.router.ports import Guarded
    from routerterm.wiring.services import Services

POLL = 60_000
"""Milliseconds between two looks at a batch."""
AGAIN = 60_000
"""Milliseconds until a question is tried again that could not leave."""
_DONE_BY = 24 * 3_600_000
"""Milliseconds: until then all providers have a batch, or answer it."""


class BatchRunner:
    """What the outbox does with batches."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._store = services.store
        self._looked_at: dict[str, int] = {}
        """When the provider was last asked whether it has the batch of that name."""

    async def tick(self, rows: Sequence[Waiting]) -> int:
        """Hand in what waits, and look after what is handed in; how many questions moved."""
        moved = 0
        groups: dict[str, list[Waiting]] = {}
        jobs: dict[str, list[Waiting]] = {}
        unsure: dict[str, list[Waiting]] = {}
        for row in rows:
            if row.state == "waiting" and row.due_at <= self._store.now() and row.target:
                groups.setdefault(row.target, []).append(row)
            elif row.state == "submitted" and row.job:
                jobs.setdefault(row.job, []).append(row)
            elif row.state == "unsure" and row.target and row.batch:
                unsure.setdefault(row.batch, []).append(row)
        for name, some in unsure.items():
            moved += await self._look_for(name, some)
        for target, some in groups.items():
            moved += await self._submit(Target.parse(target), some)
        for job, some in jobs.items():
            since = self._store.now() - some[0].polled_at
            if since >= POLL or since < 0:  # a clock that was set back must not make it wait for ever
                moved += await self._collect(job, some)
        return moved

    async def _submit(self, target: Target, rows: Sequence[Waiting]) -> int:
        """One batch of all that waits for a model.  Claimed first: what may have left is never handed in again."""
        outbox = self._store.outbox
        info, model = self._services.catalog.provider(target.provider), self._services.catalog.model(target)
        key = await self._key(target.provider, None)
        if info is None or not info.enabled or model is None or (key is None and info.needs_key):
            return await self._failed(rows, f"There is no key for {target.provider}, or it is switched off.")
        bodies: dict[str, BatchItem] = {}
        for row in rows:
            try:
                guarded = await self._guarded(row, model)
                await self._may_leave(row, model)
            except RoutertermError as error:
                await self._failed([row], error.message)
                continue
            bodies[row.id] = BatchItem(row.id, self._body(self._as_held(row, guarded.request, model), info, model))
        name = self._store.new_id()
        mine = await outbox.claim(bodies, name)
        if not mine:
            return 0
        call = batch_call(info.protocol, info.base_url, key.secret if key else None, target.model)
        batches, asked = BATCHES[info.protocol], list[HttpRequest]()
        items = [item for id, item in bodies.items() if id in mine]
        try:
            job = await self._run(target.provider, batches.submit(call, items, name), asked)
        except RoutertermError as error:
            state = _after(error, may_be_made=len(asked) > batches.before)
            again = self._store.now() + AGAIN if state == "waiting" else None
            await outbox.change(mine, state, note=error.message, due_at=again)
            return len(mine)
        await outbox.submitted(mine, job, key.label if key else None)
        return len(mine)

    async def _look_for(self, name: str, rows: Sequence[Waiting]) -> int:
        """A program died, or heard nothing, while it handed these in: ask the provider whether it has the batch."""
        target, now = Target.parse(rows[0].target or ""), self._store.now()
        info = self._services.catalog.provider(target.provider)
        if info is None or not info.enabled or 0 <= now - self._looked_at.get(name, -POLL) < POLL:
            return 0
        self._looked_at[name] = now
        for key in await self._services.keys.keys(target.provider) or (None,):  # nobody knows with which it was sent
            call = batch_call(info.protocol, info.base_url, key.secret if key else None, target.model)
            try:
                job = await self._run(
                    target.provider, BATCHES[info.protocol].find(call, name, [row.id for row in rows])
                )
            except ProviderError:
                continue
            if job is not None:
                await self._store.outbox.submitted([row.id for row in rows], job, key.label if key else None)
                return len(rows)
        return 0

    async def _collect(self, job: str, rows: Sequence[Waiting]) -> int:
        """The answers of a batch, if it is done."""
        target = Target.parse(rows[0].target or "")
        info, model = self._services.catalog.provider(target.provider), self._services.catalog.model(target)
        if info is None or not info.enabled or model is None or not await self._store.outbox.polled(job):
            return 0
        key = await self._key(target.provider, rows[0].key_label)
        call = batch_call(info.protocol, info.base_url, key.secret if key else None, target.model)
        try:
            results = await self._run(target.provider, BATCHES[info.protocol].collect(call, job))
        except ProviderError as error:
            lost = error.status is None and error.kind == "malformed"
            return await self._failed(rows, error.message) if lost or self._is_gone(error, key, rows[0]) else 0
        if results is None:
            return 0
        by_id = {result.id: result for result in results}
        moved = 0
        for row in rows:
            result = by_id.get(row.id) or BatchResult(row.id, error="The batch has no answer to this question.")
            moved += await self._answered(row, result, info, model)
        return moved

    def _is_gone(self, error: ProviderError, key: ApiKey | None, row: Waiting) -> bool:
        """Whether the provider no longer has a batch.  With another key than its own, or soon after it was handed in,
        that it knows of none says nothing."""
        own = (key.label if key is not None else None) == row.key_label
        return error.status in (404, 410) and own and self._store.now() - row.created_at > _DONE_BY

    async def _answered(self, row: Waiting, result: BatchResult, info: ProviderInfo, model: ModelInfo) -> int:
        store = self._store
        if result.error:
            return await self._failed([row], result.error)
        try:
            guarded: Guarded | None = await self._guarded(row, model)
        except RoutertermError:  # a rule that is newer than the question must not cost the answer that is paid for
            guarded = None
        parts, usage, error = _read(result.body, info, guarded)
        if error is not None and not parts:
            return await self._failed([row], error.message)
        cost = self._cost(usage, model)
        reply_id, now = store.new_id(), store.now()
        begun = AttemptRecord(
            row.attempt_id or store.new_id(),
            1,
            "outbox",
            route=row.model,
            provider=model.provider,
            model=model.id,
            started_at=row.created_at,
            message_id=reply_id,
            conversation_id=row.conversation_id,
            key_label=row.key_label,
        )
        record = settlement_row(begun, "done", usage, cost, duration_ms=max(0, now - row.created_at))
        trace = ReplyTrace(asked=row.model, target=str(model.target), finish="stop", usage=usage, cost=cost)
        trace = replace(trace, error=None if error is None else ErrorInfo.of(error))
        answer = Answer(parts, "done" if error is None else "cut", str(model.target), trace.to_json())
        if not await store.outbox.answered(row.id, reply_id, answer, record):
            return 0
        await store.ledger.share(record)
        return 1

    def _cost(self, usage: Usage, model: ModelInfo) -> Cost:
        return self._services.costs.ports.pricer.cost(replace(usage, tier=""), batch_class(model))

    async def _failed(self, rows: Sequence[Waiting], why: str) -> int:
        await self._store.outbox.change([row.id for row in rows], "failed", note=why)
        return len(rows)

    def _as_held(self, row: Waiting, request: ChatRequest, model: ModelInfo) -> ChatRequest:
        """Where a cap has to hold, the answer is kept to what is held back for it: nobody looks after it any more."""
        held, most = row.held_answer, request.params.max_output
        caps = self._services.costs.budget.caps(request, model.target, row.model, self._store.now())
        if held is None or all(cap.unit == "requests" for cap in caps) or (most is not None and most <= held):
            return request
        return replace(request, params=replace(request.params, max_output=max(1, held)))

    async def _guarded(self, row: Waiting, model: ModelInfo) -> Guarded:
        """The question with all before it, as it may leave.  Raises `RoutertermError`."""
        services, store = self._services, self._store
        conversation = await store.conversations.get(row.conversation_id)
        system = conversation.system if conversation is not None else None
        params = params_from_json(conversation.params) if conversation is not None else params_from_json({})
        found = await context_of(store.messages, row.question_id, system, row.model, services.window)
        params, _ = fitted(params, model)
        request = ChatRequest(
            str(model.target),
            found.messages,
            found.system,
            params,
            client="outbox",
            conversation_id=row.conversation_id,
        )
        return services.costs.guard.check(request)

    async def _may_leave(self, row: Waiting, model: ModelInfo) -> None:
        """Raises `NoCandidate` where the conversation was made private since the question was queued."""
        conversation = await self._store.conversations.get(row.conversation_id)
        if conversation is not None and conversation.private and not model.local:
            raise NoCandidate("The conversation is private now, and the model is not local.")

    def _body(self, request: ChatRequest, info: ProviderInfo, model: ModelInfo) -> dict[str, object]:
        wire = codec(info.protocol, info.dialect)
        encoded = wire.encode(request, base_url=info.base_url, model=model.id, key=None, stream=False)
        body: dict[str, object] = json.loads(encoded.body)
        return {name: value for name, value in body.items() if name not in ("stream", "stream_options")}

    async def _key(self, provider: str, label: str | None) -> ApiKey | None:
        keys = await self._services.keys.keys(provider)
        return next((key for key in keys if key.label == label), next(iter(keys), None))

    async def _run(self, provider: str, steps: Steps[T], asked: list[HttpRequest] | None = None) -> T:
        """Carry out what a batch's protocol wants done; ``asked`` gets what was sent.  Raises `ProviderError`."""
        try:
            request = next(steps)
            while True:
                if asked is not None:
                    asked.append(request)
                request = steps.send(await self._services.router.call(provider, request, MOST_BYTES))
        except StopIteration as end:
            found: T = end.value
            return found


def _after(error: RoutertermError, *, may_be_made: bool) -> Literal["waiting", "failed", "unsure"]:
    """What becomes of questions whose batch could not be handed in.

    Where the provider says no, nothing was taken, and where nobody was reached, it may be tried again.  A silence
    leaves it open.
    """
    if isinstance(error, RateLimited | Unreachable | Offline):
        return "waiting"
    status = error.status if isinstance(error, ProviderError) else None
    if status is not None and status < 500:
        return "failed"
    return "unsure" if may_be_made else "waiting"


def _read(
    body: bytes, info: ProviderInfo, guarded: Guarded | None
) -> tuple[tuple[Part, ...], Usage, ProviderError | None]:
    """The answer in a body: its parts with what the guard took out put back, what it used, and what is wrong."""
    builder, usage, error = ReplyBuilder(), Usage(source="estimated"), None
    for event in codec(info.protocol, info.dialect).decode_body(body):
        match event:
            case TextDelta() | ReasoningDelta() | ToolCallDelta():
                builder.add(event)
            case UsageReported(reported):
                usage = reported
            case StreamError(failed):
                error = failed
            case StreamEnd():
                pass
    restorer = guarded.restorer() if guarded is not None else None
    if restorer is None:
        return builder.parts(), usage, error
    parts = [
        replace(part, text=restorer.feed(part.text) + restorer.end()) if isinstance(part, Text) else part
        for part in builder.parts()
    ]
    return tuple(parts), usage, error
