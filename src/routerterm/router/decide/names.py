"""From the name that was asked for to the models it means: aliases, routes within routes, fallbacks.  Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec import Struct

from routerterm.catalog.values import ModelInfo, ProviderInfo
from routerterm.core.errors import NoCandidate, UnknownModel
from routerterm.core.nearest import nearest
from routerterm.core.targets import Target
from routerterm.router.decide.yours import Weights
from routerterm.router.options import BUILTIN_ROUTES, Route, RouteModel, RouterOptions, Strategy

_DEEPEST = 16
_LONGEST = 512
"""Characters of a name that somebody asks for."""
_MOST_NAMED = 5
"""Providers that a message about a name of several lists."""


class Entry(Struct, frozen=True):
    """One model that a name means, with its share in a weighted route."""

    target: Target
    weight: float = 1.0
    fallback: bool = False
    """Only there to follow a model that was named outright."""


class Resolved(Struct, frozen=True):
    """What a name means."""

    asked: str
    strategy: Strategy
    entries: tuple[Entry, ...]
    route: str
    """The route's name, or the model's own for one named outright: what the ledger calls route."""
    hedge: bool = False
    outright: bool = False
    """A model was named, not a route."""
    by_default: bool = False
    """It is the default of the settings: nobody need have asked for it."""
    weights: Weights = Weights()
    """For the strategy `yours`."""


class Names:
    """Resolves names against the settings and the catalogue's providers."""

    def __init__(
        self,
        options: RouterOptions,
        provider: Callable[[str], ProviderInfo | None],
        providers: Callable[[], Iterable[ProviderInfo]],
        lists: Callable[[Target], bool] | None = None,
    ) -> None:
        self._options = options
        self._provider = provider
        self._providers = providers
        self._lists = lists

    def resolve(self, asked: str, with_key: frozenset[str] = frozenset()) -> Resolved:
        """What ``asked`` means; ``with_key`` are the providers that have one.  Raises `NoCandidate`."""
        if not asked.isprintable() or len(asked) > _LONGEST:  # PostgreSQL and UTF-8 could not even store it
            raise UnknownModel(f"{asked[:100]!r} cannot be the name of a model.", self._hint("")[0])
        name = self._unalias(asked or self._options.default)
        route = self._options.route(name)
        if route is not None:
            entries = self._entries(route, with_key, (name,))
            return Resolved(asked or name, route.strategy, _distinct(entries), name, route.hedge, weights=route.weights)
        target = self.target(name) or self._bare(name, with_key)
        after = self._options.fallbacks.get(name) or self._options.fallbacks.get(str(target)) or ()
        fallbacks = (
            Entry(entry.target, fallback=True)
            for follower in after
            for entry in self._named(RouteModel(follower), with_key, (name,))
        )
        followed, by_default = _distinct([Entry(target), *fallbacks]), asked in ("", self._options.default)
        return Resolved(asked or name, "priority", followed, str(target), outright=True, by_default=by_default)

    def _bare(self, name: str, with_key: frozenset[str]) -> Target:
        """The one model of that name, among the providers that can be asked; where none of those has it, among all.

        Raises `UnknownModel` where there is none, or more than one: the price and who reads it are not to be guessed.
        """
        infos = [info for info in self._providers() if self._lists and self._lists(Target(info.name, name))]
        usable = [info for info in infos if not info.needs_key or info.name in with_key]
        found = [Target(info.name, name) for info in usable or infos]
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(str(target) for target in found[:_MOST_NAMED])
            raise UnknownModel(
                f"Several providers have a model {name!r}.", f"Use one of: {names}.", nearest=str(found[0])
            )
        hint, nearest = self._hint(name)
        raise UnknownModel(f"{name[:100]!r} is neither a model nor a route.", hint, nearest=nearest)

    def wants_keys(self, asked: str) -> bool:
        """Whether what the name means depends on which providers have a key."""
        return self._wants_keys(asked or self._options.default, ())

    def _wants_keys(self, name: str, path: tuple[str, ...]) -> bool:
        name = self._unalias(name)
        route = self._options.route(name)
        if route is None and not path and self.target(name) is None:
            return True  # a bare model's name means the one provider that has it and can be asked
        if route is None:
            followers = () if path else self._options.fallbacks.get(name, ())
            return any(self._wants_keys(follower, (name,)) for follower in followers)
        if name in path:
            return False
        return route.every_key or any(self._wants_keys(model.name, (*path, name)) for model in route.models)

    def target(self, name: str) -> Target | None:
        """The model of that name: ``provider/model``, or a provider alone, which means its default model."""
        try:
            return Target.parse(name)
        except ValueError:
            provider = self._provider(name)
            return Target(name, provider.default_model) if provider is not None and provider.default_model else None

    def problems(self) -> Iterator[str]:
        """Every route, alias and fallback that can never be served or that leads back to itself, in words."""
        for name in self._options.aliases:
            yield from self._problem(f"The alias {name!r}", name)
        for name, route in self._options.routes.items():
            if not route.models and not route.every_key:
                yield f"The route {name!r} has no models."
            elif not any(model.weight > 0 for model in route.models) and not route.every_key:
                yield f"The route {name!r} has no model with a weight above 0."
            for model in route.models:
                yield from self._problem(f"The route {name!r}", model.name, (name,))
        for name, followers in self._options.fallbacks.items():
            for follower in followers:
                yield from self._problem(f"The fallbacks of {name!r}", follower, (name,))
        if self._options.default:
            yield from self._problem("The default", self._options.default)

    def _problem(self, what: str, name: str, path: tuple[str, ...] = ()) -> Iterator[str]:
        try:
            final = self._unalias(name)
            self._loop_check(final, path)
        except NoCandidate as error:
            yield f"{what}: {error.message}"
            return
        if self._options.route(final) is not None:
            return
        target = self.target(final)
        if target is None:
            yield f"{what} names {name!r}, which is neither a model nor a route. {self._hint(final)[0]}"
        elif self._provider(target.provider) is None:
            hint, _ = self._hint(target.provider)
            yield f"{what} names {name!r}, but there is no provider {target.provider!r}. {hint}"

    def _loop_check(self, name: str, path: tuple[str, ...]) -> None:
        if name in path:
            raise NoCandidate(f"{name!r} refers to itself ({' → '.join((*path, name))}).")
        route = self._options.route(name)
        for model in route.models if route is not None and len(path) < _DEEPEST else ():
            self._loop_check(self._unalias(model.name), (*path, name))

    def _unalias(self, name: str) -> str:
        seen = [name]
        while (following := self._options.aliases.get(seen[-1])) is not None:
            if following in seen:
                raise NoCandidate(f"The alias {name!r} refers to itself ({' → '.join([*seen, following])}).")
            seen.append(following)
        return seen[-1]

    def _entries(self, route: Route, with_key: frozenset[str], path: tuple[str, ...]) -> list[Entry]:
        entries = [entry for model in route.models for entry in self._named(model, with_key, path)]
        if route.every_key:
            entries += [
                Entry(Target(provider.name, provider.default_model))
                for provider in self._providers()
                if provider.needs_key and provider.name in with_key and provider.default_model
            ]
        return entries

    def _named(self, model: RouteModel, with_key: frozenset[str], path: tuple[str, ...]) -> list[Entry]:
        """The entries behind one name in a route; a nested route's keep their shares of its weight."""
        name = self._unalias(model.name)
        route = self._options.route(name)
        if route is not None:
            if name in path:
                raise NoCandidate(f"The route {name!r} refers to itself ({' → '.join((*path, name))}).")
            inner = self._entries(route, with_key, (*path, name))
            whole = sum(entry.weight for entry in inner) or 1.0
            return [Entry(entry.target, model.weight * entry.weight / whole) for entry in inner]
        target = self.target(name)
        return [Entry(target or Target(name, "?"), model.weight)]

    def _hint(self, name: str) -> tuple[str, str]:
        """What a person may have meant: in words, and the name by itself."""
        known = [*BUILTIN_ROUTES, *self._options.routes, *self._options.aliases]
        known += [provider.name for provider in self._providers()]
        if near := nearest(name.partition("/")[0], known):
            return f"Did you mean {near[0]}?", near[0]
        return "Use provider/model, or a route such as smart, fast, cheap or any.", ""


def _distinct(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    found: dict[Target, Entry] = {}
    for entry in entries:
        found.setdefault(entry.target, entry)
    return tuple(found.values())


def check(
    options: RouterOptions,
    provider: Callable[[str], ProviderInfo | None],
    providers: Callable[[], Iterable[ProviderInfo]],
) -> tuple[str, ...]:
    """What is wrong with the routes, aliases and fallbacks of the settings, one sentence each."""
    return tuple(dict.fromkeys(Names(options, provider, providers).problems()))


def blank(target: Target, provider: ProviderInfo) -> ModelInfo:
    """What is known of a model of which nothing is known."""
    return ModelInfo(target.provider, target.model, local=provider.local)
