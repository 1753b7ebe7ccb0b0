"""What is wrong in ``config.toml``, in words: the line, the entry, and the nearest name that would be right.

What was written there is never repeated, only the names of entries: it may be a key in the wrong place.
"""

from __future__ import annotations

import re
import tomllib
from ast import literal_eval
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from msgspec import Struct
from msgspec.structs import replace

from routerterm.config.toml_positions import Key, line_of
from routerterm.core.errors import SettingsError
from routerterm.core.nearest import did_you_mean

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError


class Problem(Struct, frozen=True):
    """One mistake.  ``key`` is the way to it, ``line`` where it stands (from 1), if that is known."""

    key: Key
    message: str
    hint: str = ""
    line: int | None = None


def first_of(problems: Sequence[Problem], file: Path) -> SettingsError:
    """The first mistake as an error that names the file, and how to see the others."""
    problem = min(problems, key=lambda each: each.line or 0)
    others = len(problems) - 1
    more = f"{others} more: `routerterm config check` shows all." if others else ""
    return SettingsError(sentence(problem, file), " ".join(filter(None, (problem.hint, more))))


def sentence(problem: Problem, file: Path) -> str:
    """A mistake with its place."""
    place = f"{file}, line {problem.line}" if problem.line else str(file)
    return f"{place}: {problem.message}."


def in_place(problem: Problem, lines: Mapping[Key, int]) -> Problem:
    """The mistake with its line."""
    return replace(problem, line=line_of(problem.key, lines))


def known_names(name: str, known: Iterable[str]) -> str:
    """A hint at the known name that is most like this one, and at the others."""
    names = sorted(set(known))
    listing = f"Known: {', '.join(names)}." if names else ""
    return " ".join(filter(None, (did_you_mean(name, names), listing)))


def dotted(key: Key) -> str:
    """An entry's way as it would be written: ``routes.fast.models[1]``, places in lists counted from 1."""
    way = ""
    for step in key:
        if isinstance(step, int):
            way += f"[{step + 1}]"
        else:
            way += ("." if way else "") + (step if re.fullmatch(r"[\w-]+", step, re.ASCII) else f'"{step}"')
    return way


def from_syntax(error: tomllib.TOMLDecodeError) -> Problem:
    """What the parser could not read."""
    what, _, place = str(error).rstrip(")").partition(" (at ")
    what = re.sub(r"\((?:'[^']*',? ?)+\)", lambda names: f"[{dotted(tuple(literal_eval(names[0])))}]", what)
    line = re.search(r"line (\d+)", place)
    end = "" if line else ", at the end of the file"
    hint = "Put text in quotes, and every setting on its own line."
    return Problem((), f"this is not TOML: {what[0].lower()}{what[1:]}{end}", hint, int(line[1]) if line else None)


def from_validation(error: ValidationError, model: type[BaseModel], lines: Mapping[Key, int]) -> tuple[Problem, ...]:
    """What the settings' own rules object to."""
    return tuple(in_place(_problem(each, model), lines) for each in error.errors(include_url=False))


def _problem(error: Mapping[str, Any], model: type[BaseModel]) -> Problem:
    key: Key = tuple(error["loc"])
    match error["type"]:
        case "extra_forbidden":
            *table, name = key
            known = _entries(model, table)
            where = f"in [{dotted(tuple(table))}]" if table else "at the top"
            return Problem(key, f'there is no setting "{name}" {where}', known_names(str(name), known))
        case "missing":
            *table, name = key
            return Problem(key, f"{dotted(tuple(table))} needs the setting {name}")
        case "literal_error":
            allowed = re.findall(r"'([^']*)'", error["ctx"]["expected"])
            given = error["input"] if isinstance(error["input"], str) else ""
            return Problem(key, f"{dotted(key)} must be one of {', '.join(allowed)}", did_you_mean(given, allowed))
        case "value_error":
            return Problem(key, f"{dotted(key)} {error['ctx']['error']}")
        case "too_short":
            least = error["ctx"]["min_length"]
            return Problem(key, f"{dotted(key)} must have at least {least} {'entry' if least == 1 else 'entries'}")
        case "too_long":
            return Problem(key, f"{dotted(key)} may have {error['ctx']['max_length']} entries at most")
        case kind if kind in _KINDS:
            return Problem(key, f"{dotted(key)} must be {_KINDS[kind]}")
        case _:
            what = str(error["msg"]).replace("Input should be", "must be").rstrip(".")
            return Problem(key, f"{dotted(key)} {what[0].lower()}{what[1:]}")


_KINDS = {
    "string_type": 'text in quotes: "…"',
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a number that is not infinite",
    "decimal_type": "a number",
    "decimal_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "tuple_type": "a list: [ … ]",
    "list_type": "a list: [ … ]",
    "set_type": "a list: [ … ]",
    "frozen_set_type": "a list: [ … ]",
    "dict_type": "a table",
    "mapping_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "date_type": "a date: 2026-01-31",
    "date_parsing": "a date: 2026-01-31",
    "date_from_datetime_parsing": "a date: 2026-01-31",
}
"""What an entry must be, by pydantic's name for the mistake (https://docs.pydantic.dev/latest/errors/validation_errors/)."""


def without(body: Mapping[str, Any], keys: Iterable[Key]) -> dict[str, Any]:
    """The settings without these entries; what lacks an entry, or has a place in a list, goes as a whole."""
    left: dict[str, Any] = deepcopy(dict(body))
    for key in keys:
        table, steps = left, list(key)
        while steps:
            step = steps.pop(0)
            below = table.get(step) if isinstance(step, str) else None
            if below is None:
                break
            if not steps or not isinstance(below, dict) or (len(steps) == 1 and steps[0] not in below):
                del table[str(step)]
                break
            table = below
    return left


class _Table(Struct, frozen=True):
    """Stands for a table or list of tables: the next step is a name of the person's own, or a place."""

    model: type[BaseModel]


def _entries(model: type[BaseModel], way: Sequence[str | int]) -> list[str]:
    """The names of the entries of the table at the end of a way."""
    found: type[BaseModel] | _Table = model
    for step in way:
        found = found.model if isinstance(found, _Table) else _inside(found.model_fields[str(step)].annotation)
    return [] if isinstance(found, _Table) else list(found.model_fields)


def _inside(annotation: Any) -> type[BaseModel] | _Table:
    """A section, or what ``dict[str, Section]`` and ``tuple[Section, ...]`` hold."""
    if hasattr(annotation, "model_fields"):
        section: type[BaseModel] = annotation
        return section
    return next(_Table(each) for each in get_args(annotation) if hasattr(each, "model_fields"))
