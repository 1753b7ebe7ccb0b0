"""Looks through texts with all rules and detectors: what struck where, in bounded time all together."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from msgspec import Struct

from routerterm.core.messages import Role
from routerterm.router.guard.detect import detect
from routerterm.router.guard.matching import SECONDS, TimedOut, find
from routerterm.router.guard.rules import Action, DetectorName, GuardRules, Rule, Span

PATIENCE = 0.4
"""Seconds for all rules on all texts of a request."""


class Match(Struct, frozen=True):
    """What a rule or a detector found in a text."""

    rule: str
    action: Action
    spans: tuple[Span, ...] = ()
    timed_out: bool = False


class Inspector:
    """The looks at one request or one answer: they share a limit of time, and a rule that ran out is not run again."""

    def __init__(self, rules: GuardRules, patience: float = PATIENCE) -> None:
        self._rules = rules
        self._left = patience
        self._tired: set[str] = set()

    def inspect(self, role: Role, text: str) -> Sequence[Match]:
        """All strikes in a text spoken by ``role``: the rules' in their order, then the detectors'."""
        return [match for detector in self._detectors(role) if (match := self._match(detector, text)) is not None]

    def redactions(self, role: Role) -> Iterator[tuple[str, Rule | DetectorName]]:
        """What redacts in words of ``role``, to be taken one after the other, each on what the one before left."""
        for detector in self._detectors(role):
            name, action = self._names(detector)
            if action == "redact":
                yield name, detector

    def spans(self, detector: Rule | DetectorName, text: str) -> Sequence[Span]:
        """Where one of them strikes."""
        match = self._match(detector, text)
        return () if match is None else match.spans

    def _detectors(self, role: Role) -> Iterator[Rule | DetectorName]:
        yield from (rule for rule in self._rules.rules if role in rule.roles)
        yield from self._rules.detectors

    def _names(self, detector: Rule | DetectorName) -> tuple[str, Action]:
        return (
            (detector.name, detector.action)
            if isinstance(detector, Rule)
            else (detector, self._rules.detectors[detector])
        )

    def _match(self, detector: Rule | DetectorName, text: str) -> Match | None:
        name, action = self._names(detector)
        if not isinstance(detector, Rule):
            spans = tuple(detect(detector, text))
            return Match(name, action, spans) if spans else None
        if name in self._tired:
            return None
        begun = time.monotonic()
        try:
            spans = tuple(find(detector, text, max(0.001, min(SECONDS, self._left))))
        except TimedOut:
            self._tired.add(name)
            return Match(name, action, (Span(0, len(text)),), timed_out=True)
        finally:
            self._left -= time.monotonic() - begun
        return Match(name, action, spans) if spans else None
