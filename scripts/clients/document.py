"""Holds a gateway's answers against OpenAI's published document (openapi.json of github.com/openai/openai-openapi).

Every kind of answer that the gateway gives in OpenAI's protocols is asked for, whole and in pieces; each object and
each event must be valid.  ``nullable``, a word of OpenAPI 3.0 that the document still uses, lets null be valid.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

HI = [{"role": "user", "content": "Hi"}]
NUMBERS = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False}
FUNCTION = {"type": "function", "function": {"name": "add", "parameters": NUMBERS}}
TOOL = {"type": "function", "name": "add", "parameters": NUMBERS}
SHAPE = {"type": "json_schema", "name": "n", "schema": NUMBERS}
CHATS: tuple[dict[str, Any], ...] = (
    {},
    {"tools": [FUNCTION]},
    {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": NUMBERS}}},
    {"n": 2},
    {"stop": ["x"], "temperature": 0.5, "seed": 1, "user": "me"},
)
RESPONSES: tuple[dict[str, Any], ...] = (
    {},
    {"tools": [TOOL]},
    {"text": {"format": SHAPE}},
    {"instructions": "Be brief.", "reasoning": {"effort": "low"}, "metadata": {"a": "b"}, "user": "me"},
    {"tools": [TOOL, {"type": "web_search"}, {"type": "custom", "name": "patch"}], "tool_choice": "auto"},
)


class Checker:
    """Counts what is valid, and keeps what is not in words."""

    def __init__(self, document: Path) -> None:
        found = _with_nulls(json.loads(document.read_text(encoding="utf-8")))
        whole = Resource.from_contents(found, default_specification=DRAFT202012)
        self._registry: Registry[Any] = Registry().with_resource("urn:openai", whole)
        self.valid = 0
        self.wrong: list[str] = []

    def look(self, what: str, schema: str, value: Any) -> None:
        """One object by the name of its schema."""
        place = {"$ref": f"urn:openai#/components/schemas/{schema}"}
        error = best_match(Draft202012Validator(place, registry=self._registry).iter_errors(value))
        if error is None:
            self.valid += 1
        else:
            self.wrong.append(f"{what} ({schema}): {list(error.absolute_path)} {error.message[:200]}")


def _with_nulls(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_nulls(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    made = {name: _with_nulls(inner) for name, inner in value.items()}
    return {"anyOf": [made, {"type": "null"}]} if made.pop("nullable", None) is True else made


def checked(document: Path, url: str, key: str, model: str) -> Checker:
    """All answers of this gateway."""
    checker = Checker(document)
    with httpx.Client(base_url=f"{url}/v1", headers={"authorization": f"Bearer {key}"}, timeout=60) as http:
        for more in CHATS:
            asked = {"model": model, "messages": HI, **more}
            checker.look("chat", "CreateChatCompletionResponse", _answer(http, "/chat/completions", asked))
            for event in _events(http, "/chat/completions", asked | {"stream_options": {"include_usage": True}}):
                checker.look("chat in pieces", "CreateChatCompletionStreamResponse", event)
        for more in RESPONSES:
            _look_at_responses(checker, http, {"model": model, "input": "Hi", **more})
        completion = _answer(http, "/completions", {"model": model, "prompt": "Hi"})
        checker.look("completion", "CreateCompletionResponse", completion)
        counted = _answer(http, "/responses/input_tokens", {"model": model, "input": "Hi"})
        checker.look("tokens", "TokenCountsResource", counted)
        checker.look("models", "ListModelsResponse", http.get("/models").json())
        checker.look("a model", "Model", http.get(f"/models/{model}").json())
        broken = model.partition("/")[0] + "/broken"
        for path in ("/chat/completions", "/responses", "/embeddings", "/completions", "/nothing"):
            for asked in ({}, {"model": "nobody", "messages": HI, "input": "Hi", "prompt": "Hi"}, {"model": broken}):
                checker.look(f"error of {path}", "ErrorResponse", http.post(path, json=asked).json())
    return checker


def _look_at_responses(checker: Checker, http: httpx.Client, asked: dict[str, Any]) -> None:
    made = _answer(http, "/responses", asked)
    checker.look("response", "Response", made)
    checker.look("response again", "Response", http.get(f"/responses/{made['id']}").json())
    checker.look("input items", "ResponseItemList", http.get(f"/responses/{made['id']}/input_items").json())
    for event in _events(http, "/responses", asked):
        checker.look(f"event {event['type']}", "ResponseStreamEvent", event)


def _answer(http: httpx.Client, path: str, asked: dict[str, Any]) -> Any:
    reply = http.post(path, json=asked)
    reply.raise_for_status()
    return reply.json()


def _events(http: httpx.Client, path: str, asked: dict[str, Any]) -> Iterator[Any]:
    reply = http.post(path, json=asked | {"stream": True})
    reply.raise_for_status()
    for line in reply.text.splitlines():
        if line.startswith("data: {"):
            yield json.loads(line[6:])
