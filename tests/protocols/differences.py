"""Where we differ from the official SDKs on recorded streams, and why ours is right.

One row per field and kind of difference; a row names the recordings by the beginning of their name.  The
tests hold these too: ours must be what the row says, and a row that no recording needs any more fails.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.protocols.recordings import Heard, Recording


@dataclass(frozen=True)
class Difference:
    """One justified difference; ``holds`` is what is true of ours all the same."""

    field: str
    recordings: tuple[str, ...]
    why: str
    holds: Callable[[dict[str, Any], Heard], bool]

    def covers(self, recording: Recording) -> bool:
        return recording.name.startswith(self.recordings)


def _raw(expected: dict[str, Any]) -> dict[str, Any]:
    raw = expected["usage"]["raw"]
    assert isinstance(raw, dict)
    return raw


def _first_of_two(expected: dict[str, Any], heard: Heard) -> bool:
    """Ours is a subsequence of the SDK's letters, and shorter."""
    letters = iter(expected["text"])
    return len(heard.text) < len(expected["text"]) and all(letter in letters for letter in heard.text)


def _priced_by_thoughts(expected: dict[str, Any], heard: Heard) -> bool:
    usage = expected["usage"]
    assert heard.usage is not None
    return heard.usage.output == usage["output"] + usage["reasoning"] and heard.usage.input == usage["input"]


def _whole_total(expected: dict[str, Any], heard: Heard) -> bool:
    assert heard.usage is not None
    return bool(heard.usage.total == expected["usage"]["total"])


DIFFERENCES: tuple[Difference, ...] = (
    Difference(
        "text",
        (
            "mistral/rig__capability_edges_streaming_with_two_candidates",
            "mistral/rig__terminal_metadata_matrix_streaming_ministral_3b_tiny_plain_two",
            "mistral/rig__terminal_metadata_matrix_streaming_mistral_small_roomy_plain_two",
            "mistral/rig__terminal_metadata_matrix_streaming_mistral_small_tiny_plain_two",
        ),
        "Two answers (n=2) run through one stream; joining their chunks as they come, as the oracle did, mixes "
        "their letters.  We give the first answer.",
        _first_of_two,
    ),
    Difference(
        "reasoning",
        (
            "azure-openai-responses/fantasy__azure_gpt_5_mini_thinking_streaming__93593c86",
            "openai-responses/mirascope__openai_gpt_5_responses_async_stream__aa1fb921",
            "openai-responses/pydantic-ai__test_openai_responses_test_openai_responses_thinking_part_iter__6e7c5751",
        ),
        "A summary of several parts: the bare deltas run the title of one into the end of the one before.  We put "
        "the blank line between them that the SDK's own final summary has.",
        lambda expected, heard: heard.reasoning == expected["reasoning_summary"],
    ),
    Difference(
        "calls",
        ("gemini/ai__fixtures_google_vertex_stream_tool_call_arguments_nested_1_chunks",),
        "Gemini streams the arguments value by value; the SDK shows every piece as a call without a name.  We give "
        "one call with all its arguments.",
        lambda expected, heard: len(heard.calls) == 1 and heard.calls[0].name == expected["tool_calls"][0]["name"],
    ),
    Difference(
        "input",
        (
            "gemini-vertex/vertexai-sdk-t__vertexai_streaming_success_code_execution",
            "gemini/openinference__test_instrumentation_test_validate_token_counts_stream",
            "gemini/pydantic-ai__test_code_execution_test_code_execution_stream",
            "gemini/pydantic-ai__test_google_test_google_model_web_search_tool_stream",
            "gemini/rig__code_execution_matrix_streaming_code_execution",
        ),
        "What Gemini's own tools read (toolUsePromptTokenCount) stands outside promptTokenCount, but is input and "
        "is charged: with it, and only with it, the parts make Gemini's own total.",
        _whole_total,
    ),
    Difference(
        "output",
        ("vercel-gateway/fantasy__gemini_",),
        "Vercel's gateway leaves Gemini's thoughts out of completion_tokens and of the total, but charges them: its "
        "own `cost` is the price of the answer with its thoughts, to the last digit.",
        _priced_by_thoughts,
    ),
    Difference(
        "reasoning_tokens",
        ("doubleword/rig__prompt_caching_streaming_probe", "doubleword/rig__response_identity_edge_streaming"),
        "More reasoning than answer, of which it is a part: impossible (the answer ran into max_tokens, its "
        "reasoning was counted by another tokenizer).  We keep it within the answer.",
        lambda expected, heard: heard.usage is not None and heard.usage.reasoning == heard.usage.output,
    ),
    Difference(
        "cached",
        (
            "azure-ai/ruby_llm__vcr_cassettes_chat_function_calling_azure_grok_4_1",
            "mistral/prism__mistral_stream_reason",
        ),
        "More cached tokens than the whole prompt, of which they are a part: we keep them within it, so that the "
        "prompt and the total stay the provider's.",
        lambda expected, heard: heard.usage is not None and heard.usage.cache_read == expected["usage"]["input"],
    ),
    Difference(
        "finish",
        (
            "openai-chat/llm__test_tools_streaming_test_tools_streaming_variant_b",
            "snowflake/pydantic-ai__test_snowflake_test_snowflake_model_streaming",
        ),
        "No finish reason, but `[DONE]`: the server says that the answer is whole and not why it ends there.",
        lambda expected, heard: heard.finish == "other" and heard.raw_finish is None,
    ),
    Difference(
        "broke",
        (
            "gemini/vertexai-sdk-t__googleai_streaming_failure_prompt_blocked_safety",
            "gemini-vertex/vertexai-sdk-t__vertexai_streaming_failure_prompt_blocked_safety",
        ),
        "A blocked prompt: the SDK gives an empty answer with a block reason beside it.  We say that it failed.",
        lambda expected, heard: heard.broke is not None and heard.broke.error.kind == "content_blocked",
    ),
)


def difference(field: str, recording: Recording) -> Difference | None:
    """The row that justifies a difference, if there is one."""
    return next((row for row in DIFFERENCES if row.field == field and row.covers(recording)), None)
