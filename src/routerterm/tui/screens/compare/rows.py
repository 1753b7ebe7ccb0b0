"""What a comparison says around its columns: who answers, how long, how fast, for how much.  Pure."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from routerterm.core.money import show_usd
from routerterm.tui.chat.entries import seconds
from routerterm.tui.widgets.fields import Field, Span

if TYPE_CHECKING:
    from routerterm.engine.chat.trace import ReplyTrace
    from routerterm.store.values import Status
    from routerterm.tui.themes.values import Glyphs


class Lane(Struct):
    """One answer, as its column shows it."""

    name: str
    begun: bool = False
    ended: bool = False
    started: float = 0.0
    first_at: float | None = None
    ended_at: float | None = None
    pieces: int = 0
    record: ReplyTrace | None = None
    status: Status = "streaming"
    trouble: str = ""

    @property
    def speed(self) -> float | None:
        """Tokens a second since the first one; pieces while it streams."""
        usage = self.record.usage if self.record else None
        if self.record and usage and usage.output and self.record.total_ms and self.record.ttft_ms is not None:
            span = (self.record.total_ms - self.record.ttft_ms) / 1000
            return usage.output / span if span > 0.05 else None
        if self.first_at is None:
            return None
        span = (self.ended_at or time.monotonic()) - self.first_at
        return self.pieces / span if span > 0.5 else None

    @property
    def elapsed(self) -> str:
        """Since it was asked."""
        if self.record is not None and self.record.total_ms is not None:
            return seconds(self.record.total_ms)
        if not self.begun:
            return ""
        return seconds(round(((self.ended_at or time.monotonic()) - self.started) * 1000))


def state_sign(lane: Lane, glyphs: Glyphs, tick: int) -> str:
    """How it is, in one sign."""
    if lane.ended:
        return glyphs.on if lane.status == "done" else glyphs.off if lane.status == "error" else glyphs.half
    return glyphs.cursor if lane.first_at is not None else glyphs.spinner[tick % len(glyphs.spinner)]


def state_word(lane: Lane) -> str:
    """How it is, in a word."""
    if lane.ended:
        words = {"done": "", "error": "failed", "stopped": "stopped", "cut": "cut off"}
        return words.get(lane.status, "failed" if lane.trouble else "")
    return "" if lane.first_at is not None else "waiting"


def head_fields(lane: Lane, index: int, glyphs: Glyphs, *, here: bool) -> tuple[Field, ...]:
    """Who answers in a column."""
    name = Span(f"{glyphs.pointer if here else ' '}{lane.name}", "bright" if here else "text")
    return (
        Field((Span(f" {index + 1} ", "key"),), rank=0, action=f"screen.take({index})"),
        Field((name,), rank=0, action=f"screen.show({index})"),
    )


def foot_fields(lane: Lane, index: int, glyphs: Glyphs, *, tick: int) -> tuple[Field, ...]:
    """Time, speed, tokens and cost under a column; its number and its last words take it."""
    take = f"screen.take({index})"
    fields = [
        Field((Span(f" {index + 1} ", "key"),), 0, action=take),
        Field((Span(state_sign(lane, glyphs, tick), "bright" if lane.status == "done" else "warning"),), 1),
    ]
    if word := state_word(lane):
        fields.append(Field((Span(word, "warning" if lane.ended else "dim"),), 0))
    usage, cost = (lane.record.usage, lane.record.cost) if lane.record else (None, None)
    if lane.elapsed:
        fields.append(Field((Span(f"{lane.elapsed:>6}", "text"),), 2))
    if lane.speed is not None:
        about = "" if lane.record is not None else "~"
        fields.append(Field((Span(f"{about}{lane.speed:.0f} tok/s", "text"),), 3))
    if usage and usage.output:
        fields.append(Field((Span(f"{usage.output:,} tok", "dim"),), 4))
    if lane.record is not None and cost is not None:
        fields.append(Field((Span(show_usd(cost.usd), "bright"),), 1))
    if lane.first_at is not None:
        fields.append(Field((Span("Continue with it", "key"),), 5, action=take))
    return tuple(fields)


def tab_fields(lanes: Sequence[Lane], at: int, glyphs: Glyphs, tick: int) -> tuple[Field, ...]:
    """The columns by name, where only one is seen at a time."""
    return tuple(
        Field(
            (
                Span(f" {index + 1} ", "key" if index == at else "dim"),
                Span(f"{glyphs.pointer if index == at else ' '}{short(lane.name)}", "bright" if index == at else "dim"),
                Span(f" {state_sign(lane, glyphs, tick)}", "text"),
            ),
            rank=0 if index == at else 1,
            action=f"screen.show({index})",
        )
        for index, lane in enumerate(lanes)
    )


def short(name: str) -> str:
    """A model without its provider, and not too long."""
    name = name.rpartition("/")[2]
    return name if len(name) <= 10 else f"{name[:9]}~"


def title_fields(question: str, glyphs: Glyphs) -> tuple[Field, ...]:
    """What is compared."""
    return (
        Field((Span(f"{glyphs.rule} ", "faint"), Span("COMPARE ", "bright")), rank=0),
        Field((Span(f" {question} ", "text"),), rank=0),
    )


def bar_fields(count: int, *, running: bool) -> tuple[Field, ...]:
    """The keys at the foot."""
    return (
        Field((Span(f" 1–{count} ", "key"), Span(" Continue with it", "text")), rank=0, action="screen.take_this"),
        Field((Span(" Tab ", "key"), Span(" Next", "text")), rank=2, action="screen.step(1)"),
        Field((Span(" Esc ", "key"), Span(" Stop" if running else " Leave", "text")), rank=1, action="screen.leave"),
    )
