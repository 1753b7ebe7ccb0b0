"""What is tried for a request, and how it went: the values that retry plan and client hand to each other.

Times are seconds; ``now`` comes with the outcomes.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct, field

from routerterm.core.errors import ProviderError, RoutertermError
from routerterm.core.events import OnCut
from routerterm.core.targets import Target
from routerterm.router.decide.ranking import RankedCandidate
from routerterm.router.options import CutPolicy, KeyLimits, Limits


class Rules(Struct, frozen=True):
    """The settings that the plan follows."""

    limits: Limits = field(default_factory=Limits)
    keys: KeyLimits = field(default_factory=KeyLimits)
    on_cut: CutPolicy = "continue"


class Progress(Struct, frozen=True):
    """What has reached the person so far."""

    characters: int = 0
    """Of text."""
    content: bool = False
    """Anything at all, reasoning included."""
    tool_calls: bool = False


NOTHING = Progress()


class AttemptLost(Struct, frozen=True):
    """The attempt failed.  ``progress`` is what this attempt itself brought."""

    error: ProviderError
    now: float
    progress: Progress = NOTHING
    resting: bool = False
    """The model failed so often by now that it is left alone."""


class AttemptRejected(Struct, frozen=True):
    """Nothing left: another program took the probe, the key's last request of the minute, the rest of a budget.

    Or a picture that the model wants as bytes cannot be fetched.
    """

    what: Literal["model", "key", "budget", "image"]
    reason: str
    now: float
    wait: float = 0.0
    """Seconds until the key or the model may be used."""
    error: RoutertermError | None = None
    """What to end with if nothing else is left."""


class AttemptSucceeded(Struct, frozen=True):
    """The answer is whole."""


class Hedged(Struct, frozen=True):
    """The hedge was made as well.  ``other`` is how the slower one failed; None if it was called off."""

    hedge_won: bool
    winner: AttemptLost | AttemptSucceeded
    other: AttemptLost | None = None


Outcome: TypeAlias = AttemptLost | AttemptRejected | AttemptSucceeded | Hedged


class Attempt(Struct, frozen=True):
    """One thing to try."""

    n: int
    candidate: RankedCandidate
    key: str | None
    """The key's label; None where none is needed."""
    why: str
    delay: float = 0.0
    others: bool = False
    """Another candidate is ready: waits are short."""
    recover: OnCut | None = None
    """How this attempt goes on with a cut answer, if there is one."""
    ignore_cooldown: bool = False
    """The key was just told to rest; ``delay`` is all of it that is to be kept."""
    most: int | None = None
    """Tokens that the answer is kept to, because the account can pay for no more."""
    next: str = ""
    """What is done now, in words, for the failure before it."""
    hedge: Attempt | None = None
    """What may be made as well when this one is slower to its first token than usual; counted once it is made."""

    @property
    def target(self) -> Target:
        """Whom it asks."""
        return self.candidate.target
