"""Google's Gemini API."""

from __future__ import annotations

from routerterm.protocols.gemini.codec import DIALECTS, GeminiCodec

__all__ = ["DIALECTS", "codec"]


def codec(dialect: str = "") -> GeminiCodec:
    """The codec in one of `DIALECTS`."""
    return GeminiCodec(DIALECTS[dialect])
