"""Prompt templates: ``{{field}}``, or ``{{field=what stands there otherwise}}``, filled in by the person."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from routerterm.core.errors import RoutertermError
from routerterm.core.lazy_pattern import LazyPattern

_FIELD = LazyPattern(r"\{\{\s*([\w][\w \-]*?)\s*(?:=\s*([^{}]*?)\s*)?\}\}")


class MissingField(RoutertermError):
    """A template's field was not filled in."""

    exit_code = 2


class Field(Struct, frozen=True):
    """A gap in a template; ``default`` None means that it must be filled in."""

    name: str
    default: str | None = None


def fields_of(template: str) -> tuple[Field, ...]:
    """The gaps, in order, each once; the first default that is given holds."""
    found: dict[str, Field] = {}
    for match in _FIELD.finditer(template):
        name, default = match[1], match[2]
        if name not in found or (found[name].default is None and default is not None):
            found[name] = Field(name, default)
    return tuple(found.values())


def rewrite(template: str, gap: Callable[[str], str]) -> str:
    """The text with every gap written anew, by its name."""
    return _FIELD.sub(lambda match: gap(match[1]), template)


def fill(template: str, values: Mapping[str, str]) -> str:
    """The text with its gaps filled.  What is filled in is never read as a template itself.

    Raises `MissingField` for a gap without value and without default.
    """
    defaults = {field.name: field.default for field in fields_of(template)}
    missing = [name for name, default in defaults.items() if default is None and name not in values]
    if missing:
        raise MissingField(f"Fill in the prompt's {', '.join(missing)}.")
    return _FIELD.sub(lambda match: values.get(match[1], defaults[match[1]] or ""), template)
