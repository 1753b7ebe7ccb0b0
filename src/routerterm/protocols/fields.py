"""The fields of a request beyond our own vocabulary: carried from protocol to protocol, or named as left out.

Each protocol's fields fall into four groups: read into `ChatRequest` (``READ``), carried under one name for all
protocols (``CARRIED``), refused because they change what an answer is (``REFUSED``), or left out by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from routerterm.core.errors import BadRequest
from routerterm.core.request import EFFORT_AS_ASKED, Params, Tool
from routerterm.protocols.json_utils import listing, mapping, text


def names(words: str) -> frozenset[str]:
    """A set of names, from a line of them."""
    return frozenset(words.split())


CARRIED: Mapping[str, Mapping[str, str]] = {
    "openai-chat": {
        name: name
        for name in names(
            "frequency_penalty presence_penalty logit_bias parallel_tool_calls service_tier user "
            "metadata safety_identifier prompt_cache_key prompt_cache_retention prompt_cache_options "
            "verbosity prediction web_search_options moderation store top_k min_p repetition_penalty "
            "logprobs top_logprobs chat_template_kwargs provider plugins transforms min_tokens guardrails "
            "prompt_mode safe_prompt reasoning thinking_budget "
        )
    },
    "openai-responses": {
        name: name
        for name in names(
            "parallel_tool_calls service_tier user metadata safety_identifier prompt_cache_key "
            "prompt_cache_retention prompt_cache_options moderation max_tool_calls truncation "
            "context_management top_logprobs "
        )
    },
    "anthropic-messages": {
        "top_k": "top_k",
        "service_tier": "claude_service_tier",
        "thinking": "thinking",
        "context_management": "context_management",
        "inference_geo": "inference_geo",
        "container": "container",
        "speed": "speed",
        "cache_control": "cache_control",
        "mcp_servers": "mcp_servers",
    },
    "gemini": {
        "topK": "top_k",
        "responseLogprobs": "logprobs",
        "logprobs": "top_logprobs",
        "presencePenalty": "presence_penalty",
        "frequencyPenalty": "frequency_penalty",
        "mediaResolution": "media_resolution",
        "audioTimestamp": "audio_timestamp",
        "enableEnhancedCivicAnswers": "enable_enhanced_civic_answers",
        "thinkingConfig": "thinking_config",
    },
    "gemini request": {
        "safetySettings": "safety_settings",
        "cachedContent": "cached_content",
        "labels": "labels",
        "serviceTier": "gemini_service_tier",
        "toolConfig": "tool_config",
    },
    "ollama-chat": {
        "top_k": "top_k",
        "min_p": "min_p",
        "presence_penalty": "presence_penalty",
        "frequency_penalty": "frequency_penalty",
        "repeat_penalty": "repetition_penalty",
    }
    | {
        name: name
        for name in names(
            "mirostat mirostat_eta mirostat_tau num_batch num_ctx num_gpu num_keep num_thread main_gpu numa low_vram "
            "f16_kv use_mlock use_mmap penalize_newline repeat_last_n tfs_z typical_p"
        )
    },
    "ollama-chat request": {"keep_alive": "keep_alive", "logprobs": "logprobs", "top_logprobs": "top_logprobs"},
    "cohere-v2": {"k": "top_k", "presence_penalty": "presence_penalty", "frequency_penalty": "frequency_penalty"},
}
"""A protocol's own name for a field, and the one under which `Params.more` carries it.

Gemini's stand in ``generationConfig``, Ollama's in ``options``; what stands beside those is under "NAME request".
"""

SCORES = "message.output_text.logprobs"
"""What Responses is asked to include where the tokens' probabilities are wanted."""

READ: Mapping[str, frozenset[str]] = {
    "openai-chat": names(
        "model messages temperature top_p max_tokens max_completion_tokens stop seed tools "
        "tool_choice response_format reasoning_effort thinking enable_thinking stream stream_options n random_seed "
    ),
    "openai-responses": names(
        "model input instructions temperature top_p max_output_tokens reasoning tools tool_choice "
        "text stream stream_options store include background "
    ),
    "anthropic-messages": names(
        "model messages system max_tokens temperature top_p stop_sequences tools tool_choice stream "
        "output_config metadata "
    ),
    "gemini": names(
        "temperature topP maxOutputTokens stopSequences seed candidateCount responseMimeType responseSchema "
        "responseJsonSchema responseModalities"
    ),
    "gemini request": names("contents systemInstruction tools generationConfig model"),
    "ollama-chat": names("temperature top_p num_predict stop seed"),
    "ollama-chat request": names("model messages tools format options stream think"),
}
"""The fields that are understood.  ``store`` and ``include`` of Responses need none: nothing is stored."""

REFUSED: Mapping[str, frozenset[str]] = {
    "openai-chat": frozenset({"audio", "functions"}),
    "openai-responses": frozenset({"previous_response_id", "conversation", "prompt"}),
    "anthropic-messages": frozenset(),
    "gemini": frozenset(),
    "gemini request": frozenset(),
    "ollama-chat": frozenset(),
    "ollama-chat request": frozenset(),
}
"""The fields that change what an answer is, and are refused where they are set."""

BETAS = "anthropic_betas"
"""Under which `Params.more` carries the betas that a client of Anthropic's protocol names in its header."""

_WITHIN = {*EFFORT_AS_ASKED, BETAS}
"""What `Params.effort` says too, if more coarsely: another protocol leaves nothing out."""
_EFFORT_WORDS = frozenset({"minimal", "xhigh", "max"})


_NUMBERS = names(
    "frequency_penalty presence_penalty repetition_penalty top_k min_p min_tokens max_tool_calls mirostat mirostat_eta "
    "mirostat_tau num_batch num_ctx num_gpu num_keep num_thread main_gpu repeat_last_n tfs_z typical_p thinking_budget"
)
"""Carried fields that are a number wherever they are known."""
_LARGEST = 10**9


def _check_numbers(name: str, value: Any, *, numeric: bool) -> None:
    """Raises `BadRequest` for a number that no model can mean, in a field or one level within it."""
    if numeric and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise BadRequest(f"`{name}` must be a number.")
    for one in (value, *mapping(value).values()):
        if isinstance(one, int | float) and not abs(one) <= _LARGEST:
            raise BadRequest(f"`{name}` is too large a number.")


def carried(protocol: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    """What a client's request says beyond our vocabulary, by the names of `Params.more`.

    Raises `BadRequest` for a number that no model can mean.
    """
    names = CARRIED[protocol]
    given = {theirs: value for theirs in names if (value := payload.get(theirs)) is not None}
    for theirs, value in given.items():
        _check_numbers(theirs, value, numeric=names[theirs] in _NUMBERS)
    out = {names[theirs]: value for theirs, value in given.items()}
    if protocol in READ:
        known = READ[protocol] | REFUSED[protocol] | names.keys()
        # Named, not carried: whoever answers does not know it either, and the client hears that it was left out.
        out |= {f"{name[:60]}?": True for name, value in payload.items() if name not in known and value is not None}
    match protocol:
        case "anthropic-messages":
            if user := text(mapping(payload.get("metadata")).get("user_id")):
                out["user"] = user
            if mapping(payload.get("tool_choice")).get("disable_parallel_tool_use") is True:
                out["parallel_tool_calls"] = False
            word = mapping(payload.get("output_config")).get("effort")
        case "openai-responses":
            reasoning = mapping(payload.get("reasoning"))
            word = reasoning.get("effort")
            if summary := text(reasoning.get("summary")):
                out["reasoning_summary"] = summary
            if verbosity := text(mapping(payload.get("text")).get("verbosity")):
                out["verbosity"] = verbosity
            if SCORES in listing(payload.get("include")):
                out["logprobs"] = True
        case _:
            reasoning = mapping(out.pop("reasoning", None))
            if reasoning.keys() - {"effort"}:  # an effort alone is said by ours
                out["reasoning"] = dict(reasoning)
            word = payload.get("reasoning_effort") or reasoning.get("effort")
    if isinstance(word, str) and word in _EFFORT_WORDS:
        out["effort_word"] = word
    return out


def written(protocol: str, params: Params) -> dict[str, Any]:
    """The carried fields by the protocol's own names, of those that it knows."""
    return {theirs: params.more[ours] for theirs, ours in CARRIED[protocol].items() if ours in params.more}


def beyond(protocol: str, tool: Mapping[str, Any], known: frozenset[str]) -> dict[str, Any]:
    """What a client says of a tool in its own protocol alone, for `Tool.more`."""
    return {f"{protocol}.{name}": value for name, value in tool.items() if name not in known and value is not None}


def written_of(protocol: str, tool: Tool) -> dict[str, Any]:
    """What a client of this very protocol said of a tool."""
    prefix = f"{protocol}."
    return {name.removeprefix(prefix): value for name, value in tool.more.items() if name.startswith(prefix)}


def left_out_of_tools(protocol: str, tools: Iterable[Tool]) -> list[str]:
    """The names of what was said of tools and this protocol cannot say."""
    said = {name for tool in tools for name in tool.more if not name.startswith(f"{protocol}.")}
    return sorted(f"tools.{name.partition('.')[2][:60]}" for name in said)


def left_out(protocol: str, params: Params, passed: frozenset[str] | None = None) -> tuple[str, ...]:
    """The names of what was asked and this protocol cannot say; ``passed`` limits it to what one server takes."""
    beside = CARRIED.get(f"{protocol} request", {})
    known = {*CARRIED[protocol].values(), *beside.values()} if passed is None else set(passed)
    hidden = {"reasoning.exclude"} if "reasoning" not in known and _is_hidden(params) else set()
    known |= _WITHIN | _SPECIAL.get(protocol, set())
    return tuple(sorted(hidden | {name.removesuffix("?") for name in params.more if name not in known}))


def _is_hidden(params: Params) -> bool:
    """Whether a client of OpenRouter's wants to see no thoughts."""
    return mapping(params.more.get("reasoning")).get("exclude") is True


_SPECIAL = {
    "openai-responses": {"verbosity", "logprobs"},
    "anthropic-messages": {"user", "parallel_tool_calls"},
}
"""Carried fields that stand elsewhere than at the top of a request."""


def effort_word(params: Params) -> str | None:
    """How long to reason, in the client's own word where it is finer than ours."""
    word = params.more.get("effort_word")
    return word if isinstance(word, str) else params.effort
