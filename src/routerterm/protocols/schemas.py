"""Tool schemas (JSON Schema) in the least form that each provider takes.

A schema is rewritten by position: a word is a keyword only where keywords stand, so that a property may be called
``title``, ``definitions`` or ``const``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from routerterm.protocols.json_utils import EMPTY, listing, mapping, objects, text

Schema = dict[str, Any]
_DEEPEST = 40
"""Levels of nesting that are followed; what lies deeper is any object."""
_UNIONS = ("anyOf", "oneOf")
_FORMATS = frozenset({"enum", "date-time", "float", "double", "int32", "int64"})
_KEPT = (
    *("title", "description", "nullable", "default", "example", "propertyOrdering", "pattern"),
    *("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties", "minimum", "maximum"),
)
"""Gemini's words that mean the same in JSON Schema (google.genai.types.Schema)."""


def object_schema(schema: Mapping[str, Any]) -> Schema:
    """The schema of a tool's arguments as every provider wants it at least: an object, without a union at its top."""
    return _object_schema(schema, schema, 0)


def _object_schema(schema: Mapping[str, Any], root: Mapping[str, Any], depth: int) -> Schema:
    out = dict(schema)
    if reference := text(out.pop("$ref", "")):
        target = _target(root, reference)
        out = {**(_object_schema(target, root, depth + 1) if depth < _DEEPEST else {}), **out}
    properties: Schema = dict(mapping(out.get("properties")))
    required = [name for name in listing(out.get("required")) if isinstance(name, str)]
    for branch in objects(out.pop("allOf", None)):
        part = _object_schema(branch, root, depth + 1) if depth < _DEEPEST else {}
        properties = {**mapping(part.get("properties")), **properties}
        required += [name for name in listing(part.get("required")) if name not in required]
    for word in _UNIONS:
        branches = objects(out.pop(word, None))
        parts = [_object_schema(branch, root, depth + 1) for branch in branches] if depth < _DEEPEST else []
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
    out: Schema = _inlined(whole, whole, ())
    out.pop("$defs", None)
    out.pop("definitions", None)
    return out


def _inlined(value: Any, root: Mapping[str, Any], inside: tuple[str, ...]) -> Any:
    if isinstance(value, list):
        return [_inlined(item, root, inside) for item in value]
    if not isinstance(value, dict) or len(inside) > _DEEPEST:
        return value if not isinstance(value, dict) else {"type": "object"}
    if reference := text(value.get("$ref")):
        if reference in inside:
            return {"type": "object"}  # a schema that holds itself: its inner copy is any object
        rest = {name: inner for name, inner in value.items() if name != "$ref"}
        return _inlined({**_target(root, reference), **rest}, root, (*inside, reference))
    return {
        name: {key: _inlined(one, root, inside) for key, one in inner.items()}
        if name == "properties" and isinstance(inner, dict)
        else _inlined(inner, root, inside)
        for name, inner in value.items()
    }


def is_recursive(schema: Mapping[str, Any]) -> bool:
    """Whether a schema holds itself, which no form without references can say."""
    return any(_cycles(schema, schema, ()))


def _cycles(value: Any, root: Mapping[str, Any], inside: tuple[str, ...]) -> Iterator[bool]:
    if len(inside) > _DEEPEST:
        yield True
    elif isinstance(value, list):
        for item in value:
            yield from _cycles(item, root, inside)
    elif isinstance(value, dict):
        reference = value.get("$ref")
        if isinstance(reference, str):
            if reference in inside:
                yield True
            else:
                yield from _cycles(_target(root, reference), root, (*inside, reference))
        for name, inner in value.items():
            if name not in ("$defs", "definitions"):
                yield from _cycles(inner, root, inside)


def gemini_schema(schema: Mapping[str, Any]) -> Schema:
    """A schema in Gemini's own words.  It refuses every other word, lists of types, and values that are no text."""
    return _Gemini(schema).convert(schema, ())


class _Gemini:
    """Rewrites one schema; ``root`` is where its references lead."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root

    def convert(self, schema: Any, inside: tuple[str, ...]) -> Schema:
        if not isinstance(schema, dict) or len(inside) > _DEEPEST:
            return {"type": "string"} if not isinstance(schema, dict) else {"type": "object"}
        schema, inside = self._resolved(schema, inside)
        out: Schema = {word: schema[word] for word in _KEPT if word in schema}
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

    def _resolved(self, schema: Schema, inside: tuple[str, ...]) -> tuple[Schema, tuple[str, ...]]:
        """The schema with its own reference and its ``allOf`` worked in."""
        while reference := text(schema.get("$ref")):
            rest = {name: value for name, value in schema.items() if name != "$ref"}
            if reference in inside:
                return {"type": "object", **rest}, inside
            inside = (*inside, reference)
            schema = {**_target(self._root, reference), **rest}
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

    def _branches(self, schema: Schema, kinds: list[str], inside: tuple[str, ...], out: Schema) -> Schema | None:
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

    def _properties(self, schema: Schema, inside: tuple[str, ...], out: Schema) -> None:
        properties = mapping(schema.get("properties"))
        if properties:
            out["properties"] = {name: self.convert(value, (*inside, "")) for name, value in properties.items()}
        required = [name for name in listing(schema.get("required")) if name in properties]
        if required:
            out["required"] = list(dict.fromkeys(required))

    def _items(self, schema: Schema, inside: tuple[str, ...]) -> Schema:
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


def _types(schema: Mapping[str, Any]) -> tuple[list[str], bool]:
    """The types that a schema allows, and whether null is among them."""
    given = schema.get("type")
    names = [name.lower() for name in (given if isinstance(given, list) else [given]) if isinstance(name, str)]
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
