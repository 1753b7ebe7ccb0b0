"""Which models can serve a request at all, and why the others cannot.  Pure."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec import Struct, field

from routerterm.catalog.values import ModelInfo, ProviderInfo
from routerterm.core.request import JsonAnswer
from routerterm.core.targets import Cause, Forecast, RejectedCandidate, Target, Unavailable
from routerterm.protocols.registry import EMBEDDING_PROTOCOLS
from routerterm.protocols.structured import can_answer_in_json
from routerterm.router.decide.circuit_breaker import Health
from routerterm.router.decide.format import format_duration, format_tokens
from routerterm.router.decide.key_limits import KeyView, ordered
from routerterm.router.decide.names import Entry
from routerterm.router.decide.prompt_cache import WarmCache
from routerterm.router.decide.yours import UNRATED, Rating
from routerterm.router.options import Limits


class Needs(Struct, frozen=True):
    """What a request asks of a model."""

    vision: bool = False
    tools: bool = False
    private: bool = False
    reserve: int = 0
    """Tokens kept free for the answer."""
    json: JsonAnswer | None = None
    embedding: bool = False
    """Vectors instead of an answer."""
    web: bool = False
    """The provider's own search of the web."""


class CandidateInfo(Struct, frozen=True):
    """All that is known of one entry at this moment."""

    entry: Entry
    provider: ProviderInfo | None
    model: ModelInfo | None
    health: Health = field(default_factory=Health)
    keys: tuple[KeyView, ...] = ()
    """All keys of the provider, in the order of preference."""
    forecast: Forecast | None = None
    budget_rejection: str | None = None
    """Which cap is in the way, in words."""
    unavailable: Unavailable | None = None
    """Why it cannot be asked at all: the local weights are not there, or the request does not want it."""
    rating: Rating = UNRATED
    """How the person likes its answers; only asked for by the strategy `yours`."""
    warm: WarmCache | None = None
    """What its provider still holds of the conversation's prompt."""

    @property
    def target(self) -> Target:
        """Its name."""
        return self.entry.target


NO_KEY = "no key"
DISABLED = "its provider is disabled in the settings"


def unfit(candidate: CandidateInfo, needs: Needs, now: float) -> RejectedCandidate | None:
    """Why a model cannot serve the request at all."""
    provider, model, target = candidate.provider, candidate.model, candidate.target
    if provider is None or model is None:
        return RejectedCandidate(target, f"there is no provider {target.provider}", Cause.UNKNOWN)
    if not provider.enabled:
        return RejectedCandidate(target, DISABLED, Cause.DISABLED)
    if needs.private and not model.local:
        return RejectedCandidate(target, "the conversation is private, and this model is not local", Cause.CAPABILITY)
    if (unavailable := candidate.unavailable) is not None:
        return RejectedCandidate(target, unavailable.reason, unavailable.cause)
    if lacks := _lacks(provider, model, needs, candidate.forecast):
        return RejectedCandidate(target, lacks, Cause.CAPABILITY)
    if model.switched_off and model.switched_off <= datetime.fromtimestamp(now, UTC).date().isoformat():
        return RejectedCandidate(target, f"retired on {model.switched_off}", Cause.UNKNOWN)
    if candidate.entry.weight <= 0:
        return RejectedCandidate(target, "its weight is 0")
    return _keyless(candidate, provider)


def _lacks(provider: ProviderInfo, model: ModelInfo, needs: Needs, forecast: Forecast | None) -> str | None:
    """What the request wants and the model cannot do."""
    if needs.vision and not model.vision:
        return "no vision" if model.lacks("vision") else "not known to read images"
    if needs.tools and model.lacks("tools"):
        return "no tools"
    if needs.web and (model.web is None or (needs.tools and provider.protocol == "gemini")):
        return "no web search" if model.web is None else "no web search beside tools"
    if needs.embedding and (provider.protocol not in EMBEDDING_PROTOCOLS or provider.in_process == "llama"):
        return "no embeddings"
    if needs.json is not None and not can_answer_in_json(provider.protocol, model.id, needs.json):
        return "no JSON schema output" if needs.json.schema is not None else "no JSON output"
    if forecast is not None and model.context is not None:
        needed = forecast.prompt_tokens + min(needs.reserve, model.max_output or needs.reserve)
        if needed > model.context:
            return f"{format_tokens(model.context)} context < {format_tokens(needed)} needed"
    return None


def _keyless(candidate: CandidateInfo, provider: ProviderInfo) -> RejectedCandidate | None:
    if not provider.needs_key or ordered(candidate.keys):
        return None
    if not candidate.keys:
        return RejectedCandidate(candidate.target, NO_KEY, Cause.NO_KEY)
    words = {"bad_credential": "is refused", "out_of_credit": "has no credit left"}
    reason = ", ".join(f"key {view.label} {words.get(view.out or '', 'is out')}" for view in candidate.keys)
    return RejectedCandidate(candidate.target, reason, Cause.KEY_REJECTED)


def cooling_down(candidate: CandidateInfo, patience: float) -> RejectedCandidate | None:
    """Why a model that could serve the request is left alone for now."""
    health, target = candidate.health, candidate.target
    if health.avoided_for:
        return RejectedCandidate(
            target, f"avoided by hand for {format_duration(health.avoided_for)}", Cause.CIRCUIT, health.avoided_for
        )
    if health.gone_for:
        reason = f"its provider said {format_duration(health.gone_for)} ago the model does not exist"
        return RejectedCandidate(target, reason, Cause.UNKNOWN)
    if health.open_for:
        reason = f"failed too often, retried in {format_duration(health.open_for)}"
        return RejectedCandidate(target, reason, Cause.CIRCUIT, health.open_for)
    keys = ordered(candidate.keys)
    if keys and keys[0].wait > patience:
        reason = ", ".join(
            f"key {view.label} cools down for {format_duration(view.wait)} ({view.reason})" for view in keys
        )
        return RejectedCandidate(target, reason, Cause.COOLDOWN, keys[0].wait)
    return None


def may_be_last_resort(candidate: CandidateInfo, limits: Limits) -> bool:
    """With nothing else left, a sick model is better than none; a key's rest is kept all the same."""
    keys = ordered(candidate.keys)
    return not candidate.health.avoided_for and not (keys and keys[0].wait > limits.patience_alone)
