"""The person's own conversations and usage as a REST API, for their own programs: the owner's key alone opens it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from msgspec.structs import replace

from routerterm.core.messages import part_to_json
from routerterm.engine.usage.export import summary_object
from routerterm.engine.usage.statistics import BYS, summary
from routerterm.engine.virtual_keys import Client
from routerterm.gateway.http_errors import forbidden, wrong
from routerterm.gateway.request import Receive, Scope, headers_of
from routerterm.gateway.response import Response
from routerterm.protocols.json_utils import dumps, text
from routerterm.protocols.server_base import read_object
from routerterm.store.values import Conversation

if TYPE_CHECKING:
    from routerterm.gateway.state import GatewayState

_MOST = 200
_LONGEST_TITLE = 300


class HistoryApi:
    """The handlers."""

    def __init__(self, state: GatewayState) -> None:
        self._state = state
        self._store = state.services.store

    async def listed(self, scope: Scope, receive: Receive, out: Response, client: Client) -> None:
        """Conversations, pinned ones first, then the newest; ``limit``, and ``after`` with the last one's id."""
        _owner_only(client)
        query = parse_qs(scope["query_string"].decode("latin-1"))
        limit = query.get("limit", ["50"])[0]
        if not limit.isdecimal() or not 1 <= int(limit[:4]) <= _MOST:
            raise wrong(400, f"`limit` must be a number from 1 to {_MOST}.")
        after = query.get("after", [""])[0]
        last = await self._found(after) if after else None
        rows = await self._store.conversations.page(int(limit), last)
        await out.whole(200, dumps({"data": [_row(each) for each in rows], "has_more": len(rows) == int(limit)}))

    async def opened(self, scope: Scope, receive: Receive, out: Response, client: Client) -> None:
        """One conversation with the branch that it shows; ``before`` the id of a message pages back."""
        _owner_only(client)
        found = await self._found(scope["path_params"]["id"])
        messages = self._store.messages
        before = parse_qs(scope["query_string"].decode("latin-1")).get("before", [None])[0]
        page = await messages.branch(await messages.head(found.id), _MOST, before)
        said = [
            {
                "id": each.id,
                "parent_id": each.parent_id,
                "role": each.role,
                "text": each.text,
                "parts": [part_to_json(part) for part in each.parts],
                "status": each.status,
                "model": each.model,
                "created_at": each.created_at,
            }
            for each in page.messages
        ]
        await out.whole(200, dumps(_row(found) | {"messages": said, "has_earlier": page.earlier}))

    async def created(self, scope: Scope, receive: Receive, out: Response, client: Client) -> None:
        """A new conversation: ``title``, ``model`` and ``system``, each if given."""
        _owner_only(client)
        bodies = self._state.bodies
        body = await bodies.read(headers_of(scope), receive)
        bodies.release(len(body))
        given = read_object(body or b"{}")
        made = self._store.conversations.new(
            title=text(given.get("title"))[:_LONGEST_TITLE],
            model=text(given.get("model")) or None,
            system=text(given.get("system")) or None,
        )
        await self._store.conversations.add(made)
        await out.whole(201, dumps(_row(made)))

    async def deleted(self, scope: Scope, receive: Receive, out: Response, client: Client) -> None:
        """Take one away; the chat can bring it back for a while."""
        _owner_only(client)
        found = await self._found(scope["path_params"]["id"])
        await self._store.conversations.delete(found.id)
        await out.whole(200, dumps({"id": found.id, "deleted": True}))

    async def cloned(self, scope: Scope, receive: Receive, out: Response, client: Client) -> None:
        """A copy with all its branches."""
        _owner_only(client)
        found = await self._found(scope["path_params"]["id"])
        now = self._state.milliseconds()
        title = f"{found.title} (copy)".strip()[:_LONGEST_TITLE]
        copy = replace(found, id=self._store.new_id(), title=title, created_at=now, updated_at=now, draft="")
        head = await self._store.messages.head(found.id)
        made = await self._store.turns.copy(found.id, copy, None, head)
        await out.whole(201, dumps(_row(made)))

    async def usage(self, scope: Scope, receive: Receive, out: Response, client: Client) -> None:
        """What was used: ``days`` and ``by`` (day, model, provider, key …), as `routerterm stats` shows it."""
        _owner_only(client)
        query = parse_qs(scope["query_string"].decode("latin-1"))
        days, by = query.get("days", ["30"])[0], query.get("by", ["day"])[0]
        if not days.isdecimal() or not 1 <= int(days[:5]) <= 3660:
            raise wrong(400, "`days` must be a number from 1 to 3660.")
        if by not in BYS:
            raise wrong(400, f"`by` must be one of {', '.join(BYS)}.")
        zone = self._state.services.zone
        found = await summary(self._store, int(days), by, zone=zone)
        await out.whole(200, dumps(summary_object(found)))

    async def _found(self, id: str) -> Conversation:
        found = await self._store.conversations.get(id)
        if found is None or found.deleted_at is not None:
            raise wrong(404, f"There is no conversation {id[:40]!r}.")
        return found


def _owner_only(client: Client) -> None:
    if not client.is_owner:
        raise forbidden("Only the gateway's own key can read the history.")


def _row(each: Conversation) -> dict[str, Any]:
    return {
        "id": each.id,
        "title": each.title,
        "model": each.model,
        "created_at": each.created_at,
        "updated_at": each.updated_at,
        "pinned": each.pinned,
        "archived": each.archived,
        "tags": list(each.tags),
    }
