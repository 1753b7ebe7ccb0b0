"""Answers to stream in benchmarks: prose, a long list, a table, a code block, in token-sized pieces."""

from __future__ import annotations

import re
from collections.abc import Callable

PIECE = re.compile(r"\s*\S{1,6}|\s+")
PROSE = (
    "The keeper wrote down **every ship** that passed before dark, its name, its flag and `its course`, although "
    "nobody had asked him to; he liked the *quiet work* and the long evenings by the window above the harbour.\n\n"
)
CODE = (
    'def handler_{n}(request, *, limit=10):\n    """Return the rows of a request."""\n    rows = []\n'
    "    for index, item in enumerate(request.items):\n        if index >= limit:  # enough\n            break\n"
    "        rows.append({{'id': index, 'name': f'item-{{item.name}}', 'size': 3.14 * index}})\n    return rows\n\n\n"
)
KINDS: dict[str, Callable[[int], str]] = {
    "prose": lambda n: PROSE,
    "list": lambda n: f"- item {n} with **bold words** and `some code` in it\n",
    "table": lambda n: (
        ("| name | value | note |\n|---|---:|---|\n" if n == 0 else "") + f"| row {n} | {n * 7} | a note |\n"
    ),
    "code": lambda n: ("```python\n" if n == 0 else "") + CODE.format(n=n),
}


def pieces(kind: str, count: int) -> list[str]:
    """So many token-sized pieces of one kind of text."""
    found: list[str] = []
    number = 0
    while len(found) < count:
        found += PIECE.findall(KINDS[kind](number))
        number += 1
    return found[:count]
