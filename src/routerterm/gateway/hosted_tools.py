"""Tools that a request names and its client does not run: a provider's own pass on, those of MCP servers run here.

Both reach further than an answer does, and cost more: a virtual key may use those alone that it was made with.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from routerterm.core.errors import BadRequest, RoutertermError
from routerterm.core.events import (
    Event,
    Finished,
    HostedDelta,
    StepEnded,
    ToolCallDelta,
    ToolFinished,
    ToolStarted,
)
from routerterm.core.messages import ToolResult
from routerterm.core.request import ChatRequest, HostedTool
from routerterm.engine.virtual_keys import Client
from routerterm.gateway.http_errors import forbidden, wrong
from routerterm.protocols.hosted_steps import write_step
from routerterm.protocols.json_utils import listing, mapping, text
from routerterm.protocols.openai_responses.decode import STEP

if TYPE_CHECKING:
    from routerterm.engine.chat.router_port import ChatRouter
    from routerterm.engine.tools.loop import ToolLoop
    from routerterm.engine.tools.values import ToolInfo
    from routerterm.wiring.services import Services

HERE = "routerterm"
"""What stands as ``server_url`` of a server that runs here; left out it means the same."""
FIELDS: Mapping[str, str] = {
    "web_search_options": "web_search",
    "plugins": "web_search",
    "mcp_servers": "mcp",
}
"""Fields of requests that do what a hosted tool does, each with the tool."""
_VERSION = re.compile(r"_20\d{6}$|_preview(_20\d\d_\d\d_\d\d)?$")
_AT_THE_CLIENT = re.compile(
    r"bash|text_editor|computer|computer_use|memory|local_shell|apply_patch|tool_search_tool(_regex|_bm25)?"
)
"""Typed tools that the client runs, or that only choose among its own."""


class Hosted(Struct, frozen=True):
    """A request as the router gets it, the loop over the tools that run here, and what the key may not use."""

    request: ChatRequest
    loop: ToolLoop | None = None
    servers: Mapping[str, tuple[str, str]] = {}
    """By the name that a person reads: the server's label and the tool's own name."""
    left_out: tuple[str, ...] = ()

    async def events(self, router: ChatRouter, request: ChatRequest) -> AsyncGenerator[Event]:
        """The loop's answer as the client may see it: calls that were carried out here are not its own business."""
        assert self.loop is not None
        functions = {tool.name for tool in request.tools}
        calls: list[ToolCallDelta] = []
        started: dict[str, ToolStarted] = {}
        async with aclosing(self.loop.events(router, request, _nowhere)) as events:
            async for event in events:
                match event:
                    case ToolCallDelta():  # whose they are is known once the step is over
                        calls.append(event)
                        continue
                    case StepEnded():
                        calls.clear()
                    case ToolStarted(id):
                        started[id] = event
                    case ToolFinished(result) if result.call_id in started:
                        yield self._step(started[result.call_id], result)
                    case Finished():
                        theirs = list(_of_functions(calls, functions))
                        for call in theirs:
                            yield call
                        if event.reason == "tool_calls" and not theirs:  # out of steps: none is left for the client
                            event = replace(event, reason="length")
                    case _:
                        pass
                yield event

    def _step(self, call: ToolStarted, result: ToolResult) -> HostedDelta:
        """What came of a call, for clients of the Responses API; those of others do not see it."""
        server, name = self.servers.get(call.tool, ("", call.tool))
        error = {"type": "mcp_tool_execution_error", "content": [{"type": "text", "text": result.text}]}
        failed, done = {"error": error, "status": "failed"}, {"output": result.text, "status": "completed"}
        ended = {"output": None, "error": None, **(failed if result.is_error else done)}
        about = {"id": f"mcp_{call.call_id}", "type": "mcp_call", "server_label": server, "name": name}
        return HostedDelta(redacted=write_step(STEP, {**about, "arguments": call.arguments, **ended}))


async def hosted_tools(services: Services, request: ChatRequest, client: Client, answers: int = 1) -> Hosted:
    """What this client may have of the request's hosted tools.  Raises `BadRequest` and `HttpError` (403, 424)."""
    if not request.hosted and not FIELDS.keys() & request.params.more.keys():
        return Hosted(request)
    here = [tool for tool in request.hosted if _is_here(tool)]
    others = [tool for tool in request.hosted if not _is_here(tool)]
    kept = tuple(tool for tool in others if _may(client, tool))
    more, refused = dict(request.params.more), [tool.kind for tool in others if tool not in kept]
    for field, name in FIELDS.items():
        if field in more and not _matches(client, name):
            del more[field]
            refused.append(field)
    chosen = {tool.name for tool in others if tool not in kept}
    choice = None if request.tool_choice in chosen - {""} else request.tool_choice
    left = replace(request, hosted=kept, params=replace(request.params, more=more), tool_choice=choice)
    if not here:
        return Hosted(left, left_out=tuple(refused))
    if answers > 1:
        raise BadRequest("`n` must be 1 where tools run here.")
    if not client.is_owner and not client.allowance.tools:
        raise forbidden("This key may have no tools run.")
    tools = await _offered(services, here, client, {tool.name for tool in request.tools})
    if not tools:
        raise forbidden("This key may use none of these tools.")
    from routerterm.wiring.tools import unattended_loop

    servers = {tool.shown: (tool.server, tool.own_name) for tool in tools}
    return Hosted(left, unattended_loop(services, tools), servers, tuple(refused))


async def _offered(services: Services, here: Iterable[HostedTool], client: Client, taken: set[str]) -> list[ToolInfo]:
    """The tools of the servers that are named, as far as settings, key and request let them run unasked."""
    found: dict[str, ToolInfo] = {}
    for asked in here:
        wanted = _Wanted(asked.spec)
        for tool in await _tools_of(services, wanted.server):
            if tool.accepted and wanted.has(tool) and _runs_unasked(client, tool) and tool.name not in taken:
                found[tool.name] = replace(tool, permission="allow")
    return list(found.values())


async def _tools_of(services: Services, server: str) -> tuple[ToolInfo, ...]:
    from routerterm.engine.tools.values import BUILT_IN

    box = services.tools()
    if server == BUILT_IN:
        return box.built_in()
    if server not in box.names:
        raise BadRequest(f"There is no MCP server {server[:80]!r} here; one elsewhere needs its `server_url`.")
    try:
        return await box.learn(server)
    except RoutertermError as error:
        raise wrong(424, f"No tools of this server. {error.message}") from None


class _Wanted:
    """What a tool of type ``mcp`` asks for, of a server that runs here."""

    def __init__(self, spec: Mapping[str, Any]) -> None:
        """Raises `BadRequest`."""
        self.server = text(spec.get("server_label"))
        self._allowed = _names(spec.get("allowed_tools"))
        self._read_only = mapping(spec.get("allowed_tools")).get("read_only") is True
        approval = spec.get("require_approval")
        if approval == "never":
            self._unasked = None
        elif (named := mapping(mapping(approval).get("never"))) and (never := _names(named)) is not None:
            self._unasked = never
        else:
            raise BadRequest('Nobody can be asked here: `require_approval` must be "never", or name such tools.')

    def has(self, tool: ToolInfo) -> bool:
        """Whether the tool is among those that are asked for."""
        names = (self._allowed, self._unasked)
        return all(each is None or tool.own_name in each for each in names) and (
            tool.is_read_only or not self._read_only
        )


def _runs_unasked(client: Client, tool: ToolInfo) -> bool:
    """The person gave a key its tools and so has approved them; for the owner's own programs the settings hold."""
    from routerterm.engine.tools.values import is_meant

    if tool.permission == "deny":
        return False
    if client.is_owner:
        return tool.permission == "allow"
    return any(is_meant(tool, glob) for glob in client.allowance.tools)


def _is_here(tool: HostedTool) -> bool:
    spec = tool.spec
    elsewhere = spec.get("connector_id") or text(spec.get("server_url")) not in ("", HERE)
    return spec.get("type") == "mcp" and not elsewhere


def _may(client: Client, tool: HostedTool) -> bool:
    """By its type alone: its name is the client's to choose, and many a provider does not look at it."""
    kind = _VERSION.sub("", tool.kind)
    return _AT_THE_CLIENT.fullmatch(kind) is not None or _matches(client, kind)


def _matches(client: Client, name: str) -> bool:
    return client.is_owner or any(fnmatchcase(name, glob) for glob in client.allowance.tools)


def _names(given: Any) -> set[str] | None:
    """The names of a list, or of an object with one; None where all are meant."""
    listed = given if isinstance(given, list) else mapping(given).get("tool_names")
    return None if listed is None else {text(name) for name in listing(listed)}


def _of_functions(calls: Iterable[ToolCallDelta], functions: set[str]) -> Iterable[ToolCallDelta]:
    """The pieces of the calls that the client itself must carry out."""
    calls = list(calls)
    theirs = {call.index for call in calls if call.name in functions}
    return (call for call in calls if call.index in theirs)


async def _nowhere() -> None:
    """Nothing of it is kept here."""
