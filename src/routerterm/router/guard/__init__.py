"""The person's rules on what may leave the machine, and on what comes back."""

from routerterm.router.guard.guard import PersonalGuard
from routerterm.router.guard.rules import DETECTORS, GuardRules, Hit, Rule

__all__ = ["DETECTORS", "GuardRules", "Hit", "PersonalGuard", "Rule"]
