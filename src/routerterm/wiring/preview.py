"""What may be said of a message before it is sent: what the models behind a name can do, and what they would cost."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from routerterm.catalog.values import ModelInfo
from routerterm.core.errors import NoCandidate
from routerterm.core.messages import Message
from routerterm.core.request import ChatRequest, Params
from routerterm.core.targets import Decision, Forecast, Target
from routerterm.engine.chat.capabilities import CapabilityIndex
from routerterm.engine.chat.context import context_of
from routerterm.engine.chat.trace import ReplyTrace
from routerterm.router.decide.forecast import outlooks
from routerterm.router.decide.names import Names
from routerterm.router.decide.prompt_cache import WarmCache
from routerterm.wiring.default_model import providers_with_key

if TYPE_CHECKING:
    from routerterm.engine.chat.session import Session
    from routerterm.wiring.services import Services

LONG = 20_000
"""Characters from which on a text is first counted beside the interface."""
MOST = 12
"""Other models that are looked at."""


class Preview(Struct, frozen=True):
    """What the next message would cost, and a model that would certainly cost less."""

    forecast: Forecast
    target: Target
    free: bool = False
    """Whether nothing that may be asked for it costs anything."""
    cheaper: Target | None = None
    cheaper_at_most: Decimal | None = None
    warm: WarmCache | None = None
    """What the provider still holds of the conversation's prompt."""
    reported: int | None = None
    """Tokens of the conversation as the provider counted them, where the model that answered last answers next."""


async def abilities(services: Services) -> CapabilityIndex:
    """What the models of a name can do, by the keys of the moment."""
    with_key = await providers_with_key(services.settings, services.keys)
    names = Names(services.options, services.catalog.provider, services.catalog.providers)
    return CapabilityIndex(names, services.catalog.model, with_key)


async def preview(
    services: Services,
    session: Session,
    message: Message | None,
    model: str,
    *,
    params: Params,
    leaf: str | None = None,
    system: str | None = None,
    private: bool = False,
) -> Preview | None:
    """Ask everything but the provider.  None where no model could answer, or nothing is known of it.

    ``message`` comes after ``leaf``, or after the end of the branch that is shown.
    Raises `RoutertermError` where no model can serve it.
    """
    await session.load()
    fitted = await context_of(services.store.messages, leaf or session.head, system, model, services.window)
    messages = (*fitted.messages, message) if message is not None and message.parts else fitted.messages
    if not messages:
        return None
    tools = services.known_tools(params, model, private=private)
    request = ChatRequest(model, messages, fitted.system, params, tools, private=private)
    if sum(len(part) for part in (one.text for one in messages[-1:])) > LONG:
        await _count_aside(services, request)
    decision = await services.router.explain(request)
    if not decision.candidates or decision.forecast is None:
        return None
    first = decision.candidates[0].target
    free = all(_is_free(services, candidate.target) for candidate in decision.candidates)
    counted = await _counted(services, leaf or session.head, first) if len(messages) == len(fitted.messages) else None
    found = Preview(decision.forecast, first, free, reported=counted)
    found = replace(found, warm=await _warm(services, session, request, first))
    return await _with_cheaper(services, request, decision, found)


async def _warm(services: Services, session: Session, request: ChatRequest, target: Target) -> WarmCache | None:
    conversation = session.conversation
    if conversation is None:
        return None
    return await services.router.warm_cache(replace(request, conversation_id=conversation.id), target)


async def _counted(services: Services, leaf: str | None, target: Target) -> int | None:
    """What the provider counted when it gave the last answer: prompt and answer, without what was only thought."""
    last = await services.store.messages.get(leaf) if leaf is not None else None
    record = ReplyTrace.of(last.params) if last is not None and last.role == "assistant" else None
    usage = record.usage if record is not None and record.target == str(target) else None
    return usage.total - usage.reasoning if usage is not None and usage.source == "reported" else None


def _is_free(services: Services, target: Target) -> bool:
    info = services.catalog.model(target)
    if info is None:
        return False
    prices = info.prices  # a local model may have prices too: those of the settings
    unknown = prices.input is None and prices.output is None
    return (prices.input == 0 and prices.output == 0) or (info.local and unknown)


async def _count_aside(services: Services, request: ChatRequest) -> None:
    """Have a long text counted in a thread; the count is then known."""
    try:
        models = (await abilities(services)).models(request.model)
    except NoCandidate:
        return
    for info in models[:1]:
        await asyncio.to_thread(services.costs.forecaster.forecast, request, info)


async def _with_cheaper(services: Services, request: ChatRequest, decision: Decision, found: Preview) -> Preview:
    info = services.catalog.model(found.target)
    if info is None or not found.forecast.low:
        return found  # what is free or unknown has nothing cheaper
    others = list(_others(services, decision, await services.store.conversations.recent_models()))
    usable = [other for other in others[:MOST] if other.target != found.target and _serves(services, other, request)]
    seen = outlooks(services.costs.forecaster, request, [info, *usable])
    cheaper = [(one.forecast.high, one.target) for one in seen[1:] if one.cheaper and one.fits]
    if not cheaper:
        return found
    price, target = min(cheaper, key=lambda pair: (pair[0] or Decimal(0), pair[1]))
    return replace(found, cheaper=target, cheaper_at_most=price)


def _others(services: Services, decision: Decision, recent: tuple[str, ...]) -> Iterator[ModelInfo]:
    """The rest of the route, what was used lately, and the default models of providers with a key."""
    targets = [candidate.target for candidate in decision.candidates[1:]]
    targets += [Target.parse(name) for name in recent if "/" in name]
    targets += [
        Target(info.name, info.default_model)
        for info in services.catalog.providers()
        if info.default_model and info.name in services.with_key
    ]
    for target in dict.fromkeys(targets):
        if (info := services.catalog.model(target)) is not None:
            yield info


def _serves(services: Services, model: ModelInfo, request: ChatRequest) -> bool:
    provider = services.catalog.provider(model.provider)
    if provider is None or provider.in_process or not provider.enabled:
        return False
    ready = model.provider in services.with_key or not provider.needs_key
    sees = model.vision or not request.has_images
    return ready and sees and (model.local or not request.private)
