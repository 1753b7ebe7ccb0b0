"""Token counts of Chat Completions and its relatives, put into the one honest convention."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from routerterm.core.usage import Usage
from routerterm.protocols.json_utils import amount, count, mapping

XAI_TICK = Decimal("1e-10")
"""xAI reports its charge in ten-billionths of a dollar."""

_CACHED = ("prompt_cache_hit_tokens", "cached_tokens", "cache_read_input_tokens", "num_cached_tokens")


def read_usage(usage: Mapping[str, Any], cost: Decimal | None = None, tier: str = "") -> Usage:
    """The counts of one ``usage`` object; ``cost`` is a charge that was reported beside it, ``tier`` the
    class of service.

    Whether the answer's count holds its reasoning is told by the sum: xAI's total is the prompt, the
    completion and the reasoning, everybody else's is the prompt and the completion.  Vercel's gateway leaves
    Gemini's thoughts out of both, but charges them: there, more reasoning than answer gives it away.
    """
    details_in = mapping(usage.get("prompt_tokens_details") or usage.get("input_tokens_details"))
    details_out = mapping(usage.get("completion_tokens_details") or usage.get("output_tokens_details"))
    prompt = count(usage.get("prompt_tokens")) or count(usage.get("input_tokens"))
    output = count(usage.get("completion_tokens")) or count(usage.get("output_tokens"))
    reasoning = count(details_out.get("reasoning_tokens")) or count(usage.get("reasoning_tokens"))
    apart = count(usage.get("total_tokens")) == prompt + output + reasoning
    if reasoning and (apart or ("market_cost" in usage and reasoning > output)):
        output += reasoning
    read = _first(details_in.get("cached_tokens"), usage, *_CACHED)
    long = count(mapping(usage.get("cache_creation")).get("ephemeral_1h_input_tokens"))
    write = _first(details_in.get("cache_write_tokens"), usage, "cache_creation_input_tokens")
    read = min(read, prompt)
    write = min(write, prompt - read)
    long = min(long, write)
    return Usage(
        fresh=prompt - read - write,
        cache_read=read,
        cache_write=write - long,
        cache_write_1h=long,
        output=output,
        reasoning=min(reasoning, output),
        cost=_cost(usage) if cost is None else cost,
        tier=tier,
        raw=usage,
    )


def _first(value: Any, usage: Mapping[str, Any], *names: str) -> int:
    """The first count that is not nothing."""
    return count(value) or next((found for name in names if (found := count(usage.get(name)))), 0)


def _cost(usage: Mapping[str, Any]) -> Decimal | None:
    """What the provider says it charged, in US dollars."""
    ticks = usage.get("cost_in_usd_ticks")
    if isinstance(ticks, int) and not isinstance(ticks, bool):
        return amount(str(ticks * XAI_TICK)) or None  # Azure's Grok says 0 and charges all the same
    cost = usage.get("cost")
    if isinstance(cost, dict):
        return amount(cost.get("total_cost"))
    charged = amount(usage.get("estimated_cost") if cost is None else cost)  # DeepInfra's word for it
    if charged is not None and usage.get("is_byok") is True:
        upstream = amount(mapping(usage.get("cost_details")).get("upstream_inference_cost"))
        return charged + upstream if upstream is not None else charged
    return charged
