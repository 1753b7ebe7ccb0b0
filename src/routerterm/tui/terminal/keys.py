"""What the terminal says: keys for Textual, answers to our probes for the meter."""

from __future__ import annotations

import re
from collections.abc import Callable

from routerterm.tui.terminal.line import ANSWER

_ANSWER = ANSWER.encode()
_MARGINS = re.compile(rb"\x1b\[\?69;([0-4])\$y")
"""Whether it has margins at left and right (DECRPM): 1 and 2 say that they can be set."""


class AnswerFilter:
    """Takes the answers to our probes out of what was read; an answer may come in pieces."""

    def __init__(self, answered: Callable[[], None], has_columns: Callable[[], None] = lambda: None) -> None:
        self._answered = answered
        self._has_columns = has_columns
        self._held = b""
        self.waiting: Callable[[], bool] = lambda: True

    def feed(self, data: bytes) -> bytes:
        """What is left of the data for the program."""
        data, self._held = self._held + data, b""
        if b"\x1b" not in data:
            return data
        if (said := _MARGINS.search(data)) is not None:
            data = data[: said.start()] + data[said.end() :]
            if said[1] in b"12":
                self._has_columns()
        if not self.waiting():
            return data
        while (at := data.find(_ANSWER)) >= 0:
            data = data[:at] + data[at + len(_ANSWER) :]
            self._answered()
        for size in (3, 2, 1):
            if data.endswith(_ANSWER[:size]) and self.waiting():
                self._held, data = data[-size:], data[:-size]
                break
        return data

    @property
    def holding(self) -> bool:
        """Is something held back that may only be the Escape key?"""
        return bool(self._held)

    def release(self) -> bytes:
        """What was held back as the possible beginning of an answer, when nothing follows."""
        held, self._held = self._held, b""
        return held
