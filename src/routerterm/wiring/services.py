"""Everything that a program of ours needs, put together: settings, catalogue, keys, store, router."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import tzinfo
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import replace

from routerterm.catalog import Catalog
from routerterm.config.keys.key_store import KeyStore
from routerterm.config.local_model import load_openmp, weights_file
from routerterm.config.model_list_cache import read_kept
from routerterm.config.paths import Paths
from routerterm.config.schema import Settings
from routerterm.config.settings import load_settings
from routerterm.core.errors import RoutertermError, VaultError
from routerterm.core.events import Event
from routerterm.core.gc_control import resume
from routerterm.core.ledger import Cap
from routerterm.core.money import to_nano
from routerterm.core.request import ChatRequest, Params, Tool
from routerterm.core.streams import Deferred
from routerterm.engine.chat.detached import DetachedReplies
from routerterm.engine.chat.project import Project, project_of
from routerterm.engine.chat.router_port import ChatRouter, StepLoop
from routerterm.engine.chat.session import Session
from routerterm.engine.tools.pictures import WebPictures
from routerterm.engine.usage.provider_status import ProviderStatus, provider_status, spent_today
from routerterm.router import Router
from routerterm.router.decide.budget import Gauge, crossed
from routerterm.router.options import RouterOptions
from routerterm.router.run.outgoing import Outgoing
from routerterm.router.transports.base import Transport
from routerterm.store.database import Store, milliseconds
from routerterm.store.opening import Opening
from routerterm.tokens.estimator import Loading
from routerterm.wiring.context import CurrentContextWindow
from routerterm.wiring.costs import Costs, costs_of
from routerterm.wiring.default_model import LOCAL, default_model, providers_with_key
from routerterm.wiring.keys import key_store_of
from routerterm.wiring.model_lists import fetch_lists, unlisted
from routerterm.wiring.settings_mapping import catalog_of, options_of, shared_of

if TYPE_CHECKING:
    from routerterm.engine.tools.loop import Approve, FillIn
    from routerterm.engine.tools.toolbox import Toolbox
    from routerterm.store.values import Conversation


class Services(Struct):
    """One person's routerterm, without a face."""

    paths: Paths
    settings: Settings
    catalog: Catalog
    keys: KeyStore
    store: Store
    router: Router
    options: RouterOptions
    """The router's routes and limits, as the settings have them."""
    costs: Costs
    default_model: str
    """What a new conversation asks unless told otherwise."""
    environ: Mapping[str, str] | None = None
    loading: Loading = "later"
    detached: DetachedReplies = field(default_factory=DetachedReplies)
    troubles: tuple[RoutertermError, ...] = ()
    """What was wrong at the start but did not prevent it."""
    opening: Opening = field(default_factory=Opening)
    """What was found and done when the history was opened."""
    project: Project | None = None
    """The one that new conversations belong to."""
    with_key: frozenset[str] = frozenset()
    """The providers with a key, as far as the program has heard."""
    approve: Approve | None = None
    """Asks the person about a call of a tool; None where there is nobody to ask."""
    fill: FillIn | None = None
    """Lets the person fill in a form of a tool's server; None where there is nobody."""
    allowed_tools: dict[str, set[str]] = field(default_factory=dict)
    """The tools that the person has allowed for a conversation, by its id."""
    _toolbox: Toolbox | None = None
    _old_tools: tuple[Toolbox, ...] = ()
    _retired: list[Router] = field(default_factory=list)
    _gauges: tuple[Gauge, ...] = ()
    _asked_for_lists: frozenset[str] = frozenset()

    def session(self, conversation_id: str | None = None, router: ChatRouter | None = None, **fields: Any) -> Session:
        """A conversation, or a new one.  ``router`` None asks ours."""
        project = self.project.key if self.project is not None else None
        fields = {"model": self.default_model, "window": self.window, "project": project, "tools": self, **fields}
        return Session(self.store, router or self, conversation_id, detached=self.detached, **fields)

    async def loop(self, conversation: Conversation, model: str, params: Params) -> StepLoop | None:
        """The tools of one answer; nothing of them is imported where they are off."""
        if not tools_on(self.settings, params):
            return None
        from routerterm.wiring.tools import TurnTools

        return await TurnTools(self, self.approve, fill=self.fill).loop(conversation, model, params)

    def known_tools(self, params: Params, model: str, *, private: bool = False) -> tuple[Tool, ...]:
        """The tools that the next answer would be offered, as far as they are known without starting a server."""
        if not tools_on(self.settings, params):
            return ()
        from routerterm.wiring.tools import known_tools

        return known_tools(self, params, model, private=private)

    def tools(self) -> Toolbox:
        """The tools of the present settings; servers start when they are first needed."""
        from routerterm.wiring.tools import toolbox_of

        if self._toolbox is None or self._toolbox.settings is not self.settings:
            self._old_tools = (*self._old_tools, *filter(None, [self._toolbox]))
            self._toolbox = toolbox_of(self.settings, self.keys, self.paths, self.environ, self._toolbox)
        return self._toolbox

    @property
    def window(self) -> CurrentContextWindow:
        """What of a conversation goes to a model, by the settings of the moment."""
        return CurrentContextWindow(self)

    def model_for_chores(self, present: str, *, private: bool = False) -> str:
        """What does small work such as a summary: the cheap route where it has a key, else the ``present`` model."""
        if private:
            return present
        cheap = self.options.route("cheap")
        keyed = cheap is not None and any(model.name.partition("/")[0] in self.with_key for model in cheap.models)
        return "cheap" if keyed else present

    def stream(self, request: ChatRequest) -> AsyncGenerator[Event]:
        """The events of one answer, by the router of the present settings.

        Where the name says no model, a provider of one's own is first asked which it has.
        """

        async def begin() -> AsyncGenerator[Event]:
            if "/" not in request.model and not request.private:
                await self.learn_models(nameless=True)
            return self.router.stream(await self.within_project(request))

        return Deferred(begin)

    async def outgoing(self, request: ChatRequest) -> Outgoing:
        """What `stream` would send first, without sending it."""
        if "/" not in request.model and not request.private:
            await self.learn_models(nameless=True)
        return await self.router.outgoing(await self.within_project(request))

    async def within_project(self, request: ChatRequest) -> ChatRequest:
        """The request, held to its project's budget; free and local models answer with nothing left.

        The project is its conversation's, whoever asks; what belongs to no conversation, such as a request of the
        gateway, is held to that of the project that is open.  Raises `RoutertermError` where it cannot be read.
        """
        project = self.project
        if request.conversation_id is not None:
            conversation = await self.store.conversations.get(request.conversation_id)
            folder = conversation.project if conversation is not None else None
            if project is None or folder != project.key:
                project = await asyncio.to_thread(project_of, Path(folder)) if folder is not None else None
        if project is None or project.budget is None:
            return request
        cap = Cap("project", "usd", to_nano(project.budget), value=project.key)
        return replace(request, caps=(*request.caps, cap))

    async def learn_models(self, *, nameless: bool = False) -> bool:
        """Ask providers of which no model is known for their lists, once; whether there is a new one.

        ``nameless``: only those that have no default model either, and so cannot be asked without that.
        """
        wanted = unlisted(self, self._asked_for_lists)
        if nameless:
            wanted = tuple(info for info in wanted if not info.default_model)
        self._asked_for_lists |= {info.name for info in wanted}
        if not wanted or not await fetch_lists(self, wanted):
            return False
        await self._take_up(self.settings)
        return True

    async def choose_default(self) -> None:
        """Find anew what a new conversation asks: keys or local weights may have come."""
        with_key = await providers_with_key(self.settings, self.keys)
        self.default_model = default_model(self.settings, with_key, self.paths)

    async def reload(self) -> None:
        """Take up changed settings; answers that are running end under the old ones.  Raises `SettingsError`."""
        await self._take_up(await asyncio.to_thread(load_settings, self.paths, self.environ))

    async def _take_up(self, settings: Settings) -> None:
        await self.costs.keep(self.store)
        parts = await _parts(self.paths, settings, self.keys, self.store, self.loading)
        self._retired.append(self.router)
        self.settings, self.catalog, self.options, self.costs, self.router = settings, *parts
        self.with_key = await providers_with_key(settings, self.keys)
        self.default_model = default_model(settings, self.with_key, self.paths)

    @property
    def zone(self) -> tzinfo | None:
        """Whose days count; None is this machine's."""
        name = self.settings.budget.timezone
        if not name:
            return None
        from zoneinfo import ZoneInfo

        return ZoneInfo(name)

    async def spent_today(self) -> tuple[Decimal, bool]:
        """What today has cost so far, and whether a part of that is not known."""
        return await spent_today(self.store.ledger.figures, self.zone)

    async def budget_warnings(self) -> tuple[str, ...]:
        """The caps that have come to a percentage to be warned of since this was last asked, in words."""
        gauges = await self.costs.budget.gauges(milliseconds())
        before, self._gauges = self._gauges, gauges  # after the wait: who asks at the same time shall not say it again
        return tuple(f"Budget: {gauge.words}, {gauge.share:.0%}." for gauge in crossed(before, self._gauges))

    async def provider_statuses(self) -> tuple[tuple[str, ProviderStatus], ...]:
        """How the providers with a key are."""
        self.with_key = await providers_with_key(self.settings, self.keys)
        rows = await self.keys.readable_rows()
        states = await self.store.memory.read("health:")
        providers = dict.fromkeys(row.provider for row in rows if row.provider in self.with_key)
        return provider_status(providers, states)

    async def close(self) -> None:
        """Finish and leave nothing open."""
        await self.costs.keep(self.store)
        for box in (*self._old_tools, *filter(None, [self._toolbox])):
            await box.aclose()
        for router in (*self._retired, self.router):
            await router.aclose()
        await self.store.close()


def tools_on(settings: Settings, params: Params) -> bool:
    """Whether an answer may call tools: as the conversation says, else the settings."""
    start = settings.tools.start
    if params.tools is not None:
        return params.tools
    return start == "on" or (start == "auto" and any(server.enabled for server in settings.mcp.values()))


async def open_services(
    paths: Paths | None = None, environ: Mapping[str, str] | None = None, *, loading: Loading = "later"
) -> Services:
    """Put everything together.  Raises `SettingsError` and `StoreError`; no key is looked for yet.

    ``loading``: when exact token tables may load; never where a stall would be felt and a light count serves.
    """
    paths = paths or Paths.find(environ)
    settings = await asyncio.to_thread(load_settings, paths, environ)
    catalog = await asyncio.to_thread(lambda: catalog_of(settings, Catalog.builtin()))
    paths.make()
    keys = key_store_of(settings, catalog, paths, environ)
    store = Store.open(paths.database, shared=shared_of(settings, environ))
    opening = await store.start()
    catalog, options, costs, router = await _parts(paths, settings, keys, store, loading)
    with_key = await providers_with_key(settings, keys)
    return Services(
        paths,
        settings,
        catalog,
        keys=keys,
        store=store,
        router=router,
        options=options,
        costs=costs,
        default_model=default_model(settings, with_key, paths),
        environ=environ,
        loading=loading,
        troubles=(*opening.notices(), *await _damaged(keys)),
        opening=opening,
        with_key=with_key,
    )


async def _parts(
    paths: Paths, settings: Settings, keys: KeyStore, store: Store, loading: Loading
) -> tuple[Catalog, RouterOptions, Costs, Router]:
    """What follows from the settings, and changes with them."""
    catalog = await asyncio.to_thread(lambda: catalog_of(settings, Catalog.builtin().merged(fresh=read_kept(paths))))
    costs = costs_of(settings, catalog, store, loading)
    await costs.recall(store)
    options = options_of(settings)
    router = Router(
        catalog,
        keys,
        options=options,
        memory=store.memory,
        ledger=store.ledger,
        ports=replace(costs.ports, pictures=WebPictures(settings.router.proxy)),
        transports=_in_process(paths),
    )
    return catalog, options, costs, router


async def _damaged(keys: KeyStore) -> tuple[VaultError, ...]:
    """Why the list of keys cannot be read, if it cannot: everything else goes on without it."""
    try:
        await keys.records()
    except VaultError as error:
        return (error,)
    return ()


def _in_process(paths: Paths) -> Mapping[str, Transport]:
    """The providers that run inside this program."""
    from routerterm.router.transports.local import LocalTransport

    return {LOCAL.provider: LocalTransport({LOCAL.model: weights_file(paths)}, load_needs=load_openmp)}


@asynccontextmanager
async def open_app(
    paths: Paths | None = None, environ: Mapping[str, str] | None = None, *, loading: Loading = "never"
) -> AsyncIterator[Services]:
    """`open_services`, closed at the end; for a command that does one thing, whose answer waits for no exact table."""
    services = await open_services(paths, environ, loading=loading)
    resume()
    try:
        yield services
    finally:
        await services.close()
