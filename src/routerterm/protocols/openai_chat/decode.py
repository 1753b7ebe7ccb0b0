"""Reads answers of Chat Completions: streamed chunks and whole ones, in every accent met in the wild."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from routerterm.core.errors import InvalidResponse
from routerterm.protocols.classify import classify
from routerterm.protocols.event_builder import EventBuilder, finish
from routerterm.protocols.json_utils import amount, is_object, listing, mapping, objects, text
from routerterm.protocols.openai_chat.usage import read_usage
from routerterm.protocols.signature_scope import sign_scope

_COUNTED = ("usage", "x_groq", "cost")
"""Where counts stand; a choice's own stand with its finish."""


class _Words(Struct):
    text: str = ""


class _QuickText(Struct, tag_field="type", tag="text"):
    text: str


class _QuickThought(Struct, tag_field="type", tag="thinking"):
    thinking: str | tuple[_Words, ...]


class _QuickDelta(Struct):
    """A delta that is text or thoughts alone: whatever else is read of one must be absent or null."""

    content: str | tuple[_QuickText | _QuickThought, ...] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: None = None
    refusal: None = None
    tool_calls: None = None
    function_call: None = None
    annotations: None = None


class _QuickChoice(Struct):
    delta: _QuickDelta
    index: Literal[0] = 0
    finish_reason: Literal[""] | None = None
    error: None = None
    logprobs: None = None


class _QuickChunk(Struct):
    """A chunk of text in the middle of an answer, which nearly all are."""

    choices: tuple[_QuickChoice]
    usage: None = None
    error: None = None
    citations: None = None
    search_results: None = None
    x_groq: None = None
    cost: None = None


_quick = msgspec.json.Decoder(_QuickChunk).decode


class ChatDecoder:
    """Fulfils `stream.Reader` for one answer."""

    def __init__(self, family: str = "openrouter") -> None:
        self._family = family
        """Whose the seals on its thoughts are."""
        self._calls = CallIndex()
        self._arguments: dict[int, list[str]] = {}
        self._names: dict[int, str] = {}
        self._usage: Mapping[str, Any] | None = None
        self._tier = ""
        self._searches = 0
        """Of the web, made by the provider."""
        self._cost: Decimal | None = None

    def quick(self, data: bytes, emit: EventBuilder) -> bool:
        """Take a chunk that is text or thoughts alone."""
        try:
            delta = _quick(data).choices[0].delta
        except (msgspec.DecodeError, ValueError, RecursionError):
            return False
        if thoughts := delta.reasoning_content or delta.reasoning:
            emit.reasoning(thoughts)
        content = delta.content
        if isinstance(content, str):
            emit.text(content)
        else:
            for part in content or ():
                if isinstance(part, _QuickText):
                    emit.text(part.text)
                elif isinstance(part.thinking, str):
                    emit.reasoning(part.thinking)
                else:
                    emit.reasoning("".join([words.text for words in part.thinking]))
        return True

    def on(self, name: str, payload: Mapping[str, Any], emit: EventBuilder) -> None:
        """One chunk."""
        if (error := payload.get("error")) or name == "error" or payload.get("object") == "error":
            emit.fail(classify(200, {}, payload if error or "message" in payload else {"error": payload}))
            return
        self._chunk(payload, emit, "delta", "message")

    def body(self, payload: Mapping[str, Any], emit: EventBuilder) -> None:
        """A whole answer."""
        choices = payload.get("choices")
        if isinstance(choices, list) and not payload.get("error"):
            self._chunk(payload, emit, "message", "delta")
            if emit.spoke and not emit.broken:
                emit.stop()  # a body that came whole is whole, also without a reason (Snowflake)
        elif payload.get("error") or any(payload.get(field) for field in ("message", "detail", "errors", "object")):
            emit.fail(classify(200, {}, payload))
        else:
            emit.fail(InvalidResponse("The provider's answer has no choices."))

    def done(self, emit: EventBuilder) -> None:
        """``[DONE]`` without a finish reason: whole, if there is anything."""
        if emit.spoke or emit.is_finishing:
            emit.stop()

    def end(self, emit: EventBuilder) -> None:
        """Nothing is held back here."""

    def _chunk(self, payload: Mapping[str, Any], emit: EventBuilder, first: str, second: str) -> None:
        """One chunk; ``first`` and ``second`` are the fields that may hold what is said (Perplexity sends both)."""
        finished = sequence = ""
        for choice in objects(payload.get("choices")):
            if choice.get("index"):
                continue  # a second answer to the same question (n > 1): we never ask for one
            delta = choice.get(first)
            if not isinstance(delta, dict) and not emit.spoke:
                delta = choice.get(second)
            if delta and isinstance(delta, dict):
                self._speak(delta, emit)
            if scores := mapping(choice.get("logprobs")).get("content"):
                emit.scores(objects(scores))
            if isinstance(choice.get("error"), dict):
                emit.fail(classify(200, {}, choice))
            finished = text(choice.get("finish_reason")) or finished
            sequence = text(choice.get("stop_reason")) or sequence  # vLLM's: the stop string that ended it
        if payload.get("citations") or payload.get("search_results"):
            _cite(payload, emit)
        if finished or not payload.keys().isdisjoint(_COUNTED):
            self._count(payload, emit)
        if finished:
            finish(finished, emit, sequence or None)

    def _speak(self, delta: Mapping[str, Any], emit: EventBuilder) -> None:
        """One delta, or one whole message: they have the same fields."""
        thoughts = delta.get("reasoning_content") or delta.get("reasoning")
        if thoughts and isinstance(thoughts, str):
            emit.reasoning(thoughts)
        if details := delta.get("reasoning_details"):
            self._details(objects(details), emit, spoken=bool(thoughts))
        content = delta.get("content")
        if content:
            if isinstance(content, str):
                emit.text(content)
            else:
                _parts(objects(content), emit)
        if refusal := delta.get("refusal"):
            emit.refusal(text(refusal))
        if calls := delta.get("tool_calls"):
            for call in objects(calls):
                self._call(call, mapping(call.get("function")), emit)
        if function := delta.get("function_call"):
            self._call({"index": 0}, mapping(function), emit)
        self._searches = max(self._searches, len(objects(delta.get("executed_tools"))))  # Groq's
        if notes := delta.get("annotations"):
            self._searches = max(self._searches, 1)
            for note in objects(notes):
                source = mapping(note.get("url_citation"))
                emit.cite(text(source.get("title")), text(source.get("url")))

    def _details(self, details: list[Mapping[str, Any]], emit: EventBuilder, *, spoken: bool) -> None:
        """OpenRouter's reasoning in detail: its text often repeats the plain field, its seals are only here."""
        for detail in details:
            words = "" if spoken else text(detail.get("text")) or text(detail.get("summary"))
            signature, data = sign_scope(self._family, text(detail.get("signature"))), text(detail.get("data"))
            emit.reasoning(words, signature, sign_scope(self._family, data))

    def _call(self, call: Mapping[str, Any], function: Mapping[str, Any], emit: EventBuilder) -> None:
        id, name = text(call.get("id")), text(function.get("name"))
        arguments = function.get("arguments")
        if isinstance(arguments, dict | list):  # servers that send the object itself
            arguments = json.dumps(arguments, ensure_ascii=False)
        google = mapping(mapping(call.get("extra_content")).get("google"))
        index, arguments = self._calls.place(call.get("index"), id, name), text(arguments)
        if arguments[:1] == "{" and not id and (begun := "".join(self._arguments.get(index, ()))):
            if arguments == begun:
                return  # the whole arguments sent once more, as some servers do with the finish
            if is_object(begun):  # a second call on the index of the first, without an id to tell it by
                name = name or self._names.get(index, "")
                index = self._calls.another(call.get("index"))
        if arguments:
            self._arguments.setdefault(index, []).append(arguments)
        if name:
            self._names.setdefault(index, name)
        emit.call(index, id, name, arguments, sign_scope("gemini", text(google.get("thought_signature"))))

    def _count(self, payload: Mapping[str, Any], emit: EventBuilder) -> None:
        """Usage stands in the chunk, in Groq's own corner, or on the choice (Moonshot); the last one holds."""
        self._tier = text(payload.get("service_tier")) or self._tier
        usage = payload.get("usage")
        if not usage:
            usage = mapping(payload.get("x_groq")).get("usage")
        if not usage and (choices := listing(payload.get("choices"))):
            usage = mapping(choices[0]).get("usage")
        cost = amount(mapping(payload.get("cost")).get("usd")) if "cost" in payload else None
        if cost is not None:
            self._cost = cost
        if isinstance(usage, dict) and usage:
            self._usage = usage
        if self._usage is not None and (usage or cost is not None):
            counted = read_usage(self._usage, self._cost, self._tier)
            emit.usage(replace(counted, searches=self._searches) if self._searches else counted)


def _parts(parts: list[Mapping[str, Any]], emit: EventBuilder) -> None:
    """Content as a list (Mistral): text, thinking, references."""
    for part in parts:
        match part.get("type"):
            case "text" | "output_text" | None:
                emit.text(text(part.get("text")))
            case "thinking":
                inner = part.get("thinking")
                words = inner if isinstance(inner, str) else "".join(text(item.get("text")) for item in objects(inner))
                emit.reasoning(words)
            case "refusal":
                emit.refusal(text(part.get("refusal")))
            case _:
                pass


def _cite(payload: Mapping[str, Any], emit: EventBuilder) -> None:
    """Perplexity's sources."""
    results = objects(payload.get("search_results"))
    for result in results:
        emit.cite(text(result.get("title")), text(result.get("url")))
    if not results:
        for address in listing(payload.get("citations")):
            emit.cite(text(address))


class CallIndex:
    """Gives every call its number.  A piece belongs to its index, else to its id, else to the last call."""

    def __init__(self) -> None:
        self._by_key: dict[int | str, int] = {}
        self._ids: dict[int, str] = {}
        self._names: set[int] = set()
        self._last = -1
        self._next = 0

    def place(self, index: Any, id: str, name: str) -> int:
        """The number of the call that a piece with these marks belongs to."""
        if isinstance(index, int) and not isinstance(index, bool):
            number = self._by_key.get(index)
            # A server that numbers every parallel call 0 gives itself away by a new id with a new name.
            if number is None or (id and name and self._ids.get(number, id) != id):
                number = self._new()
                self._by_key[index] = number
        elif id and id in self._by_key:
            number = self._by_key[id]
        elif self._last < 0 or id or (name and self._last in self._names):
            number = self._new()
        else:
            number = self._last
        if id:
            self._ids.setdefault(number, id)
            self._by_key.setdefault(id, number)
        if name:
            self._names.add(number)
        self._last = number
        return number

    def another(self, index: Any) -> int:
        """A new call on an index that has one already."""
        number = self._last = self._new()
        if isinstance(index, int) and not isinstance(index, bool):
            self._by_key[index] = number
        return number

    def _new(self) -> int:
        self._next += 1
        return self._next - 1
