"""The accents of Anthropic's Messages, as data."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field


class Dialect(Struct, frozen=True):
    """One accent."""

    key_header: str = "x-api-key"
    version: str = "2023-06-01"
    max_output: int = 8192
    """What is asked for where the request sets no limit: the protocol wants one."""
    cache: bool = True
    """Whether the prompt's steady beginning is marked for the provider's cache."""
    budgeted: str = r"claude-(2|3|opus-4(-[015])?(-2025\d+)?$|sonnet-4(-[05])?(-2025\d+)?$|haiku-4)"
    """Models (as a pattern) that are told how many tokens to think; later ones are told an effort."""
    efforts: Mapping[str, int] = field(default_factory=lambda: {"low": 2048, "medium": 8192, "high": 24576})
    """Tokens of thinking by effort."""


DIALECTS: Mapping[str, Dialect] = {
    "": Dialect(),
    "anthropic": Dialect(),
    "bearer": Dialect(key_header="Authorization", cache=False),
}
"""By name, as in the provider table and in settings."""
