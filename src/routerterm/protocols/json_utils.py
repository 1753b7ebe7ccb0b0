"""JSON as servers really send it, and careful reading of what is in it: nothing here trusts a type."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from typing import Any

import msgspec

from routerterm.core.lazy_pattern import LazyPattern
from routerterm.core.money import MOST_USD
from routerterm.core.usage import MOST_TOKENS

_TOLERANT = json.JSONDecoder(parse_constant=lambda _name: None)
_SCAN: Callable[[str, int], tuple[Any, int]] = vars(_TOLERANT)["scan_once"]
"""The bare scanner, without what `json.loads` does around it.

NaN and Infinity (vLLM's log probabilities) are not JSON; they read as null.
"""

_DECODE = msgspec.json.Decoder().decode
_ENCODE = msgspec.json.Encoder().encode
_SURROGATE = LazyPattern("[\ud800-\udfff]")
_BLANK = " \t\r\n"
EMPTY: Mapping[str, Any] = {}
LONGEST_ID = 256
"""Characters of an identifier that a server gives; a longer one is kept as its beginning and a digest."""


class NotJson(Exception):
    """The bytes are not JSON, or are too deep to be read."""


def loads(data: bytes | str) -> Any:
    """The value in ``data``.  Bad UTF-8 is replaced, a repeated key counts once.  Raises `NotJson`."""
    try:
        return _DECODE(data)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return _tolerant(data)


def _tolerant(data: bytes | str) -> Any:
    """What msgspec refuses and servers send all the same: bad UTF-8, half a character, NaN."""
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
    if text[:1] not in "{[":
        text = text.strip(_BLANK)
    try:
        value, end = _SCAN(text, 0)
    except (ValueError, RecursionError, StopIteration):
        raise NotJson from None
    if end != len(text) and text[end:].strip(_BLANK):
        raise NotJson
    return value


def dumps(value: Any) -> bytes:
    """Compact JSON in UTF-8; a lone surrogate becomes a question mark, a number beyond all bounds (1e999) null."""
    try:
        return _ENCODE(value)
    except (TypeError, ValueError, msgspec.EncodeError):
        finite = _TOLERANT.decode(json.dumps(value, ensure_ascii=False))
        return json.dumps(finite, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def text(value: Any) -> str:
    """The string, or nothing where it is none."""
    return value if isinstance(value, str) else ""


def mapping(value: Any) -> Mapping[str, Any]:
    """The object, or an empty one."""
    return value if isinstance(value, dict) else EMPTY


def listing(value: Any) -> list[Any]:
    """The list, or an empty one."""
    return value if isinstance(value, list) else []


def objects(value: Any) -> list[Mapping[str, Any]]:
    """The objects in a list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def count(value: Any) -> int:
    """A number of tokens; 0, which is "not reported", for what no provider can mean (`MOST_TOKENS`)."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST_TOKENS:
        return 0
    return int(value)


def size(value: Any) -> int | None:
    """A size in tokens, also where it is written as text; None where there is none."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
        value = int(value)
    return count(value) or None


def identifier(value: str) -> str:
    """An identifier, bounded: a longer one becomes its beginning with a digest of the whole."""
    value = scrub(value)
    if len(value) <= LONGEST_ID:
        return value
    return f"{value[: LONGEST_ID - 25]}-{sha256(value.encode()).hexdigest()[:24]}"


def is_object(data: str) -> bool:
    """Whether this is the text of one whole JSON object."""
    try:
        return isinstance(loads(data), dict)
    except NotJson:
        return False


def amount(value: Any) -> Decimal | None:
    """An amount of money, from a number or its text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = Decimal(str(value))
    except (InvalidOperation, ValueError):
        return None
    return number if number.is_finite() and 0 <= number <= MOST_USD else None


def scrub(value: str) -> str:
    """The text with pairs of surrogates joined and lone ones replaced, so that it can be written as UTF-8."""
    if value.isascii() or not _SURROGATE.search(value):
        return value
    return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


class SurrogateJoiner:
    """Scrubs text that comes in pieces: an emoji that was cut into two surrogates is put together again."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = ""

    def feed(self, piece: str) -> str:
        """What can be said now; a high surrogate at the end waits for its other half."""
        if not self._held and piece.isascii():
            return piece
        piece = self._held + piece
        self._held = piece[-1:] if "\ud800" <= piece[-1:] <= "\udbff" else ""
        return scrub(piece[:-1] if self._held else piece)

    def end(self) -> str:
        """What was held back."""
        held, self._held = self._held, ""
        return scrub(held)
