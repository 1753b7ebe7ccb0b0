"""A bill held against the ledger: by day, model and class of tokens, and what the likely cause of each gap is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from msgspec import Struct, field
from msgspec.structs import replace

from routerterm.core.money import from_nano
from routerterm.engine.billing.causes import Side, cost_cause, one_sided_cause, token_cause
from routerterm.engine.billing.values import Bill, BillLine, TokenClass
from routerterm.store.recorded import Recorded, recorded

if TYPE_CHECKING:
    from routerterm.engine.usage.statistics import HasReader

CLASSES: tuple[TokenClass, ...] = ("input", "cache read", "cache write", "output")
CLOSE = Decimal("0.005")
"""Costs of a model and day that differ by no more agree: some bills are in whole cents."""
_DATED = re.compile(r"[-@ ]?(20\d{2}-?\d{2}-?\d{2}|(?<=-)2[3-9](0[1-9]|1[0-2])|latest)$")


class Gap(Struct, frozen=True):
    """One thing that the bill and the ledger do not agree on."""

    when: str
    """A day as ``2026-11-21``, or the whole time of a bill that has no days."""
    model: str
    what: str
    """``cost``, or a class of tokens."""
    billed: Decimal | int
    recorded: Decimal | int
    cause: str
    """The likely one, as a sentence."""


class BillCheck(Struct, frozen=True):
    """What came of it.  Costs are US dollars; ``billed`` is None where the bill has none that can be compared."""

    provider: str
    form: str
    first: date
    last: date
    zone: str
    billed: Decimal | None
    recorded: Decimal
    unpriced: int
    """Recorded requests without a known cost."""
    agreed: int
    """Models and days on which nothing differs."""
    gaps: tuple[Gap, ...]
    notes: tuple[str, ...] = field(default_factory=tuple)


async def check_bill(store: HasReader, bill: Bill) -> BillCheck:
    """Hold it against the ledger of its provider."""
    zone = ZoneInfo(bill.zone)
    first, last = span(bill)
    since, until = (datetime(day.year, day.month, day.day, tzinfo=zone) for day in (first, last + timedelta(days=1)))
    times = round(since.timestamp() * 1000), round(until.timestamp() * 1000)
    rows = await store.reader.read(lambda connection: recorded(connection, bill.provider, *times))
    return check(bill, rows)


def span(bill: Bill) -> tuple[date, date]:
    """The first and the last day that the bill speaks of.  Raises `ValueError` for an empty one."""
    return min(line.first for line in bill.lines), max(line.last for line in bill.lines)


def check(bill: Bill, rows: Iterable[Recorded]) -> BillCheck:
    """Join both sides and compare them.  ``rows`` are those of the bill's days."""
    first, last = span(bill)
    whole = f"{first} to {last}" if any(line.first != line.last for line in bill.lines) else ""
    nameless = all(not line.model for line in bill.lines)
    theirs = _theirs(bill, whole)
    ours = _ours(rows, ZoneInfo(bill.zone), whole, nameless)
    priced = bill.currency == "USD" and any(line.cost is not None for line in bill.lines)
    classes = {line.kind for line in bill.lines if line.kind is not None}
    gaps: list[Gap] = []
    agreed = 0
    for key in sorted(theirs.keys() | ours.keys()):
        found = list(_compare(key, theirs, ours, classes, priced))
        agreed += not found
        gaps += found
    sides = list(ours.values())
    return BillCheck(
        bill.provider,
        bill.form,
        first,
        last=last,
        zone=bill.zone,
        billed=sum((side.cost for side in theirs.values()), Decimal(0)) if priced else None,
        recorded=sum((side.cost for side in sides), Decimal(0)),
        unpriced=sum(side.unpriced for side in sides),
        agreed=agreed,
        gaps=tuple(gaps),
        notes=bill.notes + _notes(bill, priced),
    )


def model_key(name: str) -> str:
    """What two names of one model have in common.

    ``claude-haiku-4-5-20251001`` and ``Claude Haiku 4.5`` are one, and so are ``gpt-5.6`` and ``gpt-5.6-2026-08-01``;
    OpenRouter writes the words of a name in two orders.
    """
    vendor, _, plain = name.strip().lower().rpartition("/")
    plain = plain.partition(":")[0].replace("_", "-")
    while (shorter := _DATED.sub("", plain)) != plain and shorter:
        plain = shorter
    words = sorted(word for word in re.split(r"[-. ]+", plain) if word)
    return " ".join([vendor, *words]) if vendor else " ".join(words)


def _theirs(bill: Bill, whole: str) -> dict[tuple[str, str], Side]:
    found: dict[tuple[str, str], Side] = {}
    for line in bill.lines:
        key = whole or line.first.isoformat(), model_key(line.model)
        found[key] = _with_line(found.get(key) or Side(line.model), line)
    return {key: side for key, side in found.items() if side.cost or side.all_tokens}


def _with_line(side: Side, line: BillLine) -> Side:
    tokens = dict(side.tokens)
    if line.kind is not None:
        tokens[line.kind] = tokens.get(line.kind, 0) + (line.tokens or 0)
    return replace(side, tokens=tokens, cost=side.cost + (line.cost or 0), batch=side.batch or line.batch)


def _ours(rows: Iterable[Recorded], zone: tzinfo, whole: str, nameless: bool) -> dict[tuple[str, str], Side]:
    found: dict[tuple[str, str], Side] = {}
    for row in rows:
        day = datetime.fromtimestamp(row.hour * 3600, zone).date().isoformat()
        name = "" if nameless else row.model
        key = whole or day, model_key(name)
        side = found.get(key) or Side(name)
        counts = (row.input, row.cache_read, row.cache_write, row.output)
        found[key] = replace(
            side,
            tokens={kind: side.tokens.get(kind, 0) + count for kind, count in zip(CLASSES, counts, strict=True)},
            cost=side.cost + from_nano(row.cost),
            requests=side.requests + row.requests,
            unpriced=side.unpriced + row.unpriced,
            estimated=side.estimated + row.estimated,
            broken=side.broken + row.broken,
        )
    return {key: side for key, side in found.items() if side.cost or side.all_tokens or side.unpriced}


def _compare(
    key: tuple[str, str],
    theirs: Mapping[tuple[str, str], Side],
    ours: Mapping[tuple[str, str], Side],
    classes: set[TokenClass],
    priced: bool,
) -> Iterable[Gap]:
    billed, kept = theirs.get(key), ours.get(key)
    name = (billed or kept or Side("")).name or "(all models)"
    if billed is None or kept is None:
        cause = one_sided_cause(billed, kept, _beside(key, theirs, ours))
        if cause is not None:
            left, right = (side or Side("") for side in (billed, kept))
            if priced and (left.cost or right.cost):
                yield Gap(key[0], name, "cost", billed=left.cost, recorded=right.cost, cause=cause)
            else:
                yield Gap(key[0], name, "tokens", billed=left.all_tokens, recorded=right.all_tokens, cause=cause)
        return
    beside = _beside(key, theirs, ours)
    differ = [kind for kind in CLASSES if kind in classes and billed.tokens.get(kind, 0) != kept.tokens.get(kind, 0)]
    for kind in differ:
        cause = token_cause(kind, billed, kept, beside)
        yield Gap(key[0], name, kind, billed=billed.tokens.get(kind, 0), recorded=kept.tokens.get(kind, 0), cause=cause)
    if priced and (abs(billed.cost - kept.cost) > CLOSE or kept.unpriced):
        yield Gap(
            key[0], name, "cost", billed=billed.cost, recorded=kept.cost, cause=cost_cause(billed, kept, bool(differ))
        )


def _beside(
    key: tuple[str, str], theirs: Mapping[tuple[str, str], Side], ours: Mapping[tuple[str, str], Side]
) -> tuple[tuple[Side, Side], ...]:
    """Both sides of the same model on the day before and the day after."""
    try:
        day = date.fromisoformat(key[0])
    except ValueError:  # a bill of one long time
        return ()
    days = ((day + timedelta(days=step)).isoformat() for step in (-1, 1))
    return tuple((theirs.get((one, key[1]), Side("")), ours.get((one, key[1]), Side(""))) for one in days)


def _notes(bill: Bill, priced: bool) -> tuple[str, ...]:
    notes = []
    if bill.currency != "USD" and any(line.cost is not None for line in bill.lines):
        notes.append(f"Costs are in {bill.currency} and the ledger's in US dollars, so only tokens are compared.")
    elif not priced:
        notes.append("The file has no costs, so only tokens are compared.")
    elif not any(line.kind for line in bill.lines):
        notes.append("The file has no tokens, so only costs are compared.")
    return tuple(notes)
