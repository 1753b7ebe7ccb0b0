"""Between Textual's writes and the line: one wanted state, one shown state, and never more than one
piece of output on its way, so that the newest state always wins.

Runs in the event loop's thread.  Nothing here waits.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeAlias

from msgspec.structs import replace

from routerterm.core.lazy_pattern import LazyPattern
from routerterm.tui.terminal.cells import Graphemes
from routerterm.tui.terminal.diff import Abilities, Painter
from routerterm.tui.terminal.grid import Grid
from routerterm.tui.terminal.line import PROBE, LineMeter
from routerterm.tui.terminal.parser import Interpreter
from routerterm.tui.terminal.setup import ASK_COLUMNS
from routerterm.tui.terminal.style import Overflow, Style, StyleTable

if TYPE_CHECKING:
    from routerterm.tui.terminal.writer import Sink

PlacedRow: TypeAlias = tuple[int, int, str]
"""A row and a column of the screen, and the strip that begins there, rendered."""
_SYNC_ON, _SYNC_OFF = "\x1b[?2026h", "\x1b[?2026l"
_MODE = LazyPattern(r"\x1b\[\?(\d+)([hl])")
_KITTY = LazyPattern(r"\x1b\[(?:>(\d+)|<\d*)u")
# Sequences that change nothing on the screen: modes, reports, cursor shapes, titles, pointers, clipboard, bell.
_HARMLESS = LazyPattern(
    r"\x07|\x1b\[[?>=<]?[0-9;]*(?:[hl]|u|c|n|\$p|t| q|>q)|\x1b\](?:0|1|2|7|9|22|52|777|99);.*", re.DOTALL
)
_PARK = 0.2  # seconds of quiet after which the hidden cursor goes where input methods look for it
_RETRY = 0.1  # seconds after which a full line is looked at again, if no answer comes before
_HURRY = 0.2  # seconds after a key in which nothing is held back


class Output:
    """Takes what Textual writes; sends what differs."""

    def __init__(
        self,
        sink: Sink,
        meter: LineMeter,
        size: tuple[int, int],
        *,
        loop: asyncio.AbstractEventLoop,
        adapt: Callable[[Style], Style] | None = None,
        abilities: Abilities | None = None,
        probing: bool = True,
        encoding: str = "utf-8",
        on_lost: Callable[[], None] = lambda: None,
        on_forgotten: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.sink = sink
        self.meter = meter
        self.sync = False
        self.probing = probing
        self.lost_line = False
        self.frames = 0
        """Paints sent."""
        self._adapt = adapt
        self._abilities = abilities or Abilities()
        self._encoding = encoding
        self._on_lost = on_lost
        self._on_forgotten = on_forgotten
        self._clock = clock
        self._loop = loop
        self._modes: dict[str, str] = {}
        self._kitty: list[str] = []
        self._verbatim: list[str] = []
        self._unsent = b""
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._parking: asyncio.TimerHandle | None = None
        self._painted_at = -1.0
        self._hurry_until = -1.0
        self._tables(*size)

    def _tables(self, columns: int, rows: int) -> None:
        styles, graphemes = StyleTable(self._adapt), Graphemes()
        self.wanted = Grid(columns, rows)
        self.interpreter = Interpreter(self.wanted, styles, graphemes)
        self.painter = Painter(columns, rows, styles, graphemes, self._abilities)

    # -- what Textual tells --------------------------------------------------------------------------------
    def write(self, data: str) -> None:
        """Take one write."""
        if data in (_SYNC_ON, _SYNC_OFF):
            self.sync = True  # Textual sends these only where the terminal has said that it knows them
            return
        passed = self.interpreter.alone(data)
        if passed is None:
            try:
                self.interpreter.draw(data)
            except Overflow:
                self._tables(self.wanted.columns, self.wanted.rows)
                self._on_forgotten()
            return
        self._pass(passed)

    def place(self, rows: Iterable[PlacedRow]) -> None:
        """Take rows that need no composition, as a frame of their own."""
        try:
            for y, x, body in rows:
                self.interpreter.place(y, x, body)
        except Overflow:
            self._tables(self.wanted.columns, self.wanted.rows)
            self._on_forgotten()
        self.flush()

    def flush(self) -> None:
        """A frame is complete: paint it as soon as the line and the frame rate allow."""
        now = self._clock()
        due = now if now < self._hurry_until else max(now, self._painted_at + self.meter.interval(now))
        self._schedule(due, now)

    def _pass(self, sequence: str) -> None:
        """Hand on a sequence that does not draw, remembering the modes for a redraw."""
        if mode := _MODE.fullmatch(sequence):
            self._modes[mode[1]] = sequence
            if mode[1] in ("1049", "1047", "47"):
                self.painter.lose()
        elif kitty := _KITTY.fullmatch(sequence):
            if kitty[1]:
                self._kitty.append(sequence)
            elif self._kitty:
                self._kitty.pop()
        elif not _HARMLESS.fullmatch(sequence):
            self.painter.lose()
        self._verbatim.append(sequence)
        self._schedule(self._clock(), self._clock())

    def resize(self, columns: int, rows: int) -> None:
        """The program draws for this size from now on."""
        if (columns, rows) != (self.wanted.columns, self.wanted.rows):
            self.wanted.resize(columns, rows)
            self.painter.lose()

    def hurry(self) -> None:
        """A key was pressed: its echo is not to be held back."""
        self._hurry_until = self._clock() + _HURRY

    def has_columns(self, known: bool = True) -> None:
        """The terminal has said that it can scroll between two columns; or it may be another one now."""
        self.painter.abilities = self._abilities = replace(self._abilities, columns=known)

    def redraw(self) -> None:
        """The terminal may have lost its state, or be another one: set its modes again and draw everything."""
        if self._abilities.columns:
            self.has_columns(False)
            self._verbatim.append(ASK_COLUMNS)
        self._verbatim += [sequence for mode, sequence in self._modes.items() if mode not in ("1049", "1047", "47")]
        self.painter.lose()
        self._schedule(self._clock(), self._clock())

    def answered(self) -> None:
        """The terminal answered a probe."""
        if self.meter.answered(self._clock()):
            self._paint()

    # -- painting --------------------------------------------------------------------------------------------
    def _schedule(self, due: float, now: float) -> None:
        if self.lost_line:
            return
        if self._timer is not None:
            if self._due <= due:
                return
            self._timer.cancel()
        self._due = due
        # Even what is due now waits for the next turn of the loop: writes that belong together stay so.
        self._timer = self._loop.call_later(due - now, self._paint)

    def _paint(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.lost_line or self._unsent:
            return  # there is no line, or `_room` goes on when it has room again
        now = self._clock()
        verbatim = "".join(self._verbatim)
        self._verbatim.clear()
        if verbatim:
            self.painter.lose_cursor()
        budget = self.meter.budget(now)
        if budget == 0:
            text, complete = "", False
        else:
            hot = self.interpreter.y
            text, complete = self.painter.paint(self.wanted, budget, hot)
        if text:
            self.frames += 1
            self._painted_at = now
            if self.sync and self.painter.touched > 3:  # a scroll, or several rows: what could be seen half done
                text = f"{_SYNC_ON}{text}{_SYNC_OFF}"
        if complete and self._modes.get("25", "l").endswith("h"):
            text += self.painter.park(self.interpreter.x, self.interpreter.y)
        elif text:
            self._park_later()
        text = verbatim + text
        if text or (budget == 0 and self.probing and self.meter.wants_probe(now, 0)):
            self._send(text, now)
        if not complete and not self.lost_line:
            self._schedule(now + (_RETRY if budget == 0 else 0.0), now)

    def _park_later(self) -> None:
        if self._parking is not None:
            self._parking.cancel()
        self._parking = self._loop.call_later(_PARK, self._park)

    def _park(self) -> None:
        self._parking = None
        if self._unsent or self.lost_line or self._timer is not None or self.meter.budget(self._clock()) == 0:
            return
        if move := self.painter.park(self.interpreter.x, self.interpreter.y):
            self._send(move, self._clock())

    # -- the line --------------------------------------------------------------------------------------------
    def _send(self, text: str, now: float) -> None:
        data = text.encode(self._encoding, "replace")
        if self.probing and self.meter.wants_probe(now, len(data)):
            data += PROBE.encode()
            self.meter.probed(now, len(data))
        self._unsent += data
        self._push(now)

    def _push(self, now: float) -> None:
        try:
            taken = self.sink.write(self._unsent)
        except OSError:
            self.lose_line()
            return
        self.meter.wrote(taken, now) if taken else self.meter.blocked(now)
        self._unsent = self._unsent[taken:]
        if self._unsent:
            self.sink.watch(self._room)

    def _room(self) -> None:
        if self.lost_line:
            return
        self._push(self._clock())
        if not self._unsent:
            self._paint()

    def lose_line(self) -> None:
        """There is no terminal any more: everything from now on is for nobody."""
        if not self.lost_line:
            self.lost_line = True
            self._unsent = b""
            self._on_lost()

    def finish(self, seconds: float) -> None:
        """Send what must be sent (not the last frame), waiting no longer than this, and let go."""
        for timer in (self._timer, self._parking):
            if timer is not None:
                timer.cancel()
        self._timer = self._parking = None
        if not self.lost_line:
            last = "\x1b[m" + "".join(self._verbatim)
            self.sink.drain(self._unsent + last.encode(self._encoding, "replace"), seconds)
        self._verbatim.clear()
        self._unsent = b""
        self.lost_line = True
        self.sink.close()

    def resume(self, sink: Sink) -> None:
        """Go on where :meth:`finish` left off, on a terminal that may show anything."""
        self.sink = sink
        self.lost_line = False
        self._modes.clear()
        self._kitty.clear()
        self.has_columns(False)
        self.painter.lose()
