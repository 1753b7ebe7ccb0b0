"""Puts together the arguments of a function call that Gemini streams value by value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from routerterm.protocols.json_utils import objects, text

_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d{1,6})\]|\[(?:'([^']*)'|\"([^\"]*)\")\]")
_DEEPEST = 64


class PartialArguments:
    """An object that grows by JSON paths."""

    def __init__(self) -> None:
        self.value: dict[str, Any] = {}

    def add(self, pieces: Any) -> None:
        """Fold ``partialArgs`` in.  A path that makes no sense is passed over."""
        for piece in objects(pieces):
            steps = _steps(text(piece.get("jsonPath")))
            if steps:
                self._put(steps, piece)

    def _put(self, steps: list[str | int], piece: Mapping[str, Any]) -> None:
        place: Any = self.value
        for step, following in pairwise(steps):
            place = _enter(place, step, [] if isinstance(following, int) else {})
            if place is None:
                return
        last = steps[-1]
        if isinstance(piece.get("stringValue"), str):
            before = _enter(place, last, "")
            if isinstance(before, str):
                place[last] = before + piece["stringValue"]
            return
        for field in ("numberValue", "boolValue", "nullValue"):
            if field in piece:
                value = None if field == "nullValue" else piece[field]
                if _enter(place, last, value) is not None or value is None:
                    _set(place, last, value)


def _steps(path: str) -> list[str | int]:
    steps: list[str | int] = []
    for name, index, quoted, double in _STEP.findall(path.removeprefix("$")):
        steps.append(int(index) if index else name or quoted or double)
    return steps if len(steps) <= _DEEPEST else []


def _enter(place: Any, step: str | int, fresh: Any) -> Any:
    """What is at a step, made if it is new; None where there is no such place."""
    if isinstance(place, dict) and isinstance(step, str):
        return place.setdefault(step, fresh)
    if isinstance(place, list) and isinstance(step, int):
        if step == len(place):
            place.append(fresh)
        return place[step] if step < len(place) else None
    return None


def _set(place: Any, step: Any, value: Any) -> None:
    if isinstance(place, dict) or (isinstance(place, list) and step < len(place)):
        place[step] = value
