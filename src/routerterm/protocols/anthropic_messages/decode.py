"""Reads answers of Anthropic's Messages: blocks that start, grow and stop, and whole messages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeAlias, assert_never

import msgspec
from msgspec import Struct

from routerterm.core.errors import InvalidResponse
from routerterm.core.usage import Usage
from routerterm.protocols.classify import classify
from routerterm.protocols.event_builder import EventBuilder, finish
from routerterm.protocols.hosted_steps import write_step
from routerterm.protocols.json_utils import count, mapping, objects, text
from routerterm.protocols.normalize_messages import arguments_object
from routerterm.protocols.signature_scope import sign_scope

FAMILY = "anthropic"
STEP = f"{FAMILY}-step"
"""How a block is marked that tells what ran at Anthropic: a search, its findings, code and what came of it."""


class _QuickText(Struct, tag_field="type", tag="text_delta"):
    text: str


class _QuickThought(Struct, tag_field="type", tag="thinking_delta"):
    thinking: str


class _QuickInput(Struct, tag_field="type", tag="input_json_delta"):
    partial_json: str


class _Citation(Struct):
    title: str | None = None
    document_title: str | None = None
    url: str | None = None


class _QuickCitation(Struct, tag_field="type", tag="citations_delta"):
    citation: _Citation


_Piece: TypeAlias = _QuickText | _QuickThought | _QuickInput | _QuickCitation


class _QuickDelta(Struct, tag_field="type", tag="content_block_delta"):
    """A piece of a block, which nearly all events are."""

    delta: _Piece
    index: int | None = None


class _TextBlock(Struct, tag_field="type", tag="text"):
    text: str = ""
    citations: None = None


class _QuickStart(Struct, tag_field="type", tag="content_block_start"):
    content_block: _TextBlock


class _QuickStop(Struct, tag_field="type", tag="content_block_stop"):
    index: int | None = None


_quick = msgspec.json.Decoder(_QuickDelta | _QuickStart | _QuickStop).decode


class MessagesDecoder:
    """Fulfils `stream.Reader` for one answer.  Unknown events, blocks and deltas are passed over."""

    def __init__(self) -> None:
        self._calls: dict[Any, int] = {}
        self._inputs: dict[int, Any] = {}
        self._steps: dict[int, tuple[Mapping[str, Any], list[str]]] = {}
        """Blocks of kinds that we do not know ourselves, with the pieces of their input."""
        self._usage: dict[str, Any] = {}

    def quick(self, data: bytes, emit: EventBuilder) -> bool:
        """Take an event that is a piece of a block, its end, or the start of one of text."""
        try:
            event = _quick(data)
        except (msgspec.DecodeError, ValueError, RecursionError):
            return False
        if isinstance(event, _QuickDelta):
            self._piece(event.delta, event.index, emit)
        elif isinstance(event, _QuickStop):
            self._stop(event.index, emit)
        else:
            emit.text(event.content_block.text)
        return True

    def on(self, name: str, payload: Mapping[str, Any], emit: EventBuilder) -> None:
        """One event."""
        match text(payload.get("type")) or name:
            case "content_block_delta":
                self._delta(payload.get("index"), mapping(payload.get("delta")), emit)
            case "content_block_start":
                self._start(payload.get("index"), mapping(payload.get("content_block")), emit)
            case "content_block_stop":
                self._stop(payload.get("index"), emit)
            case "message_start":
                message = mapping(payload.get("message"))
                for place, block in enumerate(objects(message.get("content"))):
                    self._whole(place, block, emit)
                self._count(message, emit)
            case "message_delta":
                self._count(payload, emit)
                delta = mapping(payload.get("delta"))
                if reason := text(delta.get("stop_reason")):
                    finish(reason, emit, text(delta.get("stop_sequence")) or None)
            case "message_stop":
                emit.stop()
            case "error":
                emit.fail(classify(200, {}, payload))
            case "ping":
                pass
            case _ if payload.get("error"):
                emit.fail(classify(200, {}, payload))
            case _:
                pass

    def body(self, payload: Mapping[str, Any], emit: EventBuilder) -> None:
        """A whole message."""
        content = payload.get("content")
        if payload.get("type") == "error" or payload.get("error") or not isinstance(content, list):
            if any(payload.get(field) for field in ("error", "detail", "errors", "message")):
                emit.fail(classify(200, {}, payload))
            else:
                emit.fail(InvalidResponse("The provider's answer has no content."))
            return
        for place, block in enumerate(objects(content)):
            self._whole(place, block, emit)
        self._count(payload, emit)
        if reason := text(payload.get("stop_reason")):
            finish(reason, emit, text(payload.get("stop_sequence")) or None)

    def done(self, emit: EventBuilder) -> None:
        """``[DONE]`` is not of this protocol, but some gateways add it."""

    def end(self, emit: EventBuilder) -> None:
        """Nothing is held back here."""

    def _whole(self, place: Any, block: Mapping[str, Any], emit: EventBuilder) -> None:
        self._start(place, block, emit)
        self._stop(place, emit)

    def _start(self, place: Any, block: Mapping[str, Any], emit: EventBuilder) -> None:
        match block.get("type"):
            case "text":
                emit.text(text(block.get("text")))
                for citation in objects(block.get("citations")):
                    _cite(citation, emit)
            case "thinking":
                emit.reasoning(text(block.get("thinking")), sign_scope(FAMILY, text(block.get("signature"))))
            case "redacted_thinking":
                emit.reasoning("", redacted=sign_scope(FAMILY, text(block.get("data"))))
            case "tool_use":
                index = self._calls[_key(place)] = len(self._calls)
                self._inputs[index] = block.get("input")
                emit.call(index, text(block.get("id")), text(block.get("name")))
            case str():  # tools that run at the provider, and kinds yet to come
                self._steps[_key(place)] = (block, [])
            case _:
                pass

    def _delta(self, place: Any, delta: Mapping[str, Any], emit: EventBuilder) -> None:
        match delta.get("type"):
            case "text_delta":
                emit.text(text(delta.get("text")))
            case "thinking_delta":
                emit.reasoning(text(delta.get("thinking")))
            case "signature_delta":
                emit.reasoning("", sign_scope(FAMILY, text(delta.get("signature"))))
            case "input_json_delta":
                self._input(_key(place), text(delta.get("partial_json")), emit)
            case "citations_delta":
                _cite(mapping(delta.get("citation")), emit)
            case _:
                pass

    def _piece(self, piece: _Piece, place: int | None, emit: EventBuilder) -> None:
        match piece:
            case _QuickText(text=words):
                emit.text(words)
            case _QuickThought(thinking=words):
                emit.reasoning(words)
            case _QuickInput(partial_json=words):
                self._input(_key(place), words, emit)
            case _QuickCitation(citation=source):
                emit.cite(source.title or source.document_title or "", source.url or "")
            case _ as never:
                assert_never(never)

    def _input(self, place: int, words: str, emit: EventBuilder) -> None:
        if (index := self._calls.get(place)) is not None:
            emit.call(index, arguments=words)
        elif place in self._steps:
            self._steps[place][1].append(words)

    def _stop(self, place: Any, emit: EventBuilder) -> None:
        """Arguments that did not come in pieces came with the block's start."""
        if (step := self._steps.pop(_key(place), None)) is not None:
            block, pieces = step
            whole = block if not pieces else {**block, "input": arguments_object("".join(pieces))}
            emit.hosted(write_step(STEP, whole))
        index = self._calls.get(_key(place))
        if index is not None and not emit.has_arguments(index):
            given = self._inputs.get(index)
            emit.call(index, arguments=json.dumps(given if isinstance(given, dict) else {}, ensure_ascii=False))

    def _count(self, place: Mapping[str, Any], emit: EventBuilder) -> None:
        """Usage is cumulative, and each event may leave out what did not change."""
        if usage := mapping(place.get("usage")):
            self._usage = self._usage | {name: value for name, value in usage.items() if value is not None}
            emit.usage(read_usage(self._usage))


def _key(place: Any) -> int:
    return place if isinstance(place, int) else -1


def _cite(citation: Mapping[str, Any], emit: EventBuilder) -> None:
    emit.cite(text(citation.get("title")) or text(citation.get("document_title")), text(citation.get("url")))


def read_usage(usage: Mapping[str, Any]) -> Usage:
    """The counts of one ``usage`` object, merged over the stream."""
    split = mapping(usage.get("cache_creation"))
    written = count(usage.get("cache_creation_input_tokens"))
    long = count(split.get("ephemeral_1h_input_tokens"))
    short = count(split.get("ephemeral_5m_input_tokens"))
    written = max(written, long + short)
    output = count(usage.get("output_tokens"))
    thinking = count(mapping(usage.get("output_tokens_details")).get("thinking_tokens"))
    return Usage(
        fresh=count(usage.get("input_tokens")),
        cache_read=count(usage.get("cache_read_input_tokens")),
        cache_write=written - long,
        cache_write_1h=long,
        output=output,
        reasoning=min(thinking, output),
        searches=count(mapping(usage.get("server_tool_use")).get("web_search_requests")),
        tier=text(usage.get("service_tier")),
        raw=usage,
    )
