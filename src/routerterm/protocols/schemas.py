"""Tool schemas (JSON Schema) in the least form that each provider takes.

A schema is rewritten by position: a word is a keyword only where keywords stand, so that a property may be called
``title``, ``definitions`` or ``const``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, TypeAlias

from routerterm.protocols.json_utils import EMPTY, listing, mapping, objects, text

Schema: TypeAlias = dict[str, Any]
_Way: TypeAlias = tuple[str, ...]
_DEEPEST = 40
"""Levels of nesting that are followed; what lies deeper is any object."""
_MOST_COPIED = 4_000
"""Schemas that are copied from where references lead into one tool's; more of them are told less deeply."""
_LEVELS = (_DEEPEST, 8, 5, 4, 3, 2, 1)
_ANY: Mapping[str, Any] = {"type": "object"}
_UNIONS = ("anyOf", "oneOf")
_SHAPES = frozenset(("type", "properties", "items", "prefixItems", "enum", "const", "$ref", "allOf", *_UNIONS))
"""Words that say what a value is; any others only narrow it."""
_FORMATS = frozenset({"enum", "date-time", "float", "double", "int32", "int64"})
_KEPT: Mapping[str, type[object] | tuple[type[object], ...]] = (
    dict.fromkeys(("title", "description", "pattern"), str)
    | dict.fromkeys(("default", "example"), object)
    | {"nullable": bool, "propertyOrdering": list}
    | dict.fromkeys(("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"), int)
    | dict.fromkeys(("minimum", "maximum"), (int, float))
)
"""Gemini's words that mean the same in JSON Schema (google.genai.types.Schema), with the kinds that it takes."""


class _TooLarge(Exception):
    """More was copied from where references lead than a request may hold."""


class _References:
    """Where the references of one schema lead, and how much was copied from there.

    ``inside`` is the way to where one stands: each reference that was followed, an empty word for any other level.
    """

    def __init__(self, root: Mapping[str, Any], levels: int) -> None:
        """``levels`` is how many references are followed within each other."""
        self._root = root
        self._levels = levels
        self._copied = 0

    def target(self, reference: str, inside: _Way) -> Mapping[str, Any]:
        """What a reference names; any object where it holds itself or lies too deep."""
        if reference in inside or sum(map(bool, inside)) >= self._levels:
            return _ANY
        return _target(self._root, reference)

    def count(self, inside: _Way) -> None:
        """Note a schema that is copied.  Raises `_TooLarge`."""
        self._copied += any(inside)
        if self._copied > _MOST_COPIED:
            raise _TooLarge


def _as_deep_as_fits(root: Mapping[str, Any], make: Callable[[_References], Schema]) -> Schema:
    """What is made with as many levels of references as keep it small.

    Definitions that name each other grow beyond all bounds where each is copied to where it is named.
    """
    for levels in _LEVELS:
        with suppress(_TooLarge):
            return make(_References(root, levels))
    return make(_References(root, 0))


def object_schema(schema: Mapping[str, Any]) -> Schema:
    """The schema of a tool's arguments as every provider wants it at least: an object, without a union at its top."""
    return _as_deep_as_fits(schema, lambda references: _object_schema(schema, references, ()))


def _object_schema(schema: Mapping[str, Any], references: _References, inside: _Way) -> Schema:
    references.count(inside)
    out = dict(schema)
    if len(inside) > _DEEPEST:
        return {}
    if reference := text(out.pop("$ref", "")):
        target = references.target(reference, inside)
        inside = (*inside, reference)
        out = {**_object_schema(target, references, inside), **out}
    within = (*inside, "")
    properties: Schema = dict(mapping(out.get("properties")))
    required = [name for name in listing(out.get("required")) if isinstance(name, str)]
    for branch in objects(out.pop("allOf", None)):
        part = _object_schema(branch, references, within)
        properties = {**mapping(part.get("properties")), **properties}
        required += [name for name in listing(part.get("required")) if name not in required]
    for word in _UNIONS:
        parts = [_object_schema(branch, references, within) for branch in objects(out.pop(word, None))]
        for part in parts:
            properties = {**mapping(part.get("properties")), **properties}
        needed = [set(listing(part.get("required"))) for part in parts]
        if needed:
            required += sorted(set.intersection(*needed) - set(required))
    for word in ("enum", "const", "not"):
        out.pop(word, None)
    out |= {"type": "object", "properties": properties}
    out.pop("required", None)
    if kept := [name for name in required if name in properties]:
        out["required"] = kept
    return out


def inlined(schema: Mapping[str, Any]) -> Schema:
    """The schema with every ``$ref`` replaced by what it names, for servers whose templates cannot follow one."""
    whole = object_schema(schema)
    out = _as_deep_as_fits(whole, lambda references: _inlined(whole, references, ()))
    out.pop("$defs", None)
    out.pop("definitions", None)
    return out


def _inlined(value: Any, references: _References, inside: _Way) -> Any:
    if isinstance(value, list):
        return [_inlined(item, references, inside) for item in value]
    if not isinstance(value, dict):
        return value
    references.count(inside)
    if reference := text(value.get("$ref")):
        rest = {name: inner for name, inner in value.items() if name != "$ref"}
        return _inlined({**references.target(reference, inside), **rest}, references, (*inside, reference))
    return {
        name: {key: _inlined(one, references, inside) for key, one in inner.items()}
        if name == "properties" and isinstance(inner, dict)
        else _inlined(inner, references, inside)
        for name, inner in value.items()
        if inside or name not in ("$defs", "definitions")
    }


def is_recursive(schema: Mapping[str, Any]) -> bool:
    """Whether a schema holds itself, which no form without references can say."""
    return any(_cycles(schema, schema, (), set()))


def _cycles(value: Any, root: Mapping[str, Any], inside: _Way, seen: set[str]) -> Iterator[bool]:
    """``seen`` are the references that lead to no cycle."""
    if len(inside) > _DEEPEST:
        yield True
    elif isinstance(value, list):
        for item in value:
            yield from _cycles(item, root, inside, seen)
    elif isinstance(value, dict):
        reference = value.get("$ref")
        if isinstance(reference, str) and reference not in seen:
            if reference in inside:
                yield True
            else:
                yield from _cycles(_target(root, reference), root, (*inside, reference), seen)
                seen.add(reference)
        for name, inner in value.items():
            if name not in ("$defs", "definitions"):
                yield from _cycles(inner, root, inside, seen)


def gemini_schema(schema: Mapping[str, Any]) -> Schema:
    """A schema in Gemini's own words.  It refuses every other word, lists of types, and values that are no text."""
    return _as_deep_as_fits(schema, lambda references: _Gemini(references).convert(schema, ()))


class _Gemini:
    """Rewrites one schema."""

    def __init__(self, references: _References) -> None:
        self._references = references

    def convert(self, schema: Any, inside: _Way) -> Schema:
        self._references.count(inside)
        if not isinstance(schema, dict) or len(inside) > _DEEPEST:
            return {"type": "string"} if not isinstance(schema, dict) else {"type": "object"}
        schema, inside = self._resolved(schema, inside)
        schema = self._joined(schema, inside)
        out: Schema = {word: schema[word] for word, kind in _KEPT.items() if _is(schema.get(word), kind)}
        if isinstance(schema.get("examples"), list) and schema["examples"]:
            out.setdefault("example", schema["examples"][0])
        kinds, null = _types(schema)
        if null:
            out["nullable"] = True
        if branches := self._branches(schema, kinds, inside, out):
            return out | branches
        out["type"] = kind = kinds[0] if kinds else _guessed(schema)
        if text(schema.get("format")) in _FORMATS:
            out["format"] = schema["format"]
        _values(schema, kind, out)
        _bounds(schema, kind, out)
        if kind == "object":
            self._properties(schema, inside, out)
        elif kind == "array":
            out["items"] = self._items(schema, inside)
        return out

    def _resolved(self, schema: Schema, inside: _Way) -> tuple[Schema, _Way]:
        """The schema with its own reference and its ``allOf`` worked in."""
        while reference := text(schema.get("$ref")):
            rest = {name: value for name, value in schema.items() if name != "$ref"}
            schema = {**self._references.target(reference, inside), **rest}
            inside = (*inside, reference)
        merged: Schema = {name: value for name, value in schema.items() if name != "allOf"}
        for branch in objects(schema.get("allOf")):
            part, inside = self._resolved(dict(branch), inside)
            properties = {**mapping(part.get("properties")), **mapping(merged.get("properties"))}
            required = [*listing(merged.get("required")), *listing(part.get("required"))]
            merged = {**part, **merged}
            if properties:
                merged["properties"] = properties
            if required:
                merged["required"] = required
        return merged, inside

    def _joined(self, schema: Schema, inside: _Way) -> Schema:
        """The schema without a union beside its own shape, of which Gemini would read the union alone."""
        branches = [branch for word in _UNIONS for branch in listing(schema.get(word))]
        if not branches:
            return schema
        bare = {word: value for word, value in schema.items() if word not in _UNIONS}
        if any(isinstance(branch, dict) and branch.get("type") == "null" for branch in branches):
            bare["nullable"] = True
        if mapping(schema.get("properties")):
            return bare | _object_schema(schema, self._references, inside)
        shaped = any(not isinstance(branch, dict) or _SHAPES & branch.keys() for branch in branches)
        if "items" in schema or "prefixItems" in schema or not shaped:
            if any("required" in branch for branch in branches if isinstance(branch, dict)):
                bare.setdefault("type", "object")
            return bare
        if len(_types(schema)[0]) == 1:  # what the branches do not say again holds for each of them
            own = {"type": schema["type"]}
            full = [
                own | branch if isinstance(branch, dict) and "$ref" not in branch else branch for branch in branches
            ]
            return {**bare, "anyOf": full}
        return schema

    def _branches(self, schema: Schema, kinds: list[str], inside: _Way, out: Schema) -> Schema | None:
        """A union, where the schema is one; a single branch beside null is that branch."""
        given = [branch for word in _UNIONS for branch in listing(schema.get(word))]
        if not given and len(kinds) > 1:
            given = [{**schema, "type": kind} for kind in kinds]
        if not given:
            return None
        full = [branch for branch in given if not (isinstance(branch, dict) and branch.get("type") == "null")]
        if len(full) < len(given):
            out["nullable"] = True
        made = [self.convert(branch, (*inside, "")) for branch in full]
        if len(made) == 1:
            return {**made[0], **out}
        return {"anyOf": made} if made else {"type": "string"}

    def _properties(self, schema: Schema, inside: _Way, out: Schema) -> None:
        properties = mapping(schema.get("properties"))
        if properties:
            out["properties"] = {name: self.convert(value, (*inside, "")) for name, value in properties.items()}
        required = [name for name in listing(schema.get("required")) if isinstance(name, str) and name in properties]
        if required:
            out["required"] = list(dict.fromkeys(required))

    def _items(self, schema: Schema, inside: _Way) -> Schema:
        items = schema.get("items", schema.get("prefixItems"))
        if isinstance(items, list):
            return self.convert({"anyOf": items} if len(items) > 1 else (items or [{}])[0], (*inside, ""))
        return self.convert(items, (*inside, ""))


def _target(root: Mapping[str, Any], reference: str) -> Mapping[str, Any]:
    """What a reference within the schema names; an empty schema where it leads nowhere."""
    place: Any = root
    for step in reference.removeprefix("#").strip("/").split("/") if reference.startswith("#") else ["\0"]:
        if step:
            place = mapping(place).get(step.replace("~1", "/").replace("~0", "~"))
    return place if isinstance(place, dict) else EMPTY


def _is(value: Any, kind: type[object] | tuple[type[object], ...]) -> bool:
    """Whether a value is of a kind; a bool is no number, and what stands in a list is text."""
    if isinstance(value, list) and kind is list:
        return all(isinstance(one, str) for one in value)
    return value is not None and isinstance(value, kind) and (kind in (bool, object) or not isinstance(value, bool))


def _types(schema: Mapping[str, Any]) -> tuple[list[str], bool]:
    """The types that a schema allows, each once, and whether null is among them."""
    given = schema.get("type")
    named = [name.lower() for name in (given if isinstance(given, list) else [given]) if isinstance(name, str)]
    names = list(dict.fromkeys(named))
    return [name for name in names if name != "null"], "null" in names


def _guessed(schema: Mapping[str, Any]) -> str:
    if "properties" in schema or "additionalProperties" in schema:
        return "object"
    if "items" in schema or "prefixItems" in schema:
        return "array"
    values = [schema["const"]] if "const" in schema else listing(schema.get("enum"))
    if values and all(isinstance(value, bool) for value in values):
        return "boolean"
    if values and all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return "integer" if all(isinstance(value, int) for value in values) else "number"
    return "string"


def _values(schema: Mapping[str, Any], kind: str, out: Schema) -> None:
    """Allowed values: text as an ``enum``, any others in words, because Gemini takes text alone."""
    values = [schema["const"]] if "const" in schema else listing(schema.get("enum"))
    spoken = [value for value in values if isinstance(value, str) and value]
    if None in values:
        out["nullable"] = True
    if kind == "string" and spoken:
        out["enum"] = spoken
    elif others := [value for value in values if value is not None]:
        said = ", ".join(str(value).lower() if isinstance(value, bool) else str(value) for value in others)
        out["description"] = f"{text(out.get('description'))} One of: {said}.".strip()


def _bounds(schema: Mapping[str, Any], kind: str, out: Schema) -> None:
    """Exclusive bounds as the nearest inclusive ones."""
    for exclusive, inclusive, step in (("exclusiveMinimum", "minimum", 1), ("exclusiveMaximum", "maximum", -1)):
        bound = schema.get(exclusive)
        if isinstance(bound, int | float) and not isinstance(bound, bool):
            out.setdefault(inclusive, bound + step if kind == "integer" else bound)
