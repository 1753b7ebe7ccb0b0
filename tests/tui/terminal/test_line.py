"""The line meter against a line of known speed and distance."""

from __future__ import annotations

from collections import deque

import pytest

from routerterm.tui.terminal.line import LineMeter, meter_for


class Wire:
    """A line with so many bytes a second and so much delay; everything sent queues."""

    def __init__(self, meter: LineMeter, rate: float, delay: float, *, answers: bool = True) -> None:
        self.meter, self.rate, self.delay, self.answers = meter, rate, delay, answers
        self.now = self.busy_until = 0.0
        self.due: deque[float] = deque()
        self.waits: list[float] = []

    def send(self, size: int) -> None:
        probe = self.meter.wants_probe(self.now, size)
        if probe:
            self.meter.probed(self.now, size)
        self.meter.wrote(size + 4 * probe, self.now)
        self.busy_until = max(self.busy_until, self.now) + (size + 4 * probe) / self.rate
        self.waits.append(self.busy_until - self.now)
        if probe and self.answers:
            self.due.append(self.busy_until + self.delay)

    def run(self, seconds: float, wanted: float) -> None:
        """The program has ``wanted`` bytes a second to show, in a state of 2,000 bytes where newer replaces older."""
        end, pending = self.now + seconds, 0.0
        while self.now < end:
            self.now += 0.02
            while self.due and self.due[0] <= self.now:
                self.due.popleft()
                self.meter.answered(self.now)
            pending = min(pending + wanted * 0.02, 2000)
            budget = self.meter.budget(self.now)
            size = int(pending if budget is None else min(pending, budget))
            if size:
                self.send(size)
                pending -= size
            elif budget == 0 and self.meter.wants_probe(self.now, 0):
                self.send(0)


@pytest.mark.parametrize("rate", [300, 1200, 5000])
@pytest.mark.parametrize("delay", [0.005, 0.15])
def test_a_slow_line_is_found_and_never_queues_for_long(rate: float, delay: float) -> None:
    meter = LineMeter("auto", remote=True)
    wire = Wire(meter, rate, delay)
    wire.run(15, rate * 3)
    wire.waits.clear()
    wire.run(20, rate * 3)
    state = meter.state(wire.now)
    assert state.slow
    assert "bytes/s" in state.reason
    assert not state.animate
    assert state.max_fps <= 10
    assert state.capacity == pytest.approx(rate, rel=0.5)
    assert max(wire.waits) < 0.6 + 200 / rate
    assert state.bytes_per_second > rate * 0.5  # and it is used


def test_a_fast_line_is_left_alone() -> None:
    meter = LineMeter("auto", remote=True)
    wire = Wire(meter, 2_000_000, 0.04)
    wire.run(5, 50_000)
    assert meter.budget(wire.now) is None
    assert not meter.state(wire.now).slow
    assert meter.state(wire.now).round_trip == pytest.approx(0.04, abs=0.021)


def test_a_line_that_becomes_fast_again_is_believed() -> None:
    meter = LineMeter("auto", remote=True)
    wire = Wire(meter, 1200, 0.02)
    wire.run(20, 4000)
    assert meter.state(wire.now).slow
    wire.rate = 1_000_000
    wire.run(60, 100_000)
    assert not meter.state(wire.now).slow


def test_a_terminal_that_never_answers_is_written_to_all_the_same() -> None:
    meter = LineMeter("auto")
    wire = Wire(meter, 100_000, 0.01, answers=False)
    wire.run(6, 10_000)
    assert meter.answers is False
    assert meter.budget(wire.now) is None
    assert not meter.wants_probe(wire.now, 10_000)


def test_a_lost_answer_stops_nothing_for_long() -> None:
    meter = LineMeter("auto")
    wire = Wire(meter, 100_000, 0.01)
    wire.run(3, 5000)
    wire.answers = False
    wire.run(0.5, 5000)
    wire.answers = True
    wire.due.clear()
    sent = meter.sent
    wire.run(10, 5000)
    assert meter.sent > sent + 5000


def test_a_stall_is_seen() -> None:
    meter = LineMeter("auto")
    wire = Wire(meter, 100_000, 0.01)
    wire.run(3, 5000)
    wire.answers = False
    wire.run(5, 5000)
    assert meter.state(wire.now).stalled


@pytest.mark.parametrize(
    ("environ", "terminal", "baud", "remote", "why"),
    [
        ({}, "/dev/pts/3", 38400, False, "local"),
        ({"SSH_CONNECTION": "a 1 b 22"}, "/dev/pts/3", 38400, True, "SSH"),
        ({"SSH_CONNECTION": "a 1 b 22", "MOSH_KEY": "x"}, "/dev/pts/3", None, True, "mosh"),
    ],
)
def test_the_environment_says_what_kind_of_line_it_is(
    environ: dict[str, str], terminal: str, baud: int | None, remote: bool, why: str
) -> None:
    state = meter_for("auto", environ, terminal, baud).state(0.0)
    assert (state.remote, state.reason) == (remote, why)
    assert state.animate is not remote


def test_a_serial_line_is_paced_by_its_speed() -> None:
    meter = meter_for("auto", {}, "/dev/ttyAMA0", 9600)
    assert meter.state(0.0).slow
    assert meter.state(0.0).capacity == 960
    assert (meter.budget(0.0) or 0) < 400


@pytest.mark.parametrize(("mode", "slow"), [("slow", True), ("fast", False)])
def test_the_settings_have_the_last_word(mode: str, slow: bool) -> None:
    meter = LineMeter(mode, remote=True)  # type: ignore[arg-type]
    wire = Wire(meter, 1200, 0.5)
    wire.run(10, 3000)
    assert meter.state(wire.now).slow is slow
