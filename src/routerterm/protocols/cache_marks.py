"""The client's own marks for the provider's prompt cache: Anthropic's, which OpenRouter takes in chats too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routerterm.core.messages import CacheMark
from routerterm.core.request import ChatRequest
from routerterm.protocols.json_utils import mapping

FIELD = "cache_control"
_MOST = 4
"""Marks in one request (docs.anthropic.com, prompt caching)."""


def read_mark(block: Mapping[str, Any]) -> CacheMark | None:
    """How long the client wants the prompt up to this block kept in the provider's cache."""
    mark = mapping(block.get(FIELD))
    if mark.get("type") != "ephemeral":
        return None
    return "1h" if mark.get("ttl") == "1h" else "5m"


def write_mark(mark: CacheMark | None) -> dict[str, Any]:
    """The block's mark as the client set it."""
    if mark is None:
        return {}
    return {FIELD: {"type": "ephemeral"} | ({"ttl": "1h"} if mark == "1h" else {})}


def is_marked(request: ChatRequest) -> bool:
    """Whether the client marks the prompt itself: then its marks are money, and no others are added."""
    parts = (part for message in request.messages for part in message.parts)
    marked = any(getattr(part, "cache", None) for part in parts) or any(tool.cache for tool in request.tools)
    return marked or FIELD in request.params.more


def limit_marks(places: list[dict[str, Any]], besides: int = 0) -> None:
    """Of too many marks the earlier ones go, because a later one holds what is before it."""
    marked = [place for place in places if FIELD in place]
    for place in marked[: max(0, len(marked) + besides - _MOST)]:
        del place[FIELD]
