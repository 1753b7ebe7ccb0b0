"""A slow line in simulated time: an event loop that is a heap, a wire of so many bytes a second, a terminal."""

from __future__ import annotations

import codecs
import heapq
import itertools
from collections.abc import Callable
from typing import Any

from tests.tui.terminal.emulators import Emulator

from routerterm.tui.terminal.line import PROBE, LineMeter
from routerterm.tui.terminal.output import Output


class Handle:
    def __init__(self) -> None:
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Clockwork:
    """As much of an event loop as `Output` uses; time passes only between calls."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, int, Handle, Callable[[], Any]]] = []
        self._number = itertools.count()

    def call_later(self, delay: float, call: Callable[[], Any]) -> Handle:
        handle = Handle()
        heapq.heappush(self._due, (self.now + max(delay, 0.0), next(self._number), handle, call))
        return handle

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        while self._due and self._due[0][0] <= end:
            self.now, _, handle, call = heapq.heappop(self._due)
            if not handle.cancelled:
                call()
        self.now = end


class Wire:
    """Carries ``rate`` bytes a second, holds ``buffer`` bytes of what waits, and ends at a terminal that answers."""

    def __init__(self, clock: Clockwork, rate: float, *, buffer: int = 65_536, delay: float = 0.02) -> None:
        self.clock, self.rate, self.buffer, self.delay = clock, rate, buffer, delay
        self.queue = bytearray()
        self.carried = 0
        self.most = 0
        """Bytes that ever waited at once."""
        self.answered: Callable[[], None] = lambda: None
        self.emulator = Emulator(100, 30)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._tail = b""
        self._text = ""
        self._owed = 0.0
        self._ready: Callable[[], None] | None = None
        self._carry()

    def write(self, data: bytes) -> int:
        taken = min(len(data), self.buffer - len(self.queue))
        self.queue += data[:taken]
        self.most = max(self.most, len(self.queue))
        return taken

    def watch(self, ready: Callable[[], None]) -> None:
        self._ready = ready

    def drain(self, data: bytes, seconds: float) -> bool:
        return True

    def close(self) -> None: ...

    def _carry(self) -> None:
        step = 1 / 30
        self._owed = self._owed + self.rate * step if self.queue else 0.0
        size = min(int(self._owed), len(self.queue))
        if size:
            self._owed -= size
            piece, self.queue = bytes(self.queue[:size]), self.queue[size:]
            self.carried += size
            self._arrive(piece)
            if self._ready is not None and len(self.queue) < self.buffer:
                ready, self._ready = self._ready, None
                ready()
        self.clock.call_later(step, self._carry)

    def _arrive(self, piece: bytes) -> None:
        asked = (self._tail + piece).count(PROBE.encode()) - self._tail.count(PROBE.encode())
        self._tail = (self._tail + piece)[-len(PROBE) + 1 :]
        for _ in range(asked):
            self.clock.call_later(self.delay, lambda: self.answered())
        self._text += self._decoder.decode(piece)
        cut = self._text.rfind("\x1b", -12)
        whole, self._text = (self._text, "") if cut < 0 else (self._text[:cut], self._text[cut:])
        self.emulator.feed(whole.replace(PROBE, ""))

    def screen(self) -> str:
        return self.emulator.text()


class Chat:
    """A program that streams words, or changes the whole screen ten times a second, above a line that is typed into."""

    def __init__(self, rate: float, mode: str = "auto", **options: Any) -> None:
        self.clock = Clockwork()
        self.wire = Wire(self.clock, rate, **options)
        self.meter = LineMeter(mode, remote=True)  # type: ignore[arg-type]
        self.output = Output(
            self.wire, self.meter, (100, 30), loop=self.clock, clock=lambda: self.clock.now  # type: ignore[arg-type]
        )  # fmt: skip
        self.wire.answered = self.output.answered
        self.words = 0
        self.typed = ""
        self.noise = self.stopped = False
        self._stream()

    def _stream(self) -> None:
        if self.stopped:
            return
        self.words += 1 if not self.noise else 5
        if self.noise:
            for y in range(28):
                text = "".join(chr(33 + (self.words * 7 + y * 13 + x) % 90) for x in range(100))
                self.output.write(f"\x1b[{y + 1};1H{text}")
        else:
            lines = self.words // 10
            for y in range(28):
                line = max(lines - 27, 0) + y
                said = " ".join(f"word{n}" for n in range(line * 10, min(line * 10 + 10, self.words)))
                self.output.write(f"\x1b[{y + 1};1H{said:<100}")
        self._park()
        self.clock.call_later(0.02 if not self.noise else 0.1, self._stream)

    def _park(self) -> None:
        self.output.write(f"\x1b[29;1H> {self.typed:<98}\x1b[29;{len(self.typed) + 3}H")
        self.output.flush()

    def press(self, key: str) -> None:
        self.output.hurry()
        self.typed += key
        self._park()

    def stop(self) -> None:
        self.stopped = True
        self.output.hurry()
        self.output.write(f"\x1b[30;1H{f'stopped at {self.words}':<100}\x1b[29;{len(self.typed) + 3}H")
        self.output.flush()

    def until(self, text: str, seconds: float) -> float:
        """Seconds until the terminal shows it, to a tenth."""
        begun = self.clock.now
        while text not in self.wire.screen() and self.clock.now - begun < seconds:
            self.clock.run(0.05)
        return self.clock.now - begun
