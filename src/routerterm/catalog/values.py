"""What is known of providers and models: the values that lookups give."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal, TypeAlias

from msgspec import Struct, field

from routerterm.core.targets import Target

Ability: TypeAlias = Literal["vision", "tools", "reasoning", "prefill"]


class Prices(Struct, frozen=True):
    """US dollars per token.  None is unknown; a zero is a promise that it is free.

    A None among the cache prices means that the provider has no such price: such tokens cost ``input``.
    """

    input: Decimal | None = None
    output: Decimal | None = None
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None
    cache_write_1h: Decimal | None = None
    reasoning: Decimal | None = None
    """Where thinking has a price of its own; otherwise it costs ``output``."""


FREE_PRICES = Prices(Decimal(0), Decimal(0))


class Tier(Struct, frozen=True):
    """Prices of a whole request whose prompt is longer than ``above`` tokens."""

    above: int
    prices: Prices


class Window(Struct, frozen=True):
    """Hours of the week in UTC: ISO weekdays (1 is Monday) and minutes of the day, the end not included."""

    days: frozenset[int]
    start: int
    end: int

    def holds(self, moment: datetime) -> bool:
        """Whether a moment (with a time zone) lies within."""
        utc = moment.astimezone(UTC)
        return utc.isoweekday() in self.days and self.start <= utc.hour * 60 + utc.minute < self.end


class OffPeak(Struct, frozen=True):
    """Cheaper prices at certain hours."""

    windows: tuple[Window, ...]
    prices: Prices


class WebSearch(Struct, frozen=True):
    """A provider's own search of the web."""

    fee: Decimal | None = None
    """US dollars; None is unknown."""
    per_answer: bool = False
    """Whether the fee is for an answer, however often was searched; else for each search."""
    protocol: str = ""
    """The protocol that knows it, where the provider's usual one does not."""


class ServiceClass(Struct, frozen=True):
    """Prices of a request that was served faster, slower or later than usual."""

    prices: Prices
    tiers: tuple[Tier, ...] = ()


class ModelInfo(Struct, frozen=True):
    """One model at one provider.  Sizes are tokens; None is unknown."""

    provider: str
    id: str
    context: int | None = None
    max_output: int | None = None
    prices: Prices = field(default_factory=Prices)
    tiers: tuple[Tier, ...] = ()
    price_date: str | None = None
    """ISO date of the price list."""
    vision: bool = False
    tools: bool = False
    reasoning: bool = False
    prefill: bool = False
    """Whether it goes on from the beginning of an answer that it is given."""
    local: bool = False
    """Whether it runs on the person's own machine: allowed for private conversations."""
    switched_off: str | None = None
    """ISO date at which the provider switches it off."""
    max_input: int | None = None
    """Longest prompt, where it is shorter than the window."""
    off_peak: OffPeak | None = None
    classes: Mapping[str, ServiceClass] = field(default_factory=dict)
    """By the provider's own word: ``flex``, ``priority``, ``batch``.  One that is not here has no known price."""
    abilities_known: bool = True
    """Whether anybody said what it can do: a False above is then a no, otherwise only a blank."""
    web: WebSearch | None = None
    """How it searches the web by itself; None where it does not."""
    cache_seconds: int = 0
    """How long its provider keeps the beginning of a prompt in its cache after it was used last; 0: it does not."""
    cache_least: int = 1024
    """Tokens of a prompt from which on it does."""
    cache_marked: bool = False
    """Whether it keeps only what is marked, and charges for writing it; else it keeps what it reads."""
    said: frozenset[str] = frozenset()
    """Where nobody did, the abilities of which the person's settings speak all the same."""

    def lacks(self, ability: Ability) -> bool:
        """Whether it is known not to have an ability."""
        return not getattr(self, ability) and (self.abilities_known or ability in self.said)

    @property
    def target(self) -> Target:
        """Its name for the router."""
        return Target(self.provider, self.id)


class ProviderInfo(Struct, frozen=True):
    """One provider.  ``protocol`` and ``dialect`` name a codec of `routerterm.protocols`."""

    name: str
    title: str
    protocol: str
    base_url: str
    dialect: str = ""
    env: tuple[str, ...] = ()
    """Environment variables that may hold its key, first wins."""
    key_prefix: str = ""
    docs: str = ""
    """Where a person gets a key."""
    needs_key: bool = True
    local: bool = False
    elsewhere: bool = False
    """Whether the person gave a built-in provider another address: who is there may know only the protocol."""
    default_model: str = ""
    """The model that a route names when it names only the provider."""
    headers: tuple[tuple[str, str], ...] = ()
    flags: frozenset[str] = frozenset()
    in_process: str = ""
    """Which part of this program answers in its place, instead of the network: ``demo`` or ``llama``; else empty."""
    web: tuple[tuple[str, WebSearch], ...] = ()
    """Its own search of the web, by the models (a pattern) that have it; the first that fits holds."""
    cache_seconds: int = 0
    """See `ModelInfo`: the least that the provider promises, or that was measured."""
    cache_least: int = 1024
    cache_marks: str = ""
    """Its models (as a pattern) that keep only what is marked; ``.`` is all of them."""
    enabled: bool = True
    """False where the person switched it off: it is in no list, and nothing is ever sent to it."""
