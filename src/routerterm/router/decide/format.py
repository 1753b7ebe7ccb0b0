"""Numbers as a person says them."""

from __future__ import annotations


def format_duration(seconds: float) -> str:
    """``41 s``, ``9 min``, ``3 h``: rounded up, so that nobody comes back too early."""
    if seconds < 90:
        return f"{-int(-seconds // 1)} s"
    if seconds < 5400:
        return f"{-int(-seconds // 60)} min"
    return f"{-int(-seconds // 3600)} h"


def format_tokens(tokens: int) -> str:
    """``800``, ``8k``, ``131k``, ``1.0M`` tokens."""
    if tokens < 1000:
        return str(tokens)
    return f"{tokens / 1000:.0f}k" if tokens < 999_500 else f"{tokens / 1e6:.1f}M"
