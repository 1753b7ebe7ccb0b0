"""What vim's keys say: counts, operators, motions and text objects, as whole commands.  Pure."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from routerterm.tui.vim import motions

OPERATORS = frozenset("dcy<>")
MOST_TIMES = 9_999
"""A higher count is a slip of the finger."""
WITH_LETTER = frozenset("fFtTr")
"""Commands that a letter belongs to."""
MOTIONS = frozenset("hljkwbeWBE0^$G%")
_SIMPLE = frozenset("xXrJ~.pPuoOAIaisSDCY;,vV")


class Command(Struct, frozen=True):
    """A whole command: ``3d2fx`` is the operator ``d``, the motion ``f`` with the letter ``x``, six times."""

    verb: str
    count: int | None = None
    operator: str = ""
    letter: str = ""
    register: str = ""
    """Where to what is deleted or copied goes, and from where it is put; empty is the usual one."""


def parse(keys: tuple[str, ...]) -> Command | Literal["more", "none"]:
    """The command that the keys are; ``more`` where it is not whole, ``none`` where it can be none."""
    if keys[:1] == ('"',):
        found = parse(keys[2:]) if len(keys) > 2 else "more"
        return replace(found, register=keys[1]) if isinstance(found, Command) else found
    place, (count, place) = 0, _count(keys, 0)
    operator = ""
    if place < len(keys) and keys[place] in OPERATORS:
        operator = keys[place]
        second, place = _count(keys, place + 1)
        count = count if second is None else min((count or 1) * second, MOST_TIMES)
    if place == len(keys):
        return "more"
    verb, rest = keys[place], keys[place + 1 :]
    if operator and verb == operator:
        return Command("line", count, operator)
    if verb == "g":
        if not rest:
            return "more"
        if rest[0] == "g":
            return Command("gg", count, operator)
        return "none"
    if operator and verb in "ia":
        if not rest:
            return "more"
        return Command(verb, count, operator, rest[0]) if rest[0] in motions.OBJECTS else "none"
    if verb in WITH_LETTER and not (operator and verb == "r"):
        return Command(verb, count, operator, rest[0]) if rest else "more"
    if verb in MOTIONS or verb in ";," or (not operator and verb in _SIMPLE):
        return Command(verb, count, operator)
    return "none"


def _count(keys: tuple[str, ...], place: int) -> tuple[int | None, int]:
    """A number at a place, and where it ends; a 0 that begins one is a motion."""
    end = place
    while end < len(keys) and keys[end] in "0123456789" and (end > place or keys[end] != "0"):
        end += 1
    return (min(int("".join(keys[place : min(end, place + 6)])), MOST_TIMES) if end > place else None), end
