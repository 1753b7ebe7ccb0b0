"""Reads answers of the Responses API: typed events of a stream, and whole responses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, assert_never

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from routerterm.core.errors import InvalidResponse, ServerError
from routerterm.protocols.classify import classify
from routerterm.protocols.event_builder import EventBuilder, finish
from routerterm.protocols.hosted_steps import write_step
from routerterm.protocols.json_utils import mapping, objects, text
from routerterm.protocols.openai_chat.usage import read_usage
from routerterm.protocols.signature_scope import sign_scope

STEP = "responses-step"
"""How an item is marked that tells what ran at the provider: a search, code and what came of it."""


class _QuickText(Struct, tag_field="type", tag="response.output_text.delta"):
    delta: str
    output_index: int
    logprobs: tuple[()] | None = None


class _QuickSummary(Struct, tag_field="type", tag="response.reasoning_summary_text.delta"):
    delta: str
    output_index: int
    summary_index: int | None = None


class _QuickInput(Struct, tag_field="type", tag="response.function_call_arguments.delta"):
    delta: str
    output_index: int


_quick = msgspec.json.Decoder(_QuickText | _QuickSummary | _QuickInput).decode
"""For the pieces of texts, thoughts and calls, which nearly all events are."""


class ResponsesDecoder:
    """Fulfils `stream.Reader` for one answer.  What a delta said, the ``done`` event does not say again."""

    def __init__(self, family: str) -> None:
        self._family = family
        """Whose the seals on its thoughts are."""
        self._calls: dict[Any, int] = {}
        self._said: set[Any] = set()
        self._searches = 0
        """Of the web, made by the provider."""
        self._silent = True
        """Whether no output item has come by itself: then the last event's list of them counts."""

    def quick(self, data: bytes, emit: EventBuilder) -> bool:
        """Take an event that is a piece of text, of thoughts or of a call."""
        try:
            event = _quick(data)
        except (msgspec.DecodeError, ValueError, RecursionError):
            return False
        match event:
            case _QuickText(delta=words, output_index=place):
                self._said.add(place)
                emit.text(words)
            case _QuickSummary(delta=words, output_index=place, summary_index=number):
                self._think(place, number, words, emit)
            case _QuickInput(delta=words, output_index=place):
                emit.call(self._call(place), arguments=words)
            case _ as never:
                assert_never(never)
        return True

    def on(self, name: str, payload: Mapping[str, Any], emit: EventBuilder) -> None:
        """One event."""
        kind = text(payload.get("type")) or name
        match kind:
            case "response.output_text.delta":
                self._said.add(_place(payload))
                emit.text(text(payload.get("delta")))
                emit.scores(objects(payload.get("logprobs")))
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
                number = payload.get("summary_index")
                self._think(_place(payload), number if isinstance(number, int) else 0, text(payload.get("delta")), emit)
            case "response.refusal.delta":
                self._said.add(_place(payload))
                emit.refusal(text(payload.get("delta")))
            case "response.function_call_arguments.delta":
                emit.call(self._call(_place(payload)), arguments=text(payload.get("delta")))
            case "response.function_call_arguments.done":
                index = self._call(_place(payload))
                if not emit.has_arguments(index):
                    emit.call(index, arguments=text(payload.get("arguments")))
            case "response.output_item.added":
                item = mapping(payload.get("item"))
                if item.get("type") == "function_call":
                    self._function_call(_place(payload), {**item, "arguments": ""}, emit)
            case "response.output_item.done":
                self._item(_place(payload), mapping(payload.get("item")), emit)
            case "response.output_text.annotation.added":
                note = mapping(payload.get("annotation"))
                emit.cite(text(note.get("title")), text(note.get("url")))
            case "response.completed" | "response.incomplete" | "response.failed" | "response.cancelled":
                self._last(mapping(payload.get("response")), kind.removeprefix("response."), emit)
            case "error":
                emit.fail(classify(200, {}, payload))
            case _ if payload.get("error") and not kind.startswith("response."):
                emit.fail(classify(200, {}, payload))
            case _:
                pass

    def body(self, payload: Mapping[str, Any], emit: EventBuilder) -> None:
        """A whole response."""
        if isinstance(payload.get("output"), list):
            self._last(payload, text(payload.get("status")), emit)
        elif any(payload.get(field) for field in ("error", "message", "detail", "errors")):
            emit.fail(classify(200, {}, payload))
        else:
            emit.fail(InvalidResponse("The provider's answer has no output."))

    def done(self, emit: EventBuilder) -> None:
        """``[DONE]`` is not of this protocol, and says nothing."""

    def end(self, emit: EventBuilder) -> None:
        """Nothing is held back here."""

    def _last(self, response: Mapping[str, Any], status: str, emit: EventBuilder) -> None:
        if self._silent and not emit.spoke:
            for place, item in enumerate(objects(response.get("output"))):
                self._item(place, item, emit)
        if usage := mapping(response.get("usage")):
            counted = read_usage(usage, tier=text(response.get("service_tier")))
            emit.usage(replace(counted, searches=self._searches) if self._searches else counted)
        match text(response.get("status")) or status:
            case "incomplete":
                finish(text(mapping(response.get("incomplete_details")).get("reason")) or "incomplete", emit)
            case "failed":
                emit.fail(classify(200, {}, {"error": mapping(response.get("error")) or {"message": ""}}))
            case "cancelled":
                emit.fail(ServerError("The provider cancelled the answer.", code="cancelled"))
            case "in_progress" | "queued":
                pass  # asked for in the background: nothing is whole yet
            case other:
                finish(other or "completed", emit)

    def _item(self, place: Any, item: Mapping[str, Any], emit: EventBuilder) -> None:
        """A whole output item; its deltas may have said all of it before."""
        match item.get("type"):
            case "function_call":
                self._function_call(place, item, emit)
            case "message":
                self._silent = False
                for part in objects(item.get("content")):
                    if place not in self._said:
                        emit.text(text(part.get("text")))
                        emit.scores(objects(part.get("logprobs")))
                        emit.refusal(text(part.get("refusal")))
                    for note in objects(part.get("annotations")):
                        emit.cite(text(note.get("title")), text(note.get("url")))
            case "web_search_call":
                # Opening a page that was found costs nothing more.
                self._searches += mapping(item.get("action")).get("type") in (None, "search")
                emit.hosted(write_step(STEP, item))
            case "reasoning":
                self._silent = False
                if place not in self._said:
                    for number, part in enumerate(objects(item.get("summary"))):
                        self._think(place, number, text(part.get("text")), emit)
                    for part in objects(item.get("content")):
                        emit.reasoning(text(part.get("text")))
                emit.reasoning("", signature=sign_scope(self._family, text(item.get("encrypted_content"))))
            case str():  # what it did by itself, and kinds yet to come
                emit.hosted(write_step(STEP, item))
            case _:
                pass

    def _think(self, place: Any, number: int | None, piece: str, emit: EventBuilder) -> None:
        """The parts of a summary are paragraphs of their own."""
        self._said.add(place)
        if number and (place, number) not in self._said:
            self._said.add((place, number))
            piece = "\n\n" + piece
        emit.reasoning(piece)

    def _function_call(self, place: Any, item: Mapping[str, Any], emit: EventBuilder) -> None:
        self._silent = False
        index = self._call(place)
        arguments = "" if emit.has_arguments(index) else text(item.get("arguments"))
        emit.call(index, text(item.get("call_id")) or text(item.get("id")), text(item.get("name")), arguments)

    def _call(self, place: Any) -> int:
        return self._calls.setdefault(place, len(self._calls))


def _place(payload: Mapping[str, Any]) -> Any:
    """Which output item an event is about."""
    index = payload.get("output_index")
    return index if isinstance(index, int) else text(payload.get("item_id"))
