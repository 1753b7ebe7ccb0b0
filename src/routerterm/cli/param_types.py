"""Amounts of money as options of the command line."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

import click


class Dollars(click.ParamType[Decimal]):
    """An amount of US dollars."""

    name = "USD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        """The amount."""
        try:
            amount = Decimal(str(value).strip().removeprefix("$"))
        except InvalidOperation:
            amount = Decimal("NaN")
        if not amount.is_finite() or not 0 <= amount <= 1_000_000:
            self.fail(f"{value!r} is not an amount of US dollars, as in 2.00.", param, ctx)
        return amount
