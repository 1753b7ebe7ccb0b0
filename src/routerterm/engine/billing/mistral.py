"""Mistral's usage, as its Admin API gives it (docs.mistral.ai, Usage metrics with the Admin API): one JSON object.

Categories (``completion``, ``ocr``, …) hold models, these the counts of each day by class, and ``prices`` what a
token of each costs.  Mistral documents no CSV file.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec

from routerterm.engine.billing.numbers import Row
from routerterm.engine.billing.values import BadBill, Bill, BillLine, TokenClass

_CLASSES: dict[str, TokenClass] = {"input": "input", "cached": "cache read", "output": "output"}
_CHAT = ("completion", "chat")


def read_mistral(data: bytes) -> Bill:
    """The object as a bill.  Raises `BadBill`."""
    try:
        found = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BadBill("The file is neither CSV nor JSON.", "Export the usage again.") from None
    if not isinstance(found, dict) or not isinstance(found.get("prices"), list):
        raise BadBill("The JSON file is not Mistral's usage: it has no `prices`.", "Ask its Admin API for `usage`.")
    prices = {_price_key(entry): entry.get("price") for entry in found["prices"] if isinstance(entry, dict)}
    lines = tuple(line for category in _CHAT for line in _of_category(found.get(category), prices))
    left = sorted(name for name, value in found.items() if name not in _CHAT and isinstance(value, dict) and value)
    notes = (f"Left out, as chats use none of it: {', '.join(left)}.",) if left else ()
    currency = found.get("currency")
    return Bill(
        "mistral", "Mistral usage", lines, currency.upper() if isinstance(currency, str) else "EUR", notes=notes
    )


def _of_category(category: Any, prices: dict[tuple[str, str], Any]) -> Iterator[BillLine]:
    models = category.get("models") if isinstance(category, dict) else None
    for name, classes in (models if isinstance(models, dict) else {}).items():
        for group, entries in (classes if isinstance(classes, dict) else {}).items():
            for number, entry in enumerate(entries if isinstance(entries, list) else (), 1):
                if isinstance(entry, dict):
                    yield _line(name, group, Row({key: str(value) for key, value in entry.items()}, number), prices)


def _line(name: str, group: str, row: Row, prices: dict[tuple[str, str], Any]) -> BillLine:
    """``name`` is ``mistral-large-latest::mistral-large-2512``: what was asked for, and what answered."""
    metric, day = row.text("billing_metric"), row.day("timestamp")
    price = Row({"price": str(prices.get((metric, row.text("billing_group") or group)) or "")}, 0).money("price")
    tokens = row.tokens("value")
    paid = row.tokens("value_paid") if row.text("value_paid") else tokens
    cost = None if price is None else price * Decimal(paid)
    return BillLine(day, day, name.partition("::")[0], kind=_CLASSES.get(group), tokens=tokens, cost=cost)


def _price_key(entry: dict[str, Any]) -> tuple[str, str]:
    return str(entry.get("billing_metric")), str(entry.get("billing_group"))
