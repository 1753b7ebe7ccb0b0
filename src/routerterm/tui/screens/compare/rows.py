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


class Column(Struct):
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


def state_sign(column: Column, glyphs: Glyphs, tick: int) -> str:
    """How it is, in one sign."""
    if column.ended:
        if column.status == "done":
            return glyphs.on
        if column.status == "error":
            return glyphs.off
        return glyphs.half
    return glyphs.cursor if column.first_at is not None else glyphs.spinner[tick % len(glyphs.spinner)]


def state_word(column: Column) -> str:
    """How it is, in a word."""
    if column.ended:
        words = {"done": "", "error": "failed", "stopped": "stopped", "cut": "cut off"}
        return words.get(column.status, "failed" if column.trouble else "")
    return "" if column.first_at is not None else "waiting"


def head_fields(column: Column, index: int, glyphs: Glyphs, *, here: bool) -> tuple[Field, ...]:
    """Who answers in a column."""
    name = Span(f"{glyphs.pointer if here else ' '}{column.name}", "bright" if here else "text")
    return (
        Field((Span(f" {index + 1} ", "key"),), rank=0, action=f"screen.take({index})"),
        Field((name,), rank=0, action=f"screen.show({index})"),
    )


def foot_fields(column: Column, index: int, glyphs: Glyphs, *, tick: int) -> tuple[Field, ...]:
    """Time, speed, tokens and cost under a column; its number and its last words take it."""
    take = f"screen.take({index})"
    fields = [
        Field((Span(f" {index + 1} ", "key"),), 0, action=take),
        Field((Span(state_sign(column, glyphs, tick), "bright" if column.status == "done" else "warning"),), 1),
    ]
    if word := state_word(column):
        fields.append(Field((Span(word, "warning" if column.ended else "dim"),), 0))
    usage, cost = (column.record.usage, column.record.cost) if column.record else (None, None)
    if column.elapsed:
        fields.append(Field((Span(f"{column.elapsed:>6}", "text"),), 2))
    if column.speed is not None:
        about = "" if column.record is not None else "~"
        fields.append(Field((Span(f"{about}{column.speed:.0f} tok/s", "text"),), 3))
    if usage and usage.output:
        fields.append(Field((Span(f"{usage.output:,} tok", "dim"),), 4))
    if column.record is not None and cost is not None:
        fields.append(Field((Span(show_usd(cost.usd), "bright"),), 1))
    if column.first_at is not None:
        fields.append(Field((Span("Continue with it", "key"),), 5, action=take))
    return tuple(fields)


def tab_fields(columns: Sequence[Column], at: int, glyphs: Glyphs, tick: int) -> tuple[Field, ...]:
    """The columns by name, where only one is seen at a time."""
    return tuple(
        Field(
            (
                Span(f" {index + 1} ", "key" if index == at else "dim"),
                Span(
                    f"{glyphs.pointer if index == at else ' '}{short(column.name)}", "bright" if index == at else "dim"
                ),
                Span(f" {state_sign(column, glyphs, tick)}", "text"),
            ),
            rank=0 if index == at else 1,
            action=f"screen.show({index})",
        )
        for index, column in enumerate(columns)
    )


def short(name: str) -> str:
    """A model without its provider, and not too long."""
    name = name.rpartition("/")[2]
    return name if len(name) <= 10 else f"{name[:9]}~"


def title_fields(question: str, edge: str) -> tuple[Field, ...]:
    """What is compared; ``edge`` is what the row is made of."""
    return (
        Field((Span(f"{edge} ", "faint"), Span("COMPARE ", "bright")), rank=0),
        Field((Span(f" {question} ", "text"),), rank=0),
    )
