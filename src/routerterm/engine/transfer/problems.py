"""What may be wrong with a file that is to be imported, and what an import leaves out."""

from __future__ import annotations

from collections import Counter

from msgspec import Struct, field

from routerterm.core.errors import RoutertermError

_EXAMPLES = 3


class BadArchive(RoutertermError):
    """The file is not what it should be, or not fit to be read."""


class Skipped(Struct):
    """What was left out, and how often, by reason; with a few examples of it where they have names."""

    reasons: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def note(self, reason: str, example: str = "") -> None:
        """One more thing left out for that reason."""
        self.reasons[reason] += 1
        named = self.examples.setdefault(reason, [])
        if example and example not in named and len(named) <= _EXAMPLES:
            named.append(example[:80])

    def lines(self) -> list[str]:
        """The reasons as sentences, with how often and a few examples."""
        return [f"Left out: {times:,} {reason}{self._named(reason)}." for reason, times in sorted(self.reasons.items())]

    def _named(self, reason: str) -> str:
        named = self.examples.get(reason, [])
        more = ", …" if len(named) > _EXAMPLES else ""
        return f" ({', '.join(named[:_EXAMPLES])}{more})" if named else ""
