"""Token counts of Anthropic's Messages, whose input excludes what was cached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routerterm.core.usage import Usage
from routerterm.protocols.json_utils import count, mapping, text


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
        tier=text(usage.get("service_tier")),
        raw=usage,
    )
