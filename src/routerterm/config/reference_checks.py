"""Whether the names in the settings lead anywhere: to providers, routes and aliases that exist, and not in a ring."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from routerterm.config.problems import Problem, dotted, known_names
from routerterm.config.toml_positions import Key
from routerterm.core.errors import SettingsError
from routerterm.core.nearest import did_you_mean
from routerterm.core.targets import Target

if TYPE_CHECKING:
    from routerterm.config.schema import Settings

BUILT_IN_ROUTES: Mapping[str, tuple[str, ...]] = {
    "smart": ("openai", "anthropic", "gemini"),
    "fast": ("groq", "openai", "gemini"),
    "cheap": ("deepseek", "groq", "gemini"),
    "any": (),
}
"""The router's own routes: here only so that names can be checked."""


class Known(Struct, frozen=True):
    """What is built in: provider names, wire protocols, and the dialects of a protocol (or `SettingsError`)."""

    providers: frozenset[str]
    protocols: tuple[str, ...]
    dialects: Callable[[str], Collection[str]]


def known_here() -> Known:
    """What this version has built in."""
    from routerterm.catalog.providers import builtin_providers
    from routerterm.protocols import PROTOCOLS, dialects

    return Known(frozenset(each.name for each in builtin_providers()), PROTOCOLS, dialects)


def check_names(settings: Settings, known: Known) -> Iterator[Problem]:
    """Every name in the settings that leads nowhere, to itself, or only to what is switched off."""
    names = _Names(settings, known)
    yield from names.providers()
    yield from names.of_our_own()
    yield from names.used()
    yield from names.rings()
    yield from names.never_served()
    yield from _patterns(settings)
    yield from _timezone(settings)


class _Names:
    def __init__(self, settings: Settings, known: Known) -> None:
        self.settings = settings
        self.known = known
        self.all_providers = known.providers | settings.providers.keys()
        self.routes = {name: route.models for name, route in settings.routes.items()}
        self.leads_to: dict[str, tuple[str, ...]] = (
            dict(BUILT_IN_ROUTES) | self.routes | {alias: (name,) for alias, name in settings.aliases.items()}
        )

    def providers(self) -> Iterator[Problem]:
        """Providers that are not built in must say how they are spoken to."""
        for name, provider in self.settings.providers.items():
            key: Key = ("providers", name)
            if provider.protocol is not None:
                yield from self._spoken(key, provider.protocol, provider.dialect)
            if name in self.known.providers:
                continue
            lacking = [entry for entry in ("protocol", "base_url") if getattr(provider, entry) is None]
            if lacking:
                message = f"{dotted(key)} is not built in, and lacks {' and '.join(lacking)}"
                yield Problem(key, message, known_names(name, self.known.providers))

    def _spoken(self, key: Key, protocol: str, dialect: str | None) -> Iterator[Problem]:
        try:
            dialects = self.known.dialects(protocol)
        except SettingsError:
            hint = known_names(protocol, self.known.protocols)
            yield Problem(
                (*key, "protocol"), f"{dotted(key)}.protocol is not a protocol that routerterm supports", hint
            )
            return
        if dialect and dialect not in dialects:
            hint = known_names(dialect, filter(None, dialects))
            yield Problem((*key, "dialect"), f"{dotted(key)}.dialect is not a dialect of {protocol}", hint)

    def of_our_own(self) -> Iterator[Problem]:
        """Names that the person made up."""
        for section in ("routes", "aliases", "providers"):
            for name in getattr(self.settings, section):
                if not re.fullmatch(r"[^\s/]+", name):
                    yield Problem((section, name), f"{dotted((section, name))} must not contain a slash or a space")
        for name in self.settings.aliases:
            if name in self.settings.routes:
                yield Problem(("aliases", name), f"{name} is the name of a route as well as of an alias")
        for name in self.settings.models:
            key: Key = ("models", name)
            try:
                provider = Target.parse(name).provider
            except ValueError:
                yield Problem(key, f"{dotted(key)} must be named provider/model")
                continue
            if provider not in self.all_providers:
                yield Problem(key, f'{dotted(key)}: there is no provider "{provider}"', self._near(provider))

    def used(self) -> Iterator[Problem]:
        """Every place where a model, provider, route or alias is named."""
        for key, name in self._uses():
            if "/" in name:
                provider = name.partition("/")[0]
                if provider not in self.all_providers:
                    yield Problem(key, f'{dotted(key)}: there is no provider "{provider}"', self._near(provider))
                elif name.endswith("/"):
                    yield Problem(key, f'{dotted(key)}: "{name}" is not a model')
            elif name not in self.leads_to and name not in self.all_providers:
                hint = known_names(name, (*self.leads_to, *self.all_providers))
                yield Problem(key, f'{dotted(key)}: there is no model, route or alias "{name}"', hint)
        for section, named in (("routes", self.leads_to.keys()), ("providers", self.all_providers)):
            for name in getattr(self.settings.budget, section):
                if name not in named:
                    key = ("budget", section, name)
                    yield Problem(
                        key, f'{dotted(key)}: there is no model, route or alias "{name}"', known_names(name, named)
                    )
        for route, body in self.settings.routes.items():
            for name in body.weights:
                if name not in body.models:
                    key = ("routes", route, "weights", name)
                    yield Problem(key, f"{dotted(key)} is not among the route's models", known_names(name, body.models))

    def _uses(self) -> Iterator[tuple[Key, str]]:
        yield ("router", "default"), self.settings.router.default
        for alias, name in self.settings.aliases.items():
            yield ("aliases", alias), name
        for route, models in self.routes.items():
            for place, name in enumerate(models):
                yield ("routes", route, "models", place), name
        for model, body in self.settings.models.items():
            for place, name in enumerate(body.fallbacks):
                yield ("models", model, "fallbacks", place), name

    def rings(self) -> Iterator[Problem]:
        """Routes and aliases that lead back to themselves; each ring is told once."""
        told: set[str] = set()
        for section in ("routes", "aliases"):
            for name in getattr(self.settings, section):
                way = self._way_back(name)
                if way and not told.intersection(way):
                    told.update(way)
                    yield Problem((section, name), f"{dotted((section, name))} refers to itself: {' → '.join(way)}")
        for model, body in self.settings.models.items():
            if model in body.fallbacks:
                key: Key = ("models", model, "fallbacks", body.fallbacks.index(model))
                yield Problem(key, f"{dotted(key)} is the model itself: it cannot be its own fallback")

    def _way_back(self, start: str) -> tuple[str, ...]:
        """A way from a name to itself, or none."""
        ways: list[tuple[str, ...]] = [(start,)]
        seen = set[str]()
        while ways:
            way = ways.pop()
            for name in self.leads_to.get(way[-1], ()):
                if name == start:
                    return (*way, name)
                if name not in seen:
                    seen.add(name)
                    ways.append((*way, name))
        return ()

    def never_served(self) -> Iterator[Problem]:
        """Routes and aliases all of whose providers are switched off."""
        off = {name for name, provider in self.settings.providers.items() if not provider.enabled}
        for section in ("routes", "aliases"):
            for name in getattr(self.settings, section):
                providers = self._providers_behind(name)
                if providers and providers <= off:
                    message = f"{dotted((section, name))} can never be used: all its providers are disabled"
                    yield Problem((section, name), message, f"Disabled: {', '.join(sorted(providers))}.")

    def _providers_behind(self, name: str) -> set[str]:
        found, seen, todo = set[str](), set[str](), [name]
        while todo:
            name = todo.pop()
            if name in seen:
                continue
            seen.add(name)
            if name == "any":
                found |= self.all_providers
            elif name in self.leads_to:
                todo += self.leads_to[name]
            elif (provider := name.partition("/")[0]) in self.all_providers:
                found.add(provider)
        return found

    def _near(self, provider: str) -> str:
        return known_names(provider, self.all_providers)


def _patterns(settings: Settings) -> Iterator[Problem]:
    for place, rule in enumerate(settings.guard.rules):
        try:
            re.compile(rule.regex or "")
        except re.error as error:
            key: Key = ("guard", "rules", place, "regex")
            yield Problem(key, f"{dotted(key)} is not a regular expression: {error.msg}")


def _timezone(settings: Settings) -> Iterator[Problem]:
    name = settings.budget.timezone
    if name is None:
        return
    from zoneinfo import ZoneInfo, available_timezones

    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        hint = did_you_mean(name, available_timezones(), "For example Europe/Warsaw or UTC.")
        yield Problem(("budget", "timezone"), "budget.timezone is not a time zone", hint)
