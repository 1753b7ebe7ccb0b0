"""Figures drawn in letters, for a screen and for plain text alike: bars with axes, heat maps, distributions.

Pure: values in, rows of runs out, and where on them each value can be pointed at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Literal, TypeAlias

from msgspec import Struct

Tone: TypeAlias = Literal["text", "dim", "bright", "faint"]
HEAT_LABEL = 4
"""Cells before a row of a heat map, for the name of its day."""
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class Run(Struct, frozen=True):
    """Letters in one tone."""

    text: str
    tone: Tone = "text"


class Spot(Struct, frozen=True):
    """Cells that stand for the value of a number: columns from ``left`` to before ``right``, rows alike."""

    index: int
    left: int
    right: int
    top: int
    bottom: int


class Drawing(Struct, frozen=True):
    """Rows from the top, and what they show where."""

    rows: tuple[tuple[Run, ...], ...] = ()
    spots: tuple[Spot, ...] = ()

    def at(self, x: int, y: int) -> int | None:
        """The number of the value that is drawn there."""
        return next((s.index for s in self.spots if s.left <= x < s.right and s.top <= y < s.bottom), None)

    @property
    def lines(self) -> list[str]:
        """The rows without their tones."""
        return ["".join(run.text for run in row).rstrip() for row in self.rows]


class Pens(Struct, frozen=True):
    """The letters that are drawn with."""

    steps: str = " ▁▂▃▄▅▆▇█"
    """A cell from empty to full, from its foot."""
    shades: str = "·░▒▓█"
    """Nothing, and four degrees: told apart without any colour, and when ground and letter change places."""
    tick: str = "┤"
    wall: str = "│"
    corner: str = "└"
    floor: str = "─"
    stud: str = "┬"
    mark: str = "▲"


UNICODE_PENS = Pens()
ASCII_PENS = Pens(steps=" ....::##", shades=".:+*#", tick="+", wall="|", corner="+", floor="-", stud="+", mark="^")


def merged(values: Sequence[float], most: int) -> tuple[tuple[float, ...], int]:
    """Sums of so many neighbours that no more than ``most`` are left, and how many went into each."""
    each = max(1, -(-len(values) // max(1, most)))
    first = len(values) % each
    groups = [values[:first]] if first else []
    groups += [values[at : at + each] for at in range(first, len(values), each)]
    return tuple(sum(group) for group in groups), each


def places(count: int, width: int) -> list[tuple[int, int]]:
    """Where each of so many bars begins, and how wide it is: alike, with gaps, or close together over all of it."""
    each = width // count
    if each >= 3:
        return [(n * each, each - 1) for n in range(count)]
    edges = [round(n * width / count) for n in range(count + 1)]
    return [(start, end - start) for start, end in pairwise(edges)]


def round_top(most: float) -> float:
    """Where an axis ends: the next round number, a few of which there are between two powers of ten."""
    if most < 1e-9:  # nothing, or less than the smallest amount there is
        return 1e-9 if most > 0 else 1.0
    power = 10.0 ** (len(f"{int(most)}") - 1) if most >= 1 else 1.0
    while power > most:
        power /= 10
    return next(step * power for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if step * power >= most * 0.999999)


def chart(
    values: Sequence[float],
    ticks: Sequence[str],
    width: int,
    height: int,
    *,
    words: Callable[[float], str],
    marks: Mapping[int, str] | None = None,
    pens: Pens = UNICODE_PENS,
) -> Drawing:
    """Bars between two axes.  ``words`` writes an amount at the left; ``marks`` are bright and named below."""
    if not values or width < 12 or height < 4:
        return Drawing()
    marks = marks or {}
    top = round_top(max(values))
    high = height - 2
    names = {0: words(top), high - 1: words(0)}
    if high >= 4 and high % 2 == 0:
        names[high // 2] = words(top / 2)
    margin = max(map(len, names.values()))
    room = width - margin - 1
    shown, each = merged(values, room)
    shift = len(values) - len(shown) * each

    def number(at: int) -> int:
        """The last of the values that a bar stands for."""
        return max(0, min(len(values) - 1, shift + at * each + each - 1))

    named = {(index - shift) // each: word for index, word in marks.items()}
    where = places(len(shown), room)
    rows = []
    for row in range(high):
        line = [Run(f"{names.get(row, ''):>{margin}}", "dim"), Run(pens.tick if row in names else pens.wall, "faint")]
        line += _bar_row(shown, where, high - 1 - row, step=top / high, bright=named, pens=pens, room=room)
        rows.append(tuple(line))
    rows += _axis([ticks[number(at)] for at in range(len(shown))], named, where, room=room, margin=margin, pens=pens)
    edges = [margin + 1 + start for start, _ in where] + [width]
    spots = tuple(Spot(number(at), edges[at], edges[at + 1], 0, height) for at in range(len(where)))
    return Drawing(tuple(rows), spots)


def _bar_row(
    values: Sequence[float],
    where: Sequence[tuple[int, int]],
    row: int,
    step: float,
    bright: Mapping[int, str],
    pens: Pens,
    room: int,
) -> Iterator[Run]:
    at = 0
    for number, (value, (start, size)) in enumerate(zip(values, where, strict=True)):
        eighths = round(value / step * 8) or (1 if value > 0 else 0)
        letter = pens.steps[max(0, min(8, eighths - row * 8))]
        yield Run(" " * (start - at) + letter * size, "bright" if number in bright else "text")
        at = start + size
    yield Run(" " * (room - at))


def _axis(
    ticks: Sequence[str],
    marks: Mapping[int, str],
    where: Sequence[tuple[int, int]],
    room: int,
    margin: int,
    pens: Pens,
) -> Iterator[tuple[Run, ...]]:
    """The line below the bars with a stud wherever a name stands, and the names: those of the marks come first."""
    floor, below, taken = [pens.floor] * room, [" "] * room, [False] * room
    placed: list[tuple[int, int]] = []

    def put(at: int, text: str, stud: str) -> None:
        start, size = where[at]
        middle = min(start + size // 2, room - 1)
        left = max(0, min(room - len(text), middle - len(text) // 2))
        if text and len(text) <= room and not any(taken[max(0, left - 1) : left + len(text) + 1]):
            below[left : left + len(text)] = text
            taken[left : left + len(text)] = [True] * len(text)
            floor[middle] = stud
            placed.append((left + margin + 1, left + margin + 1 + len(text)))

    for at, word in marks.items():
        put(at, word, pens.mark)
    marked = list(placed)
    widest = max((len(tick) for tick in ticks), default=0) + 2
    apart = max(1, -(-widest * len(where) // max(1, room)))
    for at in range(0, len(where), apart):
        put(at, ticks[at], pens.stud)
    yield (Run(" " * margin + pens.corner + "".join(floor), "faint"),)
    yield tuple(_toned(" " * (margin + 1) + "".join(below), marked))


def _toned(text: str, bright: Sequence[tuple[int, int]]) -> Iterator[Run]:
    at = 0
    for start, end in sorted(bright):
        yield Run(text[at:start], "dim")
        yield Run(text[start:end], "bright")
        at = end
    yield Run(text[at:], "dim")


def shade(value: float, most: float, pens: Pens) -> str:
    """How much of the most it is, in one of five letters."""
    if value <= 0 or most <= 0:
        return pens.shades[0]
    return pens.shades[max(1, min(4, -int(-value * 4 // most)))]


def week_map(values: Sequence[float], width: int, *, now: int | None = None, pens: Pens = UNICODE_PENS) -> Drawing:
    """The hours of a week: a row for each day from Monday; ``now`` is the present one."""
    if len(values) != 168 or width < HEAT_LABEL + 24:
        return Drawing()
    size = min(3, (width - HEAT_LABEL) // 24)
    head = "".join(f"{hour:02}".ljust(6 * size) for hour in range(0, 24, 6))
    rows: list[tuple[Run, ...]] = [(Run(" " * HEAT_LABEL + head, "dim"),)]
    most = max(values)
    for day in range(7):
        row = [Run(f"{DAYS[day]:<{HEAT_LABEL}}", "bright" if now is not None and now // 24 == day else "dim")]
        for hour in range(24):
            at = day * 24 + hour
            row.append(Run(shade(values[at], most, pens) * size, _heat_tone(values[at], at == now)))
        rows.append(tuple(row))
    spots = tuple(
        Spot(at, HEAT_LABEL + at % 24 * size, HEAT_LABEL + at % 24 * size + size, at // 24 + 1, at // 24 + 2)
        for at in range(168)
    )
    return Drawing(tuple(rows), spots)


def calendar_map(
    values: Sequence[float], names: Sequence[str], width: int, *, today: int | None = None, pens: Pens = UNICODE_PENS
) -> Drawing:
    """Days in columns of weeks from Monday; ``names`` are ISO dates; older weeks leave where there is no room."""
    if not values or width < HEAT_LABEL + 8:
        return Drawing()
    weeks = -(-len(values) // 7)
    size = 2 if (width - HEAT_LABEL) // 2 >= min(weeks, 40) else 1
    shown = min(weeks, (width - HEAT_LABEL) // size)
    first = weeks - shown
    most = max(values)
    rows: list[tuple[Run, ...]] = [(Run(" " * HEAT_LABEL + _months(names, first, weeks, size), "dim"),)]
    spots = []
    for day in range(7):
        row = [Run(f"{DAYS[day] if day % 2 == 0 else '':<{HEAT_LABEL}}", "dim")]
        for week in range(first, weeks):
            at = week * 7 + day
            if at < len(values):
                row.append(Run(shade(values[at], most, pens) * size, _heat_tone(values[at], at == today)))
                left = HEAT_LABEL + (week - first) * size
                spots.append(Spot(at, left, left + size, day + 1, day + 2))
        rows.append(tuple(row))
    return Drawing(tuple(rows), tuple(spots))


def _months(names: Sequence[str], first: int, weeks: int, size: int) -> str:
    head = [" "] * ((weeks - first) * size)
    free = 0
    for week in range(first, weeks):
        month = MONTHS[int(names[week * 7][5:7]) - 1]
        at = (week - first) * size
        begins = week == first or int(names[week * 7][8:10]) <= 7
        if begins and at >= free and at + 3 <= len(head):
            head[at : at + 3] = month
            free = at + 4
    return "".join(head)


MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _heat_tone(value: float, now: bool) -> Tone:
    if now:
        return "bright"
    if value > 0:
        return "text"
    return "faint"


def class_floors() -> list[float]:
    """Where the classes of a distribution begin."""
    return [step * 10.0**power for power in range(-3, 7) for step in (1, 1.5, 2, 3, 5, 7)]


def binned(values: Sequence[float]) -> tuple[list[float], list[int]]:
    """How many of sorted values lie in each of the classes from 1, 1.5, 2, 3, 5, 7 times a power of ten."""
    if not values:
        return [], []
    floors = class_floors()
    first = max((n for n, floor in enumerate(floors) if floor <= values[0]), default=0)
    last = max((n for n, floor in enumerate(floors) if floor <= values[-1]), default=first)
    kept = floors[first : last + 1]
    counts = [0] * len(kept)
    at = 0
    for value in values:
        while at + 1 < len(kept) and value >= kept[at + 1]:
            at += 1
        counts[at] += 1
    return kept, counts


def meter(share: float, width: int, *, then: float = 0.0, pens: Pens = UNICODE_PENS) -> str:
    """A gauge: what is used is full, what it is projected to become half so, the rest faint."""
    full = max(0, min(width, round(share * width)))
    if share > 0 and not full:
        full = 1
    half = max(0, min(width, round(then * width)) - full)
    return pens.shades[4] * full + pens.shades[2] * half + pens.shades[1] * (width - full - half)


def bar(share: float, width: int, pens: Pens = UNICODE_PENS) -> str:
    """A bar that lies, in eighths of a cell where there are letters for it; nothing for nothing."""
    if share <= 0:
        return ""
    if pens.shades[4] != "█":
        return pens.shades[4] * max(1, round(share * width))
    eighths = max(1, round(share * width * 8))
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()


def rod(share: float, width: int, pens: Pens = UNICODE_PENS) -> str:
    """A bar as a heavy line, with ground above and below it: it stays one where letter and ground change places."""
    if share <= 0:
        return ""
    if pens.shades[4] != "█":
        return "=" * max(1, round(share * width))
    halves = max(1, round(share * width * 2))
    return "━" * (halves // 2) + "╸" * (halves % 2)


def short(number: float) -> str:
    """``950``, ``12.3k``, ``4.56M``."""
    if number < 1_000:
        return f"{number:.0f}"
    for unit, size in (("k", 1_000), ("M", 1_000_000), ("G", 1_000_000_000)):
        if number < size * 999.5:
            scaled = number / size
            decimals = (scaled < 99.95) + (scaled < 9.995)
            return f"{scaled:.{decimals}f}{unit}"
    return f"{number:.2e}"
