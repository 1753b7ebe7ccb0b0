"""Every entry of the settings with its value, its default and its sentence, for screens and ``config show``."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Set
from functools import cache
from itertools import pairwise
from typing import Any, get_args, get_type_hints

from msgspec import Struct
from msgspec.structs import fields

from routerterm.config.schema import Settings
from routerterm.config.schema_base import Section

_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}


class Entry(Struct, frozen=True):
    """One entry of the settings."""

    way: tuple[str, ...]
    """Its tables and its name, as in ``("ui", "theme")``."""
    value: Any
    default: Any
    choices: tuple[str, ...]
    """The only values allowed, where they can be listed."""
    kind: str
    """What kind of value it takes, in words."""
    text: str
    """The sentence about it."""

    @property
    def changed(self) -> bool:
        """Whether it is not at its default."""
        return bool(self.value != self.default)


def entries(settings: Settings) -> Iterator[Entry]:
    """All single entries that have a value or a default; tables of the person's own names come with what is in them."""
    yield from _of(settings, Settings(), (), settings.given)


def sentence(section: type[Section], name: str) -> str:
    """The sentence under a field, of the class or of the one that it extends."""
    for owner in section.__mro__:
        if issubclass(owner, Section) and (text := _sentences(owner).get(name)):
            return text
    return ""


def entry_names(section: type[Section]) -> tuple[str, ...]:
    """The entries of a table."""
    return tuple(name for name in section.__struct_fields__ if name != "given")


def changed_entries(section: Section) -> dict[str, Any]:
    """The entries of a table that are not at their default."""
    defaults = {each.name: each.default for each in fields(type(section))}
    return {
        name: value
        for name in entry_names(type(section))
        if (value := getattr(section, name)) not in (defaults[name], (), {})
    }


def _of(
    section: Section, defaults: Section | None, way: tuple[str, ...], given: Set[tuple[str, ...]]
) -> Iterator[Entry]:
    hints = get_type_hints(type(section))
    for name in entry_names(type(section)):
        value = getattr(section, name)
        default = getattr(defaults, name) if defaults is not None else None
        if isinstance(value, Section):
            yield from _of(value, default if isinstance(default, Section) else None, (*way, name), given)
        elif isinstance(value, dict) and value and all(isinstance(each, Section) for each in value.values()):
            for own, each in value.items():
                yield from _of(each, None, (*way, name, own), given)
        elif defaults is not None or (*way, name) in given:
            choices, kind = _kind(hints[name])
            yield Entry((*way, name), value, default, choices=choices, kind=kind, text=sentence(type(section), name))


def _kind(annotation: Any) -> tuple[tuple[str, ...], str]:
    if annotation in _KINDS:
        return (), _KINDS[annotation]
    choices = tuple(each for each in get_args(annotation) if isinstance(each, str))
    if choices:
        return choices, f"one of {', '.join(choices)}"
    inner = [each for each in get_args(annotation) if each is not type(None)]
    if type(None) in get_args(annotation) and len(inner) == 1:
        return _kind(inner[0])
    if hasattr(annotation, "__metadata__"):
        return _kind(annotation.__origin__)
    origin = getattr(annotation, "__origin__", None)
    if origin is tuple:
        return (), "a list"
    return (), "a table" if origin is dict else "a number"


@cache
def _sentences(owner: type) -> dict[str, str]:
    """The strings that stand under the fields in the class's source."""
    try:
        tree = ast.parse(inspect.getsource(owner))
    except (OSError, TypeError):
        return {}
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    found: dict[str, str] = {}
    for field, text in pairwise(body):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(words))):
                found[name] = " ".join(words.split())
    return found
