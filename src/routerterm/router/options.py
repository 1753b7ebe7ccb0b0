"""How the router behaves: routes, aliases, limits of time and number.  The settings become this; it reads no file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias, get_args

from msgspec import Struct, field

from routerterm.router.decide.yours import Weights

Strategy: TypeAlias = Literal["priority", "round-robin", "weighted", "cheapest", "fastest", "yours"]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)
CutPolicy: TypeAlias = Literal["continue", "restart", "stop"]


class RouteModel(Struct, frozen=True):
    """One entry of a route: ``provider/model``, a provider alone (its default model), an alias or another route."""

    name: str
    weight: float = 1.0


class Route(Struct, frozen=True):
    """A logical model.  With ``every_key`` it also holds the default model of every provider that has a key."""

    name: str
    models: tuple[RouteModel, ...] = ()
    strategy: Strategy = "priority"
    hedge: bool = False
    """Ask a second candidate when the first is slower than its own usual p95."""
    every_key: bool = False
    weights: Weights = Weights()
    """For the strategy `yours`."""

    @classmethod
    def of(cls, name: str, *models: str, strategy: Strategy = "priority", hedge: bool = False) -> Route:
        """A route of plainly named models."""
        return cls(name, tuple(RouteModel(model) for model in models), strategy, hedge)


BUILTIN_ROUTES: Mapping[str, Route] = {
    route.name: route
    for route in (
        Route.of("smart", "openai", "anthropic", "gemini"),
        Route.of("fast", "groq", "openai", "gemini"),
        Route.of("cheap", "deepseek", "groq", "gemini"),
        Route("any", strategy="round-robin", every_key=True),
    )
}


class TimeoutOptions(Struct, frozen=True):
    """Seconds.  The ``alone`` ones hold when no other candidate stands ready."""

    connect: float = 10.0
    first_token: float = 12.0
    first_token_alone: float = 60.0
    idle: float = 15.0
    idle_alone: float = 60.0
    slow_factor: float = 5.0
    """How much longer local and reasoning models may take to their first token."""
    keepalive_factor: float = 3.0
    """How much longer a server may take that at least sends comments."""
    write: float = 60.0


class Limits(Struct, frozen=True):
    """How often and how long the router tries.  Times are seconds."""

    attempts: int = 4
    per_target: int = 2
    patience: float = 3.0
    """Waiting in all, while another candidate exists."""
    patience_alone: float = 30.0
    """Waiting in all, when there is no other."""
    backoff: float = 0.5
    backoff_cap: float = 8.0
    warming: float = 5.0
    """Between two questions to a server that is loading its model."""
    deadline: float | None = 900.0
    """For the whole request."""


class BreakerLimits(Struct, frozen=True):
    """When a model is left alone.  Times are seconds."""

    window: int = 20
    minimum: int = 5
    ratio: float = 0.5
    open_for: float = 4.0
    """The least: an outage is noticed to be over so soon, for two or three probes in ten seconds."""
    open_share: float = 0.25
    """Of the outage so far, where that is longer: what has been down for long is asked more seldom."""
    open_most: float = 60.0
    probe_lease: float = 120.0
    """After so long a probe that nobody reported on counts as lost with its program."""


class KeyLimits(Struct, frozen=True):
    """How long keys rest.  Times are seconds."""

    first_cooldown: float = 10.0
    """After a first 429 that says nothing of a time; doubled with each that follows."""
    cooldown: float = 300.0
    """The longest such rest."""
    day: float = 86_400.0


class RouterOptions(Struct, frozen=True):
    """Everything the person may set about routing."""

    routes: Mapping[str, Route] = field(default_factory=dict)
    """By name; one named like a built-in replaces it."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    fallbacks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """After a model named outright: which names follow it."""
    default: str = "smart"
    """What an empty model name means."""
    on_cut: CutPolicy = "continue"
    timeouts: TimeoutOptions = field(default_factory=TimeoutOptions)
    provider_timeouts: Mapping[str, TimeoutOptions] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    breaker: BreakerLimits = field(default_factory=BreakerLimits)
    keys: KeyLimits = field(default_factory=KeyLimits)
    proxies: Mapping[str, str] = field(default_factory=dict)
    """By provider; ``*`` for all others.  An empty one means none, whatever the environment says."""
    headers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """More headers, by provider."""

    def route(self, name: str) -> Route | None:
        """The route of that name, the person's own first."""
        return self.routes.get(name) or BUILTIN_ROUTES.get(name)

    def timeouts_of(self, provider: str) -> TimeoutOptions:
        """The provider's own timeouts, or the general ones."""
        return self.provider_timeouts.get(provider, self.timeouts)
