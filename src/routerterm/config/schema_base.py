"""Kinds of values in the settings; `validation` knows their bounds."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, TypeAlias

from msgspec import Struct

Seconds: TypeAlias = float
Usd: TypeAlias = Decimal
Share: TypeAlias = float
Weight: TypeAlias = float
Count: TypeAlias = int
Minutes: TypeAlias = int
Percent: TypeAlias = int
Port: TypeAlias = int
Names: TypeAlias = tuple[str, ...]
Strategy: TypeAlias = Literal["priority", "round-robin", "weighted", "cheapest", "fastest", "yours"]
OnCut: TypeAlias = Literal["continue", "restart", "stop"]
OnCap: TypeAlias = Literal["block", "ask", "cheaper"]
Act: TypeAlias = Literal["off", "log", "warn", "redact", "block"]
RuleAct: TypeAlias = Literal["log", "warn", "redact", "block"]
KeyPlace: TypeAlias = Literal["keyring", "vault", "cmd", "env"]

KEY_PLACES: tuple[KeyPlace, ...] = ("keyring", "vault", "cmd", "env")


class Section(Struct, frozen=True):
    """A table of the file."""
