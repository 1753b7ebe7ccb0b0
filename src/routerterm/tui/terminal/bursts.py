"""Keys that arrive in one burst, as slow lines and multiplexers deliver them.

Escape and Alt look alike on the wire: ``ESC x`` is either.  Textual takes every letter after an ESC for an Alt chord,
a long burst for an unknown sequence, which puts a ``^`` before the text, and an ESC in pasted text for a key.  Here a
letter after an ESC is an Alt chord where it came with that ESC and nothing follows it; a person who presses Escape and
types on over a slow line means Escape, and text; nothing that was pasted can press a key; and an Enter in the middle of
a burst of text breaks a line (it comes as Shift+Enter, which is Enter where there is no line to break).
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

from textual import events
from textual._xterm_parser import XTermParser

if TYPE_CHECKING:
    from textual.message import Message

ESC = "\x1b"
_PASTE_BEGINS, _PASTE_ENDS = "\x1b[200~", "\x1b[201~"
_LETTER = r"[^\x00-\x1f\x7f\[O\]PX^_\\N]"
"""What follows an ESC and begins no control sequence (ECMA-48)."""
_ENDS_HERE = re.compile(rf"\x1b(?={_LETTER}[^\x00-\x1f\x7f])|\x1b{_LETTER}(?=\x1b)")
"""An Escape before text, or an Alt chord before another."""
_TEXT = re.compile(_LETTER)
_ALT_ENTER, _KNOWN_ALT_ENTER = f"{ESC}\r", "\x1b[13;3u"
"""How most terminals send Alt+Enter, which Textual takes for Enter, and as what it knows it."""
_ENTER_WITHIN_TEXT = re.compile(r"(?<=[^\x00-\x1f\x7f])(\r\n?)+(?=[^\x00-\x1f\x7f])")
"""Enters between texts that one read brought: a paste by a terminal that does not bracket it; nobody types so fast."""
_SHIFT_ENTER = "\x1b[13;2u"
_PERHAPS_PASTE = re.compile(r"\x1b\[(?:2(?:00?)?)?\Z")


class BurstParser(XTermParser):
    """Textual's parser, told where an Escape before text ends, and given pastes whole."""

    def __init__(self, debug: bool = False) -> None:
        super().__init__(debug)
        self._pasted: list[str] | None = None
        self._held = ""
        self._escape_last = False

    def burst(self, data: str) -> Iterator[Message]:
        """What was pressed and pasted, from all that one read brought (not empty)."""
        data, self._held = self._held + data, ""
        while data:
            if self._pasted is None:
                data = yield from self._pressed(data)
            else:
                data = yield from self._paste(data)

    def idle(self) -> Iterator[Message]:
        """What is certain once nothing came for a while."""
        if self._pasted is None:
            data, self._held = self._held, ""
            yield from self._keys(data)
        yield from self.tick()

    def _pressed(self, data: str) -> Generator[Message, None, str]:
        """The keys up to the next paste; returns what comes after its beginning."""
        before, begins, after = data.partition(_PASTE_BEGINS)
        if begins:
            self._pasted = []
        elif perhaps := _PERHAPS_PASTE.search(before):
            before, self._held = before[: perhaps.start()], perhaps[0]
        yield from self._keys(before)
        return after

    def _paste(self, data: str) -> Generator[Message, None, str]:
        """More of a paste; returns what comes after its end."""
        assert self._pasted is not None
        text, ends, after = data.partition(_PASTE_ENDS)
        if ends:
            text, self._pasted = "".join([*self._pasted, text]), None
            yield events.Paste(text.replace("\x00", ""))
            return after
        kept = max(0, len(text) - len(_PASTE_ENDS) + 1)  # its end may have come half
        self._pasted.append(text[:kept])
        self._held = text[kept:]
        return ""

    def _keys(self, data: str) -> Iterator[Message]:
        if self._escape_last and _TEXT.match(data):
            yield from self._no_more_comes()
        data = data.replace(_ALT_ENTER, _KNOWN_ALT_ENTER)
        data = _ENTER_WITHIN_TEXT.sub(lambda found: _SHIFT_ENTER * found[0].count("\r"), data)
        start = 0
        for end in _ENDS_HERE.finditer(data):
            yield from self.feed(data[start : end.end()])
            yield from self._no_more_comes()
            start = end.end()
        if start < len(data):
            yield from self.feed(data[start:])
        if data:
            self._escape_last = data.endswith(ESC)

    def _no_more_comes(self) -> Iterator[Message]:
        """End the sequence that is being read, as the time limit for an Escape would."""
        if self._timeout_time is not None:
            self._timeout_time = 0.0
            yield from self.tick()
