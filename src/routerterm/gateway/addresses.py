"""Addresses as clients write them: which one is meant, and in whose words an error there is told."""

from __future__ import annotations

import re


def protocol_of(path: str) -> str:
    """In which protocol's shape an error at this address is told."""
    if path.startswith("/v1/messages"):
        return "anthropic-messages"
    if path.startswith(("/api/conversations", "/api/usage")) or path in ("/v1/chat", "/api/chat/stream"):
        return "routerterm-events"
    if path.startswith("/api/"):
        return "ollama-chat"
    return "gemini" if path.startswith("/v1beta") or ":" in path else "openai-chat"


def forgiven(path: str) -> str:
    """An address as it was meant: base and path often bring the same words, a slash too many, or no ``/v1``."""
    path = _SLASHES.sub("/", path)
    if len(path) > 1:
        path = path.rstrip("/")
    while (folded := _DOUBLED.sub(r"/\2", path, count=1)) != path:
        path = folded
    path = _BESIDE.sub("", path)
    if path.startswith(_BARE):
        path = f"/v1{path}"
    return _TWICE.sub(r"/v1\1", path)


_SLASHES = re.compile(r"/{2,}")
_DOUBLED = re.compile(r"^/(v1|v1beta)/(v1beta|v1)(?=/|$)")
_BESIDE = re.compile(r"^/(?:v1|api)(?=/api/(?:chat|generate|tags|show|version|ps|embed|embeddings)$)")
"""What stands before Ollama's addresses where a client was given OpenAI's base, or Ollama's with its ``/api``."""
_TWICE = re.compile(r"^/v1(/chat/completions|/messages|/responses|/embeddings)(?:/v1)?\1(?=/|$)")
"""A whole address was given as the base."""
_BARE = ("/chat/completions", "/completions", "/responses", "/messages", "/models", "/embeddings")
