"""Gathers what a decision rests on - keys, health, forecasts, caps - and has it made."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct, field
from msgspec.structs import replace

from routerterm.catalog.values import ModelInfo, ProviderInfo
from routerterm.core.errors import (
    CircuitOpen,
    CoolingDown,
    KeyRejected,
    MissingCapability,
    NoCandidate,
    NoKey,
    RoutertermError,
    StoreError,
    UnknownModel,
    VaultError,
)
from routerterm.core.ports import ApiKey, KeySource, State, StateStore
from routerterm.core.request import ChatRequest
from routerterm.core.targets import Cause, RejectedCandidate, Target, Unavailable
from routerterm.router.decide import circuit_breaker, key_limits, prompt_cache
from routerterm.router.decide.budget import over_budget
from routerterm.router.decide.filtering import CandidateInfo, Needs
from routerterm.router.decide.key_limits import Use
from routerterm.router.decide.names import Entry, Names, Resolved
from routerterm.router.decide.pauses import pause_reason, paused
from routerterm.router.decide.preferences import apply_preferences, preference_rejection, reorder
from routerterm.router.decide.ranking import Plan, plan
from routerterm.router.decide.yours import UNRATED
from routerterm.router.options import RouterOptions
from routerterm.router.ports import RouterPorts, reserve_of
from routerterm.router.run.off_loop import off_loop

log = logging.getLogger(__name__)

ENABLE_HINT = "To use it, remove `enabled = false` from its table under [providers]."
HINTS = {
    Cause.KEY_REJECTED: "Test the keys with: routerterm keys test. A new key under the same name is used at once.",
    Cause.NOT_DOWNLOADED: "Fetch the local model with: routerterm local fetch",
    Cause.PAUSED: "To use it again: routerterm pause NAME --resume",
    Cause.DISABLED: ENABLE_HINT,
}
"""What to do, by what stands in the way."""
DEFAULT_HINT = "Choose another model, or see: routerterm why"


class CatalogReader(Protocol):
    """What the router needs of the catalogue."""

    def provider(self, name: str) -> ProviderInfo | None:
        """The provider of that name."""
        ...

    def providers(self) -> Sequence[ProviderInfo]:
        """All providers."""
        ...

    def model(self, target: Target) -> ModelInfo | None:
        """What is known of a model; None where its provider is unknown."""
        ...

    def lists(self, target: Target) -> bool:
        """Whether a list of models names it."""
        ...


class PlannedRequest(Struct):
    """A decision with what acting on it needs."""

    plan: Plan
    resolved: Resolved
    keys: Mapping[tuple[str, str], ApiKey] = field(default_factory=dict)
    """By provider and label."""
    states: dict[str, State | None] = field(default_factory=dict)
    """What the memory held, by name; kept up to date by who changes it."""
    key_errors: Mapping[str, VaultError] = field(default_factory=dict)
    """Why the keys of a provider cannot be had, by provider."""


def health_name(target: Target) -> str:
    """Where a model's health is remembered."""
    return f"health:{target}"


def key_name(provider: str, label: str) -> str:
    """Where a key's state is remembered."""
    return f"key:{provider}/{label}"


def use_of(model: ModelInfo, tokens: int = 0) -> Use:
    """What a key is used for by a request to a model."""
    return Use(tokens, model.id, model.prices.input == 0 and model.prices.output == 0)


class RequestPlanner:
    """Makes decisions from the state of the world at this moment."""

    def __init__(
        self,
        catalog: CatalogReader,
        keys: KeySource,
        memory: StateStore,
        options: RouterOptions,
        ports: RouterPorts,
        *,
        clock: Callable[[], float],
        random: Callable[[], float],
        unavailable: Callable[[ProviderInfo, str], Unavailable | None],
    ) -> None:
        self._catalog = catalog
        self._keys = keys
        self._memory = memory
        self._options = options
        self._ports = ports
        self._clock = clock
        self._random = random
        self._unavailable = unavailable
        self.names = Names(options, catalog.provider, catalog.providers, catalog.lists)

    async def prepare(self, request: ChatRequest, *, rotate: bool) -> PlannedRequest:
        """The decision for a request; with ``rotate`` a round-robin route moves on.  Raises `NoCandidate`."""
        keys: dict[str, Sequence[ApiKey]] = {}
        key_errors: dict[str, VaultError] = {}
        with_key: frozenset[str] = frozenset()
        if self.names.wants_keys(request.model):
            for provider in self._catalog.providers():
                await self._fetch(provider, keys, key_errors)
            with_key = frozenset(name for name, found in keys.items() if found or name in key_errors)
        resolved = self.names.resolve(request.model, with_key)
        for entry in resolved.entries:
            if (info := self._catalog.provider(entry.target.provider)) is not None:
                await self._fetch(info, keys, key_errors)
        states: dict[str, State | None] = dict(await self._memory.read())
        now = self._clock()
        candidates = [
            await self._candidate(entry, request, resolved, keys=keys, key_errors=key_errors, states=states, now=now)
            for entry in resolved.entries
        ]
        candidates = await _with_caches(candidates, request, states, now)
        turn = await self._turn(resolved, rotate, states)
        if resolved.strategy == "yours":
            rated = await self._ports.ratings.ratings(request)
            candidates = [replace(one, rating=rated.get(one.target, UNRATED)) for one in candidates]
        resolved, wanted = reorder(request.controls, resolved, candidates)
        made = plan(
            resolved,
            wanted,
            _needs(request),
            now,
            limits=self._options.limits,
            random=self._random,
            turn=turn,
            budget_blocks=self._ports.budget.on_cap != "cheaper",
        )
        by_label = {(name, key.label): key for name, found in keys.items() for key in found}
        made = apply_preferences(request.controls, made)
        return PlannedRequest(made, resolved, by_label, states, key_errors)

    async def _fetch(
        self, info: ProviderInfo, keys: dict[str, Sequence[ApiKey]], key_errors: dict[str, VaultError]
    ) -> None:
        """The provider's keys, asked for once; a vault that cannot be opened is a reason, not the end."""
        if info.name in keys:
            return
        try:
            keys[info.name] = await self._keys.keys(info.name)
        except VaultError as error:
            keys[info.name] = ()
            if info.needs_key:
                key_errors[info.name] = error

    async def _candidate(
        self,
        entry: Entry,
        request: ChatRequest,
        resolved: Resolved,
        keys: Mapping[str, Sequence[ApiKey]],
        key_errors: Mapping[str, VaultError],
        states: Mapping[str, State | None],
        now: float,
    ) -> CandidateInfo:
        target = entry.target
        info, model = self._catalog.provider(target.provider), self._catalog.model(target)
        if info is None or model is None:
            return CandidateInfo(entry, None, None)
        forecast = await off_loop(request, self._ports.forecaster.forecast, request, model)
        tokens = forecast.prompt_tokens + reserve_of(request, model)
        return CandidateInfo(
            entry,
            info,
            model,
            health=circuit_breaker.health(states.get(health_name(target)), now),
            keys=tuple(
                key_limits.view(states.get(key_name(info.name, key.label)), key, now, use_of(model, tokens))
                for key in keys.get(info.name, ())
            ),
            forecast=forecast,
            budget_rejection=await self._ports.budget.rejection(
                request, target, resolved.route, forecast, int(now * 1000)
            ),
            unavailable=preference_rejection(request.controls, target, model)
            or pause_reason(paused(states, now), target, now)
            or _locked_reason(key_errors.get(info.name))
            or self._unavailable(info, target.model),
        )

    async def _turn(self, resolved: Resolved, rotate: bool, states: Mapping[str, State | None]) -> int:
        """Whose turn it is in a round-robin route, shared by all programs."""
        if resolved.strategy != "round-robin":
            return 0
        name = f"turn:{resolved.route}"
        if not rotate:
            return _count(states.get(name))
        try:
            state = await self._memory.change(name, lambda state: {"turn": (_count(state) + 1) % (1 << 30)})
        except StoreError as error:
            log.warning("the round-robin position could not be saved: %s", error.message)
            return _count(states.get(name))
        return _count(state) - 1


def refusal(planned: PlannedRequest) -> RoutertermError:
    """The error for a decision without a candidate, with every reason."""
    made = planned.plan
    passed = made.decision.passed_over
    asked = made.decision.asked
    if made.budget_refused:
        over = next((item for item in passed if item.cause is Cause.BUDGET), passed[0])
        return over_budget(over.target, over.reason)
    if (locked := _locked(planned)) is not None:
        return locked
    if made.missing_key:
        names = ", ".join(dict.fromkeys(item.target.provider for item in passed))
        return NoKey(f"There is no key for {names}.", "Add one with: routerterm keys add (or try the model demo/echo).")
    if not passed:
        return NoKey(f"No provider of {asked!r} has a key.", "Add one with: routerterm keys add")
    hint = next((HINTS[item.cause] for item in passed if item.cause in HINTS), DEFAULT_HINT)
    reasons = "; ".join(f"{item.target}: {item.reason}" for item in passed)
    return _by_cause(passed, f"No model can answer this now. {reasons}.", hint)


def _by_cause(passed: Sequence[RejectedCandidate], message: str, hint: str) -> NoCandidate:
    """The error by what stands in the way, that first which passes by itself: one that waits may be asked again."""
    causes = {item.cause for item in passed}
    waits = {cause: min(item.wait for item in passed if item.cause is cause) for cause in causes}
    if Cause.COOLDOWN in causes:
        return CoolingDown(message, hint, retry_after=waits[Cause.COOLDOWN])
    if Cause.CIRCUIT in causes:
        return CircuitOpen(message, hint, retry_after=waits[Cause.CIRCUIT])
    if Cause.KEY_REJECTED in causes:
        return KeyRejected(message, hint)
    if causes & {Cause.CAPABILITY, Cause.PREFERENCE}:
        return MissingCapability(message, hint)
    if causes <= {Cause.UNKNOWN, Cause.DISABLED}:
        return UnknownModel(message, hint)
    return NoCandidate(message, hint)


def _locked(planned: PlannedRequest) -> NoKey | None:
    """The error where there are keys, but their place does not give them."""
    passed, key_errors = planned.plan.decision.passed_over, planned.key_errors
    names = tuple(dict.fromkeys(item.target.provider for item in passed if item.target.provider in key_errors))
    if not names or any(item.cause not in (Cause.NO_KEY, Cause.KEY_LOCKED) for item in passed):
        return None
    first = key_errors[names[0]]
    what = first.message[:1].lower() + first.message[1:]
    return NoKey(f"The {'keys' if names[1:] else 'key'} of {', '.join(names)} cannot be read: {what}", first.hint)


def _locked_reason(error: VaultError | None) -> Unavailable | None:
    """The sentence as a reason in a list."""
    return None if error is None else Unavailable(error.message.rstrip("."), Cause.KEY_LOCKED)


def _needs(request: ChatRequest) -> Needs:
    return Needs(
        vision=request.has_images,
        tools=bool(request.tools) and request.tool_choice != "none",
        private=request.private,
        reserve=request.params.max_output or 1024,
        json=request.json,
        embedding=request.embedding is not None,
        web=bool(request.params.web),
    )


async def _with_caches(
    candidates: list[CandidateInfo], request: ChatRequest, states: Mapping[str, State | None], now: float
) -> list[CandidateInfo]:
    """The candidates with what their providers still hold of this conversation."""
    state = states.get(f"{prompt_cache.PREFIX}{request.conversation_id}")
    if state is None or request.conversation_id is None:
        return candidates
    wanted = await off_loop(request, prompt_cache.digests, request)
    return [
        replace(one, warm=prompt_cache.warm_cache(state, one.model, wanted, now)) if one.model is not None else one
        for one in candidates
    ]


def _count(state: State | None) -> int:
    turn = (state or {}).get("turn", 0)
    return turn if isinstance(turn, int) else 0
