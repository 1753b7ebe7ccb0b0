"""routerterm's own answers, and the history and usage as a REST API."""

from __future__ import annotations

import json

from tests.gateway.conftest import Place, chat
from tests.gateway.test_access import give


async def test_our_own_answers_whole_and_as_typed_events(place: Place) -> None:
    place.up.says("first", "Hel", "lo")
    async with place.http() as http:
        whole = (await http.post("/v1/chat", json=chat("pair"))).json()
        assert (whole["model"], whole["text"], whole["finish_reason"]) == ("pair", "Hello", "stop")
        assert whole["usage"]["input_tokens"] == 10
        reply = await http.post("/api/chat/stream", json=chat())
        events = [json.loads(line[6:]) for line in reply.text.splitlines() if line.startswith("data: ")]
        assert list(dict.fromkeys(event["type"] for event in events)) == ["start", "text", "usage", "done"]
        assert "".join(event["text"] for event in events if event["type"] == "text") == "Hello"
        refused = await http.post("/v1/chat", json=chat("nix"))
        assert (refused.status_code, refused.json()["error"]["code"]) == (404, "model_not_found")


async def test_conversations_are_listed_opened_made_cloned_and_deleted(place: Place) -> None:
    async with place.http() as http:
        made = (await http.post("/api/conversations", json={"title": "Plans", "model": "pair"})).json()
        assert made["title"] == "Plans"
        copy = (await http.post(f"/api/conversations/{made['id']}/clone")).json()
        assert copy["title"] == "Plans (copy)"
        first = (await http.get("/api/conversations?limit=1")).json()
        assert first["has_more"]
        rest = (await http.get(f"/api/conversations?after={first['data'][0]['id']}")).json()["data"]
        assert {row["id"] for row in [*first["data"], *rest]} == {made["id"], copy["id"]}
        opened = (await http.get(f"/api/conversations/{made['id']}")).json()
        assert (opened["title"], opened["messages"]) == ("Plans", [])
        assert (await http.delete(f"/api/conversations/{made['id']}")).json()["deleted"]
        assert (await http.get(f"/api/conversations/{made['id']}")).status_code == 404
        assert (await http.get("/api/conversations?limit=0")).status_code == 400


async def test_usage_summed_up(place: Place) -> None:
    place.up.says("first", "Hello")
    async with place.http() as http:
        await http.post("/v1/chat", json=chat())
        found = (await http.get("/api/usage/summary?days=1&by=model")).json()
        assert len(found["lines"]) == 1
        amounts = [found["reserved"], *(line[name] for line in found["lines"] for name in ("cost", "saved"))]
        assert all(set(amount) <= set("0123456789.") for amount in amounts), amounts
        nothing = (await http.get("/api/usage/summary?days=1&by=day")).json()["reserved"]
        assert float(nothing) == 0
        assert (await http.get("/api/usage/summary?by=weather")).status_code == 400


async def test_the_history_is_the_owner_s(place: Place) -> None:
    key = await give(place, "editor")
    async with place.http(**{"x-api-key": key}) as http:
        for path in ("/api/conversations", "/api/usage/summary"):
            assert (await http.get(path)).status_code == 403
