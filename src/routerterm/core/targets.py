"""Where a request may go, why, and what it would cost: the values of a routing decision."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum

from msgspec import Struct


class Cause(Enum):
    """Why a model is not asked, for whoever must tell one reason from another: its words are for people."""

    OTHER = ""
    UNKNOWN = "unknown"
    """There is no such provider or model, or no longer."""
    DISABLED = "disabled"
    """Its provider is switched off in the settings."""
    PAUSED = "paused"
    NOT_DOWNLOADED = "not downloaded"
    """A local model whose weights are not here."""
    CAPABILITY = "capability"
    """It cannot do what the request wants."""
    PREFERENCE = "preference"
    """The request itself does not want it."""
    BUDGET = "budget"
    NO_KEY = "no key"
    KEY_LOCKED = "key locked"
    """There is a key, but its place cannot be read."""
    KEY_REJECTED = "key rejected"
    """Refused, or its account cannot pay."""
    COOLDOWN = "cooldown"
    CIRCUIT = "circuit"
    """It failed too often, or is avoided by hand."""


class Target(Struct, frozen=True, order=True):
    """A model at a provider, written ``provider/model`` (the model may hold further slashes)."""

    provider: str
    model: str

    def __str__(self) -> str:
        return f"{self.provider}/{self.model}"

    @classmethod
    def parse(cls, name: str) -> Target:
        """``openrouter/meta/llama`` is model ``meta/llama`` at ``openrouter``.  Raises `ValueError`."""
        provider, slash, model = name.partition("/")
        if not (provider and slash and model):
            raise ValueError(f"{name!r} is not written as provider/model")
        return cls(provider, model)


class Forecast(Struct, frozen=True):
    """What an answer may cost, from a short one to the longest allowed.  None where a price is unknown."""

    prompt_tokens: int
    low: Decimal | None
    high: Decimal | None
    context: int | None = None
    """The model's window in tokens, where it is known."""
    answer: int | None = None
    """Most tokens of the answer that ``high`` pays for."""


class Candidate(Struct, frozen=True):
    """A target in its place in the ranking, with the reason for that place in words."""

    target: Target
    why: str
    forecast: Forecast | None = None


class Unavailable(Struct, frozen=True):
    """Why a model cannot be asked at all, whatever it could do."""

    reason: str
    cause: Cause = Cause.OTHER


class RejectedCandidate(Struct, frozen=True):
    """A target that was not taken, with the reason in words: "no vision", "key 2 cools 41 s"."""

    target: Target
    reason: str
    cause: Cause = Cause.OTHER
    """Not kept with replies."""
    wait: float = 0.0
    """Seconds after which it may be asked, where that is known."""


class Decision(Struct, frozen=True):
    """The whole of a routing decision: what `Router.explain` gives and what is kept with each reply."""

    asked: str
    """The route, alias or model that was asked for."""
    strategy: str
    candidates: tuple[Candidate, ...]
    passed_over: tuple[RejectedCandidate, ...] = ()
    forecast: Forecast | None = None
    """Of the first candidate."""
