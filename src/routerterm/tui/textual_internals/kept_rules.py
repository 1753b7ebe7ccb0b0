"""Parsed style sheets, kept in a file from one start to the next; parsing them took a twentieth of a start.

What is kept is taken only where the sheet, the colours and the versions are the same to the letter.  The file is a
pickle, and it is read as data: nothing is made from it but the values that parsed sheets consist of.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import textual
from rich.style import Style
from textual.cache import LRUCache
from textual.css.styles import Styles
from textual.css.stylesheet import Stylesheet

from routerterm import __version__
from routerterm.config.atomic_file import atomic_write, read_regular

if TYPE_CHECKING:
    from textual.css.model import RuleSet
    from textual.css.styles import RulesMap
    from textual.css.types import CSSLocation

Key = tuple[str, "CSSLocation", bool, int, str]
"""A sheet, where it is from, whether it is a widget's own, its tie breaker and its scope."""
ALLOWED = frozenset((
    ("functools", "partial"), ("textual.color", "Color"), ("textual.css.model", "CombinatorType"),
    ("textual.css.model", "RuleSet"), ("textual.css.model", "Selector"), ("textual.css.model", "SelectorSet"),
    ("textual.css.model", "SelectorType"), ("textual.css.model", "_check_class"), ("textual.css.model", "_check_id"),
    ("textual.css.model", "_check_type"), ("textual.css.model", "_check_universal"), ("textual.css.scalar", "Scalar"),
    ("textual.css.scalar", "ScalarOffset"), ("textual.css.scalar", "Unit"),
    ("textual.geometry", "Offset"), ("textual.geometry", "Spacing"), ("textual.layouts.grid", "GridLayout"),
    ("textual.layouts.horizontal", "HorizontalLayout"), ("textual.layouts.vertical", "VerticalLayout"),
    (__name__, "member"), (__name__, "styles_of"), (__name__, "text_style_of"),
))  # fmt: skip
"""What parsed sheets consist of."""


def member(kind: type[Enum], name: str) -> Enum:
    """One of an enumeration.  Python's own way in a pickle would allow any attribute of anything."""
    if not issubclass(kind, Enum):
        raise TypeError(f"{kind} is no enumeration")
    return kind[name]


def styles_of(rules: RulesMap, important: set[str]) -> Styles:
    """What one rule says of the looks: those of no widget."""
    return Styles(None, rules, important=important)


def text_style_of(words: str) -> Style:
    """Bold, underlined and the like.  Rich's own style carries a second pickle, which it believes when it is used."""
    if not isinstance(words, str):
        raise TypeError("a style is described in words")
    return Style.parse(words)


def versions() -> tuple[str, ...]:
    """What rules are kept for.  Textual's version would take reading its metadata, ten times as long as the rules."""
    return str(os.stat(textual.__file__).st_mtime_ns), __version__, sys.version


def packed(variables: Mapping[str, str], rules: Mapping[Key, list[RuleSet]]) -> bytes:
    """The rules of sheets as bytes, for these variables of theirs."""
    import pickle

    class Packer(pickle.Pickler):
        def reducer_override(self, value: object) -> Any:
            if isinstance(value, Enum):
                return member, (type(value), value.name)
            if isinstance(value, Styles):
                return styles_of, (value.get_rules(), value.important)
            if isinstance(value, Style):
                return text_style_of, (str(value),)
            return NotImplemented

    packer = Packer(file := io.BytesIO(), pickle.HIGHEST_PROTOCOL)
    packer.dump((versions(), dict(variables), dict(rules)))
    return file.getvalue()


def unpacked(data: bytes, variables: Mapping[str, str]) -> dict[Key, list[RuleSet]]:
    """The rules of sheets, by `packed`; none where they are for other variables or versions, or damaged."""
    import pickle

    class Unpacker(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            if (module, name) not in ALLOWED:
                raise pickle.UnpicklingError(f"{module}.{name} is no part of a style sheet")
            return super().find_class(module, name)

    try:
        made_by, for_variables, rules = Unpacker(io.BytesIO(data)).load()
    except Exception:  # noqa: BLE001 - damaged in whatever way, it is as if it were not there
        return {}
    return rules if made_by == versions() and for_variables == variables else {}


class KeptStylesheet(Stylesheet):
    """Keeps what it has parsed.

    Textual parses all sheets anew once it has applied new colours, since it did that in a sheet of its own, and with
    every new kind of widget from the sixty-fifth sheet on, since it keeps no more than sixty-four.
    """

    def __init__(self, *, variables: dict[str, str] | None = None, file: Path | None = None) -> None:
        """``file`` is where rules are kept for the next start."""
        super().__init__(variables=variables)
        self._parse_cache = LRUCache(1024)
        self._file = file
        self._known = unpacked(_read(file), self._variables) if file is not None else {}
        self._asked: dict[Key, list[RuleSet]] = {}
        """The rules that were needed so far.  A sheet is asked for with one tie breaker and then with another, where a
        widget turns out to inherit from it at another distance: the next start asks for both."""
        self._lacking = False
        """Whether a sheet had to be parsed."""

    def set_variables(self, variables: dict[str, str]) -> None:
        """Parse with these from now on."""
        if variables != self._variables:
            self._known, self._asked = {}, {}
        super().set_variables(variables)

    def reparse(self) -> None:
        """Parse with the variables as they are now; the rules stay as they were where one is wrong."""
        self.parse()

    def _parse_rules(
        self,
        css: str,
        read_from: CSSLocation,
        is_default_rules: bool = False,
        tie_breaker: int = 0,
        scope: str = "",
    ) -> list[RuleSet]:
        key = css, read_from, is_default_rules, tie_breaker, scope
        rules = self._known.get(key)
        if rules is None:
            self._lacking = True
            rules = super()._parse_rules(css, read_from, is_default_rules, tie_breaker, scope)
        self._asked[key] = rules
        return rules

    def keep(self) -> None:
        """Write the rules that were needed, unless all of them were read from there.  Raises `OSError`."""
        if self._file is None or not self._lacking:
            return
        self._lacking = False
        atomic_write(self._file, packed(self._variables, dict(self._asked)))


def _read(file: Path) -> bytes:
    try:
        return read_regular(file)
    except OSError:
        return b""
