"""A tool as the program knows it, what may be done with it, and how a call ends."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from msgspec import Struct, field

Permission: TypeAlias = Literal["allow", "ask", "deny"]
Verdict: TypeAlias = Literal["once", "conversation", "always", "no"]
"""What a person says to a call: this once, for this conversation, always, or no."""
BUILT_IN = "built-in"
"""The server of the tools that need none."""
_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]")
MOST_NAME = 64
"""Characters of a function's name that every provider takes."""


class ToolInfo(Struct, frozen=True):
    """A tool that can be offered to a model."""

    name: str
    """What models call it: unique, and within what every provider takes."""
    server: str
    own_name: str
    """What its server calls it."""
    description: str
    schema: Mapping[str, Any] = field(default_factory=dict)
    title: str = ""
    permission: Permission = "ask"
    read_only: bool = False
    local: bool = False
    """Whether it sends nothing out of the person's network."""
    fingerprint: str = ""
    accepted: bool = True
    """False where its description has changed since the person accepted it: it is not offered until accepted again."""

    @property
    def shown(self) -> str:
        """``server.tool``, or the bare name of a built-in one: what a person reads, and what globs are held against."""
        return self.own_name if self.server == BUILT_IN else f"{self.server}.{self.own_name}"


class CallResult(Struct, frozen=True):
    """What a call came to."""

    text: str
    is_error: bool = False


class Ask(Struct, frozen=True):
    """A call that a person must decide on.  ``arguments`` is JSON text."""

    call_id: str
    tool: ToolInfo
    arguments: str
    reason: str = ""
    """Why it is asked where a rule would have allowed it: "called 3 times with the same arguments"."""
    conversation_id: str = ""


class Answer(Struct, frozen=True):
    """What the person said; ``arguments`` are those they have edited, None where they have not."""

    verdict: Verdict
    arguments: str | None = None


def offered_name(server: str, tool: str, taken: Mapping[str, Any]) -> str:
    """A unique name for a tool that every provider takes: ``server__tool``, shortened and numbered where needed."""
    own = tool if server == BUILT_IN else f"{server}__{tool}"
    name = plain = _NOT_IN_NAMES.sub("_", own)[:MOST_NAME]
    number = 1
    while name in taken:
        number += 1
        end = f"_{number}"
        name = plain[: MOST_NAME - len(end)] + end
    return name
