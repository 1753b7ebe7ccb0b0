"""Models as they are suggested after ``/model``: routes, what was used last, what can be asked now, then the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from routerterm.router.options import BUILTIN_ROUTES
from routerterm.tui.chat.completion import MOST, fitting
from routerterm.tui.keymap import Choice
from routerterm.tui.screens.models.rows import price, size

if TYPE_CHECKING:
    from routerterm.catalog.values import ModelInfo
    from routerterm.wiring import Services


async def model_choices(services: Services, typed: str) -> Sequence[Choice]:
    """Those that fit what was typed, with what they cost."""
    from routerterm.wiring.model_lists import RECENT, answerable

    recent = await services.store.conversations.recent_models(RECENT)
    models = {str(model.target): model for model in answerable(services, recent)}
    return await asyncio.to_thread(lambda: fitting(list(_all(services, models, recent)), typed)[:MOST])


def _all(services: Services, models: dict[str, ModelInfo], recent: Sequence[str]) -> Iterator[Choice]:
    routes = {**BUILTIN_ROUTES, **services.options.routes}
    for name, route in routes.items():
        yield Choice(name, f"route: {', '.join(model.name for model in route.models) or 'every provider with a key'}")
    keyless = {info.name for info in services.catalog.providers() if not info.needs_key}
    ready = [name for name, model in models.items() if model.provider in services.with_key | keyless]
    for name in dict.fromkeys([*(name for name in recent if name in models), *ready, *models]):
        yield Choice(name, _about(models[name], name in ready))


def _about(model: ModelInfo, ready: bool) -> str:
    prices = model.prices
    money = "free" if model.local else f"$/M {price(prices.input, False)} in, {price(prices.output, False)} out"
    return f"{money} · {size(model.context)}{'' if ready else ' · no key yet'}"
