"""Ollama's own chat API."""

from __future__ import annotations

from routerterm.protocols.ollama.codec import DIALECTS, OllamaCodec

__all__ = ["DIALECTS", "codec"]


def codec(dialect: str = "") -> OllamaCodec:
    """The codec in one of `DIALECTS`."""
    return OllamaCodec(DIALECTS[dialect])
