"""Reads the prompts and the reported token counts out of recorded provider traffic.

A recording is left out, with the reason, where the prompt is not all in the request: a stored conversation, a tool
that the provider runs itself, a file that it keeps.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from routerterm.core.messages import Image, Message, Part, Reasoning, Role, Text, ToolCall, ToolResult
from routerterm.core.request import ChatRequest, Params, Tool

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RecordedPrompt:
    """A request that a provider counted."""

    name: str
    provider: str
    wire: str
    model: str
    request: ChatRequest
    reported: int
    """All tokens of the prompt, cached ones included."""
    output_text: str = ""
    output: int = 0
    """Tokens of the visible answer where nothing else was in it, else 0."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A recording that no count of the request can match, and why."""

    name: str
    provider: str
    reason: str


class _NotInBody(Exception):
    """Part of the prompt is not in the request."""


def corpus() -> Path:
    """Where the recordings are."""
    default = Path(__file__).parents[2] / "shared" / "corpus"
    return Path(os.environ.get("ROUTERTERM_CORPUS", default))


def recorded_prompts(folder: Path | None = None) -> Iterator[RecordedPrompt | LeftOut]:
    """Every chat recording with a request body and a reported prompt count."""
    for path in sorted(((folder or corpus()) / "recordings").glob("*/*.json")):
        recording = json.loads(path.read_text(encoding="utf-8"))
        usage = (recording.get("expected") or {}).get("usage") or {}
        body = (recording.get("request") or {}).get("body")
        if recording["kind"] != "chat" or not isinstance(body, dict) or not usage.get("input"):
            continue
        name, provider, wire = path.name, recording["protocol"], recording["wire"]
        reported = usage["input"]
        if wire == "anthropic-messages":
            reported += (usage.get("cached") or 0) + (usage.get("cache_write") or 0)
        model = body.get("model") or recording["request"]["path"].split("/models/")[-1].partition(":")[0]
        try:
            if recording["request"].get("body_elided"):
                raise _NotInBody("a recording of which parts were cut out")
            request = _READERS[wire](body)
        except _NotInBody as error:
            yield LeftOut(name, provider, str(error))
            continue
        expected = recording["expected"]
        plain = expected.get("text") and not (
            expected.get("tool_calls") or expected.get("reasoning") or usage.get("reasoning")
        )
        yield RecordedPrompt(
            name,
            provider,
            wire,
            model,
            request,
            reported,
            expected["text"] if plain else "",
            usage.get("output") or 0 if plain else 0,
        )


def _request(messages: list[Message], system: str, tools: list[Tool], body: Body) -> ChatRequest:
    params = Params(effort="medium" if (body.get("thinking") or {}).get("type") in ("enabled", "adaptive") else None)
    return ChatRequest("", tuple(messages), system or None, params, tuple(tools), _choice(body))


def _choice(body: Body) -> str | None:
    choice = body.get("tool_choice")
    if isinstance(choice, Mapping):
        kind = choice.get("type")
        name = choice.get("name") or (choice.get("function") or {}).get("name")
        return name or {"any": "required", "auto": None, "none": "none"}.get(kind or "auto", kind)
    return {"any": "required", "auto": None}.get(choice or "auto", choice)


def _function_tools(tools: list[Body] | None) -> list[Tool]:
    found = []
    for tool in tools or ():
        function = tool.get("function", tool)
        if "function" not in tool and tool.get("type") != "function":
            raise _NotInBody(f"the provider's own tool {tool.get('type')}")
        schema = function.get("parameters") or {}
        found.append(Tool(function["name"], function.get("description") or "", schema))
    return found


def _image(url: str) -> Image:
    if url.startswith("data:"):
        head, _, data = url.partition(",")
        return Image(head[5:].partition(";")[0], _picture(data))
    return Image("", url=url)


def _picture(data: str) -> bytes:
    try:
        return base64.b64decode(data.replace("-", "+").replace("_", "/") + "=" * (-len(data) % 4), validate=True)
    except binascii.Error:
        raise _NotInBody("a picture that was not recorded") from None


def _content(content: Any) -> list[Part]:
    if content is None:
        return []
    if isinstance(content, str):
        return [Text(content)]
    parts: list[Part] = []
    for part in content:
        if isinstance(part, str):
            parts.append(Text(part))
            continue
        match part.get("type"):
            case "text" | "input_text" | "output_text":
                parts.append(Text(part["text"]))
            case "image_url":
                url = part["image_url"]
                parts.append(_image(url if isinstance(url, str) else url["url"]))
            case "input_image" if part.get("image_url"):
                parts.append(_image(part["image_url"]))
            case "thinking":
                parts.append(Reasoning("".join(piece.get("text", "") for piece in part["thinking"])))
            case kind:
                raise _NotInBody(f"content of type {kind}")
    return parts


def _chat(body: Body) -> ChatRequest:
    messages: list[Message] = []
    system = ""
    for item in body["messages"]:
        role = item["role"]
        parts = _content(item.get("content"))
        if role in ("system", "developer"):
            system += "".join(part.text for part in parts if isinstance(part, Text))
            continue
        reasoning = item.get("reasoning_content") or item.get("reasoning") or item.get("thinking")
        if isinstance(reasoning, str):
            parts.insert(0, Reasoning(reasoning))
        for url in item.get("images") or ():
            parts.append(Image("image/png", _picture(url)))
        for call in item.get("tool_calls") or ():
            arguments = call["function"]["arguments"]
            text = arguments if isinstance(arguments, str) else json.dumps(arguments)
            parts.append(ToolCall(call.get("id", ""), call["function"]["name"], text))
        if role == "tool":
            text = "".join(part.text for part in parts if isinstance(part, Text))
            parts = [ToolResult(item.get("tool_call_id", ""), text)]
        messages.append(Message(role, tuple(parts)))
    if body.get("response_format") or body.get("format"):
        raise _NotInBody("a response format, which we do not send")
    if body.get("plugins") or body.get("web_search_options"):
        raise _NotInBody("a search by the provider")
    return _request(messages, system, _function_tools(body.get("tools")), body)


def _responses(body: Body) -> ChatRequest:
    if body.get("previous_response_id") or body.get("conversation") or body.get("prompt"):
        raise _NotInBody("a stored conversation")
    if (body.get("text") or {}).get("format", {}).get("type", "text") != "text":
        raise _NotInBody("a response format, which we do not send")
    if isinstance(body.get("input"), str):
        messages, system = [Message.of("user", body["input"])], body.get("instructions") or ""
        return _request(messages, system, _function_tools(body.get("tools")), body)
    messages, system = [], body.get("instructions") or ""
    for item in body["input"]:
        match item.get("type", "message"):
            case "message":
                role: Role = item["role"]
                parts = tuple(_content(item["content"]))
                if role in ("system", "developer"):  # type: ignore[comparison-overlap]
                    system += "".join(part.text for part in parts if isinstance(part, Text))
                else:
                    messages.append(Message(role, parts))
            case "function_call":
                messages.append(Message("assistant", (ToolCall(item["call_id"], item["name"], item["arguments"]),)))
            case "function_call_output":
                output = item["output"]
                text = output if isinstance(output, str) else json.dumps(output)
                messages.append(Message("tool", (ToolResult(item["call_id"], text),)))
            case kind:
                raise _NotInBody(f"an item of type {kind}")
    return _request(messages, system, _function_tools(body.get("tools")), body)


def _anthropic(body: Body) -> ChatRequest:
    system = body.get("system") or ""
    if not isinstance(system, str):
        system = "".join(block["text"] for block in system)
    tools = []
    for tool in body.get("tools") or ():
        if "input_schema" not in tool:
            raise _NotInBody(f"the provider's own tool {tool.get('type')}")
        tools.append(Tool(tool["name"], tool.get("description") or "", tool["input_schema"]))
    if body.get("mcp_servers") or body.get("container") or body.get("context_management"):
        raise _NotInBody("a provider's own service")
    messages = [Message(item["role"], tuple(_blocks(item["content"]))) for item in body["messages"]]
    return _request(messages, system, tools, body)


def _blocks(content: Any) -> Iterator[Part]:
    if isinstance(content, str):
        yield Text(content)
        return
    for block in content:
        match block["type"]:
            case "text":
                yield Text(block["text"])
            case "thinking":
                yield Reasoning(block["thinking"], block.get("signature"))
            case "tool_use":
                yield ToolCall(block["id"], block["name"], json.dumps(block["input"]))
            case "tool_result":
                inner = block.get("content") or ""
                parts = list(_blocks(inner)) if isinstance(inner, list) else [Text(inner)]
                yield ToolResult(block["tool_use_id"], "".join(p.text for p in parts if isinstance(p, Text)))
                yield from (part for part in parts if isinstance(part, Image))
            case "image" if block["source"]["type"] == "base64":
                yield Image(block["source"]["media_type"], _picture(block["source"]["data"]))
            case kind:
                raise _NotInBody(f"a block of type {kind}")


def _gemini(body: Body) -> ChatRequest:
    if body.get("cachedContent"):
        raise _NotInBody("a stored prompt")
    config = body.get("generationConfig") or {}
    if config.get("responseSchema") or config.get("responseJsonSchema"):
        raise _NotInBody("a response format, which we do not send")
    instruction = body.get("systemInstruction") or {}
    system = "".join(part.get("text", "") for part in instruction.get("parts", ()))
    tools = []
    for group in body.get("tools") or ():
        if "functionDeclarations" not in group:
            raise _NotInBody(f"the provider's own tool {next(iter(group), '')}")
        for tool in group["functionDeclarations"]:
            schema = tool.get("parameters") or tool.get("parametersJsonSchema") or {}
            tools.append(Tool(tool["name"], tool.get("description") or "", schema))
    messages = []
    for item in body["contents"]:
        role: Role = "assistant" if item.get("role") == "model" else "user"
        messages.append(Message(role, tuple(_gemini_part(part) for part in item["parts"])))
    return _request(messages, system, tools, body)


def _gemini_part(part: Body) -> Part:
    if "functionCall" in part:
        call = part["functionCall"]
        return ToolCall("", call["name"], json.dumps(call.get("args") or {}), part.get("thoughtSignature"))
    if "functionResponse" in part:
        answer = part["functionResponse"]
        return ToolResult("", json.dumps(answer.get("response")), answer.get("name") or "")
    if "inlineData" in part and part["inlineData"]["mimeType"].startswith("image/"):
        return Image(part["inlineData"]["mimeType"], _picture(part["inlineData"]["data"]))
    if "text" in part:
        return Reasoning(part["text"]) if part.get("thought") else Text(part["text"])
    raise _NotInBody(f"a part with {next(iter(part), 'nothing')}")


_READERS = {
    "openai-chat": _chat,
    "mistral": _chat,
    "ollama-chat": _chat,
    "cohere-v2": _chat,
    "openai-responses": _responses,
    "anthropic-messages": _anthropic,
    "gemini": _gemini,
}
