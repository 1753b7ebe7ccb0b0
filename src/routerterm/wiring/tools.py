"""The tools of one person, put together; imported when a tool is first wanted, never at the start."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from routerterm.catalog import Catalog
from routerterm.config.keys.key_store import KeyStore
from routerterm.config.paths import Paths
from routerterm.config.schema import Settings
from routerterm.config.settings import load_settings
from routerterm.core.errors import RoutertermError
from routerterm.core.gc_control import resume
from routerterm.core.messages import Message, ToolCall, ToolResult
from routerterm.core.money import to_nano
from routerterm.core.request import ChatRequest, Params, Tool
from routerterm.core.targets import Cause, Target
from routerterm.engine.tools.loop import Approve, FillIn, Limits, ToolLoop, offered
from routerterm.engine.tools.toolbox import Toolbox
from routerterm.engine.tools.values import BUILT_IN, Answer, Ask, Form, ToolInfo, is_meant, is_on
from routerterm.router.ports import Guard
from routerterm.store.values import Conversation
from routerterm.wiring.keys import key_store_of
from routerterm.wiring.settings_mapping import catalog_of

if TYPE_CHECKING:
    from routerterm.wiring.services import Services


def toolbox_of(
    settings: Settings,
    keys: KeyStore,
    paths: Paths,
    environ: Mapping[str, str] | None = None,
    before: Toolbox | None = None,
) -> Toolbox:
    """The tools by these settings; servers of those ``before`` that are reached as they were go on running.

    routerterm's own folders, with keys and history, are never read by a tool.
    """
    forbidden = (paths.data, paths.state, paths.config_file.parent)
    return Toolbox(settings, keys, paths.data, forbidden=forbidden, environ=environ, before=before)


async def open_toolbox(paths: Paths | None = None, environ: Mapping[str, str] | None = None) -> Toolbox:
    """The tools alone, without history and router.  Raises `SettingsError`."""
    paths = paths or Paths.find(environ)
    settings = await asyncio.to_thread(load_settings, paths, environ)
    catalog = await asyncio.to_thread(lambda: catalog_of(settings, Catalog.builtin()))
    paths.make()
    resume()
    return toolbox_of(settings, key_store_of(settings, catalog, paths, environ), paths, environ)


_OTHER_MODEL = "Choose another model, or ask without them."
_WHERE_TOOLS_ARE = "routerterm mcp list shows the servers, routerterm mcp test NAME what they offer."


class TurnTools:
    """A `ToolSource`: the tools of one answer, as settings, conversation and command line have them.

    ``approve`` None says no to every call that must be asked about.  ``only`` are globs of the tools that are offered,
    whatever the conversation says of them.  ``most`` US dollars, where that is less than the settings'.
    """

    def __init__(
        self,
        services: Services,
        approve: Approve | None,
        only: tuple[str, ...] = (),
        most: Decimal | None = None,
        fill: FillIn | None = None,
    ) -> None:
        self._fill = fill
        self._services = services
        self._approve = approve or _nobody
        self._only = only
        self._most = most

    async def loop(self, conversation: Conversation, model: str, params: Params) -> ToolLoop | None:
        """The loop; None where no tool is left to offer, or the model that was picked can call none.

        Raises `RoutertermError` where a tool that was named is not there, or the model can call none of them.
        """
        services, only = self._services, self._only or params.tools_only
        if _cannot_call(services, model) or not await _can_call(services, model, private=conversation.private):
            if set(only) - {"*"}:
                raise RoutertermError(f"{model} can't call tools, and {', '.join(only)} is asked for.", _OTHER_MODEL)
            return None
        box = services.tools()
        offers = await box.offers(private=conversation.private)
        if missing := [glob for glob in only if not any(is_meant(tool, glob) for tool in offers)]:
            raise RoutertermError(f"No tool is available as {', '.join(missing)}.", _WHERE_TOOLS_ARE)
        wanted = Params(tools_only=self._only) if self._only else params
        tools = [tool for tool in offers if is_on(tool, wanted)]
        if not tools:
            return None
        own = services.settings.tools

        async def approve(ask: Ask) -> Answer:
            return await self._approve(replace(ask, conversation_id=conversation.id))

        async def fill(form: Form) -> Mapping[str, Any] | None:
            assert self._fill is not None
            return await self._fill(replace(form, conversation_id=conversation.id))

        return ToolLoop(
            tools,
            box,
            approve,
            screen=GuardScreen(services.costs.guard, conversation.id),
            limits=Limits(own.steps, to_nano(own.usd if self._most is None else min(own.usd, self._most))),
            allowed=services.allowed_tools.setdefault(conversation.id, set()),
            fill=fill if self._fill is not None else None,
        )


def known_tools(services: Services, params: Params, model: str, *, private: bool) -> tuple[Tool, ...]:
    """What the next answer would be offered, as far as it is known without starting a server: for forecasts."""
    if _cannot_call(services, model):
        return ()
    tools = services.tools().known(private=private)
    return offered([tool for tool in tools if is_on(tool, params)])


async def _can_call(services: Services, model: str, *, private: bool) -> bool:
    """Whether a model behind the name may be called with tools; where none can answer at all, its error says why."""
    request = ChatRequest(model, (Message.of("user", "?"),), tools=(Tool("t", "", {}),), private=private)
    try:
        decision = await services.router.explain(request)
    except RoutertermError:
        return True
    return bool(decision.candidates) or not any(
        rejected.cause is Cause.CAPABILITY and _lacks_tools(services, rejected.target)
        for rejected in decision.passed_over
    )


def _cannot_call(services: Services, model: str) -> bool:
    """Whether this model was picked by its name and is known to call no tools."""
    return "/" in model and _lacks_tools(services, Target.parse(model))


def _lacks_tools(services: Services, target: Target) -> bool:
    info = services.catalog.model(target)
    return info is not None and info.lacks("tools")


class GuardScreen:
    """The person's guard between tools and models."""

    def __init__(self, guard: Guard, conversation_id: str) -> None:
        self._guard = guard
        self._conversation_id = conversation_id

    def arguments(self, call: ToolCall, *, local: bool) -> str:
        """See `routerterm.engine.tools.loop.Screen`.  What stays in the person's network is not looked at."""
        if local:
            return call.arguments
        checked = self._checked(Message("user", (call,))).parts[0]
        return checked.arguments if isinstance(checked, ToolCall) else call.arguments

    def result(self, result: ToolResult) -> None:
        """See `routerterm.engine.tools.loop.Screen`.  What is to be redacted is so when it leaves."""
        self._checked(Message("tool", (result,)))

    def _checked(self, message: Message) -> Message:
        request = ChatRequest("", (message,), conversation_id=self._conversation_id)
        return self._guard.check(request).request.messages[0]


def unattended_loop(services: Services, tools: Sequence[ToolInfo]) -> ToolLoop:
    """The loop of an answer that nobody watches: a call that must be asked about is declined."""
    own = services.settings.tools
    limits = Limits(own.steps, to_nano(own.usd))
    return ToolLoop(
        tools, services.tools(), _nobody, screen=GuardScreen(services.costs.guard, ""), limits=limits, allowed=set()
    )


async def allow_always(services: Services, tool: ToolInfo) -> None:
    """Write into ``config.toml`` that a tool needs no question from now on.  Raises `SettingsError`, `StoreError`."""
    from routerterm.config.write import set_values

    if entries := _always_allowed(services.settings, tool):
        await asyncio.to_thread(set_values, services.paths, entries, services.environ)


def _always_allowed(settings: Settings, tool: ToolInfo) -> dict[str, object]:
    """The entries that allow it.  A rule of the person's own that asks about it or denies it goes before them."""
    if tool.server == BUILT_IN:
        return {"tools.fetch": "allow"} if tool.own_name == "fetch" else {}
    rules = settings.mcp[tool.server].tools
    name = tool.own_name.translate({ord(sign): "?" for sign in "*[]"})
    return {f'mcp."{tool.server}".tools.allow': [*rules.allow, name]}


async def _nobody(_: Ask) -> Answer:
    return Answer("no")
