"""All that the requests of one gateway share."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncGenerator, Sequence
from math import ceil
from typing import TYPE_CHECKING

from msgspec.structs import replace

from routerterm.catalog.values import ModelInfo
from routerterm.core.errors import ModelNotFound, RoutertermError, StoreError, UnknownModel
from routerterm.core.events import Event
from routerterm.core.ids import ulid
from routerterm.core.ledger import AttemptRecord
from routerterm.core.nearest import nearest
from routerterm.core.request import ChatRequest
from routerterm.core.secret import Secret
from routerterm.core.targets import Target
from routerterm.engine.usage.request_log import RequestLog
from routerterm.engine.virtual_keys import Client, VirtualKey
from routerterm.gateway.access import Access
from routerterm.gateway.cache import AnswerCache, MemoryCache, SharedCache, Slot, key_of
from routerterm.gateway.http_errors import forbidden
from routerterm.gateway.limits import check_request
from routerterm.gateway.metrics import Metrics
from routerterm.gateway.mock import mock_events
from routerterm.gateway.peer import is_own_user
from routerterm.gateway.rate_limiter import Permit, RateLimiter
from routerterm.gateway.request import BodyLimiter, Scope, headers_of
from routerterm.gateway.request_log import RequestLogger
from routerterm.gateway.request_options import RequestOptions
from routerterm.gateway.request_record import RequestRecord
from routerterm.gateway.responses import ResponseHistory
from routerterm.gateway.shared_rates import SharedRates
from routerterm.router.decide.budget import day_start, month_start
from routerterm.router.decide.forecast import MARGIN
from routerterm.router.options import BUILTIN_ROUTES
from routerterm.store.errors import SharedStateAway

if TYPE_CHECKING:
    from routerterm.gateway.chat_handler import ChatHandler
    from routerterm.wiring.services import Services

log = logging.getLogger(__name__)
_MEGABYTE = 1_000_000
_KEYS_EVERY = 1.0
"""Seconds after which the virtual keys are looked at again: a key that was taken back is refused then."""
_NOWHERE = ModelInfo("", "")


class GatewayState:
    """The gateway's own state, over one person's services."""

    def __init__(
        self, services: Services, tokens: Sequence[Secret] = (), *, key_required: bool = False, mock: bool = False
    ) -> None:
        """``mock``: no provider is ever asked, every answer is made here."""
        self.services = services
        self.mock = mock
        own = services.settings.gateway
        self._own = own
        self.request_log = RequestLog()
        self.metrics = Metrics()
        self.bodies = BodyLimiter(own.largest * _MEGABYTE)
        self.rate_limiter = RateLimiter(own.at_once, time.monotonic)
        shared = services.store.shared
        kept = own.cache_minutes * 60
        most = own.cache_megabytes * _MEGABYTE
        self.cache: AnswerCache = (
            MemoryCache(kept, most, time.monotonic) if shared is None else SharedCache(shared, kept, most)
        )
        self._rates = None if shared is None else SharedRates(shared, time.time)
        self._keyless = own.keyless == "auto"
        self.access = Access(
            lambda: self._keys,
            tokens=tokens,
            required=key_required or own.keyless == "off",
            open_to_all=own.keyless == "on",
            hosts=own.hosts,
            origins=own.origins,
        )
        self.responses = ResponseHistory(services.store.gateway_responses)
        self.request_logger = RequestLogger.of(own, services.paths)
        self.handlers: set[ChatHandler] = set()
        self.stopping = False
        self.begun = time.monotonic()
        self._keys: Sequence[VirtualKey] = ()
        self._had_keys = True
        self._keys_at = float("-inf")
        self._looking = asyncio.Lock()

    async def refresh_keys(self) -> None:
        """Look at the virtual keys again, if it is time; whoever comes meanwhile waits for what is found."""
        if self.now() - self._keys_at < _KEYS_EVERY:
            return
        async with self._looking:
            if self.now() - self._keys_at >= _KEYS_EVERY:
                try:
                    self._keys = await read_keys(self.services)
                    self._had_keys = bool(self._keys) or await self.services.store.gateway_keys.ever()
                except SharedStateAway:  # those that were known go on: what costs money is refused elsewhere
                    if self._keys_at == float("-inf"):
                        raise
                self._keys_at = self.now()

    async def enter(self, client: Client, prompt: int, answer: int | None) -> Permit:
        """Let a request in, here and beside all other gateways.  Raises `HttpError` (429, 503)."""
        permit = self.rate_limiter.enter(client, prompt, answer)
        if self._rates is not None:
            try:
                await self._rates.enter(client, permit)
            except BaseException:
                self.rate_limiter.withdraw(permit)
                raise
        return permit

    async def leave(self, client: Client, permit: Permit, tokens: int | None) -> None:
        """It is over; it took so many tokens, or None where that is not known."""
        self.rate_limiter.leave(permit, tokens)
        if self._rates is not None:
            await self._rates.leave(client, permit, tokens)

    async def client_of(self, scope: Scope) -> Client:
        """Who asks.  Raises `HttpError` (401)."""
        await self.refresh_keys()
        return self.access.client_of(headers_of(scope), keyless=lambda: self._is_own(scope))

    @property
    def access_words(self) -> str:
        """Who is let in, in a sentence."""
        if self.access.open_to_all:
            return "every user of this computer, without a key (the setting gateway.keyless)."
        if self.access.required or not self._keyless or self._had_keys:
            return "only with a key: a virtual key, or your own (`routerterm gateway token`)."
        return "your own programs, without a key; other users of this computer are refused."

    def _is_own(self, scope: Scope) -> bool:
        """Whether it is the person's own program, and no virtual key was ever made: then it needs none."""
        connection = scope.get("state", {}).get("connection")
        if not self._keyless or self._had_keys or connection is None:
            return False
        if connection.own_user is None:
            client, server = scope.get("client"), scope.get("server")
            connection.own_user = client is not None and server is not None and is_own_user(client, server)
        own: bool = connection.own_user
        return own

    def stream(self, request: ChatRequest) -> AsyncGenerator[Event, None]:
        """The router's events."""
        return mock_events(request) if self.mock else self.services.stream(request)

    async def model_names(self, client: Client) -> list[str]:
        """Routes, aliases, and the models of all providers that can be asked, as far as this client may."""
        services = self.services
        rows = await services.keys.all_rows()
        usable = {row.provider for row in rows if row.enabled}
        catalog = services.catalog
        names = [*services.options.routes, *BUILTIN_ROUTES, *services.options.aliases]
        for provider in catalog.providers():
            if provider.name in usable or not provider.needs_key:
                names += [str(model.target) for model in catalog.models(provider.name)]
        if client.allowance.hidden:  # the names of models say whose they are
            names = [name for name in names if "/" not in name]
        return [name for name in dict.fromkeys(names) if client.allowance.allows(name)]

    async def with_nearest(self, error: RoutertermError, asked: str, client: Client) -> RoutertermError:
        """An error about a name that is not known, with the name that was probably meant."""
        if not isinstance(error, UnknownModel | ModelNotFound) or (isinstance(error, UnknownModel) and error.nearest):
            return error
        names = await self.model_names(client)
        near = await asyncio.to_thread(nearest, asked, names)
        return UnknownModel(error.message, error.hint, nearest=near[0]) if near and near[0] != asked else error

    async def slot(self, request: ChatRequest, options: RequestOptions, client: Client) -> Slot | None:
        """The request's place in the cache, if it may have one."""
        wanted = options.cache if options.cache is not None else self._own.cache or client.allowance.cache
        if not wanted or not options.log:
            return None
        key = key_of(request)
        return Slot(self.cache, key, await self.cache.get(key))

    async def prompt_tokens(self, request: ChatRequest, *, large: bool = False) -> int:
        """What a prompt may take at most, before it is asked: our own count, and the margin that the budget takes."""
        provider, slash, name = request.model.partition("/")
        known = self.services.catalog.model(Target(provider, name)) if slash else None
        count = self.services.costs.estimator.prompt
        model = known or _NOWHERE
        counted = await asyncio.to_thread(count, request, model) if large else count(request, model)
        return ceil(counted * MARGIN)

    async def count_tokens(self, request: ChatRequest, client: Client) -> int:
        """How long a prompt is for the model that would be asked first.  Raises `BadRequest` and `HttpError`."""
        check_request(request)
        if not client.allowance.allows(request.model):
            raise forbidden(f"This key may not use {request.model[:100]!r}.")
        services = self.services
        if self.mock:
            return await self.prompt_tokens(request)
        decision = await services.router.explain(replace(request, client=client.name))
        if decision.forecast is not None:
            return decision.forecast.prompt_tokens
        target = decision.passed_over[0].target if decision.passed_over else Target("", request.model)
        model = services.catalog.model(target) or _NOWHERE
        return await asyncio.to_thread(services.costs.estimator.prompt, request, model)

    def day_and_month(self) -> tuple[int, int]:
        """When today and this month began, in milliseconds since the epoch."""
        now, zone = self.milliseconds(), self.services.zone
        return day_start(now, zone), month_start(now, zone)

    def open(self, client: Client, path: str) -> RequestRecord:
        """A request has come."""
        return RequestRecord(
            client,
            self.request_log.open(self.milliseconds(), client.name, path),
            self.request_log,
            self.now,
            self.now(),
        )

    def close(self, record: RequestRecord) -> None:
        """It is over."""
        self.metrics.count(record)
        if record.visible:
            self.request_logger.write(record)

    async def enter_cached(self, request: ChatRequest, target: Target) -> None:
        """An answer from memory in the ledger, as such and at its true cost."""
        row = AttemptRecord(
            id=self.new_id(),
            n=1,
            client=request.client,
            route=request.model,
            provider=target.provider,
            model=target.model,
            started_at=self.milliseconds(),
            outcome="done",
            duration_ms=0,
            input_tokens=0,
            cache_read_tokens=0,
            cache_write_tokens=0,
            output_tokens=0,
            reasoning_tokens=0,
            usage_source="reported",
            cost_nanousd=0,
            cost_source="declared",
        )
        try:
            await self.services.store.ledger.settle(replace(row, cached=True))
        except StoreError as error:
            log.warning("an answer from the cache could not be recorded in the ledger: %s", error.message)

    def interrupt_all(self) -> None:
        """End what is still running, honestly."""
        for handler in list(self.handlers):
            handler.interrupt("stopping")

    async def close_down(self) -> None:
        """Leave nothing open."""
        await asyncio.to_thread(self.request_logger.close)

    def now(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    def milliseconds(self) -> int:
        """The time of day, since the epoch."""
        return time.time_ns() // 1_000_000

    def seconds(self) -> int:
        """The same in seconds."""
        return int(time.time())

    def new_id(self) -> str:
        """A fresh ULID."""
        return ulid(self.milliseconds(), secrets.token_bytes(10))


async def read_keys(services: Services) -> tuple[VirtualKey, ...]:
    """The virtual keys as they are kept."""
    from routerterm.engine.virtual_keys import of_row

    return tuple(of_row(row) for row in await services.store.gateway_keys.all())
