"""OpenAI's Chat Completions and the many servers that speak it, each with its own accent."""

from __future__ import annotations

from routerterm.protocols.openai_chat.codec import ChatCodec
from routerterm.protocols.openai_chat.dialect import DIALECTS

__all__ = ["DIALECTS", "codec"]


def codec(dialect: str = "") -> ChatCodec:
    """The codec in one of `DIALECTS`."""
    return ChatCodec(DIALECTS[dialect])
