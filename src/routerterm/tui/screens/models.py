"""The model picker: routes first, then what was used last, then all, with what helps to choose."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from routerterm.catalog.values import ModelInfo
from routerterm.core.targets import Target
from routerterm.router.breaker import Health
from routerterm.router.options import BUILTIN_ROUTES, Route
from routerterm.tui.screens.picker import Picker, among
from routerterm.tui.themes.values import Glyphs
from routerterm.tui.widgets.fields import Span
from routerterm.tui.widgets.rows import Column, Row

if TYPE_CHECKING:
    from routerterm.tui.app import RoutertermApp

COLUMNS = (
    Column("", 0),
    Column("model or route", 0, grow=True),
    Column("$/M in", 3, right=True),
    Column("out", 3, right=True),
    Column("context", 4, right=True),
    Column("can", 5),
    Column("first", 6, right=True),
    Column("tok/s", 6, right=True),
    Column("", 2),
)
MILLION = Decimal(1_000_000)


async def open_screen(app: RoutertermApp) -> None:
    """Let the person pick what answers from now on."""
    services = app.services
    assert services is not None
    keyed = {row.provider for row in await services.keys.all_rows() if row.enabled}
    health = await services.router.health()
    recent = await services.store.conversations.recent_models()
    glyphs = app.machine.glyphs
    usable = {info.name for info in services.catalog.providers() if not info.needs_key or info.name in keyed}
    routes = {**BUILTIN_ROUTES, **services.options.routes}
    rows = [
        Row("", ("routes",)),
        *(route_row(route, glyphs) for route in routes.values()),
        *model_rows(services.catalog.models(), recent, health, usable, glyphs),
    ]
    picker = Picker(
        "Which model answers?",
        COLUMNS,
        among(rows),
        on=app.chat.stage.model,
        placeholder="type a name, a provider, vision, free …",
        empty="No model fits. Any provider/model can be named: /model provider/model",
    )

    async def taken(name: str | None) -> None:
        if name is not None:
            await app.chat.stage.use_model(name)

    app.push_screen(picker, taken)


def route_row(route: Route, glyphs: Glyphs) -> Row:
    """A route with what it is made of."""
    parts = ", ".join(model.name for model in route.models) or "every provider with a key, in turn"
    name = (Span(f"{route.name:<8}", "bright"), Span(f" {parts}", "dim"))
    return Row(route.name, (glyphs.pointer, name), search=f"route {route.name} {parts}")


def model_rows(
    models: Sequence[ModelInfo],
    recent: Iterable[str],
    health: Mapping[Target, Health],
    usable: frozenset[str] | set[str],
    glyphs: Glyphs,
) -> Iterator[Row]:
    """Recent ones, then those that can be asked now, then those that want a key."""
    known = {str(model.target): model for model in models}
    last = [known.get(name) for name in recent]
    for title, some in (
        ("recent", [model for model in last if model is not None]),
        ("ready", [model for model in models if model.provider in usable]),
        ("without a key yet (F6 adds one)", [model for model in models if model.provider not in usable]),
    ):
        if some:
            yield Row("", (title,))
            for model in some:
                yield model_row(model, health.get(model.target, Health()), model.provider in usable, glyphs)


def model_row(model: ModelInfo, health: Health, usable: bool, glyphs: Glyphs) -> Row:
    """One model with what helps to choose."""
    sign = glyphs.off if not usable else glyphs.half if health.open_for or health.avoided_for else glyphs.on
    state = "no key" if not usable else "resting" if health.open_for else "avoided" if health.avoided_for else ""
    if model.switched_off:
        state = f"off {model.switched_off}"
    return Row(
        str(model.target),
        (
            sign,
            str(model.target),
            price(model.prices.input, model.local),
            price(model.prices.output, model.local),
            size(model.context),
            abilities(model),
            f"{health.ttft:.1f} s" if health.ttft is not None else "",
            f"{health.speed:.0f}" if health.speed is not None else "",
            state,
        ),
        tone="text" if usable else "dim",
        search=f"{model.target} {abilities(model)} {'free local' if model.local else ''} {state}",
    )


def price(per_token: Decimal | None, local: bool) -> str:
    """Dollars per million tokens, ``free`` or ``?``."""
    if local:
        return "free"
    if per_token is None:
        return "?"
    million = per_token * MILLION
    return f"{million:.2f}" if million >= Decimal("0.1") or million == 0 else f"{million:.3f}"


def size(tokens: int | None) -> str:
    """``128k``, ``1.0M``."""
    if tokens is None:
        return "?"
    return (
        f"{tokens / 1_000_000:.1f}M" if tokens >= 1_000_000 else f"{tokens // 1000}k" if tokens >= 1000 else str(tokens)
    )


def abilities(model: ModelInfo) -> str:
    """What it can do beside text."""
    if not model.abilities_known:
        return ""
    named = (("vision", model.vision), ("tools", model.tools), ("thinks", model.reasoning))
    return " ".join(name for name, can in named if can)
