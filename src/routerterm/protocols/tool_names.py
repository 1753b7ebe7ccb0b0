"""Names of tools as a provider takes them, and back again.

What one protocol's clients may call a tool another protocol's servers refuse: dots, a digit first, 100 letters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from hashlib import sha256

from msgspec import Struct
from msgspec.structs import replace

from routerterm.core.messages import Message, Part, ToolCall, ToolResult
from routerterm.core.request import ChatRequest

_DIGEST = 8


class NameRule(Struct, frozen=True):
    """Which names a server takes."""

    letters: str = "A-Za-z0-9_-"
    """As they stand in a pattern."""
    most: int = 64
    worded: bool = False
    """Whether the first one must be a letter or an underscore."""

    def fits(self, name: str) -> bool:
        """Whether a name is taken as it is."""
        first = r"(?=[A-Za-z_])" if self.worded else ""
        return re.fullmatch(rf"{first}[{self.letters}]{{1,{self.most}}}", name) is not None

    def fitted(self, name: str) -> str:
        """A name that is taken: as much of it as may stay, and a digest of the whole, so that no two become one."""
        kept = re.sub(rf"[^{self.letters}]", "_", name)
        kept = f"_{kept}" if self.worded and not re.match("[A-Za-z_]", kept) else kept
        digest = sha256(name.encode("utf-8", "replace")).hexdigest()[:_DIGEST]
        return f"{kept[: self.most - _DIGEST - 1]}_{digest}"


def odd_names(request: ChatRequest, rule: NameRule) -> dict[str, str]:
    """The names of tools and calls that are not taken, each with the one to send instead."""
    return {name: rule.fitted(name) for name in dict.fromkeys(_names(request)) if name and not rule.fits(name)}


def renamed(request: ChatRequest, names: Mapping[str, str]) -> ChatRequest:
    """The request with other names for some of its tools, wherever they stand."""
    tools = tuple(replace(tool, name=names.get(tool.name, tool.name)) for tool in request.tools)
    messages = tuple(
        replace(message, parts=tuple(_part(part, names) for part in message.parts)) if _names_one(message) else message
        for message in request.messages
    )
    choice = request.tool_choice
    return replace(request, tools=tools, messages=messages, tool_choice=names.get(choice, choice) if choice else choice)


def _names(request: ChatRequest) -> Iterator[str]:
    yield from (tool.name for tool in request.tools)
    for message in request.messages:
        yield from (part.name for part in message.parts if isinstance(part, ToolCall | ToolResult))


def _names_one(message: Message) -> bool:
    return any(isinstance(part, ToolCall | ToolResult) for part in message.parts)


def _part(part: Part, names: Mapping[str, str]) -> Part:
    return replace(part, name=names.get(part.name, part.name)) if isinstance(part, ToolCall | ToolResult) else part
