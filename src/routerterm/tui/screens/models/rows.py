"""What the model picker shows of routes and models, and what of them the present prompt does not fit.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec import Struct, field

from routerterm.router.decide.circuit_breaker import Health
from routerterm.router.transports.demo import MODELS as DEMO_MODELS
from routerterm.tui.chat.entries import words
from routerterm.tui.widgets.fields import Span, Tone
from routerterm.tui.widgets.rows import Column, Row

if TYPE_CHECKING:
    from routerterm.catalog.values import ModelInfo
    from routerterm.core.targets import Target
    from routerterm.router.decide.yours import Rating
    from routerterm.router.options import Route
    from routerterm.tui.themes.values import Glyphs

COLUMNS = (
    Column("", 0),
    Column("model or route", 0, grow=True),
    Column("", 1, most=25),
    Column("$/M in", 3, right=True),
    Column("out", 3, right=True),
    Column("context", 4, right=True),
    Column("can", 5),
    Column("TTFT", 6, right=True),
    Column("tok/s", 6, right=True),
    Column("your rating", 2, right=True),
)
MILLION = Decimal(1_000_000)
LEAST_ANSWER = 256
"""Tokens that must be left in a window for an answer."""


class Need(Struct, frozen=True):
    """What the prompt that stands in the composer, with all that was said before, asks of a model."""

    tokens: int = 0
    images: bool = False
    private: bool = False


class ModelChoices(Struct, frozen=True):
    """Everything that is known of models at one moment."""

    current: str = ""
    """What answers now."""
    routes: tuple[Route, ...] = ()
    models: tuple[ModelInfo, ...] = ()
    favourites: tuple[str, ...] = ()
    recent: tuple[str, ...] = ()
    health: Mapping[Target, Health] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    """Providers that can be asked, each with how its keys are: empty where all is well or none is needed."""
    need: Need = field(default_factory=Need)
    behind: Mapping[str, Sequence[ModelInfo]] = field(default_factory=dict)
    """The models of each route that could be asked now; all that it names where none could."""
    ratings: Mapping[Target, Rating] = field(default_factory=dict)
    """The person's own, for the kind of prompt that stands in the composer."""


def misfit(model: ModelInfo, need: Need) -> str:
    """Why the prompt cannot go to this model, in a few words; empty where it can."""
    if need.private and not model.local:
        return "private: not local"
    if need.images and not model.vision:
        return "can't read images" if model.lacks("vision") else "may not read images"
    room = min(filter(None, (model.context, model.max_input)), default=None)
    if room is not None and need.tokens + LEAST_ANSWER > room:
        return f"prompt of {size(need.tokens)} too long"
    return ""


def route_misfit(models: Sequence[ModelInfo], need: Need) -> str:
    """Why the prompt can go to none of a route's models; empty where one can take it, or none is known."""
    reasons = [misfit(model, need) for model in models]
    if not reasons or not all(reasons):
        return ""
    return reasons[0] if len(set(reasons)) == 1 else "none can take this prompt"


def choice_rows(choices: ModelChoices, glyphs: Glyphs) -> list[Row]:
    """What answers now, routes, favourites, recent ones, those that are ready, those without a key: each once."""
    left = {str(model.target): model for model in choices.models}

    def group(title: str, names: Iterable[str]) -> list[Row]:
        some = [model for name in names if (model := left.pop(name, None)) is not None]
        return [Row("", (title,)), *(model_row(model, choices, glyphs) for model in some)] if some else []

    def ready(*, retires: bool) -> list[str]:
        return [
            name
            for name, model in left.items()
            if model.provider in choices.keys and bool(model.switched_off) is retires
        ]

    rows = group("now", [choices.current])
    rows += [Row("", ("routes",)), *(route_row(route, choices, glyphs) for route in choices.routes)]
    rows += group("favourites", choices.favourites)
    rows += group("recent", choices.recent)
    rows += group("ready", ready(retires=False))
    rows += group("ready; the provider will retire it", ready(retires=True))
    rows += group("without a key (F6 adds one)", list(left))
    return rows


def route_row(route: Route, choices: ModelChoices, glyphs: Glyphs) -> Row:
    """A route with what it is made of."""
    parts = ", ".join(model.name for model in route.models) or "every provider with a key, in turn"
    sign = glyphs.star if route.name in choices.favourites else glyphs.pointer
    cannot = route_misfit(choices.behind.get(route.name, ()), choices.need)
    state = cannot or "no key" * _is_keyless(route, choices)
    name = (Span(f"{route.name:<8}", "dim" if state else "bright"), Span(f" {parts}", "dim"))
    detail = f"The route {route.name} uses {parts}; strategy: {route.strategy}. F7 changes it."
    if cannot:
        detail = f"The route {route.name} cannot take this prompt: {cannot}. {detail}"
    elif state:
        detail = f"The route {route.name} needs a key for one of {parts}. F6 adds one."
    tone: Tone = "dim" if state else "text"
    return Row(route.name, (sign, name, state), tone, search=f"route {route.name} {parts}", detail=detail)


def _is_keyless(route: Route, choices: ModelChoices) -> bool:
    """Whether all that a route could ask lacks a key."""
    behind = [model.provider for model in choices.behind.get(route.name, ())]
    asked = behind or [model.name.partition("/")[0] for model in route.models]
    return not route.every_key and not any(provider in choices.keys for provider in asked)


def model_row(model: ModelInfo, choices: ModelChoices, glyphs: Glyphs) -> Row:
    """One model with what helps to choose; dim where it cannot be asked, or not this."""
    name = str(model.target)
    health = choices.health.get(model.target, Health())
    usable = model.provider in choices.keys
    cannot = misfit(model, choices.need)
    state = cannot or "no key" * (not usable) or _state(model, health, choices)
    if not usable:
        sign = glyphs.off
    elif health.open_for or health.avoided_for:
        sign = glyphs.half
    else:
        sign = glyphs.on
    return Row(
        name,
        (
            glyphs.star if name in choices.favourites else sign,
            name,
            state,
            price(model.prices.input, model.local),
            price(model.prices.output, model.local),
            size(model.context),
            abilities(model),
            f"{health.ttft:.1f} s" if health.ttft is not None else "",
            f"{health.speed:.0f}" if health.speed is not None else "",
            rating.words if (rating := choices.ratings.get(model.target)) is not None else "",
        ),
        tone="text" if usable and not cannot else "dim",
        search=f"{name} {abilities(model)} {'free local' if model.local else ''} {state}",
        detail=described(model, health, state, choices.ratings.get(model.target)),
    )


def described(model: ModelInfo, health: Health, state: str, rating: Rating | None = None) -> str:
    """The same as a sentence, for where the columns have no room."""
    parts = [f"{model.target}:"]
    if model.provider == "demo" and (shows := DEMO_MODELS.get(model.id)):
        parts.append(f"{shows} ·")
    if model.local:
        parts.append("free,")
    elif model.prices.input is not None:
        parts.append(f"${price(model.prices.input, False)} in, ${price(model.prices.output, False)} out per million,")
    parts.append(f"{size(model.context)} context" if model.context else "context unknown")
    parts.extend(f"· {word}" for word in (abilities(model).replace(" ", ", "), state) if word)
    if health.ttft is not None:
        parts.append(f"· time to first token {health.ttft:.1f} s")
    if rating is not None and rating.votes:
        about = f" for {rating.kind}" if rating.kind else ""
        parts.append(f"· you rate it {rating.words}{about}, from {rating.votes:g} votes")
    if health.last_error:
        parts.append(f"· last failure: {words(health.last_error)}")
    return " ".join(parts)


def _state(model: ModelInfo, health: Health, choices: ModelChoices) -> str:
    """What is to be known of a model that can be asked."""
    if health.avoided_for:
        return f"avoided {health.avoided_for / 60:.0f} min"
    if health.open_for:
        return f"cooling down {health.open_for:.0f} s"
    if model.switched_off:
        return f"retires {model.switched_off}"
    return choices.keys.get(model.provider, "")


def cycle(order: Iterable[str], current: str) -> str | None:
    """The one after ``current`` in turn; the first where it is none of them."""
    names = list(dict.fromkeys(order))
    if not names or names == [current]:
        return None
    return names[(names.index(current) + 1) % len(names)] if current in names else names[0]


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
    if tokens >= 1_000_000:
        return f"{tokens / 1_000_000:.1f}M"
    return f"{tokens // 1000}k" if tokens >= 1000 else str(tokens)


def abilities(model: ModelInfo) -> str:
    """What it can do beside text."""
    named = (("vision", model.vision), ("tools", model.tools), ("thinks", model.reasoning))
    return " ".join(name for name, can in named if can)


def provider_keys(
    providers: Iterable[tuple[str, bool]], lines: Iterable[tuple[str, str, str]]
) -> Iterator[tuple[str, str]]:
    """Which providers can be asked, and how their keys are.

    ``providers``: names, and whether a key is needed; ``lines``: of each key its provider, health and words.
    """
    by_provider: dict[str, list[tuple[str, str]]] = {}
    for provider, health, state in lines:
        by_provider.setdefault(provider, []).append((health, state))
    for name, needs_key in providers:
        keys = by_provider.get(name, [])
        if not needs_key or any(health == "ready" for health, _ in keys):
            yield name, ""
        elif waiting := [words for health, words in keys if health != "off"]:
            yield name, f"key {waiting[0]}"
