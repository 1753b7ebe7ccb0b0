"""Finds a protocol by its name, and loads it only then."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import cast

from routerterm.core.errors import SettingsError
from routerterm.protocols.base import Codec
from routerterm.protocols.server_base import ServerCodec

_MAKERS = {
    "openai-chat": "openai_chat",
    "openai-responses": "openai_responses",
    "anthropic-messages": "anthropic_messages",
    "gemini": "gemini",
    "mistral": "openai_chat",
    "ollama-chat": "ollama",
    "cohere-v2": "cohere",
}
PROTOCOLS: tuple[str, ...] = tuple(_MAKERS)
"""Every protocol's name, as in settings."""

_SERVERS = {
    "openai-completions": "openai_chat.server_completions",
    "openai-compaction": "openai_responses.server_compact",
    "routerterm-events": "openai_chat.server_events",
    "ollama-generate": "ollama.server_generate",
}
SERVED: tuple[str, ...] = ("openai-chat", "openai-responses", "anthropic-messages", "gemini", "ollama-chat")
"""The protocols that have a server's side too."""

EMBEDDING_PROTOCOLS = frozenset({"openai-chat", "openai-responses", "mistral", "gemini", "ollama-chat", "cohere-v2"})
"""Those that have an address for embeddings."""
_ALIASES = {
    "openai": "openai-chat",
    "responses": "openai-responses",
    "anthropic": "anthropic-messages",
    "ollama": "ollama-chat",
    "cohere": "cohere-v2",
}


def codec(protocol: str, dialect: str = "") -> Codec:
    """The codec of a protocol in a dialect.  Raises `SettingsError` for a name that is not known."""
    maker, dialect = _find(protocol, dialect)
    known = maker.DIALECTS
    if dialect not in known:
        names = ", ".join(sorted(name for name in known if name)) or "none"
        raise SettingsError(f"{protocol} has no dialect {dialect!r}.", f"Known: {names}.")
    return cast(Codec, maker.codec(dialect))


def server_codec(protocol: str) -> ServerCodec:
    """The server's side of a protocol, of those in `SERVED`, or of an older one that is served in terms of chat.

    Raises `SettingsError` for any other."""
    name = _ALIASES.get(protocol, protocol)
    if name not in SERVED and name not in _SERVERS:
        raise SettingsError(f"{protocol!r} is not served here.", f"Known: {', '.join(SERVED)}.")
    module = _SERVERS.get(name) or f"{_MAKERS[name]}.server"
    return cast(ServerCodec, import_module(f"routerterm.protocols.{module}"))


def dialects(protocol: str) -> tuple[str, ...]:
    """The dialects of a protocol; the empty one is the plain protocol."""
    return tuple(_find(protocol, "")[0].DIALECTS)


def _find(protocol: str, dialect: str) -> tuple[ModuleType, str]:
    name = _ALIASES.get(protocol, protocol)
    if name not in _MAKERS:
        raise SettingsError(f"There is no protocol {protocol!r}.", f"Known: {', '.join(PROTOCOLS)}.")
    module = import_module(f"routerterm.protocols.{_MAKERS[name]}.codec")
    return module, "mistral" if name == "mistral" and not dialect else dialect
