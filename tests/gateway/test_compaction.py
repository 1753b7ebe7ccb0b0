"""`/v1/responses/compact`: a summary that any model writes stands for what was said, and is gone on from."""

from __future__ import annotations

import pytest

from tests.gateway.conftest import Place
from tests.gateway.test_access import give

PATH = "/v1/responses"
TALK = [
    {"type": "message", "role": "user", "content": "We launch on Tuesday."},
    {"type": "function_call", "call_id": "c", "name": "look", "arguments": '{"day": 2}'},
    {"type": "function_call_output", "call_id": "c", "output": "a free day"},
    {"type": "message", "role": "assistant", "content": "Tuesday it is."},
]


def asked(place: Place) -> str:
    """All that the model was last asked, in words."""
    return "\n".join(f"{message['role']}: {message['content']}" for message in place.up.asked[-1]["messages"])


async def test_a_conversation_goes_on_from_its_summary(place: Place) -> None:
    place.up.says("first", "They launch ", "on Tuesday.")
    async with place.http() as http:
        answer = await http.post(
            f"{PATH}/compact", json={"model": "one/first", "input": TALK, "instructions": "Brief."}
        )
        compacted = answer.json()
        assert (answer.status_code, compacted["object"]) == (200, "response.compaction")
        assert [item["type"] for item in compacted["output"]] == ["message", "compaction"]
        assert compacted["output"][0]["content"] == [{"type": "input_text", "text": "We launch on Tuesday."}]
        assert compacted["usage"]["total_tokens"] == 15
        assert "tools" not in place.up.asked[-1]
        assert "[tool call: look" in asked(place)
        assert "[tool result, not written by the user: a free day]" in asked(place)
        assert "user: The conversation above" in asked(place)

        place.up.says("first", "Yes.")
        more = {"model": "one/first", "input": [*compacted["output"], {"role": "user", "content": "When?"}]}
        assert (await http.post(PATH, json=more)).status_code == 200
        assert "They launch on Tuesday." in asked(place)
        assert "Tuesday it is." not in asked(place)

        place.up.says("first", "Shorter.")
        again = await http.post(f"{PATH}/compact/", json=more)
        assert again.json()["output"][-1]["encrypted_content"] != compacted["output"][-1]["encrypted_content"]
        assert "They launch on Tuesday." in asked(place)


async def test_it_goes_on_from_an_answer_that_is_kept_and_counts_for_its_key(place: Place) -> None:
    place.up.says("first", "Hello")
    key = await give(place, "editor")
    async with place.http() as http:
        headers = {"x-api-key": key}
        first = (await http.post(PATH, json={"model": "one/first", "input": "Hi"}, headers=headers)).json()
        body = {"model": "one/first", "previous_response_id": first["id"]}
        assert (await http.post(f"{PATH}/compact", json=body, headers=headers)).status_code == 200
        assert "assistant: Hello" in asked(place)
        used = (await http.get("/v1/usage", headers=headers)).json()["data"]
        assert sum(row["output_tokens"] for row in used) == 10


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"input": "Hi"}, "model"),
        ({"model": "one/first"}, "input"),
        ({"model": "one/first", "input": [{"type": "reasoning", "summary": []}]}, "input"),
        ({"model": "one/first", "input": [{"role": "king", "content": "Hi"}]}, "role"),
    ],
)
async def test_what_cannot_be_compacted_is_said(place: Place, body: dict[str, object], word: str) -> None:
    async with place.http() as http:
        answer = await http.post(f"{PATH}/compact", json=body)
    assert answer.status_code == 400
    assert word in answer.json()["error"]["message"]


@pytest.mark.parametrize("content", ["rtc1_%%%", "rtc1_/w==", "gAAAA-of-somebody-else", ""])
async def test_an_item_that_is_not_ours_is_left_out_where_it_means_nothing(place: Place, content: str) -> None:
    place.up.says("first", "Hello")
    item = {"type": "compaction", "id": "cmp_1", "encrypted_content": content}
    async with place.http() as http:
        given = [item, {"role": "user", "content": "Hi"}]
        assert (await http.post(PATH, json={"model": "one/first", "input": given})).status_code == 200
    assert asked(place) == "user: Hi"
