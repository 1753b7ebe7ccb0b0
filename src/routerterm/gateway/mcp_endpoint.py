"""routerterm as an MCP server, for the owner's own programs: find, ask, why and stats; it changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import msgspec

from routerterm import __version__
from routerterm.core.errors import BadRequest, RoutertermError
from routerterm.core.events import Failed, Finished, TextDelta
from routerterm.core.messages import Message
from routerterm.core.request import ChatRequest
from routerterm.engine.usage.statistics import BYS, summary
from routerterm.engine.virtual_keys import Client
from routerterm.gateway.http_errors import forbidden
from routerterm.gateway.request import Receive, Scope, headers_of
from routerterm.gateway.response import Response
from routerterm.protocols.json_utils import dumps, text
from routerterm.protocols.mcp.messages import parse_message
from routerterm.protocols.mcp.server import Called, McpServerCodec
from routerterm.protocols.mcp.values import McpInvalid, McpTool

if TYPE_CHECKING:
    from routerterm.gateway.state import GatewayState

_MOST_FOUND = 50
_MODEL = {"type": "string", "description": "provider/model, a route or an alias; the default where it is left out"}


def _tool(name: str, about: str, required: str = "", *, read_only: bool = True, **properties: Any) -> McpTool:
    schema = {"type": "object", "properties": properties, "required": [required] if required else []}
    return McpTool(name, about, schema, read_only=read_only, destructive=False, open_world=not read_only)


TOOLS = (
    _tool(
        "find",
        "Search all conversations of the user; gives excerpts with conversation ids, best first.",
        "query",
        query={"type": "string"},
        limit={"type": "integer", "minimum": 1, "maximum": _MOST_FOUND},
    ),
    _tool(
        "ask",
        "Ask a model one question, within the user's budgets; costs money where the model does. Nothing is saved.",
        "prompt",
        read_only=False,
        prompt={"type": "string"},
        model=_MODEL,
    ),
    _tool(
        "why",
        "Explain which model a prompt would go to, what it would cost, and why not the others. Nothing is sent.",
        "prompt",
        prompt={"type": "string"},
        model=_MODEL,
    ),
    _tool(
        "stats",
        "Usage and costs of the last days.",
        days={"type": "integer", "minimum": 1, "maximum": 3660},
        by={"type": "string", "enum": list(BYS)},
    ),
)


class McpEndpoint:
    """The handler of ``/mcp``."""

    def __init__(self, state: GatewayState) -> None:
        self._state = state
        self._codec = McpServerCodec("routerterm", __version__, TOOLS)

    async def post(self, scope: Scope, receive: Receive, out: Response, client: Client) -> None:
        """One message.  Only the owner: what it finds and tells is the person's own."""
        if not client.is_owner:
            raise forbidden("Only your own key may use /mcp.")
        bodies = self._state.bodies
        body = await bodies.read(headers_of(scope), receive)
        try:
            message = parse_message(body)
        except McpInvalid as error:
            raise BadRequest(error.message) from None
        finally:
            bodies.release(len(body))
        taken = self._codec.take(message)
        if isinstance(taken, Called):
            await out.whole(200, await self._carried_out(taken, client))
        else:
            await out.whole(taken.status, taken.body)

    async def _carried_out(self, called: Called, client: Client) -> bytes:
        """What fails is a result that says so: the model on the other side may try something else."""
        try:
            said = await self._said(called.tool.name, called.arguments, client)
        except RoutertermError as error:
            return self._codec.answered(called, f"{error.message} {error.hint}".strip(), is_error=True)
        return self._codec.answered(called, said)

    async def _said(self, tool: str, arguments: Mapping[str, Any], client: Client) -> str:
        match tool:
            case "find":
                return await self._find(arguments)
            case "ask":
                return await self._ask(arguments, client)
            case "why":
                return await self._why(arguments, client)
            case _:
                return await self._stats(arguments)

    async def _find(self, arguments: Mapping[str, Any]) -> str:
        from routerterm.store.query import parse

        query = parse(_required(arguments, "query"), self._state.milliseconds())
        found = await self._state.services.store.search.find(query, _whole(arguments, "limit", 10, _MOST_FOUND))
        rows = [
            {
                "conversation_id": hit.conversation_id,
                "title": hit.title,
                "role": hit.role,
                "created_at": hit.created_at,
                "excerpt": hit.snippet.text,
            }
            for hit in found.hits
        ]
        return dumps(rows).decode()

    async def _ask(self, arguments: Mapping[str, Any], client: Client) -> str:
        said: list[str] = []
        async with aclosing(self._state.stream(self._request(arguments, client))) as events:
            async for event in events:
                match event:
                    case TextDelta(words):
                        said.append(words)
                    case Failed(error):
                        raise error
                    case Finished():
                        break
                    case _:
                        pass
        return "".join(said)

    async def _why(self, arguments: Mapping[str, Any], client: Client) -> str:
        decision = await self._state.services.router.explain(self._request(arguments, client))
        candidates = [
            {
                "model": str(each.target),
                "why": each.why,
                "usd": None if each.forecast is None else [str(each.forecast.low), str(each.forecast.high)],
            }
            for each in decision.candidates
        ]
        passed_over = [{"model": str(each.target), "reason": each.reason} for each in decision.passed_over]
        return dumps({"asked": decision.asked, "candidates": candidates, "passed_over": passed_over}).decode()

    async def _stats(self, arguments: Mapping[str, Any]) -> str:
        by = text(arguments.get("by")) or "model"
        if by not in BYS:
            raise BadRequest(f"`by` must be one of {', '.join(BYS)}.")
        services = self._state.services
        found = await summary(services.store, _whole(arguments, "days", 30, 3660), by, zone=services.zone)  # type: ignore[arg-type]  # one of BYS
        return msgspec.json.encode(found).decode()

    def _request(self, arguments: Mapping[str, Any], client: Client) -> ChatRequest:
        model = text(arguments.get("model")) or self._state.services.default_model
        messages = (Message.of("user", _required(arguments, "prompt")),)
        return ChatRequest(model, messages, client=client.name, caps=client.caps(*self._state.day_and_month()))


def _required(arguments: Mapping[str, Any], name: str) -> str:
    if not (said := text(arguments.get(name)).strip()):
        raise BadRequest(f"`{name}` must be text.")
    return said


def _whole(arguments: Mapping[str, Any], name: str, otherwise: int, most: int) -> int:
    value = arguments.get(name, otherwise)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise BadRequest(f"`{name}` must be a number from 1 to {most}.")
    return value
