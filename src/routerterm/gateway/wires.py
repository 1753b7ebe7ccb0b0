"""How the answers of each protocol that is served travel: ids, content type, and what keeps a waiting client awake."""

from __future__ import annotations

from msgspec import Struct

_EVENTS = "text/event-stream; charset=utf-8"


class Wire(Struct, frozen=True):
    """One protocol's way."""

    protocol: str
    prefix: str = ""
    """How ids of its answers begin."""
    kind: str = _EVENTS
    comments: bool = True
    """Whether its clients skip comments of an event stream: the last one tells who answered, and at what cost."""


CHAT = Wire("openai-chat", "chatcmpl-")
COMPLETIONS = Wire("openai-completions", "cmpl-")
EVENTS = Wire("routerterm-events", "rt_")
RESPONSES = Wire("openai-responses", "resp_")
COMPACTION = Wire("openai-compaction", "resp_")
MESSAGES = Wire("anthropic-messages", "msg_")
GEMINI = Wire("gemini", comments=False)
OLLAMA = Wire("ollama-chat", kind="application/x-ndjson", comments=False)
OLLAMA_GENERATE = Wire("ollama-generate", kind="application/x-ndjson", comments=False)
