"""How providers are asked to search the web themselves, in each protocol's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MOST_SEARCHES = 5
"""Searches for one answer, where the protocol lets us say so: each has its fee."""

ANTHROPIC: Mapping[str, Any] = {"type": "web_search_20250305", "name": "web_search", "max_uses": MOST_SEARCHES}
RESPONSES: Mapping[str, Any] = {"type": "web_search"}
GEMINI: Mapping[str, Any] = {"google_search": {}}
CHAT: Mapping[str, Mapping[str, Any]] = {
    "options": {"web_search_options": {}},
    "plugin": {"plugins": [{"id": "web"}]},
    "browser": {"tools": [{"type": "browser_search"}]},
    "always": {},
}
"""Fields of Chat Completions by `Dialect.web`; a model that always searches needs none."""
