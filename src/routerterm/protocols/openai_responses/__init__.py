"""OpenAI's Responses API."""

from __future__ import annotations

from routerterm.protocols.openai_responses.codec import ResponsesCodec
from routerterm.protocols.openai_responses.dialect import DIALECTS

__all__ = ["DIALECTS", "codec"]


def codec(dialect: str = "") -> ResponsesCodec:
    """The codec in one of `DIALECTS`."""
    return ResponsesCodec(DIALECTS[dialect])
