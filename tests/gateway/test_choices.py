"""Several answers to one question, and how likely their tokens were."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

import pytest

from tests.gateway.conftest import Place, chat
from tests.gateway.test_access import give
from tests.gateway.upstream import Talk

CHAT = "/v1/chat/completions"
SCORES = [{"token": "He", "logprob": -0.1, "bytes": [72, 101], "top_logprobs": [{"token": "Hi", "logprob": -2.0}]}]


def counts_up(place: Place, *, fails_at: int = -1) -> None:
    """A model that says a different word each time."""
    number = count()

    @place.up.model("first")
    async def says(talk: Talk) -> None:
        mine = next(number)
        if mine == fails_at:
            await talk.fails(400, "temperature must be below 2")
            return
        await talk.head()
        await talk.text("answer ", str(mine))
        await talk.end()


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]


async def test_several_answers_at_once_with_what_they_used_together(place: Place) -> None:
    counts_up(place)
    async with place.http() as http:
        reply = (await http.post(CHAT, json=chat(n=3))).json()
    assert [choice["index"] for choice in reply["choices"]] == [0, 1, 2]
    assert {choice["message"]["content"] for choice in reply["choices"]} == {"answer 0", "answer 1", "answer 2"}
    assert all(choice["finish_reason"] == "stop" for choice in reply["choices"])
    assert reply["usage"]["prompt_tokens"] == 30
    assert reply["usage"]["completion_tokens"] == 15
    assert len(await place.rows()) == 3  # each is in the ledger, at its own cost


async def test_several_answers_in_pieces(place: Place) -> None:
    counts_up(place)
    async with place.http() as http:
        reply = await http.post(CHAT, json=chat(n=2, stream=True, stream_options={"include_usage": True}))
    assert reply.text.count("data: [DONE]") == 1
    chunks = lines(reply.text)
    said = {0: "", 1: ""}
    ends: list[int] = []
    for chunk in chunks:
        for choice in chunk["choices"]:
            said[choice["index"]] += choice["delta"].get("content") or ""
            ends += [choice["index"]] if choice["finish_reason"] else []
    assert set(said.values()) == {"answer 0", "answer 1"}
    assert sorted(ends) == [0, 1]
    assert chunks[-1]["usage"]["total_tokens"] == 30
    assert len({chunk["id"] for chunk in chunks}) == 1


async def test_one_of_several_that_fails_is_the_error_of_all(place: Place) -> None:
    counts_up(place, fails_at=1)
    async with place.http() as http:
        reply = await http.post(CHAT, json=chat(n=2))
        assert reply.status_code == 400
        assert "temperature" in reply.json()["error"]["message"]
        again = await http.post(CHAT, json=chat())  # nothing is left over
        assert again.status_code == 200


async def test_tokens_a_minute_hold_for_all_of_them_together(place: Place) -> None:
    counts_up(place)
    token = await give(place, "editor", tpm=5_000)
    async with place.http(**{"x-api-key": token}) as http:
        denied = await http.post(CHAT, json=chat(n=16, max_tokens=400))
        assert (denied.status_code, place.up.asked) == (429, [])
        assert (await http.post(CHAT, json=chat(n=3, max_tokens=100))).status_code == 200
        assert [asked["max_tokens"] for asked in place.up.asked] == [100] * 3
        assert (await http.post(CHAT, json=chat(n=4))).status_code == 200  # what is left, shared out
        shares = [asked["max_tokens"] for asked in place.up.asked[3:]]
        assert len(set(shares)) == 1
        assert 4 * shares[0] <= 5_000


@pytest.mark.parametrize("n", [0, -1, 17, 1.5, "two"])
async def test_a_number_of_answers_that_cannot_be(place: Place, n: object) -> None:
    async with place.http() as http:
        reply = await http.post(CHAT, json=chat(n=n))
    assert reply.status_code == 400
    assert "`n`" in reply.json()["error"]["message"]


@pytest.mark.parametrize("stream", [False, True])
async def test_how_likely_the_tokens_were(place: Place, stream: bool) -> None:
    @place.up.model("first")
    async def scored(talk: Talk) -> None:
        await talk.head()
        choice = {"index": 0, "delta": {"content": "He"}, "logprobs": {"content": SCORES}, "finish_reason": None}
        await talk.data({"id": "x", "choices": [choice]})
        await talk.text("llo")
        await talk.end()

    async with place.http() as http:
        reply = await http.post(CHAT, json=chat(stream=stream, logprobs=True, top_logprobs=1))
    assert place.up.asked[-1]["logprobs"] is True
    assert place.up.asked[-1]["top_logprobs"] == 1
    choices = [choice for chunk in (lines(reply.text) if stream else [reply.json()]) for choice in chunk["choices"]]
    found = [token for choice in choices for token in (choice.get("logprobs") or {}).get("content", [])]
    assert [token["token"] for token in found] == ["He"]
    assert found[0]["logprob"] == -0.1
    assert found[0]["top_logprobs"][0] == {"token": "Hi", "logprob": -2.0, "bytes": [72, 105]}
    assert "llo" in reply.text


async def test_somebody_is_here(place: Place) -> None:
    async with place.http() as http:
        assert (await http.head("/")).status_code == 200
        assert "routerterm" in (await http.get("/")).text
