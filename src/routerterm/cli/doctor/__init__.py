"""What `routerterm doctor` looks at: each check is a module with an async generator ``look(context)`` of findings.

A new check is a module here and a line in `CHECKS`; it is imported when the doctor comes to it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from msgspec import Struct

if TYPE_CHECKING:
    from routerterm.config.paths import Paths

Level: TypeAlias = Literal["good", "note", "bad"]
"""``bad`` wants something done; ``note`` is worth knowing."""


class Finding(Struct, frozen=True):
    """One thing that was looked at, in a sentence, and what to do about it."""

    level: Level
    what: str
    hint: str = ""


class CheckContext(Struct, frozen=True):
    """Where the doctor looks, and what it may do."""

    paths: Paths
    repair: bool = False
    """Whether what can be put right shall be put right."""


Look: TypeAlias = Callable[[CheckContext], AsyncGenerator[Finding]]

CHECKS: Final[Mapping[str, str]] = {
    "home": "routerterm.cli.doctor.home",
    "history": "routerterm.cli.doctor.history",
    "program": "routerterm.cli.doctor.program",
    "terminal": "routerterm.cli.doctor.terminal",
    "keys": "routerterm.cli.doctor.keys",
    "network": "routerterm.cli.doctor.network",
    "clock": "routerterm.cli.doctor.clock",
}
"""The checks in their order: a name, and the module that has its ``look``."""


def look_of(name: str) -> Look:
    """The check of that name, imported now."""
    look: Look = import_module(CHECKS[name]).look
    return look
