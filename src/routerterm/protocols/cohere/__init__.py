"""Cohere's chat API."""

from __future__ import annotations

from routerterm.protocols.cohere.codec import DIALECTS, CohereCodec

__all__ = ["DIALECTS", "codec"]


def codec(dialect: str = "") -> CohereCodec:
    """The codec in one of `DIALECTS`."""
    return CohereCodec(DIALECTS[dialect])
