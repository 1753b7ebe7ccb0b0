"""`Router`: asks the decisions what to do, and does it."""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from routerterm.catalog.values import ProviderInfo
from routerterm.core.errors import NoCandidate, RoutertermError
from routerterm.core.events import Event, Failed
from routerterm.core.ids import ulid
from routerterm.core.ports import ApiKey, InMemoryStateStore, KeySource, Ledger, NoLedger, StateStore
from routerterm.core.request import ChatRequest
from routerterm.core.streams import Deferred
from routerterm.core.targets import Decision, Target
from routerterm.protocols import codec
from routerterm.protocols.base import HttpRequest, ListedModel
from routerterm.router.decide import circuit_breaker, key_limits, pauses, prompt_cache
from routerterm.router.decide.attempts import Rules
from routerterm.router.decide.circuit_breaker import Health
from routerterm.router.decide.key_limits import KeyView
from routerterm.router.decide.names import check
from routerterm.router.decide.prompt_cache import WarmCache
from routerterm.router.options import RouterOptions
from routerterm.router.ports import RouterPorts
from routerterm.router.run.fetch import CALL_WAIT
from routerterm.router.run.off_loop import off_loop
from routerterm.router.run.planner import ENABLE_HINT, CatalogReader, RequestPlanner, health_name, key_name
from routerterm.router.run.wires import Wires
from routerterm.router.transports.base import Transport

if TYPE_CHECKING:
    from routerterm.router.run.outgoing import Outgoing


def wall_clock() -> float:
    """Seconds since the epoch; 0 where the clock stands before it, as on boards without a battery."""
    return max(0.0, time.time())


class Router:
    """Sends requests to models, by the person's routes and limits, and survives what providers do.

    One event loop at a time; any number of requests at once.  Without a memory it forgets health and keys'
    states with the program, without a ledger it keeps no book.
    """

    def __init__(
        self,
        catalog: CatalogReader,
        keys: KeySource,
        *,
        options: RouterOptions | None = None,
        memory: StateStore | None = None,
        ledger: Ledger | None = None,
        transports: Mapping[str, Transport] | None = None,
        ports: RouterPorts | None = None,
        clock: Callable[[], float] = wall_clock,
        random: Callable[[], float] = random.random,
    ) -> None:
        """``transports`` are by provider; others go over the network.  ``clock`` is seconds since the epoch."""
        self._catalog = catalog
        self._keys = keys
        self._options = options or RouterOptions()
        self._memory = memory or InMemoryStateStore()
        self._ledger = ledger or NoLedger()
        self._ports = ports or RouterPorts()
        self._clock = clock
        self._random = random
        self._wires = Wires(catalog, self._options, transports or {}, _opened)
        self._planner = RequestPlanner(
            catalog,
            keys,
            self._memory,
            self._options,
            self._ports,
            clock=clock,
            random=random,
            unavailable=self._wires.unavailable,
        )

    @classmethod
    def from_environment(cls) -> Router:
        """A router of the built-in catalogue, with the keys that are in ``{PROVIDER}_API_KEY``."""
        from routerterm.catalog import Catalog
        from routerterm.router.environment_keys import EnvironmentKeys

        catalog = Catalog.builtin()
        return cls(catalog, EnvironmentKeys(catalog.provider))

    def stream(self, request: ChatRequest) -> AsyncGenerator[Event, None]:
        """Everything that happens to a request; exactly one `Finished` or `Failed` ends it.

        Walk it under `contextlib.aclosing`: closing it hangs up at once.
        """
        return Deferred(partial(self._begin, request))

    async def _begin(self, request: ChatRequest) -> AsyncGenerator[Event, None]:
        from routerterm.router.accounting.admission import AttemptAdmission
        from routerterm.router.run.request import RequestRun
        from routerterm.router.run.start import RequestContext

        try:
            guarded = await off_loop(request, self._ports.guard.check, request)
            planned = await self._planner.prepare(guarded.request, rotate=True)
        except RoutertermError as error:
            return _only(Failed(error))
        context = RequestContext(
            self._options,
            self._ports,
            self._clock,
            random=self._random,
            new_id=self._new_id,
            open_stream=self._wires.open_stream,
            takes_url=self._wires.takes_url,
        )
        admission = AttemptAdmission(self._memory, self._ledger, self._options, planned, self._clock)
        return RequestRun(context, admission, planned, guarded).events()

    async def outgoing(self, request: ChatRequest) -> Outgoing:
        """What `stream` would send first, to the byte; nothing is sent, reserved or put on record.

        Raises what sending it would fail with before anything left: `GuardBlocked`, `OverBudget`, `NoCandidate`.
        """
        from routerterm.router.run.outgoing import look_ahead

        guarded = await off_loop(request, self._ports.guard.rehearse, request)
        planned = await self._planner.prepare(guarded.request, rotate=False)
        options = self._options
        return await look_ahead(
            guarded,
            planned,
            ports=self._ports,
            ledger=self._ledger,
            rules=Rules(options.limits, options.keys, options.on_cut),
            encode=self._wires.encoded,
            random=self._random,
            now=self._clock(),
        )

    async def warm_cache(self, request: ChatRequest, target: Target) -> WarmCache | None:
        """What the provider of ``target`` still holds of a conversation's prompt; None where it is cold.

        Raises `GuardBlocked` where the request may not leave at all.
        """
        name, model = f"{prompt_cache.PREFIX}{request.conversation_id}", self._catalog.model(target)
        state = (await self._memory.read(name)).get(name)
        if state is None or model is None or prompt_cache.is_cold(state, self._clock()):
            return None
        guarded = await off_loop(request, self._ports.guard.rehearse, request)
        wanted = await off_loop(request, prompt_cache.digests, guarded.request)
        return prompt_cache.warm_cache(state, model, wanted, self._clock())

    async def explain(self, request: ChatRequest) -> Decision:
        """The whole decision, without sending or reserving anything.  Raises `NoCandidate` for an unknown name."""
        return (await self._planner.prepare(request, rotate=False)).plan.decision

    def problems(self) -> tuple[str, ...]:
        """What is wrong with the routes, aliases and fallbacks of the settings, one sentence each."""
        return check(self._options, self._catalog.provider, self._catalog.providers)

    async def health(self) -> dict[Target, Health]:
        """All that is remembered of models."""
        states, now = await self._memory.read("health:"), self._clock()
        return {Target.parse(name[7:]): circuit_breaker.health(state, now) for name, state in states.items()}

    async def key_states(self, provider: str) -> tuple[KeyView, ...]:
        """How the provider's keys stand, in the order of preference."""
        states, now = await self._memory.read(f"key:{provider}/"), self._clock()
        keys = await self._keys.keys(provider)
        return tuple(key_limits.view(states.get(key_name(provider, key.label)), key, now) for key in keys)

    async def avoid(self, target: Target, seconds: float = 600.0) -> None:
        """Leave a model alone for a while, by hand."""
        until = self._clock() + seconds
        await self._memory.change(health_name(target), lambda state: circuit_breaker.avoided(state, until))

    async def pause(self, name: str, seconds: float | None = None) -> None:
        """Send nothing to a provider or ``provider/model``: for so long, or until it is resumed.

        Raises `NoCandidate` where the name's provider is unknown.
        """
        provider = name.partition("/")[0]
        if self._catalog.provider(provider) is None:
            raise NoCandidate(f"There is no provider {provider!r}.", "Use a provider, or a model as provider/model.")
        until = None if seconds is None else self._clock() + seconds
        await self._memory.change(pauses.PREFIX + name, lambda _: {"until": until})

    async def resume(self, name: str) -> bool:
        """Use it again; whether it was paused."""
        was = name in await self.paused()
        await self._memory.change(pauses.PREFIX + name, lambda _: None)
        return was

    async def paused(self) -> dict[str, float | None]:
        """What is paused, and until when (seconds since the epoch); None is until it is resumed."""
        return pauses.paused(await self._memory.read(pauses.PREFIX), self._clock())

    async def forget(self, target: Target) -> None:
        """Hold nothing against a model any more, by hand."""
        await self._memory.change(health_name(target), circuit_breaker.forgotten)

    async def revive_key(self, provider: str, label: str) -> None:
        """Try a key again that was out or resting, by hand."""
        await self._memory.change(key_name(provider, label), key_limits.revived)

    async def listed(self, provider: str, key: ApiKey | None = None) -> Sequence[ListedModel]:
        """The provider's own list of its models: also the test whether a key works.  Raises `ProviderError`."""
        info = self._catalog.provider(provider)
        if info is None:
            raise NoCandidate(f"There is no provider {provider!r}.")
        if not info.enabled:
            raise NoCandidate(f"The provider {provider} is disabled in the settings.", ENABLE_HINT)
        if key is None:
            key = next(iter(await self._keys.keys(provider)), None)
        wire = codec(info.protocol, info.dialect)
        request = wire.models_request(base_url=info.base_url, key=key.secret if key else None)
        return wire.decode_models(await self._wires.fetched(info, request))

    async def aclose(self) -> None:
        """Close the connections that are kept open."""
        await self._wires.aclose()

    async def call(self, provider: str, request: HttpRequest, most: int) -> bytes:
        """Send something that asks for no answer of a model (a batch), and give the body, at most so many bytes.

        Raises `ProviderError`.
        """
        info = self._catalog.provider(provider)
        if info is None or not info.enabled:
            raise NoCandidate(f"There is no provider {provider!r} to ask.")
        return await self._wires.fetched(info, request, most, CALL_WAIT)

    def _new_id(self) -> str:
        return ulid(int(self._clock() * 1000), secrets.token_bytes(10))


async def _only(event: Event) -> AsyncGenerator[Event, None]:
    yield event


def _opened(info: ProviderInfo, proxy: str | None) -> Transport:
    if info.in_process == "demo":
        from routerterm.router.transports.demo import DemoTransport

        return DemoTransport()
    if info.in_process:
        from routerterm.router.transports.local import LocalTransport

        return LocalTransport({})
    from routerterm.router.transports.http import HttpTransport

    return HttpTransport(proxy)
