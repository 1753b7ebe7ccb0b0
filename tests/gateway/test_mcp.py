"""The gateway as an MCP server, spoken to by our own client and by the official one."""

from __future__ import annotations

import json

from mcp import Client

from routerterm.config.schema import McpSettings
from routerterm.core.messages import Message
from tests.engine.tools.boxes import box
from tests.gateway.conftest import Place
from tests.gateway.test_access import give


async def test_the_official_client_finds_asks_and_explains(place: Place) -> None:
    place.up.says("first", "Hel", "lo")
    store = place.app.store
    talk = store.conversations.new(title="Quartz")
    await store.turns.begin(store.turns.plan(talk.id), talk, None, Message.of("user", "quartz crystals"), "x", new=True)
    async with Client(f"{place.url}/mcp") as client:
        assert {tool.name for tool in (await client.list_tools()).tools} == {"find", "ask", "why", "stats"}
        asked = await client.call_tool("ask", {"prompt": "Hi", "model": "one/first"})
        assert asked.content[0].text == "Hello"  # type: ignore[union-attr]
        why = await client.call_tool("why", {"prompt": "Hi", "model": "pair"})
        assert json.loads(why.content[0].text)["candidates"][0]["model"] == "one/first"  # type: ignore[union-attr]
        found = await client.call_tool("find", {"query": "crystals"})
        assert json.loads(found.content[0].text)[0]["title"] == "Quartz"  # type: ignore[union-attr]
        wrong = await client.call_tool("find", {"query": "x", "limit": 0})
        assert wrong.is_error
    rows = await place.rows()
    assert [row["outcome"] for row in rows] == ["done"]


async def test_our_own_client_and_every_wrong_message(place: Place, tmp_path: object) -> None:
    server = McpSettings(url=f"{place.url}/mcp")
    tools = box(place.app.paths.data, self=server)
    try:
        offered = {tool.own_name: tool for tool in await tools.offers()}
        assert offered["find"].read_only
        assert not offered["ask"].read_only
        stats = await tools.call(offered["stats"], {"days": 7, "by": "model"})
        assert not stats.is_error
        facts = tools.facts("self")
        assert facts is not None
        assert (facts.modern, facts.name) == (True, "routerterm")
    finally:
        await tools.aclose()
    async with place.http() as http:
        old = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-03-26"}}
        assert (await http.post("/mcp", json=old)).json()["result"]["protocolVersion"] == "2025-03-26"
        notice = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        assert (await http.post("/mcp", json=notice)).status_code == 202
        unknown = {"jsonrpc": "2.0", "id": 2, "method": "prompts/list"}
        assert (await http.post("/mcp", json=unknown)).json()["error"]["code"] == -32601
        nothing = {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "rm"}}
        assert (await http.post("/mcp", json=nothing)).json()["error"]["code"] == -32602
        future = {"_meta": {"io.modelcontextprotocol/protocolVersion": "2031-01-01"}}
        refused = await http.post("/mcp", json={"jsonrpc": "2.0", "id": 4, "method": "tools/list", "params": future})
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, -32022)
        assert (await http.post("/mcp", content=b"no json")).status_code == 400
        assert (await http.get("/mcp")).status_code == 405
    key = await give(place, "editor")
    async with place.http(authorization=f"Bearer {key}") as http:
        assert (await http.post("/mcp", json=old)).status_code == 403
