"""What comes from the terminal: keys, pastes, the mouse, and replies, which are never taken for keys.

Bytes go in at any cut, messages for Textual come out; time is an argument.  Everything else that a terminal may
say (its attributes, its name, a colour, the clipboard, a picture's receipt), asked for or not, is swallowed whole.

- `ESC x` is either Alt and a letter or the Escape key and a letter.  It is Alt where the letter came with that ESC and
  nothing follows it; who presses Escape and types on over a slow line means Escape, and text.
- A control sequence that is not complete is waited for; a string (OSC, DCS, APC) is swallowed as it comes, until its
  end, for as long as it goes on coming.  Enter, Ctrl+C or another key end it too: no broken reply locks the keyboard.
- What was pasted can press no key, nor can several lines that arrive at once without the marks of a paste.
"""

from __future__ import annotations

import re
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterator

from textual import events, messages
from textual.message import Message

from routerterm.core.lazy_pattern import LazyPattern
from routerterm.tui.terminal.keys import (
    alt_key,
    application_key,
    character_key,
    console_key,
    rxvt_key,
    sequence_keys,
)
from routerterm.tui.terminal.mouse import Mouse
from routerterm.tui.terminal.setup import believable

ESC = "\x1b"
_PASTE_ENDS = "\x1b[201~"
_ESCAPE_WAITS = 0.1
"""Seconds until an ESC by itself is the Escape key; the most that a sequence's pieces may lie apart there."""
_SEQUENCE_WAITS = 1.0
"""Seconds until a sequence that was begun is given up: nobody types its beginning by hand."""
_REPLY_WAITS = 5.0
"""The same for what can only be a reply."""
_PASTE_WAITS = 30.0
"""Seconds of silence after which a paste is over whose end was lost."""
_LONGEST = 256
"""Characters of a control sequence; the rest of a longer one is swallowed unread."""
_BURST = 16
"""Printable characters in one read from which a line break between them was not typed: it takes a second."""

_CSI = LazyPattern(r"\x1b\[([0-9:;<=>?]*)([ -/]*)([@-~])")
_CSI_BEGINS = LazyPattern(r"\x1b\[[0-9:;<=>?]*[ -/]*\Z")
_CONSOLE = LazyPattern(r"\x1b\[\[([A-E])")
_RXVT = LazyPattern(r"\x1b\[(\d{1,2})([$^@])(?!y)")
_OLD_MOUSE = LazyPattern(r"\x1b\[M(.)(.)(.)", re.DOTALL)
_OLD_MOUSE_BEGINS = LazyPattern(r"\x1b\[M.{0,2}\Z", re.DOTALL)
_SS3 = LazyPattern(r"\x1bO([0-9;]{0,4})([A-DFHMP-SXa-dj-y])")
_SS3_BEGINS = LazyPattern(r"\x1bO[0-9;]{0,4}\Z")
_STRING_BEGINS = LazyPattern(r"\x1b(?:\][0-9]+(?:[;\x07\x1b]|\Z)|\][lLI]|P[0-9;]*[!-/<=>?]+|P[0-9;]+[@-~]|_G)")
"""OSC with its number, DCS with parameters or a mark, APC of pictures: what only a terminal sends."""
_STRING_PERHAPS = LazyPattern(r"\x1b(?:\]|P[0-9;]*|_)\Z")
_STRING_WHOLE = LazyPattern(r"\x1b[\]PX^_][^\x1b\x07\r\x03]*(?:\x07|\x1b\\)")
_STRING_ENDS = LazyPattern(r"\x07|\x1b\\|[\r\x03\x18\x1a\x9c]|\x1b(?=[^\\])")
_META = LazyPattern(r"\x1b(?=\x1b(?:\[(?:[A-D]|[356]~)|O[A-D]))")
"""ESC before an arrow, PgUp, PgDn or Delete, as rxvt, PuTTY and iTerm send Alt and that key.

Before any other key it is Escape, and then that key: both come in one read over a slow line, and nothing is bound to
Alt and an F-key."""
_TEXT = LazyPattern(r"[^\x00-\x1f\x7f]+")
_CHORDS = LazyPattern(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LINE_BETWEEN = LazyPattern(r"[\r\n]+[^\x00-\x1f\x7f]|\t")
_RESUMED = LazyPattern(r"\[[<=>?]?[0-9;:]+[ -/]*[@-~]|\][0-9]+;|P[0-9;]*[!-/<=>?]|_G")
"""What followed an ESC that was taken for the Escape key, where it can be nothing that was typed."""
_SIZE = LazyPattern(r"48;(\d{1,6})(?::\d*)*;(\d{1,6})(?::\d*)*;(\d{1,6})(?::\d*)*;(\d{1,6})(?::\d*)*")


class Burst(events.Paste):
    """Several lines that arrived at once without the marks of a paste: pasted where many lines can be written.

    In a form they may as well be typed, by a hand that is faster than the line.
    """


Burst.handler_name = events.Paste.handler_name  # widgets hear of it as of any paste


class InputParser:
    """Takes what was read apart."""

    def __init__(
        self, answered: Callable[[], None] = lambda: None, has_columns: Callable[[], None] = lambda: None
    ) -> None:
        """``answered`` is called for each answer to a probe, ``has_columns`` where there are margins left and right."""
        self._answered = answered
        self._has_columns = has_columns
        self._mouse = Mouse()
        self._decoder = getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._pasted: list[str] | None = None
        self._in_string = False
        self._in_sequence = False
        self._since = 0.0
        self._escape_at = -1e9
        self._burst_until = -1e9

    # -- time ------------------------------------------------------------------------------------------------
    @property
    def undecided(self) -> bool:
        """Whether something waits for more, or for its time to run out."""
        return bool(self._rest) or self._in_string or self._in_sequence or self._pasted is not None

    def tick(self, now: float) -> list[Message]:
        """What is certain since nothing came."""
        if not self.undecided or now - self._since < self._patience():
            return []
        rest, self._rest = self._rest, ""
        if self._pasted is not None:
            text, self._pasted = "".join([*self._pasted, rest]), None
            return [events.Paste(text.replace("\x00", ""))]
        if self._in_string or self._in_sequence:
            self._in_string = self._in_sequence = False
            return []
        if rest == ESC:
            self._escape_at = now
            return [events.Key("escape", ESC)]
        if len(rest) == 2:
            return [alt_key(rest[1])]
        if rest == ESC * 2:
            return [events.Key("escape", ESC)] * 2
        return []

    def _patience(self) -> float:
        if self._pasted is not None:
            return _PASTE_WAITS
        if self._in_string or self._in_sequence or self._rest.startswith(("\x1b[?", "\x1b[>", "\x1b[=")):
            return _REPLY_WAITS
        return _ESCAPE_WAITS if len(self._rest) <= 2 else _SEQUENCE_WAITS

    # -- what was read ------------------------------------------------------------------------------------------
    def feed(self, data: bytes, now: float, *, typed: bool = False) -> list[Message]:
        """What was pressed, pasted and said, from all that one read brought; ``typed`` where it was surely typed."""
        if now - self._since >= _SEQUENCE_WAITS:
            self._decoder.reset()  # half a letter, whose other half was lost
        text = self._decoder.decode(data)
        if not text:
            self._since = now
            return []
        lone_escape = self._rest == ESC and self._pasted is None and not self._in_string
        waited = self._rest
        rest, self._rest = self._rest + text, ""
        if now - self._escape_at < _SEQUENCE_WAITS and _RESUMED.match(text):
            rest = ESC + rest  # the rest of a reply that was cut after its ESC
        self._escape_at = -1e9
        if len(text) > 1 or not (self._in_string or self._pasted is not None):
            self._since = now  # keys that are pressed because nothing happens do not prolong the waiting
        found: list[Message] = []
        if lone_escape and _TEXT.match(text) and text[0] not in "[O]P_":
            found.append(events.Key("escape", ESC))
            rest = text
        elif not waited and self._pasted is None and not self._in_string and not typed and self._is_burst(text, now):
            self._burst_until = now + _ESCAPE_WAITS
            return [Burst(text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", ""))]
        while rest:
            rest = self._step(rest, found)
        return found

    def _is_burst(self, text: str, now: float) -> bool:
        """Whether this is text of several lines that was not typed."""
        if _CHORDS.search(text):
            return False
        if now < self._burst_until and ("\r" in text or "\n" in text or len(text) >= _BURST):
            return True
        return len(text) >= _BURST and _LINE_BETWEEN.search(text) is not None

    def _step(self, data: str, found: list[Message]) -> str:
        """Take the first thing off the data; returns what is left."""
        if self._pasted is not None:
            return self._paste(data, found)
        if self._in_string:
            return self._string(data)
        if self._in_sequence:
            return self._overlong(data)
        at = data.find(ESC)
        if at:
            typed = data if at < 0 else data[:at]
            found.extend(character_key(character) for character in typed)
            return "" if at < 0 else data[at:]
        return self._escape(data, found)

    def _paste(self, data: str, found: list[Message]) -> str:
        """More of a paste; returns what comes after its end."""
        assert self._pasted is not None
        text, ends, after = data.partition(_PASTE_ENDS)
        if ends:
            text, self._pasted = "".join([*self._pasted, text]), None
            found.append(events.Paste(text.replace("\x00", "")))
            return after
        kept = max(0, len(text) - len(_PASTE_ENDS) + 1)  # its end may have come half
        self._pasted.append(text[:kept])
        self._rest = text[kept:]
        return ""

    def _string(self, data: str) -> str:
        """More of a reply that is a string; returns what comes after its end."""
        end = _STRING_ENDS.search(data)
        if end is None:
            self._rest = ESC if data.endswith(ESC) else ""
            return ""
        self._in_string = False
        return data[end.start() if end[0] in (ESC, "\r", "\x03") else end.end() :]

    def _overlong(self, data: str) -> str:
        """More of a sequence that is too long to be one."""
        for index, character in enumerate(data):
            if not " " <= character <= "?":
                self._in_sequence = False
                return data[index + 1 if "@" <= character <= "~" else index :]
        return ""

    # -- after an ESC ---------------------------------------------------------------------------------------------
    def _escape(self, data: str, found: list[Message]) -> str:
        """What begins with an ESC; returns what is left, nothing where it is held until more comes."""
        if len(data) == 1 or _STRING_PERHAPS.match(data) or _SS3_BEGINS.match(data) or _OLD_MOUSE_BEGINS.match(data):
            self._rest = data
            return ""
        match data[1]:
            case "[":
                return self._control_sequence(data, found)
            case "O" if key := _SS3.match(data):
                if (pressed := application_key(key[1], key[2])) is not None:
                    found.append(pressed)
                return data[key.end() :]
            case "]" | "P" | "X" | "^" | "_" if whole := _STRING_WHOLE.match(data):
                return data[whole.end() :]
            case "]" | "P" | "_" if _STRING_BEGINS.match(data):
                self._in_string = True
                return data[2:]
            case "\\":
                return data[2:]  # the end of a string that was given up
            case "\x1b" if _META.match(data):
                pressed_before = len(found)
                left = self._escape(data[1:], found)
                found[pressed_before:] = [_with_alt(event) for event in found[pressed_before:]]
                return left
            case "\x1b":
                found.append(events.Key("escape", ESC))
                return data[1:]
        return self._chord_or_escape(data, found)

    def _chord_or_escape(self, data: str, found: list[Message]) -> str:
        """ESC and a character: Alt, where nothing that was typed follows."""
        character, after = data[1], data[2:3]
        typed_on = _TEXT.match(character) and _TEXT.match(after)
        if typed_on or (character < " " and character not in "\r\n\t\b"):
            found.append(events.Key("escape", ESC))
            return data[1:]
        found.append(alt_key(character))
        return data[2:]

    def _control_sequence(self, data: str, found: list[Message]) -> str:
        if console := _CONSOLE.match(data):
            found.append(console_key(console[1]))
            return data[console.end() :]
        if rxvt := _RXVT.match(data):
            if (key := rxvt_key(int(rxvt[1]), rxvt[2])) is not None:
                found.append(key)
            return data[rxvt.end() :]
        if old := _OLD_MOUSE.match(data):
            found.extend(self._mouse.old(*(ord(character) for character in old.groups())))
            return data[old.end() :]
        if data.startswith("\x1b[200~"):
            self._pasted = []
            return data[6:]
        if sequence := _CSI.match(data):
            if sequence.end() <= _LONGEST:
                found.extend(self._said(*sequence.groups()))
            return data[sequence.end() :]
        if _CSI_BEGINS.match(data) or data == "\x1b[[":
            if len(data) > _LONGEST:
                self._in_sequence = True
            else:
                self._rest = data
            return ""
        if len(data) > 2 and data[2] >= " " and data[2] != "\x7f":  # Escape, and text that begins with a bracket
            found.extend([events.Key("escape", ESC), character_key("[")])
            return data[2:]
        broken = re.match(r"\x1b\[[ -?]*", data)
        assert broken is not None
        return data[broken.end() :]

    def _said(self, parameters: str, between: str, final: str) -> Iterator[Message]:
        """A whole control sequence: a key, the mouse, or a reply, of which most are swallowed."""
        if parameters.startswith("<") and final in "Mm":
            yield from self._mouse.told(parameters[1:], final)
        elif parameters[:1] in ("<", "=", ">", "?") or between:
            yield from self._reported(parameters, between, final)
        elif final in "IO" and not parameters:
            yield events.AppFocus() if final == "I" else events.AppBlur()
        elif final == "M":
            yield from self._mouse.urxvt(parameters)
        elif final == "n":
            if parameters == "0":
                self._answered()
        elif final == "t":
            yield from _resized(parameters)
        elif final in "uZ~ABCDEFHPQRSabcd" and not (final == "~" and parameters in ("200", "201")):
            yield from sequence_keys(parameters, final)

    def _reported(self, parameters: str, between: str, final: str) -> Iterator[Message]:
        """A mode, as it stands (DECRPM); no other reply is of interest."""
        if between != "$" or final != "y":
            return
        mode, _, setting = parameters[1:].partition(";")
        if mode == "69" and setting in ("1", "2"):
            self._has_columns()
        elif mode == "2026" and setting in ("1", "2", "3"):
            yield messages.TerminalSupportsSynchronizedOutput()
        elif mode == "2048" and setting in ("1", "2"):
            yield messages.InBandWindowResize.from_setting_parameter(int(setting))


def _resized(parameters: str) -> Iterator[Message]:
    """The terminal's size in its own band, where a terminal can have it."""
    if (size := _SIZE.fullmatch(parameters)) is not None:
        rows, columns, height, width = map(int, size.groups())
        if believable(columns, rows):
            yield events.Resize.from_dimensions((columns, rows), (width, height) if width and height else None)


def _with_alt(event: Message) -> Message:
    """A key with Alt."""
    if isinstance(event, events.Key) and not event.key.startswith("alt+"):
        return events.Key(f"alt+{event.key}", None)
    return event
