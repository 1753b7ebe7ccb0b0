"""Token counts of Gemini, whose output excludes its thoughts and whose prompt excludes what its tools read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routerterm.core.usage import Usage
from routerterm.protocols.json_utils import count


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
