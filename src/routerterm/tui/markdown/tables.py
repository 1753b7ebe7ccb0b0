"""Tables: aligned, wrapped, never wider than the view; stacked as records where the columns would be too narrow.

The columns' widths follow from the header and the first `Limits.sample` rows alone, so that a table that
streams in settles early and each row after that is drawn once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from routerterm.tui.markdown.lines import Run, runs_len, split_runs, wrap_runs

if TYPE_CHECKING:
    from routerterm.tui.themes.palette import Signs

Cell: TypeAlias = list[Run]
LEAST = 6
"""A column that has to be narrower than this, and than its longest word, makes the table stack."""


class Plan(Struct, frozen=True):
    """How a table is drawn, fixed once its first rows are known."""

    widths: tuple[int, ...]
    aligns: tuple[str, ...]
    headers: tuple[tuple[Run, ...], ...]
    stacked: bool
    airy: bool
    """Rules between rows, because some take several lines."""


def plan(
    headers: Sequence[Cell], rows: Sequence[Sequence[Cell]], aligns: Sequence[str], width: int, more: bool
) -> Plan:
    """The plan for a table whose first rows these are; ``more`` says that others follow."""
    count = len(headers)
    room = width - 3 * (count - 1)
    columns = [[headers[index], *(row[index] for row in rows)] for index in range(count)]
    wanted = [max(_cell_width(cell) for cell in column) or 1 for column in columns]
    if more:
        wanted = [cells + max(cells // 4, 1) for cells in wanted]
    least = [
        min(cells, max(LEAST, min(_word_width(column), 16))) for cells, column in zip(wanted, columns, strict=True)
    ]
    frozen = tuple(tuple(cell) for cell in headers)
    if sum(wanted) <= room:
        return Plan(tuple(wanted), tuple(aligns), frozen, stacked=False, airy=_airy(rows, wanted))
    if sum(least) > room:
        return Plan((), tuple(aligns), frozen, stacked=True, airy=False)
    spare, need = room - sum(least), sum(wanted) - sum(least)
    widths = [low + (high - low) * spare // need for low, high in zip(least, wanted, strict=True)]
    return Plan(tuple(widths), tuple(aligns), frozen, stacked=False, airy=_airy(rows, widths))


def _cell_width(cell: Cell) -> int:
    return max(runs_len(line) for line in split_runs(cell))


def _word_width(column: Sequence[Cell]) -> int:
    return max((runs_len([(word, "")]) for cell in column for text, _ in cell for word in text.split()), default=1)


def _airy(rows: Sequence[Sequence[Cell]], widths: Sequence[int]) -> bool:
    pairs = ((cell, width) for row in rows for cell, width in zip(row, widths, strict=True))
    return any(_cell_width(cell) > width or len(split_runs(cell)) > 1 for cell, width in pairs)


def head_lines(plan: Plan, signs: Signs) -> list[list[Run]]:
    """The header and the rule beneath."""
    if plan.stacked:
        return []
    headers = [[(text, _bold(key)) for text, key in cell] for cell in plan.headers]
    return [*_row(plan, headers, signs), rule_line(plan, signs)]


def row_lines(plan: Plan, row: Sequence[Cell], number: int, width: int, signs: Signs) -> list[list[Run]]:
    """One row, ``number`` counting from 0, with the rule that parts it from the row before."""
    if plan.stacked:
        return _record(plan, row, number, width, signs)
    before = [rule_line(plan, signs)] if plan.airy and number else []
    return before + _row(plan, row, signs)


def rule_line(plan: Plan, signs: Signs) -> list[Run]:
    """The rule beneath the header."""
    joint = signs.rule + signs.cross + signs.rule
    return [(joint.join(signs.rule * width for width in plan.widths), "~rule")]


def _row(plan: Plan, row: Sequence[Cell], signs: Signs) -> list[list[Run]]:
    columns = [
        [piece for line in split_runs(cell) for piece, _ in wrap_runs(line, width)]
        for cell, width in zip(row, plan.widths, strict=True)
    ]
    lines: list[list[Run]] = []
    for index in range(max(len(column) for column in columns)):
        line: list[Run] = []
        for number, (column, width, align) in enumerate(zip(columns, plan.widths, plan.aligns, strict=True)):
            if number:
                line.append((f" {signs.upright} ", "~cell"))
            piece = column[index] if index < len(column) else []
            blank = max(width - runs_len(piece), 0)
            left = {"right": blank, "center": blank // 2}.get(align, 0)
            line += [(" " * left, "~text")] * bool(left) + piece + [(" " * (blank - left), "~text")] * (blank > left)
        lines.append(line)
    return lines


def _record(plan: Plan, row: Sequence[Cell], number: int, width: int, signs: Signs) -> list[list[Run]]:
    lines: list[list[Run]] = [[(signs.rule * min(width, 24), "~rule")]] if number else []
    for header, cell in zip(plan.headers, row, strict=True):
        label = [(text.replace("\n", " "), _bold(key)) for text, key in header]
        first, *rest = split_runs(cell)
        head = [*label, (": ", "dim"), *first] if label else first
        for line in [head, *rest]:
            lines += [piece for piece, _ in wrap_runs(line, width)]
    return lines


def _bold(key: str) -> str:
    return "strong" if key == "text" else key
