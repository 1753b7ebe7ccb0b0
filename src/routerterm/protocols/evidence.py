"""What stands in the body of a request: the proof of what leaves, read from the very bytes.

Every protocol's body is JSON whose strings hold what was said.  A part of a message leaves if it is found there, and
what is found there and is no part of a message was added on the way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from routerterm.core.messages import Image, Part, Reasoning, Text, ToolCall, ToolResult
from routerterm.protocols.images import to_base64
from routerterm.protocols.json_utils import NotJson, loads
from routerterm.protocols.signature_scope import read_scope

_PROSE = frozenset(("text", "content", "instructions", "input", "output", "system", "prompt", "message", "thinking"))
"""The fields in which the protocols put words; other strings are names, ids and settings."""
_TURNS = frozenset(("messages", "input", "contents", "system", "systemInstruction", "instructions", "tools"))
"""The fields of a body that hold what was said; all others say how to answer."""
_FAMILIES = ("anthropic", "openrouter", "vercel", "gemini", "responses-openai", "responses-xai", "responses-openrouter")


class Evidence:
    """The strings of one body."""

    def __init__(self, body: bytes) -> None:
        try:
            self._body = loads(body)
        except NotJson:
            self._body = {}
        leaves = list(_leaves(self._body, ""))
        self._strings = [value for _, value in leaves]
        self._prose = [value for field, value in leaves if field in _PROSE]
        self._known: set[str] = set(self._strings)
        self.marks = marks_in(body)
        """Places up to which the provider is told to keep the prompt in its cache."""

    @property
    def settings(self) -> dict[str, Any]:
        """The fields that say how to answer, in the order in which they stand."""
        body = self._body if isinstance(self._body, dict) else {}
        return {name: value for name, value in body.items() if name not in _TURNS}

    @property
    def hosted_tools(self) -> tuple[dict[str, Any], ...]:
        """The tools that the provider runs itself, such as its search of the web."""
        tools = self._body.get("tools") if isinstance(self._body, dict) else None
        ours = ("function", "input_schema", "functionDeclarations", "parameters")
        found = (tool for tool in tools or () if isinstance(tool, dict) and not any(name in tool for name in ours))
        return tuple(tool for tool in found if tool.get("type") != "function")

    def has(self, words: str) -> bool:
        """Whether these words stand there, perhaps joined with others or without the blanks around them."""
        words = words.strip()
        return not words or words in self._known or any(words in string for string in self._strings)

    def has_part(self, part: Part) -> bool:
        """Whether a part of a message leaves."""
        match part:
            case Text(text):
                return self.has(text)
            case Image():
                return self.has(part.url or to_base64(part))
            case Reasoning(text, signature, redacted):
                sealed = (read_scope(family, seal) for family in _FAMILIES for seal in (signature, redacted))
                return (bool(text) and self.has(text)) or any(seal in self._known for seal in sealed if seal)
            case ToolCall(name=name):
                return name in self._known
            case ToolResult(text=text):
                return self.has(text)

    def added(self, said: Iterable[str]) -> tuple[str, ...]:
        """The words in the body that nobody said: instructions and stand-ins that this provider needs."""
        known = sorted({words.strip() for words in said if words.strip()}, key=len, reverse=True)
        found = (_without(string, known) for string in self._prose)
        return tuple(dict.fromkeys(rest for rest in found if rest))


def marks_in(body: bytes) -> int:
    """How many places of a body are marked for the provider's cache; within a string its quotes would be escaped."""
    return body.count(b'"cache_control":')


def _without(string: str, known: list[str]) -> str:
    if string.strip() in known:
        return ""
    for words in known:
        if words in string:
            string = string.replace(words, "\n\n")
    return re.sub(r"\n{3,}", "\n\n", string).strip()


def _leaves(value: Any, field: str) -> Iterator[tuple[str, str]]:
    """Every string with the field that it stands in, in order."""
    if isinstance(value, str):
        yield field, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, field)
