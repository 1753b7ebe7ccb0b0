"""What the official SDK and we made of one recording, field by field, so that they can be held side by side."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from routerterm.core.errors import ProviderError
from routerterm.protocols import codec
from routerterm.protocols.event_builder import reason
from tests.protocols.recordings import Heard, Recording, hear

# What each exception of the SDKs may be in our finer classes.
CLASSES = {
    "AuthenticationError": {"bad_credential"},
    "UnauthorizedError": {"bad_credential"},
    "PermissionDeniedError": {"bad_credential", "content_blocked"},
    "NotFoundError": {"model_gone"},
    "RateLimitError": {"rate_limited", "out_of_credit"},
    "InternalServerError": {"transient", "warming"},
    "BadRequestError": {
        "caller_fault",
        "unsupported",
        "context_too_long",
        "model_gone",
        "out_of_credit",
        "content_blocked",
    },
}
# Google's, Mistral's and Ollama's SDKs have one exception for all: there the status must agree.
STATUSES = {
    400: {"caller_fault", "unsupported", "access_denied", "context_too_long", "model_gone", "bad_credential"},
    401: {"bad_credential"},
    403: {"bad_credential"},
    404: {"model_gone"},
    429: {"rate_limited", "out_of_credit", "model_gone"},
}


def decoded(recording: Recording) -> Heard:
    """What we make of a recorded stream."""
    # The SDKs leave thinking tags in the text: so does the dialect of a provider that parts thoughts itself.
    decoder = codec(recording.wire, "openai" if recording.wire == "openai-chat" else "").decoder()
    return hear(decoder.feed(recording.body) + decoder.end())


def theirs(recording: Recording) -> Iterator[tuple[str, Any]]:
    """What the SDK gave, field by field, with its usage in the honest convention."""
    said = recording.expected
    silent = not any(said.get(field) for field in ("text", "tool_calls", "refusal", "tool_plan"))
    empty = silent and bool(said["finish_reason"]) and reason(said["finish_reason"]) != "length"
    yield "broke", empty  # an answer without content is a failure here
    yield "text", said["text"]
    yield "reasoning", said["reasoning"] or ""
    yield "refusal", said.get("refusal") or ""
    yield "plan", said.get("tool_plan") or ""
    if not empty:
        yield "finish", reason(said["finish_reason"]) if said["finish_reason"] else None
    yield "calls", [(call["name"], _arguments(call.get("arguments", call.get("input")))) for call in said["tool_calls"]]
    usage = said["usage"]
    if usage is None:
        return
    taken, given = usage["input"] or 0, usage["output"] or 0
    if recording.wire == "anthropic-messages":
        taken += (usage["cached"] or 0) + (usage["cache_write"] or 0)
    if recording.wire == "gemini" or recording.provider == "xai":
        given += usage["reasoning"] or 0
    yield "input", taken
    yield "output", given
    yield "cached", usage["cached"] or 0
    yield "reasoning_tokens", usage["reasoning"] or 0


def ours(heard: Heard) -> dict[str, Any]:
    """The same fields, as we have them."""
    fields: dict[str, Any] = {
        "broke": heard.broke is not None,
        "text": heard.text,
        "reasoning": heard.reasoning,
        "refusal": heard.refusal,
        "plan": heard.plan,
        "finish": heard.finish,
        "calls": [(call.name, _arguments(call.arguments)) for call in heard.calls],
    }
    if heard.usage is not None:
        usage = heard.usage
        fields |= {"input": usage.input, "output": usage.output, "cached": usage.cache_read}
        fields["reasoning_tokens"] = usage.reasoning
    return fields


def same_failure(recording: Recording, heard: Heard) -> bool:
    """Whether we, too, say that a stream failed on which the SDK raised, and with the same words."""
    if heard.broke is None:
        return False
    said = _words(recording.expected["raises"]["message"])
    return _words(heard.broke.error.message) in said


def same_class(recording: Recording, error: ProviderError) -> bool:
    """Whether an error's class is one that the SDK's exception stands for."""
    raised = (recording.expected.get("raises") or {}).get("type", "")
    return error.kind in (CLASSES.get(raised) or STATUSES[recording.status])


def _words(message: str) -> str:
    return " ".join(message.split()).rstrip(".")


def _arguments(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value
