"""Token counts in one honest convention, whatever the provider's own.

Providers disagree: OpenAI's and Gemini's input includes cached tokens, Anthropic's does not; Gemini's
output excludes thoughts, OpenAI's includes them.  Here every token stands in exactly one field.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal, TypeAlias

from msgspec import Struct, field

MOST_TOKENS = 10**9
"""A count above this, or below zero, is no report: no model reads or writes so much in one request."""

UsageSource: TypeAlias = Literal["reported", "estimated"]


class Usage(Struct, frozen=True):
    """The tokens of one attempt.

    The prompt is ``fresh + cache_read + cache_write + cache_write_1h``; the answer is ``output``, of which
    ``reasoning`` was thinking.  ``cost`` is what the provider says it charged, in USD, where it does.
    ``raw`` keeps the provider's own numbers.
    """

    fresh: int = 0
    cache_read: int = 0
    cache_write: int = 0
    """Written to the provider's prompt cache for five minutes (or its only lifetime)."""
    cache_write_1h: int = 0
    output: int = 0
    reasoning: int = 0
    source: UsageSource = "reported"
    searches: int = 0
    """Searches of the web that the provider made, which it charges beside the tokens."""
    cost: Decimal | None = None
    tier: str = ""
    """The provider's word for the class of service that was charged; empty is the usual one."""
    raw: Mapping[str, Any] = field(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        return self._counts() == other._counts() if isinstance(other, Usage) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._counts())

    def _counts(self) -> tuple[object, ...]:
        """All but the provider's own words: two reports of the same counts are equal."""
        return tuple(getattr(self, name) for name in self.__struct_fields__ if name != "raw")

    def plus(self, other: Usage) -> Usage:
        """The tokens of both; what is unknown or estimated of one is so of both."""
        names = ("fresh", "cache_read", "cache_write", "cache_write_1h", "output", "reasoning", "searches")
        sums = {name: getattr(self, name) + getattr(other, name) for name in names}
        cost = None if self.cost is None or other.cost is None else self.cost + other.cost
        source: UsageSource = "estimated" if "estimated" in (self.source, other.source) else "reported"
        return Usage(**sums, source=source, cost=cost)

    @property
    def input(self) -> int:
        """All tokens of the prompt, cached ones included."""
        return self.fresh + self.cache_read + self.cache_write + self.cache_write_1h

    @property
    def total(self) -> int:
        """Prompt and answer."""
        return self.input + self.output
