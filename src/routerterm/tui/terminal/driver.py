"""The Textual driver: input as Textual reads it, output as the line can carry it."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
import weakref
from collections.abc import Iterable, Iterator, Mapping
from types import FrameType
from typing import TYPE_CHECKING, Any, ClassVar

from textual import constants, events
from textual.app import App
from textual.color import Color, ColorParseError
from textual.message import Message
from textual.messages import InBandWindowResize

from routerterm.config.crash import report
from routerterm.tui.terminal.colour import adapter, choices_of, depth_of
from routerterm.tui.terminal.early import EarlyInput
from routerterm.tui.terminal.input import InputParser
from routerterm.tui.terminal.output import Output
from routerterm.tui.terminal.prompt import Prompter
from routerterm.tui.terminal.reader import EndOfReading, read_keys
from routerterm.tui.terminal.setup import ASK_COLUMNS, abilities, meter, terminal_size
from routerterm.tui.terminal.writer import Sink, open_sink
from routerterm.tui.textual_internals.driver import TerminalDriver

if TYPE_CHECKING:
    from routerterm.tui.terminal.line import LineState, Mode
    from routerterm.tui.terminal.output import PlacedRow

GIVE_WAY = 0.001
"""Seconds that a thread of ours computes before another may go on: a key must pass the one that reads and the loop, and
imports go on beside them after a start.  Python's own are five times as many."""
REPORT_OTHER_KEYS = "\x1b[=4;2u"
"""The kitty protocol tells the key's place on a Latin layout too (alternate keys); Textual asks for the rest."""

_DRIVERS: weakref.WeakKeyDictionary[App[Any], LeanDriver] = weakref.WeakKeyDictionary()


class TerminalLost(Message):
    """The terminal has hung up; the app decides how long it goes on without one (default: it exits)."""


class LeanDriver(TerminalDriver):
    """Keeps what the terminal shows and what it should show, and sends the difference."""

    line_mode: ClassVar[Mode] = "auto"

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self.exit_event = self._end_of_reading = EndOfReading()
        self._output: Output | None = None
        self._kept: Output | None = None
        self._early = EarlyInput(app, self.loop, self._hand_on)
        self._meter = meter(self.line_mode, self.output_fd)
        self._loop_thread = threading.get_ident()
        self._answer = threading.Event()
        self._resizing: Any = None
        self._prompter = Prompter(app, self.loop)
        self.depth = depth_of(os.environ)
        self._choices: Mapping[tuple[int, int, int], int] = {}
        self._choices_of: Mapping[str, str] | None = None
        _DRIVERS[app] = self
        self._stopped = True
        signal.signal(signal.SIGTSTP, lambda *_: self.loop.call_soon_threadsafe(self.suspend))
        signal.signal(signal.SIGCONT, lambda *_: self.loop.call_soon_threadsafe(self._continued))

    @property
    def output_fd(self) -> int:
        """The terminal: standard error as Textual has it, or standard output where that is redirected."""
        for stream in (sys.__stderr__, sys.__stdout__):
            with contextlib.suppress(AttributeError, OSError, ValueError):
                if stream is not None and stream.isatty():
                    return stream.fileno()
        return 2

    # -- what the app may ask -------------------------------------------------------------------------------
    @property
    def line(self) -> LineState:
        """The line to the terminal as it is now."""
        return self._meter.state(time.monotonic())

    @property
    def frames(self) -> int:
        """Frames sent so far."""
        return self._output.frames if self._output else 0

    @property
    def scrolls_between(self) -> bool:
        """Whether the terminal can scroll one pane and leave its neighbours where they are."""
        return self._output is not None and self._output.painter.abilities.columns

    def redraw(self) -> None:
        """Draw everything anew, on a terminal that may show anything."""
        if self._output is not None:
            self._output.redraw()

    @property
    def takes_rows(self) -> bool:
        """Whether rows can be placed now: there is a terminal, and it is known to be as large as the program thinks."""
        output = self._output
        return output is not None and (output.wanted.columns, output.wanted.rows) == tuple(self.app.size)

    def place(self, rows: Iterable[PlacedRow]) -> None:
        """Show rows that somebody knows to be what a composition of the whole screen would show there."""
        if self._output is not None:
            self._output.place(rows)

    # -- output ---------------------------------------------------------------------------------------------
    def write(self, data: str) -> None:
        """Take one write of Textual's."""
        if threading.get_ident() != self._loop_thread:
            self.loop.call_soon_threadsafe(self.write, data)
        elif self._output is not None:
            self._output.write(data)

    def flush(self) -> None:
        """A frame is complete."""
        if threading.get_ident() != self._loop_thread:
            self.loop.call_soon_threadsafe(self.flush)
        elif self._output is not None:
            self._output.resize(*self.app.size)
            self._output.flush()

    def _lost(self) -> None:
        """The terminal is gone: stop reading it, and tell the app."""
        self.exit_event.set()
        if hasattr(self.app, "on_terminal_lost"):
            self.app.post_message(TerminalLost())
        else:
            self.app.exit(return_code=1)

    def _theme_background(self) -> tuple[int, int, int] | None:
        """The theme's own background; ``None`` where it is the terminal's."""
        with contextlib.suppress(ColorParseError, KeyError):
            return Color.parse(self.app.theme_variables["background"]).rgb
        return None

    def _theme_choices(self) -> Mapping[tuple[int, int, int], int]:
        """The numbers that the theme has chosen for its colours at this depth."""
        variables = self.app.theme_variables
        if self._choices_of is not variables:
            self._choices, self._choices_of = choices_of(variables, self.depth), variables
        return self._choices

    def _draw_anew(self) -> None:
        """The tables were forgotten: Textual must draw all of its screen again."""
        self.app.call_later(self.app.refresh, layout=True)

    def _new_output(self, sink: Sink, fd: int) -> Output:
        return Output(
            sink,
            self._meter,
            os.terminal_size(terminal_size(fd)),
            loop=self.loop,
            adapt=adapter(self.depth, self._theme_background, self._theme_choices),
            abilities=abilities(os.environ),
            encoding=getattr(sys.__stderr__, "encoding", None) or "utf-8",
            on_lost=self._lost,
            on_forgotten=self._draw_anew,
        )

    # -- application mode --------------------------------------------------------------------------------------
    def start_application_mode(self) -> None:
        """Take the terminal."""
        fd = self.output_fd
        sys.setswitchinterval(GIVE_WAY)
        self._loop_thread = threading.get_ident()
        sink = open_sink(fd, self.loop)
        if self._kept is not None:
            self._output, self._kept = self._kept, None
            self._output.resume(sink)
        else:
            self._output = self._new_output(sink, fd)
        self._output.probing = self.input_tty and os.isatty(fd) and os.environ.get("TERM") not in (None, "dumb")
        super().start_application_mode()  # type: ignore[no-untyped-call]
        if not constants.DISABLE_KITTY_KEY:
            self.write(REPORT_OTHER_KEYS)
        self._stopped = False
        own = signal.getsignal(signal.SIGWINCH)

        def resized(number: int, frame: FrameType | None) -> None:
            if callable(own):
                own(number, frame)
            self.loop.call_soon_threadsafe(self._terminal_resized)

        signal.signal(signal.SIGWINCH, resized)

    def _terminal_resized(self) -> None:
        """The terminal rearranged what it shows; draw it all once Textual has laid out the new size."""
        if self._resizing is not None:
            self._resizing.cancel()
        if self._output is not None:
            self._output.painter.lose()
            self._resizing = self.loop.call_later(0.1, self.flush)

    def disable_input(self) -> None:
        """Stop reading, once the answer to the last probe is in: a shell should not see it typed."""
        if self._output is not None and self.reads:
            self._output.probing = False
            if self._meter.waiting and self._meter.answers:
                self._answer.clear()
                self._answer.wait(min(1.5, 0.2 + 3 * (self._meter.round_trip or 0.1)))
        super().disable_input()

    def _continued(self) -> None:
        """The program was stopped and goes on.

        After SIGTSTP, Ctrl+Z's, the terminal was given back before.  SIGSTOP leaves no time for that: the shell took
        the terminal as it was, and has since set it up for itself.
        """
        if not self.continues:
            return
        if not self._stopped:
            with self._unprobed():
                self.stop_application_mode()
            self.close()
        self.resume_application_mode()

    @contextlib.contextmanager
    def _unprobed(self) -> Iterator[None]:
        """Without waiting for an answer that a shell has eaten."""
        if self._output is not None:
            self._output.probing = False
        answers, self._meter.answers = self._meter.answers, None
        try:
            yield
        finally:
            self._meter.answers = answers

    def stop_application_mode(self) -> None:
        """Give the terminal back."""
        self._stopped = True
        self._prompter.stop()
        super().stop_application_mode()
        if self._output is not None:
            self._output.finish(3.0)
            self._output, self._kept = None, self._output  # after a suspension what it wants is still wanted

    # -- input -------------------------------------------------------------------------------------------------
    def _answered(self) -> None:
        self._answer.set()
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self.loop.call_soon_threadsafe(self._probe_answered)

    def ask_terminal(self) -> None:
        """Ask what else the terminal can do, where Textual asks."""
        super().ask_terminal()
        if self.input_tty and os.environ.get("TERM_PROGRAM", "") != "Apple_Terminal":
            self.write(ASK_COLUMNS)

    def _has_columns(self) -> None:
        """The terminal can scroll between two columns."""
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self.loop.call_soon_threadsafe(lambda: self._output.has_columns() if self._output else None)

    def _probe_answered(self) -> None:
        if self._output is not None:
            self._output.answered()

    def terminal_size(self) -> tuple[int, int]:
        """The size for Textual: one that a terminal can have."""
        return terminal_size(self.output_fd)

    def process_message(self, message: Message) -> None:
        """A key's echo is not held back; a resize told in band changes the screen like a signalled one."""
        if isinstance(message, InBandWindowResize):
            if message.supported:
                self.resize_in_band(enabled=message.enabled)
            return  # Textual would ask for the mouse in pixels too, which nothing here needs
        if isinstance(message, events.InputEvent | events.Paste):  # one way for all: a paste would overtake keys
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self.loop.call_soon_threadsafe(self._early.came, message)
            return
        if isinstance(message, events.Resize):
            self.loop.call_soon_threadsafe(self._terminal_resized)
        super().process_message(message)

    def _hand_on(self, event: events.Event) -> None:
        """It is the app's turn; what is shown of it is not held back."""
        if self._output is not None:
            self._output.hurry()
        super().process_message(event)
        if isinstance(event, events.Key | events.Paste):
            self._prompter.pressed()

    async def before_picture(self) -> None:
        """What was typed so far is dealt with first, so that the first picture shows it."""
        if self.reads:
            await self._early.before_picture()

    def run_input_thread(self) -> None:
        """Read keys, in Textual's thread for them."""
        read_keys(
            self.fileno,
            self._end_of_reading,
            lambda: InputParser(self._answered, self._has_columns),
            on_message=self.process_message,
            on_looked=self._early.has_looked,
            on_error=lambda error: self.loop.call_soon_threadsafe(report, error),
            on_hang_up=self._hung_up,
        )

    def _hung_up(self) -> None:
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(lambda: self._output.lose_line() if self._output else None)


def driver_of(app: App[Any]) -> LeanDriver | None:
    """The lean driver that an app runs with, if it does."""
    return _DRIVERS.get(app)
