"""One search that stands for many tools: their schemas would cost more in every step than the answer.  Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

from routerterm.engine.tools.values import BUILT_IN, ToolInfo

SEARCH_ABOVE = 20
"""More tools than this are not offered one by one."""
LARGE = 64_000
"""Characters of all descriptions and schemas together, some 16,000 tokens; more are searched too."""
MOST_FOUND = 8
MOST_SAID = 24_000
"""Characters of what a search finds: a server may describe its tools at any length, and each is paid for."""


def is_searched(tools: Sequence[ToolInfo]) -> bool:
    """Whether a search stands for these tools: they are many, or their descriptions are long."""
    others = [tool for tool in tools if tool.server != BUILT_IN]
    return len(tools) > SEARCH_ABOVE or sum(map(_length, others)) > LARGE


def meta_tools(tools: Sequence[ToolInfo]) -> tuple[ToolInfo, ...]:
    """The built-in tools as they are, and two that stand for all others."""
    kept = tuple(tool for tool in tools if tool.server == BUILT_IN)
    servers = ", ".join(dict.fromkeys(tool.server for tool in tools if tool.server != BUILT_IN))
    find = ToolInfo(
        "find_tools",
        BUILT_IN,
        "find_tools",
        f"Find tools by what they do; gives their names and the schemas of their arguments. Servers: {servers}.",
        {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
    )
    call = ToolInfo(
        "call_tool",
        BUILT_IN,
        "call_tool",
        "Call a tool that find_tools has named.",
        {
            "type": "object",
            "properties": {"name": {"type": "string"}, "arguments": {"type": "object"}},
            "required": ["name", "arguments"],
        },
    )
    return (*kept, find, call)


def found_tools(tools: Iterable[ToolInfo], query: object) -> str:
    """The tools that fit a query best, as JSON for the model."""
    wanted = _words(str(query))
    ranked = sorted(
        (tool for tool in tools if tool.server != BUILT_IN), key=lambda tool: (-_score(tool, wanted), tool.name)
    )
    best = [tool for tool in ranked if _score(tool, wanted)][:MOST_FOUND] or ranked[:MOST_FOUND]
    room, said, too_long = MOST_SAID, [], []
    for tool in best:
        about = {"name": tool.name, "description": tool.description, "arguments": dict(tool.schema)}
        text = json.dumps(about, ensure_ascii=False)
        if len(text) <= room:
            room -= len(text)
            said.append(text)
        else:
            too_long.append(tool.name)
    left_out = [json.dumps({"too long to show": too_long}, ensure_ascii=False)] if too_long else []
    return f"[{', '.join([*said, *left_out])}]"


def _length(tool: ToolInfo) -> int:
    return len(tool.description) + len(json.dumps(dict(tool.schema), ensure_ascii=False))


def _score(tool: ToolInfo, wanted: set[str]) -> int:
    name, about = _words(f"{tool.server} {tool.own_name} {tool.title}"), _words(tool.description)
    return 3 * len(wanted & name) + len(wanted & about)


def _words(text: str) -> set[str]:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return {word for word in re.split(r"[\W_]+", spaced.lower()) if len(word) > 1}
