"""Which answers a person preferred, read from the versions of a conversation.  Pure; nothing has to be rated by hand.

- In compare the answer that was chosen beats the others.
- A version that the conversation goes on from beats those that it does not go on from.
- A new answer, asked for when the one before was finished and left on show, beats that one by half a vote.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

HALF = 0.5


class Version(Struct, frozen=True):
    """One answer to a question.  Times are milliseconds."""

    model: str
    """``provider/model``."""
    created_at: int
    finished_at: int
    chosen: bool = False
    """In compare."""
    continued: bool = False
    """The conversation goes on under it."""
    shown: bool = False
    """It is the end of the branch that is on show."""


class Question(Struct, frozen=True):
    """A question with all its answers."""

    kind: str
    versions: tuple[Version, ...]


class Vote(Struct, frozen=True):
    """One answer preferred to another."""

    winner: str
    loser: str
    kind: str
    weight: float = 1.0


def votes(questions: Iterable[Question]) -> Iterator[Vote]:
    """All votes of some questions; two answers of one model say nothing."""
    for question in questions:
        for winner, losers, weight in _preferred(question.versions):
            names = dict.fromkeys(loser.model for loser in losers if loser.model != winner.model)
            yield from (Vote(winner.model, name, question.kind, weight) for name in names)


def _preferred(versions: Sequence[Version]) -> Iterator[tuple[Version, list[Version], float]]:
    continued = [version for version in versions if version.continued]
    chosen = [version for version in versions if version.chosen]
    for winners in (continued, chosen):
        if winners:
            models = {winner.model for winner in winners}
            losers = [version for version in versions if version not in winners and version.model not in models]
            yield from ((winner, losers, 1.0) for winner in _one_each(winners))
            return
    shown = next((version for version in versions if version.shown), None)
    if shown is not None and shown.created_at == max(version.created_at for version in versions):
        yield shown, [version for version in versions if version.finished_at <= shown.created_at], HALF


def _one_each(versions: Iterable[Version]) -> Iterable[Version]:
    return {version.model: version for version in versions}.values()
