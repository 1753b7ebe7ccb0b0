"""Drawings in letters: they keep to their room, lose nothing, and what is drawn can be pointed at."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routerterm.engine.usage.accounts import until_words
from routerterm.engine.usage.plot import (
    ASCII_PENS,
    UNICODE_PENS,
    Drawing,
    Pens,
    bar,
    binned,
    calendar_map,
    chart,
    merged,
    meter,
    places,
    round_top,
    short,
    week_map,
)

pens = st.sampled_from([UNICODE_PENS, ASCII_PENS])
amounts = st.floats(0, 1e7, allow_nan=False)


def within(drawing: Drawing, width: int, height: int) -> None:
    assert len(drawing.rows) <= height
    assert all(sum(len(run.text) for run in row) <= width for row in drawing.rows)


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=200), st.integers(1, 90))
def test_merging_bars_loses_nothing_and_they_lie_side_by_side(values: list[float], width: int) -> None:
    shown, each = merged(values, width)
    assert len(shown) <= width
    assert sum(shown) == pytest.approx(sum(values))
    assert (len(shown) - 1) * each < len(values) <= len(shown) * each
    end = 0
    for start, size in places(len(shown), width):
        assert start >= end
        assert size >= 1
        end = start + size
    assert end <= width


@given(st.lists(amounts, min_size=1, max_size=130), st.integers(12, 130), st.integers(4, 14), st.booleans(), pens)
def test_a_chart_keeps_to_its_room_and_every_bar_can_be_hit(
    values: list[float], width: int, height: int, marked: bool, pens: Pens
) -> None:
    marks = {len(values) - 1: "today"} if marked else {}
    drawn = chart(values, [f"{n} Nov" for n in range(len(values))], width, height, words=short, marks=marks, pens=pens)
    within(drawn, width, height)
    assert len(drawn.rows) == height
    assert len({spot.index for spot in drawn.spots}) == len(drawn.spots)
    for spot in drawn.spots:
        assert drawn.at(spot.left, spot.top) == spot.index
    assert drawn.spots[-1].index == len(values) - 1
    bright = [run.text for row in drawn.rows for run in row if run.tone == "bright" and run.text.strip()]
    assert bool(bright) == marked or not marked or width < 30
    assert "today" in "\n".join(drawn.lines) or not marked or width < 30


@given(st.floats(1e-6, 1e9))
def test_an_axis_ends_at_a_round_number_not_far_above(most: float) -> None:
    top = round_top(most)
    assert most * 0.99 <= top <= most * 1.7
    assert f"{top:.3e}"[2:5] in ("000", "500")


@given(st.lists(amounts, min_size=168, max_size=168), st.integers(10, 120), pens)
def test_a_week_has_168_cells_wherever_it_has_room(values: list[float], width: int, pens: Pens) -> None:
    drawn = week_map(values, width, pens=pens)
    within(drawn, width, 8)
    assert len(drawn.spots) == (168 if width >= 28 else 0)


@given(st.lists(amounts, min_size=1, max_size=371), st.integers(12, 120), pens)
def test_a_calendar_keeps_the_newest_weeks(values: list[float], width: int, pens: Pens) -> None:
    names = [(date(2025, 11, 17) + timedelta(days=n)).isoformat() for n in range(len(values))]
    drawn = calendar_map(values, names, width, pens=pens)
    within(drawn, width, 8)
    assert max(spot.index for spot in drawn.spots) == len(values) - 1
    for spot in drawn.spots:
        assert spot.top - 1 == date.fromisoformat(names[spot.index]).weekday()


@given(st.lists(st.floats(0.01, 1e5), max_size=80).map(sorted))
def test_classes_hold_every_value_once(values: list[float]) -> None:
    floors, counts = binned(values)
    assert sum(counts) == len(values)
    for n, floor in enumerate(floors):
        above = floors[n + 1] if n + 1 < len(floors) else float("inf")
        assert counts[n] == sum(floor <= value < above for value in values) or n in (0, len(floors) - 1)


@given(st.floats(0, 3), st.floats(0, 3), st.integers(1, 100), pens)
def test_a_gauge_is_as_wide_as_it_is(share: float, then: float, width: int, pens: Pens) -> None:
    drawn = meter(share, width, then=then, pens=pens)
    assert len(drawn) == width
    assert bool(drawn.count(pens.shades[4])) == (share > 0)
    assert len(bar(min(share, 1), width, pens)) <= width


def test_the_shades_are_told_apart_without_colour() -> None:
    values = [float(n % 5) for n in range(168)]
    for each in (UNICODE_PENS, ASCII_PENS):
        assert len(set("".join(week_map(values, 60, pens=each).lines[1]).removeprefix("Mon "))) == 5


@pytest.mark.parametrize(
    ("minutes", "words"), [(0, "1 min"), (44, "44 min"), (704, "11 h 44 min"), (9 * 24 * 60 + 5, "9 days")]
)
def test_a_wait_is_said_in_the_largest_unit_that_matters(minutes: int, words: str) -> None:
    assert until_words(minutes * 60_000) == words
