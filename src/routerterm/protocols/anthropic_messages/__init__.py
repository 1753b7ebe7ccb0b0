"""Anthropic's Messages API."""

from __future__ import annotations

from routerterm.protocols.anthropic_messages.codec import MessagesCodec
from routerterm.protocols.anthropic_messages.dialect import DIALECTS

__all__ = ["DIALECTS", "codec"]


def codec(dialect: str = "") -> MessagesCodec:
    """The codec in one of `DIALECTS`."""
    return MessagesCodec(DIALECTS[dialect])
