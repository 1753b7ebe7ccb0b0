"""The entries of ``[guard]``; see `schema`."""

from __future__ import annotations

from routerterm.config.schema_base import Act, RuleAct, Section
from routerterm.core.messages import Role


class GuardRule(Section, frozen=True, kw_only=True):
    """A rule about what is sent or answered: exactly one of `regex`, `contains_all`, `contains_any`."""

    name: str
    """The name shown when it matches."""
    action: RuleAct
    """What to do on a match."""
    regex: str | None = None
    """A regular expression."""
    contains_all: tuple[str, ...] = ()
    """Words that must all occur, upper or lower case."""
    contains_any: tuple[str, ...] = ()
    """Words of which one must occur, upper or lower case."""
    roles: tuple[Role, ...] = ("user", "system", "tool")
    """The roles whose text is checked; `assistant` is the answer."""


class GuardDetectors(Section, frozen=True):
    """What to do about built-in patterns."""

    api_key: Act = "redact"
    """API keys and access tokens."""
    private_key: Act = "redact"
    """Private keys and certificate keys."""
    email: Act = "off"
    """E-mail addresses."""
    phone: Act = "off"
    """Telephone numbers."""
    card: Act = "off"
    """Payment cards."""
    iban: Act = "off"
    """Bank accounts."""


class GuardSettings(Section, frozen=True):
    """What must not leave this computer."""

    enabled: bool = True
    """Whether the guard is on."""
    detectors: GuardDetectors = GuardDetectors()
    """Built-in patterns."""
    rules: tuple[GuardRule, ...] = ()
    """Your own rules, checked in order."""
