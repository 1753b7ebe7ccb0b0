"""What the router asks of counting, prices, caps and guard rules, and plain answers for when nobody gives better ones.

Each port is a small protocol; `RouterPorts` bundles them.  The defaults need no data: a rough count, prices of
the catalogue, no cap, no rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol, TypeAlias

from msgspec import Struct, field

from routerterm.catalog.pricing import cost
from routerterm.catalog.values import ModelInfo
from routerterm.core.ledger import Cap
from routerterm.core.messages import Image, Reasoning, Text, ToolCall, ToolResult
from routerterm.core.money import FREE, Cost
from routerterm.core.request import ChatRequest
from routerterm.core.targets import Forecast, Target
from routerterm.core.usage import Usage
from routerterm.router.decide.yours import Rating

OnCap: TypeAlias = Literal["block", "ask", "cheaper"]

DEFAULT_RESERVE = 1024
"""Tokens kept free for the answer where nobody says how long it may be."""


class Estimator(Protocol):
    """Counts tokens before a provider does, and learns from what providers report."""

    def prompt(self, request: ChatRequest, model: ModelInfo) -> int:
        """Tokens of the whole prompt for this model."""
        ...

    def text(self, text: str, model: ModelInfo) -> int:
        """Tokens of a piece of an answer."""
        ...

    def learn(self, request: ChatRequest, model: ModelInfo, usage: Usage) -> None:
        """A provider reported what this prompt really was."""
        ...


class Forecaster(Protocol):
    """Says what an answer may cost before it is asked for."""

    def forecast(self, request: ChatRequest, model: ModelInfo) -> Forecast:
        """From a short answer to the longest allowed; a lost prompt cache is part of it."""
        ...


class Pricer(Protocol):
    """Says what an attempt cost."""

    def cost(self, usage: Usage, model: ModelInfo) -> Cost:
        """A reported cost wins over a computed one; an unknown price stays unknown."""
        ...


class Budget(Protocol):
    """The person's caps."""

    @property
    def on_cap(self) -> OnCap:
        """What to do at a cap: refuse, let the person decide, or take only candidates that fit."""
        ...

    def caps(self, request: ChatRequest, target: Target, route: str, now_ms: int) -> Sequence[Cap]:
        """The caps that an attempt of ``request`` at ``target`` is held against; none for a free model."""
        ...

    async def rejection(
        self, request: ChatRequest, target: Target, route: str, forecast: Forecast, now_ms: int
    ) -> str | None:
        """Why this would break a cap, in words ("would break today's budget"), or None.  Reserves nothing."""
        ...


class Restorer(Protocol):
    """Puts back into an answer what was taken out of the question, also across the borders of its pieces."""

    @property
    def hid(self) -> bool:
        """Whether a rule hid something of it."""
        ...

    @property
    def blocked(self) -> bool:
        """Whether a rule ended it."""
        ...

    def feed(self, text: str) -> str:
        """The text that is certain so far."""
        ...

    def end(self) -> str:
        """What was held back."""
        ...


class Guarded(Protocol):
    """A request that passed the guard."""

    @property
    def request(self) -> ChatRequest:
        """What may leave: with placeholders for what was redacted."""
        ...

    @property
    def redacted(self) -> Mapping[str, str]:
        """What each placeholder in it stands for: what does not leave."""
        ...

    def restorer(self, *, within_json: bool = False) -> Restorer | None:
        """A fresh one for each answer; None where nothing was redacted.

        ``within_json``: the text is JSON, such as a tool's arguments, and must still be JSON afterwards.
        """
        ...


class Guard(Protocol):
    """The person's rules on what may leave the machine."""

    def check(self, request: ChatRequest) -> Guarded:
        """The request as it may leave.  Raises `GuardBlocked`."""
        ...

    def rehearse(self, request: ChatRequest) -> Guarded:
        """The same for a request that is only looked at: nothing is put on record."""
        ...


class Unguarded(Struct, frozen=True):
    """A request that no rule looked at."""

    request: ChatRequest

    @property
    def redacted(self) -> Mapping[str, str]:
        """Nothing."""
        return {}

    def restorer(self, *, within_json: bool = False) -> Restorer | None:
        """Nothing to restore."""
        return None


class NoGuard:
    """A `Guard` without rules."""

    def rehearse(self, request: ChatRequest) -> Guarded:
        """See `Guard.rehearse`."""
        return Unguarded(request)

    def check(self, request: ChatRequest) -> Guarded:
        """See `Guard.check`."""
        return Unguarded(request)


class NoBudget:
    """A `Budget` without caps."""

    on_cap: OnCap = "block"

    def caps(self, request: ChatRequest, target: Target, route: str, now_ms: int) -> Sequence[Cap]:
        """See `Budget.caps`: only what the request itself says."""
        return request.caps

    async def rejection(
        self, request: ChatRequest, target: Target, route: str, forecast: Forecast, now_ms: int
    ) -> str | None:
        """See `Budget.rejection`."""
        return None


class RoughEstimator:
    """Four bytes of UTF-8 to a token, 1,000 tokens to a picture: wrong by a third either way."""

    def prompt(self, request: ChatRequest, model: ModelInfo) -> int:
        """See `Estimator.prompt`."""
        size = len((request.system or "").encode()) + sum(len(tool.name + tool.description) for tool in request.tools)
        pictures = 0
        for message in request.messages:
            size += 16
            for part in message.parts:
                match part:
                    case Text(text) | Reasoning(text) | ToolResult(text=text):
                        size += len(text.encode())
                    case ToolCall(name=name, arguments=arguments):
                        size += len((name + arguments).encode())
                    case Image():
                        pictures += 1
        return size // 4 + 1 + 1000 * pictures

    def text(self, text: str, model: ModelInfo) -> int:
        """See `Estimator.text`."""
        return -(-len(text.encode()) // 4)

    def learn(self, request: ChatRequest, model: ModelInfo, usage: Usage) -> None:
        """Learns nothing."""


def reserve_of(request: ChatRequest, model: ModelInfo) -> int:
    """Tokens to be kept free for the answer."""
    wanted = request.params.max_output or DEFAULT_RESERVE
    return min(wanted, model.max_output or wanted)


class ListPricer(Struct, frozen=True):
    """Prices of the catalogue, token by token."""

    def cost(self, usage: Usage, model: ModelInfo) -> Cost:
        """See `routerterm.catalog.pricing.cost`."""
        return FREE if model.local and usage.cost is None else cost(usage, model)


class ListForecaster(Struct, frozen=True):
    """A forecast from a count and the catalogue's prices: a fifth of the reserve is a short answer."""

    estimator: Estimator = field(default_factory=RoughEstimator)
    pricer: Pricer = field(default_factory=ListPricer)

    def forecast(self, request: ChatRequest, model: ModelInfo) -> Forecast:
        """See `Forecaster.forecast`."""
        prompt, reserve = self.estimator.prompt(request, model), reserve_of(request, model)
        low = self.pricer.cost(Usage(fresh=prompt, output=reserve // 5), model).usd
        high = self.pricer.cost(Usage(fresh=prompt, output=reserve), model).usd
        return Forecast(prompt, low, high, model.context, reserve)


class PictureSource(Protocol):
    """Fetches pictures for providers that take none by address."""

    async def fetch(self, url: str) -> Image:
        """The picture, with its bytes.  Raises `RoutertermError`."""
        ...


class Ratings(Protocol):
    """How the person likes the answers of models."""

    async def ratings(self, request: ChatRequest) -> Mapping[Target, Rating]:
        """For the kind of prompt that a request is; models without a vote may be left out."""
        ...


class NoRatings:
    """`Ratings` of a person who never chose."""

    async def ratings(self, request: ChatRequest) -> Mapping[Target, Rating]:
        """See `Ratings.ratings`."""
        return {}


class RouterPorts(Struct, frozen=True):
    """All of them together, each with its plain default."""

    estimator: Estimator = field(default_factory=RoughEstimator)
    forecaster: Forecaster = field(default_factory=ListForecaster)
    pricer: Pricer = field(default_factory=ListPricer)
    budget: Budget = field(default_factory=NoBudget)
    guard: Guard = field(default_factory=NoGuard)
    pictures: PictureSource | None = None
    """None leaves addresses as they are: such a provider is told them in words."""
    ratings: Ratings = field(default_factory=NoRatings)
