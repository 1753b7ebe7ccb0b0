"""Answers in JSON: how each protocol says so, and which of them can."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routerterm.core.errors import BadRequest
from routerterm.core.lazy_pattern import LazyPattern
from routerterm.core.request import JsonAnswer
from routerterm.protocols.json_utils import dumps, mapping, text

_NAME = LazyPattern(r"[^A-Za-z0-9_-]")
_CLAUDE_WITHOUT = LazyPattern(r"claude-(2|3|instant|(opus|sonnet)-4(-0)?(-2025\d+)?$)")
"""Anthropic's models from before structured answers (the pattern ends at Sonnet 4.5, Opus 4.1 and Haiku 4.5)."""


def can_answer_in_json(protocol: str, model: str, wanted: JsonAnswer) -> bool:
    """Whether a model of this protocol can be told to answer so: JSON of any shape all can, by a schema most."""
    if protocol in ("anthropic-messages", "anthropic"):
        return wanted.schema is None or _CLAUDE_WITHOUT.match(model) is None
    return True


def chat_format(wanted: JsonAnswer, *, schemas: bool = True) -> dict[str, Any]:
    """``response_format`` of Chat Completions."""
    if wanted.schema is None or not schemas:
        return {"type": "json_object"}
    shape: dict[str, Any] = {"name": wanted.name, "schema": dict(wanted.schema)}
    if wanted.description:
        shape["description"] = wanted.description
    if wanted.strict is not None:
        shape["strict"] = wanted.strict
    return {"type": "json_schema", "json_schema": shape}


def in_words(wanted: JsonAnswer) -> str:
    """For models that only know that it is to be JSON: the shape, said to them."""
    if wanted.schema is None:
        return "Answer with JSON only."
    return f"Answer with JSON only, by this JSON Schema: {dumps(dict(wanted.schema)).decode()}"


def read_chat_format(value: Any) -> JsonAnswer | None:
    """``response_format`` of a client.  Raises `BadRequest`."""
    given = mapping(value)
    match text(given.get("type")):
        case "" | "text":
            return None
        case "json_object":
            return JsonAnswer()
        case "json_schema":
            return read_shape(mapping(given.get("json_schema")))
        case other:
            raise BadRequest(
                f"An answer in the format {other[:40]!r} is not supported; json_object and json_schema are."
            )


def read_shape(shape: Mapping[str, Any]) -> JsonAnswer:
    """A schema with its name, as OpenAI's protocols give it.  Raises `BadRequest`."""
    schema = shape.get("schema")
    if not isinstance(schema, Mapping):
        raise BadRequest("json_schema needs a `schema`.")
    strict = shape.get("strict")
    return JsonAnswer(
        schema,
        _NAME.sub("_", text(shape.get("name")))[:64] or "answer",
        text(shape.get("description")),
        strict if isinstance(strict, bool) else None,
    )
