"""The words of the guard: rules, what they do, and what they found, which is never the text itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias, get_args

from msgspec import Struct, field

from routerterm.core.messages import Role

Action: TypeAlias = Literal["log", "warn", "redact", "block"]
DetectorName: TypeAlias = Literal["api_key", "private_key", "email", "phone", "card", "iban"]
DETECTORS: tuple[DetectorName, ...] = get_args(DetectorName)
SENT: tuple[Role, ...] = ("user", "system", "tool")


class Rule(Struct, frozen=True):
    """A rule of the person's: exactly one of ``regex``, ``contains_all`` (words), ``contains_any``.

    ``roles`` are whose words are looked at; ``assistant`` means the answer.
    """

    name: str
    action: Action
    regex: str | None = None
    contains_all: tuple[str, ...] = ()
    contains_any: tuple[str, ...] = ()
    roles: tuple[Role, ...] = SENT


class GuardRules(Struct, frozen=True):
    """All rules, and what to do about what the detectors find; a detector that is not named is off."""

    rules: tuple[Rule, ...] = ()
    detectors: Mapping[DetectorName, Action] = field(default_factory=dict)


class Hit(Struct, frozen=True):
    """A rule or detector struck ``count`` times, in words of ``role``.  ``timed_out``: it could not be finished."""

    rule: str
    action: Action
    role: Role
    count: int = 1
    timed_out: bool = False
    conversation_id: str | None = None


OnHit: TypeAlias = Callable[[Hit], None]
"""Told of every hit, to record it or to show a warning."""


class Span(Struct, frozen=True, order=True):
    """A stretch of a text."""

    start: int
    end: int
