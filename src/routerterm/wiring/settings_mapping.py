"""The person's settings in the words of the catalogue and the router, which know no settings."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from routerterm.catalog import Catalog
from routerterm.catalog.overlay import ModelOverride
from routerterm.catalog.values import ProviderInfo
from routerterm.config.schema import ModelSettings, ProviderSettings, Settings
from routerterm.core.errors import SettingsError
from routerterm.core.secret import Secret
from routerterm.core.targets import Target
from routerterm.router.decide.yours import Weights
from routerterm.router.options import Limits, Route, RouteModel, RouterOptions, TimeoutOptions

if TYPE_CHECKING:
    from routerterm.store.shared.state import SharedState

T = TypeVar("T")
_MILLION = Decimal(1_000_000)


def catalog_of(settings: Settings, builtin: Catalog) -> Catalog:
    """The catalogue with the person's own providers and what they know better about models."""
    return builtin.merged(
        providers=[
            _provider(name, own, builtin.provider(name), builtin.first_listed(name))
            for name, own in settings.providers.items()
        ],
        models=[_override(name, own) for name, own in settings.models.items()],
    )


def shared_of(settings: Settings, environ: Mapping[str, str] | None = None) -> SharedState | None:
    """What gateways share, where the settings name a server for it.  Raises `SettingsError`; nothing is asked yet."""
    said = settings.gateway.state
    if said is None:
        return None
    from routerterm.store.shared.connect import shared_state

    place, _, name = said.partition(":")
    if place != "env":
        return shared_state(Secret(said))
    url = (os.environ if environ is None else environ).get(name, "").strip()
    if not url:
        raise SettingsError(
            f"The variable {name}, which gateway.state names, is not set.",
            f"For example: export {name}=postgresql://USER:PASSWORD@HOST/DATABASE",
        )
    return shared_state(Secret(url))


def options_of(settings: Settings) -> RouterOptions:
    """How the router shall behave."""
    general = settings.router
    timeouts = TimeoutOptions(
        connect=general.connect,
        first_token=general.first_token,
        first_token_alone=general.first_token_alone,
        idle=general.idle,
        idle_alone=general.idle_alone,
    )
    providers = settings.providers
    return RouterOptions(
        routes={name: _route(name, settings) for name in settings.routes},
        aliases=settings.aliases,
        fallbacks={name: own.fallbacks for name, own in settings.models.items() if own.fallbacks},
        default=general.default,
        on_cut=general.on_cut,
        timeouts=timeouts,
        provider_timeouts={
            name: replace(timeouts, first_token=own.timeout, first_token_alone=own.timeout)
            for name, own in providers.items()
            if own.timeout is not None
        },
        limits=replace(
            Limits(),
            attempts=general.attempts,
            per_target=general.attempts_per_target,
            patience=general.retry_wait,
            deadline=general.deadline,
        ),
        proxies=dict(_proxies(settings)),
        headers={name: own.headers for name, own in providers.items() if own.headers},
    )


def _proxies(settings: Settings) -> Iterator[tuple[str, str]]:
    if settings.router.proxy:
        yield "*", settings.router.proxy
    for name, own in settings.providers.items():
        if own.proxy is not None:
            yield name, own.proxy


def _route(name: str, settings: Settings) -> Route:
    own = settings.routes[name]
    models = tuple(RouteModel(model, own.weights.get(model, 1.0)) for model in own.models)
    yours = Weights(own.yours.rating, own.yours.price, own.yours.speed)
    return Route(name, models, own.strategy, own.hedge, weights=yours)


def _provider(name: str, own: ProviderSettings, known: ProviderInfo | None, first: str) -> ProviderInfo:
    """``first`` is the first model of the provider's own list: what it is asked where no default is named."""
    if known is None:
        if own.protocol is None or own.base_url is None:
            raise SettingsError(
                f"The provider {name} is not built in, so it needs `protocol` and `base_url`.",
                f'Write protocol = "openai-chat" and base_url = "http://…/v1" under [providers.{name}].',
            )
        known = ProviderInfo(name, name, own.protocol, own.base_url, needs_key=bool(own.keys))
    return replace(
        known,
        protocol=_said(own.protocol, known.protocol),
        dialect=_said(own.dialect, known.dialect),
        base_url=_said(own.base_url, known.base_url),
        elsewhere=own.base_url not in (None, known.base_url),
        needs_key=_said(own.needs_key, known.needs_key),
        default_model=_said(own.default_model, known.default_model) or first,
        local=_said(own.local, known.local),
        enabled=own.enabled,
    )


def _said(own: T | None, known: T) -> T:
    return known if own is None else own


def _override(name: str, own: ModelSettings) -> ModelOverride:
    return ModelOverride(
        Target.parse(name),
        context=own.context,
        max_output=own.max_output,
        price_input=_per_token(own.price_in),
        price_output=_per_token(own.price_out),
        price_cache_read=_per_token(own.price_cache_read),
        price_cache_write=_per_token(own.price_cache_write),
        vision=own.vision,
        tools=own.tools,
        reasoning=own.reasoning,
        prefill=own.prefill,
    )


def _per_token(per_million: Decimal | None) -> Decimal | None:
    return None if per_million is None else per_million / _MILLION
