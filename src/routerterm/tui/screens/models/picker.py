"""The model picker: opens at once, looks everything up, takes what is chosen and keeps favourites."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from routerterm.catalog.values import ModelInfo
from routerterm.config.write import set_value
from routerterm.core.messages import Image
from routerterm.core.request import ChatRequest
from routerterm.engine.keys.view import health as key_words
from routerterm.engine.keys.view import lines_of
from routerterm.engine.rating.kinds import kind_of
from routerterm.router.options import BUILTIN_ROUTES
from routerterm.tui.dialogs.picker import Picker, RowAction, later
from routerterm.tui.screens.models.rows import COLUMNS, ModelChoices, Need, choice_rows, cycle, provider_keys

if TYPE_CHECKING:
    from routerterm.tui.app_context import AppContext
    from routerterm.tui.widgets.rows import Row
    from routerterm.wiring import Services

READ = 400
"""Messages of the conversation that are counted; longer ones are cut to fit anyway."""
_YARDSTICK = ModelInfo("openai", "gpt-4o")


async def open_screen(app: AppContext) -> None:
    """Let the person pick what answers from now on."""

    async def taken(name: str | None) -> None:
        if name is not None:
            await app.use_model(name)

    app.push_screen(model_picker(app, "Model"), taken)


def model_picker(app: AppContext, title: str) -> Picker:
    """Pick a model or a route."""
    return Picker(
        title,
        COLUMNS,
        later(lambda: _rows(app)),
        on=app.conversation.model,
        placeholder="type a name, a provider, vision, free …",
        nothing="No model matches. Any provider/model can be named: /model provider/model",
        row_actions=(RowAction("ctrl+s", "Favourite", lambda name: toggle_favourite(app, name)),),
        explained=True,
    )


async def toggle_favourite(app: AppContext, name: str) -> None:
    """Make it a favourite, or no longer; kept in the settings."""
    services = _services(app)
    have = services.settings.ui.favourites
    kept = [each for each in have if each != name] if name in have else [*have, name]
    await asyncio.to_thread(set_value, app.paths, "ui.favourites", kept or None)
    await app.take_up_settings()


async def next_recent(app: AppContext) -> tuple[str, int, int] | None:
    """The model to use after the present one: its name, its place and how many there are; None without another."""
    services = _services(app)
    current = app.conversation.model
    if current not in app.recent:
        recent = await services.store.conversations.recent_models()
        app.recent = tuple(dict.fromkeys((current, *recent, *services.settings.ui.favourites)))
    name = cycle(app.recent, current)
    return None if name is None else (name, app.recent.index(name) + 1, len(app.recent))


async def _rows(app: AppContext) -> Sequence[Row]:
    choices = await look_up(app)
    return await asyncio.to_thread(choice_rows, choices, app.active_theme.glyphs)


async def look_up(app: AppContext) -> ModelChoices:
    """Everything that the picker shows, of this moment."""
    from routerterm.wiring.model_lists import RECENT, answerable
    from routerterm.wiring.preview import abilities

    services = _services(app)
    routes = {**BUILTIN_ROUTES, **services.options.routes}
    book = await abilities(services)
    unsent = app.unsent
    return ModelChoices(
        current=app.conversation.model,
        routes=tuple(routes.values()),
        models=answerable(services, await services.store.conversations.recent_models(RECENT)),
        favourites=services.settings.ui.favourites,
        recent=await services.store.conversations.recent_models(),
        health=await services.router.health(),
        keys=await _keys(services),
        need=await need_of(app),
        behind={name: book.models(name) for name in routes},
        ratings=await services.costs.ratings.of_kind(kind_of(unsent.text, images=bool(unsent.images))),
    )


async def need_of(app: AppContext) -> Need:
    """What the composer's text, with all that was said before it, asks of a model."""
    services, asked = _services(app), app.unsent
    page = await app.conversation.session.page(READ)
    history = (*(message.message for message in page.messages if message.parts), asked)
    request = ChatRequest("", history, system=app.conversation.system)
    tokens = await asyncio.to_thread(services.costs.estimator.prompt, request, _YARDSTICK)
    images = any(isinstance(part, Image) for message in history for part in message.parts)
    return Need(tokens, images, app.conversation.private)


async def _keys(services: Services) -> dict[str, str]:
    rows = await services.keys.readable_rows()
    troubles = {row.name: trouble for row in rows if (trouble := services.keys.trouble(row)) is not None}
    now = time.time()
    lines = lines_of(rows, await services.store.memory.read("key:"), {}, troubles=troubles, tests={}, now=now)
    said = ((line.record.provider, line.health, key_words(line, now)) for line in lines)
    return dict(provider_keys(((info.name, info.needs_key) for info in services.catalog.providers()), said))


def _services(app: AppContext) -> Services:
    assert app.services is not None
    return app.services
