"""How each family of models wraps and cuts a prompt, measured on recorded traffic (``scripts/fit_tokens.py``)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from msgspec import Struct

from routerterm.core.lazy_pattern import LazyPattern
from routerterm.tokens.shape import Shape


class Family(Struct, frozen=True):
    """Tokens per countable part of a prompt.  The per-token factors are relative to ``o200k_base``."""

    name: str
    base: float = 0.0
    message: float = 4.0
    text: float = 1.0
    tools: float = 0.0
    """For having tools at all."""
    tool: float = 8.0
    schema: float = 1.3
    call: float = 10.0
    called: float = 1.1
    thought: float = 0.0
    sealed: float = 0.0
    """Per character of a seal."""
    thinks: float = 0.0
    """For being asked to think."""
    samples: int = 0
    """Recorded prompts behind these numbers."""

    def tokens(self, shape: Shape) -> float:
        """Tokens of a prompt of that shape, its pictures apart."""
        total = self.base + self.message * shape.messages + self.text * shape.text
        if shape.tools:
            total += self.tools + self.tool * shape.tools + self.schema * shape.schema
        total += self.call * shape.calls + self.called * shape.called
        return total + self.thought * shape.thought + self.sealed * shape.sealed + self.thinks * shape.thinks


GENERIC = Family("generic")
_PATTERNS: tuple[tuple[str, str], ...] = (
    ("gpt-oss", r"gpt-oss"),
    ("openai-reasoning", r"(^|/)(gpt-[5-9]|o[1-9](-|$)|codex)"),
    ("openai", r"(^|/)(gpt-|chatgpt|ft:gpt|chat-latest)"),
    ("claude-haiku", r"claude.*haiku"),
    ("claude", r"claude"),
    ("gemini-2.0", r"gemini-(1|2\.0)"),
    ("gemini", r"gemini-2"),
    ("gemini-3", r"gemini"),
    ("gemma", r"gemma"),
    ("deepseek", r"deepseek(?!.*distill)"),
    ("grok-code", r"grok-code"),
    ("grok-3", r"grok-[23]"),
    ("grok", r"grok"),
    ("magistral", r"magistral"),
    ("mistral", r"mi[sx]tral|ministral|codestral|devstral|pixtral"),
    ("llama-2", r"llama-?2|llama-?3(-(8|70)b|$|:)"),
    ("llama", r"llama|hermes"),
    ("qwen", r"qwen|qwq"),
    ("kimi", r"kimi|moonshot"),
    ("glm", r"glm"),
    ("command-a", r"command-a"),
    ("command", r"command|c4ai|aya"),
    ("sonar", r"sonar|pplx"),
)
_COMPILED = tuple((name, LazyPattern(pattern, re.IGNORECASE)) for name, pattern in _PATTERNS)

_GPT_5 = LazyPattern(r"gpt-5(-mini|-nano|-pro)?(-\d{4}-\d{2}-\d{2})?")
_CHAT_DOORS = frozenset(("openai", "azure", "openai-chat", "azure-openai-chat"))
"""Through Chat Completions the first GPT-5 models put a longer preamble before their tools than through Responses."""


@cache
def families() -> Mapping[str, Family]:
    """The measured families by name."""
    body = json.loads(Path(__file__).with_name("data").joinpath("families.json").read_bytes())
    return {name: Family(name, **numbers) for name, numbers in body["families"].items()}


def family_name(name: str) -> str:
    """The family that a ``provider/model`` speaks of; ``generic`` where it speaks of none."""
    provider, _, model = name.partition("/")
    found = next((family for family, pattern in _COMPILED if pattern.search(model)), GENERIC.name)
    if found == "gemini" and "vertex" in provider:
        return "gemini-vertex"
    if _GPT_5.fullmatch(model) and provider in _CHAT_DOORS:
        return "gpt-5-chat"
    return found


def family_of(name: str) -> Family:
    """The measured family of a ``provider/model``."""
    return families().get(family_name(name), families().get(GENERIC.name, GENERIC))
