"""Every provider's words for why an answer ended, as our five."""

from __future__ import annotations

from collections.abc import Mapping

from routerterm.core.errors import ProviderError, ServerError
from routerterm.core.events import FinishReason
from routerterm.protocols.event_builder import EventBuilder

REASONS: Mapping[str, FinishReason] = {
    "stop": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "complete": "stop",
    "completed": "stop",
    "length": "length",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "model_length": "length",
    "model_context_window_exceeded": "length",
    "tool_calls": "tool_calls",
    "tool_call": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "refusal": "content_filter",
    "safety": "content_filter",
    "sensitive": "content_filter",
    "recitation": "content_filter",
    "blocklist": "content_filter",
    "prohibited_content": "content_filter",
    "spii": "content_filter",
    "image_safety": "content_filter",
    "image_prohibited_content": "content_filter",
    "image_recitation": "content_filter",
    "model_armor": "content_filter",
    "error_toxic": "content_filter",
    "error_limit": "length",
}
"""In lower case.  What is not here is ``other``: a new word must never break an answer."""

FAILURES = frozenset({"error", "insufficient_system_resource", "network_error", "timeout"})
"""Words that stand where a reason should, and say that the answer failed."""


def reason(raw: str) -> FinishReason:
    """Our word for a provider's."""
    return REASONS.get(raw) or REASONS.get(raw.lower(), "other")


def finish(raw: str, emit: EventBuilder, sequence: str | None = None) -> None:
    """Note the provider's word for the end of an answer, and the stop sequence that caused it."""
    if raw.lower() in FAILURES:
        emit.broke(broken_off(raw))
    else:
        emit.ending(reason(raw), raw, sequence)


def broken_off(raw: str) -> ProviderError:
    """The error of an answer that the provider itself gave up."""
    return ServerError(f"The provider broke the answer off ({raw[:60]}).", code=raw[:60])
