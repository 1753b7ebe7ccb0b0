"""The model that the person chose last: the next new conversation begins with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from routerterm.wiring import Services

CHOSEN = "ui:model"
"""Where the memory keeps it, and what the default was then: a default that has changed since is the later word."""


async def remember(services: Services, name: str) -> None:
    """It was chosen."""
    await services.store.memory.change(CHOSEN, lambda _: {"model": name, "default": services.default_model})


async def begins_with(services: Services) -> str:
    """What a new conversation asks: the last choice, unless the settings want the default or it is gone by now."""
    from routerterm.wiring.preview import abilities

    if services.settings.ui.new_chat == "last":
        state = (await services.store.memory.read(CHOSEN)).get(CHOSEN) or {}
        name = state.get("model")
        if isinstance(name, str) and state.get("default") == services.default_model:
            book = await abilities(services)
            if book.models(name):
                return name
    return services.default_model
