"""What a person types to search, read into words and filters.

wal checkpoint          both words;  wal*  what begins so;  "write ahead"  side by side;  -disk  not that
model: provider: tag: role: title: before: after: cost: is:    narrow it down
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Literal, TypeAlias

from msgspec import Struct

from routerterm.core.errors import RoutertermError
from routerterm.core.lazy_pattern import LazyPattern
from routerterm.core.messages import ROLES
from routerterm.core.money import to_nano
from routerterm.store.values import replace_surrogates
from routerterm.store.words import fold_letters, fold_word, is_unspaced

Comparison: TypeAlias = Literal["<", "<=", ">", ">=", "="]
FILTERS = ("model", "provider", "tag", "role", "title", "before", "after", "cost", "is")
_PIECE = LazyPattern(r'(-?)(?:(\w+):)?("[^"]*"?|\S+)')
_AGO = LazyPattern(r"(\d+)([dwmy])")
_DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}


class BadQuery(RoutertermError):
    """A filter cannot be understood."""

    exit_code = 2


class Term(Struct, frozen=True):
    """A word, or words side by side, as typed.  ``prefix``: its last word may go on."""

    text: str
    prefix: bool = False
    excluded: bool = False
    title_only: bool = False

    @property
    def unspaced(self) -> bool:
        """Whether the index cannot find it: of a script without spaces between words, or a sign such as an emoji."""
        return any(map(is_unspaced, self.text)) or not any(map(_is_word, self.text))


class Query(Struct, frozen=True):
    """What is looked for.  Times are milliseconds since the epoch, ``cost`` is in nano-USD."""

    terms: tuple[Term, ...] = ()
    model: str | None = None
    provider: str | None = None
    tag: str | None = None
    role: str | None = None
    before: int | None = None
    after: int | None = None
    cost: tuple[Comparison, int] | None = None
    pinned: bool = False
    archived: bool | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it asks for nothing at all."""
        return self == Query()

    @property
    def title_terms(self) -> tuple[Term, ...]:
        """What the title must hold; the other words may stand anywhere."""
        return tuple(term for term in self.terms if term.title_only)

    @property
    def asks_for_messages(self) -> bool:
        """Whether something of it can only be true of a message."""
        filtered = self.role or self.provider or self.cost or self.pinned
        return bool(filtered) or any(not term.title_only for term in self.terms)


def parse(text: str, now: int, zone: tzinfo | None = None, *, typing: bool = False) -> Query:
    """The query in ``text``.  While a person is still ``typing``, the last word may go on.

    ``zone`` is the person's own (the system's where None).  Raises `BadQuery`.
    """
    text = replace_surrogates(text)
    terms: list[Term] = []
    filters: dict[str, object] = {}
    last = None
    for match in _PIECE.finditer(text):
        minus, name, value = match.groups()
        name = name.lower() if name else None
        quoted, word = value.startswith('"'), value.strip('"')
        last = None
        if name in FILTERS and not minus and name != "title":
            if word or not typing:
                filters |= _filter(name, word, now, zone, lenient=typing)
        elif term := _term(word if name in (None, "title") else f"{name}:{word}", quoted, bool(minus), name == "title"):
            terms.append(term)
            last = None if quoted else len(terms) - 1
    if typing and last is not None and not text[-1:].isspace():
        terms[last] = Term(terms[last].text, True, terms[last].excluded, terms[last].title_only)
    return Query(tuple(terms), **filters)  # type: ignore[arg-type]  # each is checked by `_filter`


def _term(word: str, quoted: bool, excluded: bool, title_only: bool) -> Term | None:
    prefix = not quoted and word.endswith("*")
    word = word.rstrip("*") if prefix else word
    # A lone "-" or "*" is no word; an emoji and an arrow may be looked for.
    words = any(_is_word(letter) or unicodedata.category(letter)[0] == "S" for letter in word)
    return Term(word, prefix, excluded, title_only) if words else None


def _is_word(letter: str) -> bool:
    return unicodedata.category(letter)[0] in "LN"


def _filter(name: str, value: str, now: int, zone: tzinfo | None, *, lenient: bool) -> dict[str, object]:
    try:
        match name:
            case "before" | "after":
                return {name: _moment(value, now, zone)}
            case "cost":
                return {"cost": _cost(value)}
            case "role":
                return {"role": _one_of(value, ROLES)}
            case "is":
                return {"pinned": True} if _one_of(value, ("pinned", "archived")) == "pinned" else {"archived": True}
            case _:
                return {name: value}
    except ValueError as error:
        if lenient:
            return {}
        raise BadQuery(f"{name}:{value} is not valid.", str(error)) from None


def _one_of(value: str, allowed: tuple[str, ...]) -> str:
    """The one that is meant: its beginning is enough."""
    for word in allowed:
        if value and word.startswith(value.lower()):
            return word
    raise ValueError(f"Use {', '.join(allowed)}.")


def _moment(value: str, now: int, zone: tzinfo | None) -> int:
    """The beginning of a day: ``2026-11-21``, ``2026-11``, ``2026``, ``today``, ``yesterday``, ``7d``, ``3m``."""
    today = datetime.fromtimestamp(now / 1000, zone).date()
    if value in ("today", "yesterday"):
        day = today - timedelta(days=value == "yesterday")
    elif ago := _AGO.fullmatch(value):
        day = today - timedelta(days=min(int(ago[1]) * _DAYS[ago[2]], 36_500))
    else:
        try:
            year, month, day_of_month = ([int(part) for part in value.split("-")] + [1, 1])[:3]
            day = date(max(year, 1970), month, day_of_month)
            if year != day.year:
                raise ValueError
        except ValueError:
            raise ValueError("Write a day such as 2026-11-21, today, yesterday, 7d or 3m.") from None
    start = datetime(day.year, day.month, day.day, tzinfo=zone)
    return int(start.timestamp() * 1000) if zone else int(start.astimezone().timestamp() * 1000)


def _cost(value: str) -> tuple[Comparison, int]:
    match = re.fullmatch(r"(<=|>=|<|>|=)?\$?(.+)", value)
    try:
        amount = Decimal(match[2]) if match else Decimal("NaN")
        if not amount.is_finite() or abs(amount) > 1_000_000:
            raise InvalidOperation
    except InvalidOperation:
        raise ValueError("Write an amount such as cost:>0.1 or cost:<=2.") from None
    sign: Comparison = match[1] or ">="  # type: ignore[index, assignment]  # the pattern allows no other
    return sign, to_nano(amount)


def match_expression(query: Query) -> str | None:
    """The words in FTS5's own language; None where none of them can be asked of the index."""
    wanted = [_phrase(term) for term in query.terms if not term.excluded and not term.unspaced]
    unwanted = [_phrase(term) for term in query.terms if term.excluded and not term.unspaced]
    if not wanted:
        return None
    return " AND ".join(wanted) if not unwanted else f"({' AND '.join(wanted)}) NOT ({' OR '.join(unwanted)})"


def expression_of(term: Term) -> str:
    """A word in FTS5's own language, as it is typed or without its accents."""
    star = "*" if term.prefix else ""
    forms = dict.fromkeys((term.text, fold_letters(term.text), fold_word(term.text)))
    return " OR ".join('"' + form.replace('"', '""').replace("\0", " ") + '"' + star for form in forms)


def _phrase(term: Term) -> str:
    found = expression_of(term)
    if term.title_only:
        return f"(title : ({found}))"
    return f"({found})" if " OR " in found else found
