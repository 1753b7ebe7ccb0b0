"""The mouse, as terminals report it: SGR (1006), urxvt's (1015), and the first one (1000), three bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from textual import events

_THREE = re.compile(r"(\d{1,4});(-?\d{1,6});(-?\d{1,6})")
_WHEEL = (events.MouseScrollUp, events.MouseScrollDown, events.MouseScrollLeft, events.MouseScrollRight)


class Mouse:
    """Keeps where the mouse was, since Textual wants to know how far it went."""

    def __init__(self) -> None:
        self._x = 0
        self._y = 0

    def told(self, parameters: str, final: str) -> Iterator[events.MouseEvent]:
        """A report in SGR's form: the button, the column and the row, both counted from 1."""
        if (numbers := _THREE.fullmatch(parameters)) is not None:
            buttons, column, row = map(int, numbers.groups())
            yield from self._event(buttons, column - 1, row - 1, final == "m")

    def urxvt(self, parameters: str) -> Iterator[events.MouseEvent]:
        """A report in urxvt's form, which does not say which button was let go."""
        if (numbers := _THREE.fullmatch(parameters)) is not None:
            buttons, column, row = map(int, numbers.groups())
            yield from self._old(buttons - 32, column - 1, row - 1)

    def old(self, buttons: int, column: int, row: int) -> Iterator[events.MouseEvent]:
        """A report of three characters, each 32 more than what it says."""
        yield from self._old(buttons - 32, column - 33, row - 33)

    def _old(self, buttons: int, x: int, y: int) -> Iterator[events.MouseEvent]:
        released = buttons >= 0 and buttons & 3 == 3 and not buttons & (32 | 64)
        yield from self._event(buttons & ~3 if released else buttons, x, y, released)

    def _event(self, buttons: int, x: int, y: int, released: bool) -> Iterator[events.MouseEvent]:
        if buttons < 0 or x < 0 or y < 0:
            return
        kind: type[events.MouseEvent]
        button = 0
        if buttons & 64:
            kind = _WHEEL[buttons & 3]
        else:
            button = (buttons + 1) & 3
            kind = events.MouseDown
            if buttons & 32 or button == 0:
                kind = events.MouseMove
            elif released:
                kind = events.MouseUp
        moved_x, moved_y = x - self._x, y - self._y
        self._x = x
        self._y = y
        modifiers = bool(buttons & 4), bool(buttons & 8), bool(buttons & 16)
        yield kind(None, x, y, moved_x, moved_y, button, *modifiers, screen_x=x, screen_y=y)
