"""The accents of Chat Completions, as data: what a server wants in a request, and how it answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from routerterm.protocols.fields import CARRIED, names

EffortStyle: TypeAlias = Literal["", "reasoning_effort", "reasoning", "thinking", "enable_thinking"]
PrefillStyle: TypeAlias = Literal["assistant", "prefix", "partial", "continue_final_message"]


_COMMON = frozenset(CARRIED["openai-chat"]) - names("guardrails prompt_mode safe_prompt reasoning thinking_budget")
"""What may be told to any server; the others are Mistral's, OpenRouter's and Alibaba's own."""


class Dialect(Struct, frozen=True):
    """One accent.  The defaults are those of a server of which nothing else is known."""

    protocol: str = "openai-chat"
    path: str = "/chat/completions"
    models_path: str = "/models"
    key_header: str = "Authorization"
    """``Authorization`` carries ``Bearer …``, any other header the bare key."""
    max_tokens: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    seed: Literal["seed", "random_seed"] = "seed"
    stream_usage: bool = True
    """Whether it takes ``stream_options: {"include_usage": true}``."""
    effort: EffortStyle = ""
    """How it is told how long to reason; empty where it cannot be told."""
    efforts: Mapping[str, str] = field(default_factory=dict)
    """Its words for our efforts, where they differ; an empty word leaves the field out."""
    prefill: PrefillStyle = "assistant"
    """How it is made to go on from the beginning of an answer."""
    system_role: Literal["system", "developer"] = "system"
    reasoning_field: Literal["", "reasoning_content", "reasoning", "thinking_part"] = ""
    """Where it wants back the thoughts behind a tool call; empty drops them."""
    details_family: str = ""
    """The seal of ``reasoning_details`` that it wants back."""
    tool_id: Literal["any", "mistral"] = "any"
    required_word: str = "required"
    """Its word for a tool choice of ``required``."""
    think_tags: bool = True
    """Whether its models may think aloud within an answer, up to ``</think>``: so is a server of which nothing is
    known, because a template may do what its maker did not mean."""
    strict_turns: bool = True
    """Whether it may want turns in alternation, the person first and the system before all: chat templates do."""
    longest_id: int = 256
    """Characters that the id of a tool call may have."""
    stand_in_signatures: bool = False
    """Whether calls that another provider made need a stand-in for Gemini's signature."""
    image_urls: bool = True
    most_stops: int | None = None
    """Stop words that it takes."""
    schemas: bool = True
    """Whether it holds an answer to a JSON Schema; otherwise it is told to answer in JSON, and the schema in words."""
    passes: frozenset[str] = _COMMON
    """The fields beyond our vocabulary that it takes."""
    web: Literal["", "options", "plugin", "browser", "always"] = ""
    """How it is told to search the web (`web_search.CHAT`); empty where it cannot be told."""
    cached_models: str = ""
    """Models (as a pattern) whose prompts may be marked for their provider's cache; empty for none."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Fields that go with every request."""


PLAIN = Dialect()
_NO_SCORES = _COMMON - names("logprobs top_logprobs")
"""For servers that refuse a request for the tokens' probabilities."""
_OPENAI = names(
    "logprobs top_logprobs frequency_penalty presence_penalty logit_bias parallel_tool_calls service_tier user "
    "metadata "
    "safety_identifier prompt_cache_key prompt_cache_retention prompt_cache_options verbosity "
    "prediction web_search_options moderation store "
)
"""OpenAI refuses every field that it does not know; so does Azure."""
_MISTRAL = names(
    "parallel_tool_calls presence_penalty frequency_penalty prediction metadata prompt_cache_key top_k "
    "repetition_penalty min_tokens guardrails prompt_mode safe_prompt "
)
_HOSTED = replace(PLAIN, think_tags=False, strict_turns=False)
"""A large provider, which is known to part thoughts from answers and to take turns in any order."""
_TALKS = replace(PLAIN, strict_turns=False)
_LOW_HIGH = {"none": "", "medium": "high"}

DIALECTS: Mapping[str, Dialect] = {
    "": PLAIN,
    "compatible": PLAIN,
    "openai": replace(
        _HOSTED,
        most_stops=4,
        longest_id=40,
        passes=_OPENAI,
        max_tokens="max_completion_tokens",
        effort="reasoning_effort",
        system_role="developer",
        web="options",
    ),
    "azure": replace(
        _HOSTED,
        most_stops=4,
        longest_id=40,
        passes=_OPENAI,
        key_header="api-key",
        max_tokens="max_completion_tokens",
        effort="reasoning_effort",
    ),
    "groq": replace(
        _TALKS,
        passes=_NO_SCORES,
        most_stops=4,
        max_tokens="max_completion_tokens",
        effort="reasoning_effort",
        web="browser",
    ),
    "deepseek": replace(
        PLAIN, think_tags=False, effort="thinking", prefill="prefix", reasoning_field="reasoning_content", schemas=False
    ),
    "openrouter": replace(
        _HOSTED,
        passes=_COMMON | {"reasoning"},
        effort="reasoning",
        details_family="openrouter",
        cached_models="^~?(anthropic|google)/",
        web="plugin",
        extra={"usage": {"include": True}},
    ),
    "vercel": replace(_HOSTED, passes=_COMMON | {"reasoning"}, effort="reasoning", details_family="vercel"),
    "xai": replace(_HOSTED, effort="reasoning_effort", efforts=_LOW_HIGH),
    "mistral": replace(
        PLAIN,
        think_tags=False,
        protocol="mistral",
        passes=_MISTRAL,
        seed="random_seed",
        stream_usage=False,
        prefill="prefix",
        reasoning_field="thinking_part",
        tool_id="mistral",
        required_word="any",
    ),
    "perplexity": replace(
        PLAIN, passes=_NO_SCORES, stream_usage=False, effort="reasoning_effort", efforts={"none": ""}, web="always"
    ),
    "together": replace(_TALKS, effort="reasoning_effort", efforts={"none": ""}),
    "fireworks": replace(_TALKS, effort="reasoning_effort"),
    "cerebras": replace(_TALKS, max_tokens="max_completion_tokens", effort="reasoning_effort", efforts={"none": ""}),
    "venice": replace(_TALKS, effort="reasoning_effort", efforts={"none": ""}),
    "zai": replace(
        PLAIN,
        passes=_NO_SCORES,
        think_tags=False,
        effort="thinking",
        reasoning_field="reasoning_content",
        schemas=False,
    ),
    "moonshot": replace(
        PLAIN,
        passes=_NO_SCORES,
        think_tags=False,
        effort="thinking",
        prefill="partial",
        reasoning_field="reasoning_content",
        schemas=False,
    ),
    "alibaba": replace(
        PLAIN,
        passes=_COMMON | {"thinking_budget"},
        think_tags=False,
        effort="enable_thinking",
        prefill="partial",
        schemas=False,
    ),
    "gemini": replace(_HOSTED, most_stops=5, effort="reasoning_effort", stand_in_signatures=True),
    "huggingface": _TALKS,
    "llamacpp": replace(PLAIN, image_urls=False),
    "lmstudio": replace(PLAIN, image_urls=False),
    "vllm": replace(PLAIN, prefill="continue_final_message"),
    "ollama": replace(PLAIN, effort="reasoning_effort", image_urls=False),
}
"""By name, as in the provider table and in settings."""
