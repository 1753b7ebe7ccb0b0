"""What a client is told when there is no answer: by the reason, and in its own protocol's shape."""

from __future__ import annotations

import pytest

from routerterm.core.targets import Target
from tests.gateway.conftest import Open, Place, chat
from tests.gateway.upstream import Talk

CHAT, MESSAGES, RESPONSES = "/v1/chat/completions", "/v1/messages", "/v1/responses"


def asked(path: str, model: str = "one/first") -> dict[str, object]:
    """The same question in each protocol."""
    if path == RESPONSES:
        return {"model": model, "input": "Hi"}
    return chat(model, max_tokens=50)


def refuses(place: Place, name: str, status: int, more: str = "") -> None:
    """A model that turns everybody away."""

    @place.up.model(name)
    async def no(talk: Talk) -> None:
        talk.writer.write(
            f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{more}connection: close\r\n\r\n".encode()
            + b'{"error": {"message": "No."}}'
        )


@pytest.mark.parametrize("path", [CHAT, MESSAGES, RESPONSES])
async def test_a_cooling_key_is_a_429_that_says_how_long(
    open_place: Open, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONE_API_KEY", "sk-test-of-a-key-that-cools")
    place = await open_place(needs_key=True)
    refuses(place, "first", 429, "retry-after: 120\r\n")
    async with place.http() as http:
        for _ in range(2):  # told by the provider, then by us who remember it
            reply = await http.post(path, json=asked(path))
            assert reply.status_code == 429, reply.text
            assert 60 <= int(reply.headers["retry-after"]) <= 120
            assert reply.json()["error"]["type"] == "rate_limit_error"
            assert "routerterm" not in reply.text
    assert len(place.up.asked) == 1


async def test_a_key_that_is_refused_is_no_unknown_model(open_place: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    place = await open_place(needs_key=True)
    async with place.http() as http:
        missing = await http.post(CHAT, json=chat())
        assert missing.status_code == 401
        assert "no key for one" in missing.json()["error"]["message"]
        monkeypatch.setenv("ONE_API_KEY", "sk-test-of-a-key-that-is-refused")
        refuses(place, "first", 401)
        for _ in range(2):
            assert (await http.post(CHAT, json=chat())).status_code == 401


async def test_a_model_left_alone_is_a_503(place: Place) -> None:
    await place.app.router.avoid(Target("one", "first"), 300)
    async with place.http() as http:
        reply = await http.post(CHAT, json=chat())
        assert reply.status_code == 503
        assert 290 <= int(reply.headers["retry-after"]) <= 300
        shaped = await http.post(MESSAGES, json=chat(max_tokens=5))
        assert shaped.status_code == 529  # Anthropic's own
        assert shaped.json()["error"]["type"] == "overloaded_error"


async def test_what_no_model_can_do_is_a_400(open_place: Open) -> None:
    place = await open_place('[models."one/blind"]\ncontext = 1000\nvision = false\ntools = false\n')
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    async with place.http() as http:
        reply = await http.post(CHAT, json=chat("one/blind", tools=[tool]))
        assert reply.status_code == 400
        assert "no tools" in reply.json()["error"]["message"]
        long = await http.post(CHAT, json=chat("one/blind", "word " * 5_000))
        assert long.status_code == 400


@pytest.mark.parametrize(
    ("name", "nearest"), [("pairr", "pair"), ("one/frist", "one/first"), ("oen/first", "one/first")]
)
async def test_only_an_unknown_name_is_a_404_and_names_the_nearest(place: Place, name: str, nearest: str) -> None:
    refuses(place, "frist", 404)
    async with place.http() as http:
        reply = await http.post(CHAT, json=chat(name))
        assert reply.status_code == 404
        assert f"Did you mean {nearest}?" in reply.json()["error"]["message"]
