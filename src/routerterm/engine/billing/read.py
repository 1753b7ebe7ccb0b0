"""A file into a bill: which form it has, then line by line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from routerterm.engine.billing.forms import FORMS, Form
from routerterm.engine.billing.mistral import read_mistral
from routerterm.engine.billing.numbers import Row
from routerterm.engine.billing.values import BadBill, Bill, BillLine

MOST_BYTES = 64 * 1024 * 1024
"""A larger file is refused: a year of requests fits into it."""
_PREAMBLE = 20
"""Lines that may come before the names of the columns: Google writes the invoice there."""
KNOWN = (
    "OpenAI (usage or costs), Anthropic (usage or costs), OpenRouter (activity), Google Cloud billing, Mistral (JSON)"
)


def read_bill(data: bytes) -> Bill:
    """The bill in a file.  Raises `BadBill` with what is wrong."""
    if len(data) > MOST_BYTES:
        raise BadBill(f"The file is larger than {MOST_BYTES // 1024**2} MB.", "Export a shorter time.")
    text = data.decode("utf-8-sig", "replace")
    if text.lstrip().startswith("{"):
        return read_mistral(text.encode())
    try:
        rows = list(csv.reader(io.StringIO(text, newline="")))
    except csv.Error as error:
        raise BadBill(f"The file is not CSV: {error}.", f"Known are the exports of {KNOWN}.") from None
    at, form = _form(rows)
    names = [name.strip().lower() for name in rows[at]]
    lines: list[BillLine] = []
    currencies: set[str] = set()
    for row in _rows(rows, at, names):
        lines += form.read(row)
        if currency := row.text(*form.currency):
            currencies.add(currency.upper())
    currencies |= {_preamble_currency(rows[:at])} - {""}
    if len(currencies) > 1:
        raise BadBill(f"The file mixes currencies: {', '.join(sorted(currencies))}.", "Export each on its own.")
    return Bill(form.provider, form.name, tuple(lines), next(iter(currencies), "USD"), form.zone)


def _form(rows: Sequence[Sequence[str]]) -> tuple[int, Form]:
    """Where the names of the columns stand, and the form that they belong to."""
    for at, row in enumerate(rows[:_PREAMBLE]):
        names = {name.strip().lower() for name in row}
        for form in FORMS:
            if form.columns <= names:
                return at, form
    raise BadBill("The file is no export that routerterm knows.", f"Known are the exports of {KNOWN}.")


def _rows(rows: Sequence[Sequence[str]], at: int, names: Sequence[str]) -> Iterator[Row]:
    for number, cells in enumerate(rows[at + 1 :], at + 2):
        if any(cell.strip() for cell in cells):
            yield Row(dict(zip(names, cells, strict=False)), number)


def _preamble_currency(rows: Sequence[Sequence[str]]) -> str:
    return next((row[1].strip().upper() for row in rows if len(row) > 1 and row[0].strip().lower() == "currency"), "")
