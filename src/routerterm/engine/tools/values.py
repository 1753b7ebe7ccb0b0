"""A tool as the program knows it, what may be done with it, and how a call ends."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from routerterm.core.request import Params

if TYPE_CHECKING:
    from routerterm.protocols.mcp import McpForm

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
    """What its server says of it: only of a trusted one is that more than a claim."""
    trusted: bool = False
    """Whether it is built in, or the person has marked its server as trusted."""
    local: bool = False
    """Whether it sends nothing out of the person's network."""
    fingerprint: str = ""
    accepted: bool = True
    """False where its description has changed since the person accepted it: it is not offered until accepted again."""

    @property
    def is_read_only(self) -> bool:
        """Whether it changes nothing, as far as somebody says so whom the person trusts."""
        return self.read_only and self.trusted

    @property
    def shown(self) -> str:
        """``server.tool``, or the bare name of a built-in one: what a person reads, and what globs are held against."""
        return self.own_name if self.server == BUILT_IN else f"{self.server}.{self.own_name}"


def is_on(tool: ToolInfo, params: Params) -> bool:
    """Whether these parameters let the tool be offered."""
    if params.tools_only and not any(is_meant(tool, glob) for glob in params.tools_only):
        return False
    return tool.shown not in params.tools_off and tool.server not in params.tools_off


def is_meant(tool: ToolInfo, glob: str) -> bool:
    """Whether the glob stands for the tool: for its name, or its server's."""
    return any(fnmatchcase(name, glob) for name in (tool.shown, tool.name, tool.server))


def switched(params: Params, name: str, *, on: bool) -> Params:
    """The parameters with a tool or server (``server.tool``, ``server``) switched on or off."""
    off = tuple(each for each in params.tools_off if each != name)
    if not on:
        return replace(params, tools_off=(*off, name))
    only = params.tools_only
    return replace(params, tools_off=off, tools_only=(*only, name) if only and name not in only else only)


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


class Form(Struct, frozen=True):
    """A server asks the person for a few values, while a tool of its runs."""

    tool: ToolInfo
    form: McpForm
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
