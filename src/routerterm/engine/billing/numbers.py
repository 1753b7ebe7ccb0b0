"""Numbers and days out of a foreign file, each within bounds or refused with the line where it stands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

from routerterm.core.money import MOST_USD
from routerterm.core.sanitise import one_line
from routerterm.engine.billing.values import MOST_TOKENS, BadBill

_PLAIN = re.compile(r"[-+]?\d{0,24}(\.\d{0,40})?([eE][-+]?\d{1,2})?")


class Row:
    """One line of an export by the names of its columns.  ``number`` is its line in the file."""

    def __init__(self, cells: Mapping[str, str], number: int) -> None:
        self._cells = cells
        self._number = number

    def text(self, *names: str) -> str:
        """The first of the columns that says anything."""
        return next((found for name in names if (found := (self._cells.get(name) or "").strip())), "")

    def money(self, *names: str) -> Decimal | None:
        """An amount; None where there is none.  Raises `BadBill`."""
        written = self.text(*names)
        return None if not written else self._bounded(written, MOST_USD)

    def tokens(self, *names: str) -> int:
        """A count; 0 where there is none.  Raises `BadBill`."""
        written = self.text(*names)
        if not written:
            return 0
        found = self._bounded(written, Decimal(MOST_TOKENS))
        if found < 0:
            raise self._refused(written, "a count of tokens is never below zero")
        return int(found)

    def day(self, *names: str) -> date:
        """A day: ``2026-11-21``, with or without a time, or seconds since the epoch.  Raises `BadBill`."""
        written = self.text(*names)
        try:
            if written.isdecimal() and len(written) <= 11:
                return datetime.fromtimestamp(int(written), UTC).date()
            return date.fromisoformat(written[:10].replace("/", "-"))
        except (ValueError, OverflowError, OSError):
            raise self._refused(written, "not a day") from None

    def _bounded(self, written: str, most: Decimal) -> Decimal:
        plain = written.replace(",", "").replace("$", "").replace("\N{MINUS SIGN}", "-").strip()
        try:
            found = Decimal(plain) if _PLAIN.fullmatch(plain) else None
        except InvalidOperation:
            found = None
        if found is None:
            raise self._refused(written, "not a number")
        if abs(found) > most:
            raise self._refused(written, "too large to be true")
        return found

    def _refused(self, written: str, why: str) -> BadBill:
        said = one_line(written[:40])
        return BadBill(f"Line {self._number:,}: {said!r} is {why}.", "Export the file again, and do not edit it.")
