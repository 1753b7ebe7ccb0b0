"""Reads requests of clients that speak Gemini's API."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from routerterm.core.errors import BadRequest
from routerterm.core.messages import Image, Message, Part, Reasoning, Text, ToolCall, ToolResult
from routerterm.core.request import ChatRequest, Effort, HostedTool, JsonAnswer, Params, Tool
from routerterm.protocols.fields import beyond, carried, names
from routerterm.protocols.gemini.decode import FAMILY, STEP
from routerterm.protocols.hosted_steps import write_step
from routerterm.protocols.json_utils import dumps, listing, mapping, objects, text
from routerterm.protocols.pairing import paired
from routerterm.protocols.server_base import (
    ServerRequest,
    answerable,
    effort_of,
    image,
    number,
    parts_of,
    picture,
    read_object,
    required_list,
    whole,
    words,
)
from routerterm.protocols.signature_scope import sign_scope

_UNDERSCORE = re.compile(r"(?<=[a-z])_([a-z])")
_LEVELS: Mapping[str, Effort] = {"minimal": "low", "low": "low", "medium": "medium", "high": "high"}


def decode_request(body: bytes, *, model: str = "", stream: bool = False) -> ServerRequest:
    """The request of a client; model and streaming stand in its address.  Raises `BadRequest`."""
    payload = _camel(read_object(body))
    config = _spelled_out(_camel(payload.get("generationConfig")))
    _refuse(config)
    tools, choice = _tools(payload.get("tools")), _choice(payload)
    request = ChatRequest(
        model.removeprefix("models/"),
        paired(_message(item) for item in _contents(payload)),
        system=_system(payload.get("systemInstruction")),
        params=_params(config, payload),
        tools=tuple(tool for tool in tools if tool.name in choice[1]) if choice[1] else tools,
        hosted=tuple(
            HostedTool("gemini", {name: item[name]})
            for item in map(_camel, parts_of(payload.get("tools")))
            for name in item
            if name != "functionDeclarations"
        ),
        tool_choice=choice[0],
        json=_format(config),
        client="gateway",
    )
    return ServerRequest(answerable(request), stream)


def _camel(value: Any) -> Mapping[str, Any]:
    """An object's fields in the one spelling; Google's servers take ``inline_data`` for ``inlineData`` too."""
    return {_UNDERSCORE.sub(lambda match: match[1].upper(), name): inner for name, inner in mapping(value).items()}


def _refuse(config: Mapping[str, Any]) -> None:
    """What we cannot do is said, not silently left out."""
    if config.get("candidateCount") not in (None, 1):
        raise BadRequest("Only one answer per request is supported (candidateCount must be 1).")
    if text(config.get("responseMimeType")) not in ("", "text/plain", "application/json"):
        raise BadRequest("responseMimeType can be text/plain or application/json.")
    if any(str(kind).upper() != "TEXT" for kind in listing(config.get("responseModalities"))):
        raise BadRequest("Answers other than text are not supported.")


def _format(config: Mapping[str, Any]) -> JsonAnswer | None:
    """JSON, by a schema where one is given."""
    if text(config.get("responseMimeType")) != "application/json":
        return None
    schema = config.get("responseJsonSchema") or _schema(config.get("responseSchema"))
    return JsonAnswer(schema) if isinstance(schema, Mapping) else JsonAnswer()


def _message(item: Mapping[str, Any]) -> Message:
    role = text(item.get("role")) or "user"
    if role not in ("user", "model", "function"):
        raise BadRequest(f"A message has the unknown role {role[:40]!r}.")
    return Message("assistant" if role == "model" else "user", tuple(_parts(parts_of(item.get("parts")))))


def _parts(parts: list[Mapping[str, Any]]) -> Iterator[Part]:
    for part in map(_camel, parts):
        signature = sign_scope(FAMILY, text(part.get("thoughtSignature")))
        inline, place = _camel(part.get("inlineData")), _camel(part.get("fileData"))
        call, result = mapping(part.get("functionCall")), mapping(part.get("functionResponse"))
        if call:
            arguments = dumps(mapping(call.get("args"))).decode("utf-8")
            yield ToolCall(text(call.get("id")), text(call.get("name")), arguments, signature)
        elif result:
            yield _result(result)
        elif inline or place:
            yield _picture(inline, place)
        elif part.get("thought") is True:
            yield Reasoning(text(part.get("text")), signature)
        elif isinstance(part.get("text"), str):
            yield Text(part["text"])
        elif "executableCode" in part or "codeExecutionResult" in part:
            yield Reasoning("", redacted=write_step(STEP, part))
        else:
            names = ", ".join(sorted(str(name)[:40] for name in part)) or "none"
            raise BadRequest(f"Message parts with these fields are not supported: {names}.")


def _result(result: Mapping[str, Any]) -> ToolResult:
    """What a function gave: its one value where that is text, else all of it as JSON."""
    response = mapping(result.get("response"))
    values = [response.get(name) for name in ("result", "output", "error") if name in response]
    said = values[0] if len(response) == 1 and values and isinstance(values[0], str) else None
    spoken = dumps(response).decode("utf-8") if said is None else said
    return ToolResult(text(result.get("id")), spoken, text(result.get("name")), is_error="error" in response)


def _picture(inline: Mapping[str, Any], place: Mapping[str, Any]) -> Image:
    media_type = text((inline or place).get("mimeType"))
    if media_type and not media_type.startswith("image/"):
        raise BadRequest(f"Files of type {media_type[:40]!r} are not supported.")
    if inline:
        return picture(media_type, text(inline.get("data")))
    return image(text(place.get("fileUri")))


def _system(system: Any) -> str | None:
    parts = parts_of(system if isinstance(system, str) else mapping(system).get("parts"))
    return "\n\n".join(text(part.get("text")) for part in parts) or None


def _contents(payload: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The turns; Google's servers, and its own examples, take one thing where a list is meant.  Raises `BadRequest`."""
    given = payload.get("contents")
    return objects(required_list({"contents": [given] if isinstance(given, dict) else given}, "contents"))


def _spelled_out(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The settings with numbers as numbers; the JSON of Google's servers may have them as text."""
    return {name: _as_number(value) if name in _NUMBERS else value for name, value in config.items()}


def _as_number(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return int(value) if value.lstrip("+-").isdecimal() else float(value)
    except ValueError:  # told where it is read
        return value


_NUMBERS = names(
    "temperature topP topK maxOutputTokens seed candidateCount presencePenalty frequencyPenalty logprobs thinkingBudget"
)


def _tools(given: Any) -> tuple[Tool, ...]:
    out: list[Tool] = []
    for item in map(_camel, parts_of(given)):
        for function in map(_camel, objects(item.get("functionDeclarations"))):
            name = text(function.get("name"))
            if not name:
                raise BadRequest("A function has no `name`.")
            schema = function.get("parametersJsonSchema") or _schema(mapping(function.get("parameters")))
            more = beyond("gemini", function, _FUNCTION)
            out.append(Tool(name, text(function.get("description")), mapping(schema), more=more))
    return tuple(out)


_FUNCTION = names("name description parameters parametersJsonSchema")


def _schema(value: Any) -> Any:
    """Gemini writes the names of types in capitals; everybody else does not."""
    if isinstance(value, Mapping):
        return {
            name: inner.lower() if name == "type" and isinstance(inner, str) else _schema(inner)
            for name, inner in value.items()
        }
    return [_schema(item) for item in value] if isinstance(value, list) else value


def _choice(payload: Mapping[str, Any]) -> tuple[str | None, frozenset[str]]:
    """How tools are to be chosen, and of which alone."""
    config = _camel(_camel(payload.get("toolConfig")).get("functionCallingConfig"))
    names = [name for name in listing(config.get("allowedFunctionNames")) if isinstance(name, str)]
    match text(config.get("mode")).upper():
        case "NONE":
            return "none", frozenset()
        case "ANY" if len(names) == 1:
            return names[0], frozenset()
        case "ANY":
            return "required", frozenset(names)
        case "AUTO":
            return "auto", frozenset()
        case _:
            return None, frozenset()


def _params(config: Mapping[str, Any], payload: Mapping[str, Any]) -> Params:
    return Params(
        temperature=number(config, "temperature"),
        top_p=number(config, "topP"),
        max_output=whole(config, "maxOutputTokens"),
        effort=_effort(_camel(config.get("thinkingConfig"))),
        stop=words(config.get("stopSequences")),
        seed=whole(config, "seed"),
        more=carried("gemini", config) | carried("gemini request", {**payload, "toolConfig": _more_config(payload)}),
    )


def _more_config(payload: Mapping[str, Any]) -> dict[str, Any] | None:
    """What is said of tools beyond the choice among them: kept for Google's own models."""
    given = _camel(payload.get("toolConfig"))
    mode = text(_camel(given.get("functionCallingConfig")).get("mode")).upper()
    return {
        name: value for name, value in given.items() if name != "functionCallingConfig" or mode not in _CHOICES
    } or None


_CHOICES = ("", "NONE", "ANY", "AUTO")


def _effort(thinking: Mapping[str, Any]) -> Effort | None:
    """How long to think, said in words or as a number of tokens; -1 leaves it to the model."""
    if level := _LEVELS.get(text(thinking.get("thinkingLevel")).lower()):
        return level
    budget = whole(_spelled_out(thinking), "thinkingBudget")
    if budget is None or budget < 0:
        return None
    return effort_of(budget)
