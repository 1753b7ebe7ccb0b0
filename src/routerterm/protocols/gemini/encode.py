"""Writes requests of Gemini."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from routerterm.core.messages import Image, Message, Reasoning, Text, ToolCall, ToolResult
from routerterm.core.request import ChatRequest, JsonAnswer, Params, Tool
from routerterm.protocols.fields import written, written_of
from routerterm.protocols.gemini.decode import FAMILY, STEP
from routerterm.protocols.hosted_steps import read_step
from routerterm.protocols.http import given
from routerterm.protocols.images import to_base64, true_type
from routerterm.protocols.normalize_messages import (
    arguments_object,
    begun_by_person,
    call_names,
    conversation,
    merged,
    signed,
)
from routerterm.protocols.schemas import gemini_schema, is_recursive, object_schema
from routerterm.protocols.signature_scope import read_scope
from routerterm.protocols.web_search import GEMINI

_BUDGETS = {"none": 0, "low": 1024, "medium": 8192, "high": 24576}


def request_body(request: ChatRequest, *, model: str, prefill: str) -> dict[str, Any]:
    """The JSON body of a request; the model and the streaming stand in the address."""
    system, history = conversation(request)
    names = call_names(history)
    history = begun_by_person(merged(signed(history, model), {"tool": "user"}))
    contents = [_content(message, names) for message in history]
    if prefill:
        contents.append({"role": "model", "parts": [{"text": prefill}]})
    body: dict[str, Any] = {"contents": [content for content in contents if content["parts"]]}
    if system:
        body["systemInstruction"] = {"parts": [{"text": system}]}
    if config := _config(request.params) | _format(request.json):
        body["generationConfig"] = config
    body |= written("gemini request", request.params)
    if request.tools:
        body["tools"] = [{"functionDeclarations": [_tool(tool) for tool in request.tools]}]
        if request.tool_choice:
            choice = {"functionCallingConfig": _choice(request.tool_choice)}
            body["toolConfig"] = body.get("toolConfig", {}) | choice
    if request.hosted:
        body["tools"] = [*body.get("tools", ()), *(dict(tool.spec) for tool in request.hosted)]
    if request.params.web:
        body["tools"] = [*body.get("tools", ()), dict(GEMINI)]
    return body


def _content(message: Message, names: Mapping[str, str]) -> dict[str, Any]:
    return {"role": "model" if message.role == "assistant" else "user", "parts": list(_parts(message, names))}


def _parts(message: Message, names: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Thoughts are not sent back; the seal on a call is."""
    for part in message.parts:
        match part:
            case Text(text):
                yield {"text": text}
            case Image(url=str() as url):
                yield {"fileData": {"mimeType": part.media_type, "fileUri": url}}
            case Image():
                yield {"inlineData": {"mimeType": true_type(part), "data": to_base64(part)}}
            case Reasoning(_, _, redacted) if step := read_step(STEP, redacted):
                yield step
            case ToolCall(_, name, arguments, signature):
                call = {"functionCall": {"name": name, "args": arguments_object(arguments)}}
                yield call | given(thoughtSignature=read_scope(FAMILY, signature))
            case ToolResult(call_id, text, name, is_error):
                response = {"error" if is_error else "result": text}
                yield {"functionResponse": {"name": name or names.get(call_id, "tool"), "response": response}}
            case _:
                pass


def _tool(tool: Tool) -> dict[str, Any]:
    declaration: dict[str, Any] = {"name": tool.name, "description": tool.description}
    schema = gemini_schema(object_schema(tool.schema))
    if schema.get("properties"):  # an object without any is refused
        declaration["parameters"] = schema
    return declaration | written_of("gemini", tool)


def _format(wanted: JsonAnswer | None) -> dict[str, Any]:
    """A schema that holds itself goes as it is, which only later models take; any other in the words that all know."""
    if wanted is None:
        return {}
    out: dict[str, Any] = {"responseMimeType": "application/json"}
    if wanted.schema is None:
        return out
    schema = dict(wanted.schema)
    if is_recursive(schema):
        return out | {"responseJsonSchema": schema}
    return out | {"responseSchema": gemini_schema(schema)}


def _choice(choice: str) -> dict[str, Any]:
    match choice:
        case "auto":
            return {"mode": "AUTO"}
        case "none":
            return {"mode": "NONE"}
        case "required":
            return {"mode": "ANY"}
        case name:
            return {"mode": "ANY", "allowedFunctionNames": [name]}


def _config(params: Params) -> dict[str, Any]:
    out = given(
        temperature=params.temperature,
        topP=params.top_p,
        maxOutputTokens=params.max_output,
        stopSequences=list(params.stop) or None,
        seed=params.seed,
    )
    out |= written("gemini", params)  # with the thoughts as a client of Google's asked for them
    if params.effort is not None and "thinkingConfig" not in out:
        out["thinkingConfig"] = {"thinkingBudget": _BUDGETS[params.effort], "includeThoughts": params.effort != "none"}
    return out
