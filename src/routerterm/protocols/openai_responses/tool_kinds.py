"""Tools of the Responses API that other protocols do not have, in terms of functions, and back.

A custom tool takes one text: upstream it is a function with one string.  A namespace holds functions: they stand by
themselves.  Tools that run at the provider (web search and the like) go to one that speaks this protocol.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from routerterm.core.request import HostedTool, Tool
from routerterm.protocols.json_utils import NotJson, dumps, loads, mapping, objects, text
from routerterm.protocols.server_base import required_text

PROTOCOL = "openai-responses"
_ONE_TEXT: Mapping[str, Any] = {
    "type": "object",
    "properties": {"input": {"type": "string", "description": "The whole input of the tool, as text."}},
    "required": ["input"],
    "additionalProperties": False,
}


class ToolKinds(Struct):
    """The tools of one request."""

    tools: list[Tool] = field(default_factory=list)
    custom: set[str] = field(default_factory=set)
    """Names whose calls go back as text."""
    namespaces: dict[str, str] = field(default_factory=dict)
    """The namespace of a function, by its name."""
    hosted: list[HostedTool] = field(default_factory=list)
    """Tools that run at the provider."""

    @classmethod
    def of(cls, given: Any) -> ToolKinds:
        """As a request names them.  Raises `BadRequest` for a tool without a name."""
        found = cls()
        for item in objects(given):
            found._add(item, "")
        return found

    def _add(self, item: Mapping[str, Any], namespace: str) -> None:
        match item.get("type"):
            case "function":
                function = mapping(item.get("function")) or item  # some clients send Chat Completions' form
                name = required_text(function, "name")
                strict = function.get("strict")
                self.tools.append(
                    Tool(
                        name,
                        text(function.get("description")),
                        mapping(function.get("parameters")),
                        strict if isinstance(strict, bool) else None,
                    )
                )
                if namespace:
                    self.namespaces[name] = namespace
            case "custom":
                name = required_text(item, "name")
                self.tools.append(Tool(name, _described(item), _ONE_TEXT))
                self.custom.add(name)
            case "namespace":
                for inner in objects(item.get("tools")):
                    self._add(inner, text(item.get("name")))
            case _:
                self.hosted.append(HostedTool(PROTOCOL, item))


def _described(item: Mapping[str, Any]) -> str:
    """What the tool is for, with the grammar that its input keeps to."""
    grammar = mapping(item.get("format"))
    definition = text(grammar.get("definition"))
    words = text(item.get("description"))
    return (
        f"{words}\n\nThe input keeps to this {text(grammar.get('syntax'))} grammar:\n{definition}"
        if definition
        else words
    )


def input_of(arguments: str) -> str:
    """The text of a custom tool's call, of a function's arguments."""
    try:
        value = loads(arguments)
    except NotJson:
        return arguments
    given = mapping(value).get("input")
    return given if isinstance(given, str) else arguments


def arguments_of(given: Any) -> str:
    """A custom tool's text as a function's arguments."""
    return dumps({"input": text(given)}).decode("utf-8")
