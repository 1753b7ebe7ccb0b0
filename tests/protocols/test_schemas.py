"""Tool schemas, as each provider takes them, held against the official types."""

from __future__ import annotations

from typing import Any

import pytest
from google.genai import types as google
from hypothesis import given, settings
from hypothesis import strategies as st

from routerterm.protocols.schemas import gemini_schema, inlined, is_recursive, object_schema

NESTED: dict[str, Any] = {
    "$defs": {"Step": {"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]}},
    "type": "object",
    "properties": {
        "step": {"$ref": "#/$defs/Step", "description": "The step."},
        "const": {"const": "only"},
        "level": {"type": ["integer", "null"], "exclusiveMinimum": 0, "exclusiveMaximum": 10},
        "size": {"enum": [1, 2]},
        "either": {"oneOf": [{"type": "string", "format": "uri"}, {"type": "array", "items": {"type": "number"}}]},
        "pair": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}]},
        "all": {"allOf": [{"$ref": "#/$defs/Step"}, {"properties": {"more": {"type": "boolean"}}}]},
        "free": True,
        "map": {"type": "object", "additionalProperties": {"type": "string"}},
        "list": {"type": "array"},
    },
    "required": ["step", "const", "gone"],
    "additionalProperties": False,
    "$schema": "https://json-schema.org/draft/2020-12/schema",
}


def strict(schema: dict[str, Any]) -> None:
    """Google's own type, which refuses words that it does not know."""
    google.Schema.model_validate(schema)


def test_gemini_gets_every_property_in_words_that_it_knows() -> None:
    made = gemini_schema(NESTED)
    strict(made)
    properties = made["properties"]
    assert list(properties) == list(NESTED["properties"])
    assert made["required"] == ["step", "const"]
    assert properties["step"] == {
        "description": "The step.",
        "type": "object",
        "properties": {"title": {"type": "string"}},
        "required": ["title"],
    }
    assert properties["const"] == {"type": "string", "enum": ["only"]}
    assert properties["level"] == {"nullable": True, "type": "integer", "minimum": 1, "maximum": 9}
    assert properties["size"] == {"type": "integer", "description": "One of: 1, 2."}
    assert [branch["type"] for branch in properties["either"]["anyOf"]] == ["string", "array"]
    assert set(properties["all"]["properties"]) == {"title", "more"}
    assert properties["list"]["items"]


def test_a_schema_that_holds_itself_ends() -> None:
    tree = {
        "$defs": {"Node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}},
        "properties": {"root": {"$ref": "#/$defs/Node"}},
    }
    assert is_recursive(tree)
    assert not is_recursive(NESTED)
    strict(gemini_schema(tree))
    assert "$ref" not in str(inlined(tree))


@pytest.mark.parametrize(
    "schema", [{}, {"properties": {"a": {}}}, {"type": "null"}, {"type": "object", "required": "a"}]
)
def test_every_tool_has_an_object_at_least(schema: dict[str, Any]) -> None:
    made = object_schema(schema)
    assert made["type"] == "object"
    assert list(made["properties"]) == list(schema.get("properties", {}))


def test_a_union_at_the_top_becomes_one_object() -> None:
    schema = {
        "anyOf": [
            {"properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "required": ["a", "b"]},
            {"properties": {"a": {"type": "string"}}, "required": ["a"]},
        ]
    }
    assert object_schema(schema) == {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
        "required": ["a"],
    }


words = st.sampled_from(
    [
        "type",
        "title",
        "properties",
        "items",
        "enum",
        "const",
        "$ref",
        "anyOf",
        "oneOf",
        "allOf",
        "required",
        "format",
        "default",
        "minimum",
        "$defs",
    ]
)
values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-5, 5), st.sampled_from(("string", "object", "array", "#/$defs/x"))
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=4)),
    max_leaves=20,
)


@given(st.dictionaries(words, values, max_size=5))
@settings(max_examples=120)
def test_no_schema_is_too_odd(schema: dict[str, Any]) -> None:
    assert object_schema(schema)["type"] == "object"
    inlined(schema)
    is_recursive(schema)
    gemini_schema(object_schema(schema))


def _naming_each_other(count: int) -> dict[str, Any]:
    """Definitions of which each has properties that are all the others: copied out, they grow beyond all bounds."""
    names = [f"D{number}" for number in range(count)]
    inner = {f"to_{name}": {"$ref": f"#/$defs/{name}"} for name in names}
    definitions = {name: {"type": "object", "properties": inner} for name in names}
    return {"type": "object", "properties": {"first": {"$ref": "#/$defs/D0"}}, "$defs": definitions}


def _doubling(levels: int) -> dict[str, Any]:
    """Definitions that name the next one twice, without a circle."""
    definitions: dict[str, Any] = {
        f"D{level}": {"properties": {side: {"$ref": f"#/$defs/D{level + 1}"} for side in ("left", "right")}}
        for level in range(levels)
    }
    return {"properties": {"top": {"$ref": "#/$defs/D0"}}, "$defs": definitions}


ITSELF_TWICE = {"anyOf": [{"$ref": "#"}, {"$ref": "#"}], "allOf": [{"$ref": "#"}], "properties": {"a": {}}}


@pytest.mark.parametrize("schema", [_naming_each_other(14), _doubling(60), ITSELF_TWICE])
def test_a_small_schema_stays_small_however_its_references_multiply(schema: dict[str, Any]) -> None:
    for made in (object_schema(schema), inlined(schema), gemini_schema(object_schema(schema))):
        assert made["properties"]
        assert len(str(made)) < 300_000
    strict(gemini_schema(object_schema(schema)))
    is_recursive(schema)


def test_of_definitions_that_are_too_many_each_property_is_told_to_the_same_depth() -> None:
    made = inlined(_naming_each_other(10))["properties"]["first"]["properties"]
    assert all(inner["properties"] for name, inner in made.items() if name != "to_D0")


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        (
            {"properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}
            | {"anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
            {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}},
        ),
        (
            {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
            | {"oneOf": [{"properties": {"b": {"type": "integer"}}, "required": ["b"]}, {"type": "null"}]},
            {"nullable": True, "type": "object", "required": ["a"]}
            | {"properties": {"b": {"type": "integer"}, "a": {"type": "string"}}},
        ),
        ({"type": "integer", "anyOf": [{"minimum": 5}, {"maximum": 2}]}, {"type": "integer"}),
        (
            {"type": "array", "items": {"type": "number"}, "oneOf": [{"minItems": 1}, {"maxItems": 0}]},
            {"type": "array", "items": {"type": "number"}},
        ),
        ({"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}, {"type": "object"}),
        (
            {"type": "number", "anyOf": [{"enum": [1, 2]}, {"type": "integer"}]},
            {"anyOf": [{"description": "One of: 1, 2.", "type": "number"}, {"type": "integer"}]},
        ),
    ],
)
def test_gemini_keeps_what_a_schema_says_beside_a_union(schema: dict[str, Any], told: dict[str, Any]) -> None:
    made = gemini_schema({"properties": {"value": schema}})
    strict(made)
    assert made["properties"]["value"] == told


@given(st.recursive(values, lambda inner: st.lists(inner, max_size=2), max_leaves=6))
@settings(max_examples=120)
def test_whatever_stands_under_a_word_is_told_in_kinds_that_gemini_takes(value: Any) -> None:
    kept = ("title", "pattern", "nullable", "propertyOrdering", "minItems", "maximum", "required", "enum", "anyOf")
    strict(gemini_schema({"properties": {"a": dict.fromkeys(kept, value)}, "required": value}))
