"""How fast the line to the terminal is, and how much may be on its way at once.

Buffers between us and the far terminal hold many seconds of output on a slow line, so that a write that
succeeds says nothing.  The terminal itself is asked now and then (``CSI 5 n``; the answer is ``CSI 0 n``):
what has been answered has been shown.  From that follow the round trip, the bytes a second while the line
was busy, and a window like a transport protocol's: it doubles while answers come at once, and shrinks to a
fraction of a second's worth when they come late.  A terminal that never answers is left to the write times.

Pure: time comes in as an argument.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

Mode = Literal["auto", "fast", "slow"]

PROBE = "\x1b[5n"
_LATE = 0.25  # seconds of queueing that a person begins to feel
_SHARE = 0.2  # seconds' worth of bytes that may be on their way on a slow line
_LEAST = 80  # bytes that may always be on their way
_MOST = 1 << 20
_FIRST = 1 << 15
_SLOW_RATE = 20_000  # bytes/s under which the line is called slow
_SLOW_TRIP = 0.4  # seconds of round trip above which it is called slow
_SILENT = 4.0  # seconds without the first answer after which the terminal is taken not to answer
_LOST = 3.0  # seconds after which a missing answer is asked for again
_FORGOTTEN = 60.0  # seconds after which nothing that was asked is expected any more


class LineState(Struct, frozen=True):
    """What the interface may want to know and show of the line."""

    slow: bool
    """Spare it: fewer frames, no animations, larger scroll steps."""
    remote: bool
    """There is a network between here and the terminal."""
    bytes_per_second: float
    """What was sent in the last second or so."""
    capacity: float | None
    """Bytes a second that the line carries, where it was busy enough to tell."""
    round_trip: float | None
    """Seconds until the terminal answers, on a quiet line."""
    stalled: bool
    """Nothing gets through at the moment."""
    max_fps: int
    """Frames a second worth drawing."""
    animate: bool
    """Whether animations and spinners are worth their bytes."""
    reason: str
    """Why, in a few words."""
    total_bytes: int
    """Sent since the start."""


class LineMeter:
    """Measures the line and decides how much may be sent now."""

    def __init__(self, mode: Mode = "auto", *, remote: bool = False, baud: int | None = None, why: str = "") -> None:
        self.mode: Mode = mode
        self.remote = remote
        self.why = why
        self.capacity: float | None = baud / 10 if baud else None
        self._fixed = bool(baud)
        self.round_trip: float | None = None
        self.window: float = _FIRST
        if baud:
            self.window = max(_LEAST, baud / 10 * _SHARE)
        elif mode == "slow":
            self.window = 2 * _LEAST
        elif remote and mode == "auto":
            self.window = _FIRST / 8
        self.sent = 0
        self._shown = 0
        self._probes: deque[tuple[int, float, int, float]] = deque()  # sent, when, shown then, when that was known
        self._shown_at = 0.0
        self._probed_at = -1e9
        self._asked_at: float | None = None
        self.answers: bool | None = None
        self._blocked_at: float | None = None
        self._recent: deque[tuple[float, int]] = deque()

    # -- what happened -------------------------------------------------------------------------------------
    def wrote(self, size: int, now: float) -> None:
        """``size`` bytes went into the line."""
        if self.sent <= self._shown:
            self._shown_at = now
        self.sent += size
        self._blocked_at = None
        self._recent.append((now, size))
        while self._recent and (now - self._recent[0][0] > 2.0 or len(self._recent) > 512):
            self._recent.popleft()

    def blocked(self, now: float) -> None:
        """The line took nothing."""
        if self._blocked_at is None:
            self._blocked_at = now

    def wants_probe(self, now: float, pending: int) -> bool:
        """Is it time to ask the terminal, with the next ``pending`` bytes?"""
        if self.answers is False or (self._probes and not self._overdue(now)):
            return False
        since = self.sent + pending - self._shown
        return since > 0 and (since >= self.window / 4 or now - self._probed_at >= 1.0)

    def probed(self, now: float, pending: int) -> None:
        """A probe goes out with the next ``pending`` bytes."""
        if self._probes and now - self._probes[-1][1] > _FORGOTTEN:
            self._probes.clear()
        self._probes.append((self.sent + pending, now, self._shown, self._shown_at if self.sent > self._shown else now))
        self._probed_at = now
        if self._asked_at is None:
            self._asked_at = now

    def answered(self, now: float) -> bool:
        """The terminal answered; false where nothing was asked."""
        if not self._probes:
            return False
        if len(self._probes) > 1 and now - self._probes[-1][1] <= 2 * (self.round_trip or 0.0) + 0.05:
            while len(self._probes) > 1:  # so soon after the last question: those before it were lost
                self._probes.popleft()
        mark, asked, shown, shown_at = self._probes.popleft()
        self.answers = True
        trip = now - asked
        self.round_trip = trip if self.round_trip is None else min(trip, self.round_trip * 1.002 + 0.0001)
        size, took = mark - shown, now - shown_at
        self._shown, self._shown_at = max(mark, self._shown), now
        waited = trip - self.round_trip
        if (waited > 0.1 or trip > 0.5) and size > 0 and took > 0 and not self._fixed:
            measured = size / took
            self.capacity = measured if self.capacity is None else (self.capacity + measured) / 2
        if (waited > _LATE or trip > 1.0) and self.capacity is not None:
            self.window = max(_LEAST, min(self.window, self.capacity * (_SHARE + self.round_trip)))
        elif waited < 0.08 and size >= self.window / 4:  # it was used, and it was not too much
            self.window = min(self.window * 1.5, _MOST)
        if self.capacity is not None and took > 0 and size / took > self.capacity and not self._fixed:
            self.capacity = size / took if size / took < 4 * _SLOW_RATE else None
        return True

    # -- what follows ----------------------------------------------------------------------------------------
    def budget(self, now: float) -> int | None:
        """Bytes that may be sent now; ``None``: as many as there are."""
        if self.answers is None and self._asked_at is not None and now - self._asked_at > _SILENT:
            self.answers = False
            self._probes.clear()
        if self.answers is False and not self._fixed:
            return None if self.mode != "slow" else 4 * _LEAST
        if self.answers and self._probes and now - self._probes[0][1] > _LATE + 2 * (self.round_trip or 0.0):
            # What is on its way is late.  If it is very late the answer may be lost: a little, and another question.
            return _LEAST if self._overdue(now) else 0
        in_flight = self.sent - self._shown
        if self._fixed and not self.answers and self.capacity:
            in_flight = max(0, sum(n for t, n in self._recent if now - t < 1.0) - int(self.capacity * 0.8))
        if self.window >= _FIRST and in_flight < self.window / 2:
            return None
        return max(0, int(self.window - in_flight))

    def _overdue(self, now: float) -> bool:
        """Has the oldest answer been due for longer than the line can explain?"""
        explained = 4 * (self.sent - self._shown) / self.capacity if self.capacity else 0.0
        patience = max(_LOST, 8 * (self.round_trip or 0.0), explained) * len(self._probes)
        return now - self._probes[0][1] > patience and self._blocked_at is None

    @property
    def waiting(self) -> bool:
        """Is an answer due?"""
        return bool(self._probes)

    def interval(self, now: float) -> float:
        """The least seconds between two paints."""
        return 1 / self.state(now).max_fps

    def state(self, now: float) -> LineState:
        """The line as it is now."""
        slow, reason = self._judge()
        span = min(2.0, max(0.5, now - self._recent[0][0])) if self._recent else 1.0
        rate = sum(n for t, n in self._recent if now - t <= 2.0) / span
        waits = now - self._probes[0][1] if self._probes and self.answers else 0.0
        stalled = waits > 3.0 or (self._blocked_at is not None and now - self._blocked_at > 1.0)
        fps = 30 if self.remote else 60
        if slow:
            fps = 10 if self.capacity is None or self.capacity > 4000 else 5
        return LineState(
            slow=slow,
            remote=self.remote,
            bytes_per_second=rate,
            capacity=self.capacity,
            round_trip=self.round_trip,
            stalled=stalled,
            max_fps=fps,
            animate=not slow and not self.remote,
            reason=reason,
            total_bytes=self.sent,
        )

    def _judge(self) -> tuple[bool, str]:
        if self.mode == "slow":
            return True, "set so"
        if self.mode == "fast":
            return False, "set so"
        if self.capacity is not None and self.capacity < _SLOW_RATE:
            return True, f"about {self.capacity:,.0f} bytes/s"
        if self.round_trip is not None and self.round_trip > _SLOW_TRIP:
            return True, f"{self.round_trip * 1000:.0f} ms to the terminal"
        return False, self.why or "local"


def meter_for(mode: Mode, environ: Mapping[str, str], terminal: str = "", baud: int | None = None) -> LineMeter:
    """A meter that begins with what the environment says; ``terminal`` is the device's name."""
    serial = terminal.rpartition("/")[2].startswith(("ttyS", "ttyAMA", "ttyUSB", "ttyACM", "cu.", "hvc"))
    if serial and baud:
        return LineMeter(mode, remote=True, baud=baud, why=f"serial line at {baud} baud")
    if "MOSH_KEY" in environ or "MOSH_SERVER_NETWORK_TMOUT" in environ:
        return LineMeter(mode, remote=True, why="mosh")
    if environ.get("SSH_CONNECTION") or environ.get("SSH_TTY") or environ.get("SSH_CLIENT"):
        return LineMeter(mode, remote=True, why="SSH")
    return LineMeter(mode)
