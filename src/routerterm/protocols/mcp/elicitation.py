"""Elicitation: a server asks the person for a few values while one of its tools runs.  Pure, and bounded.

Only forms (mode ``form``): text, numbers, yes or no, and choices.  An address to open (mode ``url``) is not offered;
whatever is asked, nothing is answered that the person did not write.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from routerterm.protocols.json_utils import listing, mapping, objects, scrub, text
from routerterm.protocols.mcp.values import McpInvalid

MAX_FIELDS = 24
MAX_CHOICES = 64
_MOST_LABEL = 200
_MOST_MESSAGE = 1_000
MAX_VALUE = 10_000
"""Characters of one value."""
Kind: TypeAlias = Literal["text", "integer", "number", "boolean", "several"]
CAPABILITY: Mapping[str, Any] = {"elicitation": {"form": {}}}
"""What is said of it to servers of both eras."""


class McpField(Struct, frozen=True):
    """One value that is asked for.  ``default`` is text as a person would write it."""

    name: str
    label: str
    kind: Kind = "text"
    required: bool = False
    default: str = ""
    choices: Mapping[str, str] = {}
    """By the value that the server takes: what the person reads."""

    @property
    def words(self) -> str:
        """What the person reads: the label, and what can be written."""
        if self.choices:
            how = f"{'some' if self.kind == 'several' else 'one'} of {', '.join(self.choices.values())}"
        else:
            how = {"boolean": "yes or no", "integer": "a whole number", "number": "a number"}.get(self.kind, "")
        needed = "" if self.required else "may be left empty"
        more = "; ".join(filter(None, (how, needed)))
        return f"{self.label} ({more})" if more else self.label

    def value(self, written: str) -> Any:
        """What was written as the server takes it.  Raises `McpInvalid` with what is wrong."""
        if len(written) > MAX_VALUE:
            raise McpInvalid(f"{self.label} is too long.")
        match self.kind:
            case "several":
                return [self._chosen(word.strip()) for word in written.split(",") if word.strip()]
            case "boolean":
                if (word := written.strip().lower()) not in _BOOLEANS:
                    raise McpInvalid(f"{self.label}: write yes or no.")
                return _BOOLEANS[word]
            case "integer" | "number":
                return self._number(written.strip())
            case _:
                return self._chosen(written.strip()) if self.choices else written

    def _number(self, written: str) -> int | float:
        whole = self.kind == "integer"
        try:
            value = int(written) if whole else float(written)
        except ValueError:
            value = math.nan
        if not math.isfinite(value) or abs(value) > 2**53:
            raise McpInvalid(f"{self.label}: write a {'whole ' if whole else ''}number.")
        return value

    def _chosen(self, written: str) -> str:
        for value, shown in self.choices.items():
            if written.lower() in (value.lower(), shown.lower()):
                return value
        raise McpInvalid(f"{self.label}: write one of {', '.join(self.choices.values())}.")


_BOOLEANS = {"yes": True, "y": True, "true": True, "no": False, "n": False, "false": False}


class McpForm(Struct, frozen=True):
    """What a server asks for, and why by its own words."""

    message: str
    fields: tuple[McpField, ...]

    def content(self, written: Mapping[str, str]) -> dict[str, Any]:
        """The values by their names; those left empty are left out.  Raises `McpInvalid` with what is wrong."""
        found = {}
        for field in self.fields:
            said = written.get(field.name, "")
            if said.strip():
                found[field.name] = field.value(said)
            elif field.required:
                raise McpInvalid(f"{field.label} must be filled in.")
        return found


def form_of(params: Mapping[str, Any]) -> McpForm:
    """The form of an ``elicitation/create``.  Raises `McpInvalid` for one that cannot be shown whole."""
    if params.get("mode", "form") != "form":
        raise McpInvalid("Only forms can be filled in.")
    schema = mapping(params.get("requestedSchema"))
    properties = mapping(schema.get("properties"))
    if not properties or len(properties) > MAX_FIELDS:
        raise McpInvalid(f"A form has from 1 to {MAX_FIELDS} fields.")
    required = {name for name in listing(schema.get("required")) if isinstance(name, str)}
    fields = tuple(_field(name, mapping(part), required=name in required) for name, part in properties.items())
    return McpForm(scrub(text(params.get("message")))[:_MOST_MESSAGE], fields)


def accepted(content: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of a person who filled it in."""
    return {"action": "accept", "content": dict(content)}


def refused(*, by_person: bool) -> dict[str, Any]:
    """The answer where the person said no, or there was nobody to ask."""
    return {"action": "decline" if by_person else "cancel"}


def _field(name: str, part: Mapping[str, Any], *, required: bool) -> McpField:
    kind = _kind(part)
    choices = dict(_choices(mapping(part.get("items")) if kind == "several" else part))
    if (kind == "several" and not choices) or len(choices) > MAX_CHOICES:
        raise McpInvalid(f"A choice has from 1 to {MAX_CHOICES} values.")
    title, about = scrub(text(part.get("title"))) or scrub(name), scrub(text(part.get("description")))
    label = f"{title}: {about}" if about else title
    return McpField(
        name,
        label[:_MOST_LABEL],
        kind,
        required=required,
        default=_default(part.get("default"), choices),
        choices=choices,
    )


def _kind(part: Mapping[str, Any]) -> Kind:
    match part.get("type"):
        case "string":
            return "text"
        case "integer":
            return "integer"
        case "number":
            return "number"
        case "boolean":
            return "boolean"
        case "array":
            return "several"
        case other:
            raise McpInvalid(f"A form has no fields of type {scrub(str(other))[:40]}.")


def _choices(part: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    names = listing(part.get("enumNames"))
    for number, value in enumerate(listing(part.get("enum"))):
        shown = text(names[number]) if number < len(names) else ""
        yield scrub(text(value)), scrub(shown or text(value))[:_MOST_LABEL]
    for each in objects(part.get("oneOf") or part.get("anyOf")):
        value = scrub(text(each.get("const")))
        yield value, scrub(text(each.get("title")) or value)[:_MOST_LABEL]


def _default(value: Any, choices: Mapping[str, str]) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(choices.get(text(each), text(each)) for each in value[:MAX_CHOICES])
    said = str(value) if isinstance(value, int | float) else scrub(text(value))
    return choices.get(said, said)[:MAX_VALUE]
