"""Reads answers of Gemini: every chunk is a whole response, and only the end of them is the end."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from routerterm.core.errors import ContentBlocked, InvalidResponse
from routerterm.core.usage import Usage
from routerterm.protocols.classify import classify
from routerterm.protocols.event_builder import EventBuilder, finish
from routerterm.protocols.gemini.partial import PartialArguments
from routerterm.protocols.hosted_steps import write_step
from routerterm.protocols.json_utils import count, listing, loads, mapping, objects, text
from routerterm.protocols.signature_scope import sign_scope

FAMILY = "gemini"
_NUMBERED = (
    "",
    "STOP",
    "MAX_TOKENS",
    "SAFETY",
    "RECITATION",
    "OTHER",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MALFORMED_FUNCTION_CALL",
    "IMAGE_SAFETY",
)
"""Finish reasons by number, as ``enum-encoding=int`` sends them."""
_FIELDS = ("candidates", "promptFeedback", "usageMetadata")


STEP = f"{FAMILY}-step"
"""How it is marked what ran at Google: code and what came of it, what an answer is grounded on."""
_STEPS = ("executableCode", "codeExecutionResult")


class _QuickPart(Struct):
    text: str = ""
    thought: bool | None = None
    thoughtSignature: None = None  # noqa: N815 - the wire's own name
    functionCall: None = None  # noqa: N815


class _QuickContent(Struct):
    parts: tuple[_QuickPart, ...] = ()


class _QuickCandidate(Struct):
    content: _QuickContent
    index: Literal[0] | None = None
    finishReason: Literal["", "FINISH_REASON_UNSPECIFIED"] | None = None  # noqa: N815
    groundingMetadata: None = None  # noqa: N815
    logprobsResult: None = None  # noqa: N815


class _QuickChunk(Struct):
    """A chunk of text or thoughts in the middle of an answer.  Only the last of its counts is ever read."""

    candidates: tuple[_QuickCandidate]
    usageMetadata: Raw = Raw()  # noqa: N815
    promptFeedback: None = None  # noqa: N815
    error: None = None


_quick = msgspec.json.Decoder(_QuickChunk).decode


class GeminiDecoder:
    """Fulfils `stream.Reader` for one answer.  Older servers put a finish reason on every chunk."""

    def __init__(self) -> None:
        self._calls = 0
        self._partial: PartialArguments | None = None
        self._usage: Mapping[str, Any] = {}
        self._searches = 0
        """Of the web, made by the provider."""
        self._unread = Raw()
        """Newer counts than ``_usage``, as they came."""

    def quick(self, data: bytes, emit: EventBuilder) -> bool:
        """Take a chunk that is text or thoughts alone."""
        if emit.is_finishing:
            return False
        try:
            chunk = _quick(data)
        except (msgspec.DecodeError, ValueError, RecursionError):
            return False
        for part in chunk.candidates[0].content.parts:
            if part.thought:
                emit.reasoning(part.text)
            else:
                emit.text(part.text)
        if chunk.usageMetadata:
            self._unread = chunk.usageMetadata
            if not self._usage:
                self._read_counts(emit)
        return True

    def on(self, name: str, payload: Mapping[str, Any], emit: EventBuilder) -> None:
        """One chunk."""
        if payload.get("error") or name == "error":
            emit.fail(classify(200, {}, payload))
            return
        for candidate in objects(payload.get("candidates")):
            if not candidate.get("index"):
                self._candidate(candidate, emit)
        if usage := mapping(payload.get("usageMetadata")):
            self._count(usage, emit)
        feedback = mapping(payload.get("promptFeedback"))
        if block := feedback.get("blockReason"):
            said = text(feedback.get("blockReasonMessage"))
            message = f"Gemini blocked the prompt ({block}){': ' + said if said else ''}."
            emit.fail(ContentBlocked(message[:400], "Rephrase it, or use another model.", code=str(block)[:60]))

    def body(self, payload: Mapping[str, Any], emit: EventBuilder) -> None:
        """A whole answer is a chunk like any other."""
        if not payload.get("error") and not any(field in payload for field in _FIELDS):
            emit.fail(InvalidResponse("The provider's answer has no candidates."))
            return
        self.on("", payload, emit)

    def done(self, emit: EventBuilder) -> None:
        """``[DONE]`` is not of this protocol, but some gateways add it."""

    def end(self, emit: EventBuilder) -> None:
        """A finish reason was seen, and nothing went wrong after it."""
        self._close_call(emit)
        self._read_counts(emit)
        if self._usage:
            emit.usage(self._counted(self._usage))

    def _read_counts(self, emit: EventBuilder) -> None:
        """Count what the last quick chunk reported."""
        unread, self._unread = self._unread, Raw()
        if unread and (usage := mapping(loads(bytes(unread)))):
            self._count(usage, emit)

    def _count(self, usage: Mapping[str, Any], emit: EventBuilder) -> None:
        """Every chunk counts anew: told are the first, for the prompt, and the last."""
        self._unread = Raw()
        first, self._usage = not self._usage, usage
        if first or emit.is_finishing:
            emit.usage(self._counted(usage))

    def _counted(self, usage: Mapping[str, Any]) -> Usage:
        counted = read_usage(usage)
        return replace(counted, searches=self._searches) if self._searches else counted

    def _candidate(self, candidate: Mapping[str, Any], emit: EventBuilder) -> None:
        content = candidate.get("content")
        for part in objects(mapping(content).get("parts")):
            self._part(part, emit)
        raw = candidate.get("finishReason")
        if isinstance(raw, int) and not isinstance(raw, bool):
            raw = _NUMBERED[raw] if 0 <= raw < len(_NUMBERED) else f"REASON_{raw}"
        if isinstance(raw, str) and raw not in ("", "FINISH_REASON_UNSPECIFIED"):
            finish(raw, emit)
        grounding = mapping(candidate.get("groundingMetadata"))
        self._searches = max(self._searches, len(listing(grounding.get("webSearchQueries"))))
        for chunk in objects(grounding.get("groundingChunks")):
            web = mapping(chunk.get("web"))
            emit.cite(text(web.get("title")), text(web.get("uri")))
        if grounding:
            emit.hosted(write_step(STEP, {"groundingMetadata": grounding}))
        emit.scores(list(_scores(mapping(candidate.get("logprobsResult")))))

    def _part(self, part: Mapping[str, Any], emit: EventBuilder) -> None:
        signature = sign_scope(FAMILY, text(part.get("thoughtSignature")))
        if isinstance(part.get("functionCall"), dict):
            self._call(part["functionCall"], signature, emit)
        elif any(name in part for name in _STEPS):
            emit.hosted(write_step(STEP, part))
        elif part.get("thought") is True:
            emit.reasoning(text(part.get("text")), signature)
        else:
            emit.text(text(part.get("text")))

    def _call(self, call: Mapping[str, Any], signature: str | None, emit: EventBuilder) -> None:
        """A call comes whole, or its name first and then its arguments value by value."""
        name, goes_on = text(call.get("name")), call.get("willContinue") is True
        if name:
            self._close_call(emit)
            emit.call(self._calls, text(call.get("id")), name, signature=signature)
            self._partial = PartialArguments()
            if isinstance(call.get("args"), dict):
                self._partial.value = call["args"]
        if self._partial is not None:
            self._partial.add(call.get("partialArgs"))
            if not goes_on:
                self._close_call(emit)

    def _close_call(self, emit: EventBuilder) -> None:
        if self._partial is not None:
            emit.call(self._calls, arguments=json.dumps(self._partial.value, ensure_ascii=False))
            self._partial = None
            self._calls += 1


def _scores(result: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The tokens' log probabilities in OpenAI's words."""
    others = objects(result.get("topCandidates"))
    for place, token in enumerate(objects(result.get("chosenCandidates"))):
        top = objects(others[place].get("candidates")) if place < len(others) else []
        yield _score(token) | {"top_logprobs": [_score(other) for other in top]}


def _score(token: Mapping[str, Any]) -> dict[str, Any]:
    return {"token": text(token.get("token")), "logprob": token.get("logProbability")}


def read_usage(usage: Mapping[str, Any]) -> Usage:
    """The counts of one ``usageMetadata``."""
    prompt = count(usage.get("promptTokenCount")) + count(usage.get("toolUsePromptTokenCount"))
    thoughts = count(usage.get("thoughtsTokenCount"))
    read = min(count(usage.get("cachedContentTokenCount")), prompt)
    return Usage(
        fresh=prompt - read,
        cache_read=read,
        output=count(usage.get("candidatesTokenCount")) + thoughts,
        reasoning=thoughts,
        raw=usage,
    )
