"""Measure how families of models wrap prompts, on recorded traffic; write ``tokens/data/families.json``.

    python scripts/fit_tokens.py [--check]

A weighted fit of the relative error that listens to the median rather than to outliers, drawn towards the numbers of
all families together where a family has few recordings.  ``--check`` fits on one half of the recordings and measures
on the other, so that the numbers do not flatter themselves.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))

from recorded_prompts import RecordedPrompt, recorded_prompts  # noqa: E402

from routerterm.tokens.families import GENERIC, Family, family_name  # noqa: E402
from routerterm.tokens.o200k import load_now  # noqa: E402
from routerterm.tokens.shape import Shape, shape_of  # noqa: E402

NAMES = ("base", "message", "text", "tools", "tool", "schema", "call", "called", "thought", "sealed", "thinks")
PULL = {
    "base": 25.0,
    "message": 0.7,
    "text": 0.015,
    "tools": 40.0,
    "tool": 1.0,
    "schema": 0.08,
    "call": 1.0,
    "called": 0.08,
    "thought": 0.05,
    "sealed": 0.02,
    "thinks": 1.0,
}
"""How far a number strays from all families' before it weighs as much as one recording that is wrong by a tenth."""
Sample = tuple[Shape, int]


def row(shape: Shape) -> list[float]:
    """The factors of the numbers to be found, in the order of `NAMES`."""
    tools = 1.0 if shape.tools else 0.0
    wrapping = [1.0, shape.messages, shape.text, tools, shape.tools, shape.schema, shape.calls, shape.called]
    return [*wrapping, shape.thought, shape.sealed, shape.thinks]


def solve(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Gauss, with pivots: eleven unknowns need no library."""
    size = len(right)
    rows = [[*line, value] for line, value in zip(matrix, right, strict=True)]
    for column in range(size):
        pivot = max(range(column, size), key=lambda index: abs(rows[index][column]))
        rows[column], rows[pivot] = rows[pivot], rows[column]
        for other in range(size):
            if other != column:
                factor = rows[other][column] / rows[column][column]
                rows[other] = [a - factor * b for a, b in zip(rows[other], rows[column], strict=True)]
    return [rows[index][size] / rows[index][index] for index in range(size)]


def fit(samples: Sequence[Sample], prior: Family, stretch: float, rounds: int = 60) -> Family:
    """The numbers that make the relative errors small, by reweighted least squares."""
    target = [getattr(prior, name) for name in NAMES]
    numbers = list(target)
    for _ in range(rounds):
        matrix = [[0.0] * len(NAMES) for _ in NAMES]
        right = [0.0] * len(NAMES)
        for index, name in enumerate(NAMES):
            weight = (0.1 / (PULL[name] * stretch)) ** 2
            matrix[index][index] += weight
            right[index] += weight * target[index]
        for shape, reported in samples:
            factors = row(shape)
            error = abs(sum(a * b for a, b in zip(factors, numbers, strict=True)) / reported - 1)
            weight = 1 / max(error, 0.03) / reported**2 * 0.1
            for i, a in enumerate(factors):
                for j, b in enumerate(factors):
                    matrix[i][j] += weight * a * b
                right[i] += weight * a * reported
        numbers = [max(0.0, number) for number in solve(matrix, right)]
    kept = {name: round(number, 3) for name, number in zip(NAMES, numbers, strict=True)}
    return Family(prior.name, **kept, samples=len(samples))


def fit_all(samples: dict[str, list[Sample]]) -> dict[str, Family]:
    """All families: first together, then each by itself."""
    together = fit([sample for group in samples.values() for sample in group], GENERIC, 3.0)
    found = {GENERIC.name: together}
    for name, group in sorted(samples.items()):
        if name != GENERIC.name:
            found[name] = fit(group, Family(name, **{key: getattr(together, key) for key in NAMES}), 10.0)
    return found


def errors(found: dict[str, Family], samples: dict[str, list[Sample]]) -> dict[str, list[float]]:
    """Relative errors by family."""
    return {
        name: [abs(found.get(name, found["generic"]).tokens(shape) / reported - 1) for shape, reported in group]
        for name, group in samples.items()
    }


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="fit on one half, measure on the other, write nothing")
    check = parser.parse_args().check
    count = load_now().count
    samples: dict[str, list[Sample]] = defaultdict(list)
    for prompt in recorded_prompts():
        if isinstance(prompt, RecordedPrompt):
            shape = shape_of(prompt.request, count)
            if not shape.images:
                samples[family_name(f"{prompt.provider}/{prompt.model}")].append((shape, int(prompt.reported)))
    if check:
        halves = [{name: group[start::2] for name, group in samples.items()} for start in (0, 1)]
        pairs = ((fit_all(halves[0]), halves[1]), (fit_all(halves[1]), halves[0]))
        wrong: dict[str, list[float]] = defaultdict(list)
        for found, half in pairs:
            for name, values in errors(found, half).items():
                wrong[name] += values
    else:
        found = fit_all(samples)
        wrong = errors(found, samples)
        body = {
            name: {field: getattr(family, field) for field in Family.__struct_fields__[1:]}
            for name, family in found.items()
        }
        path = ROOT / "src/routerterm/tokens/data/families.json"
        lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(numbers)}" for name, numbers in body.items())
        path.write_text('{"families": {\n' + lines + "\n}}\n", encoding="utf-8")
    for name, values in sorted(wrong.items()):
        print(f"{name:18} {len(values):4}  median {median(values):6.1%}")


if __name__ == "__main__":
    main()
