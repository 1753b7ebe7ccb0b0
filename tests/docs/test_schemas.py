"""docs/schemas/openapi.json: the gateway's own addresses are all in it, and what they answer is what it says."""

from __future__ import annotations

import json
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from routerterm.gateway import app
from tests.docs.test_readme import ROOT
from tests.docs.test_readme_gateway import Gateway, gateway

__all__ = ["gateway"]
jsonschema = pytest.importorskip("jsonschema")
DOCUMENT: dict[str, Any] = json.loads((ROOT / "docs/schemas/openapi.json").read_text("utf-8"))
PAGE = (ROOT / "docs/events.md").read_text("utf-8")
ASKED = {"model": "smart", "messages": [{"role": "user", "content": "Hello"}]}


def check(answer: Any, schema: str) -> None:
    """Raises where an answer is not what the schema of that name says."""
    where = {"$ref": f"#/components/schemas/{schema}", "components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(where).validate(answer)


def schema_of(method: str, path: str, status: int) -> str:
    responses = DOCUMENT["paths"][path][method]["responses"]
    (content,) = responses.get(str(status), responses["default"])["content"].values()
    return str(content["schema"]["$ref"]).rpartition("/")[2]


class Asked:
    """One question to the gateway, with its status and what it answered."""

    def __init__(self, gateway: Gateway, key: str, method: str, path: str, body: Any = None, **values: str) -> None:
        data = None if body is None else json.dumps(body).encode()
        address = f"http://127.0.0.1:{gateway.port}{path.format(**values)}"
        sent = Request(address, data, {"Content-Type": "application/json"}, method=method.upper())
        sent.add_header("Authorization", f"Bearer {key}")
        try:
            with urlopen(sent, timeout=60) as answer:
                self.status, self.text = answer.status, answer.read().decode()
        except HTTPError as error:
            self.status, self.text = error.code, error.read().decode()
        self.schema = schema_of(method, path.partition("?")[0], self.status)

    def checked(self, status: int) -> Any:
        assert self.status == status, self.text
        read = json.loads(self.text)
        check(read, self.schema)
        return read


@pytest.fixture
def owner(gateway: Gateway) -> str:
    """The key that opens the history."""
    return (gateway.folder / "home" / "gateway.key").read_text().strip()


def test_it_is_a_sound_document() -> None:
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    used = set()
    for part in json.dumps(DOCUMENT).split('"#/components/schemas/')[1:]:
        used.add(part.partition('"')[0])
    assert used == set(DOCUMENT["components"]["schemas"])


def test_every_address_of_our_own_is_in_it_and_on_the_page() -> None:
    source = (ROOT / "src/routerterm/gateway/app.py").read_text("utf-8")
    assert app.ANSWERS["/v1/chat"] is app.EVENTS
    for path in DOCUMENT["paths"]:
        assert f"`{path}`" in PAGE
        assert f'"{path}"' in source or "/api/conversations/{id}" in path
    assert source.count("Endpoint(state, history.") == 6, "an address of the history that is not described"
    assert (
        sum(len(DOCUMENT["paths"][path]) for path in DOCUMENT["paths"] if path.startswith(("/api/conv", "/api/us")))
        == 6
    )


def test_an_answer_whole_and_as_events(gateway: Gateway) -> None:
    assert Asked(gateway, gateway.key, "post", "/v1/chat", ASKED).checked(200)["text"] == "Hello"
    streamed = Asked(gateway, gateway.key, "post", "/api/chat/stream", ASKED)
    assert streamed.schema == "Event"
    events = [json.loads(line[6:]) for line in streamed.text.splitlines() if line.startswith("data: ")]
    assert [event["type"] for event in events][-2:] == ["usage", "done"]
    for event in events:
        check(event, "Event")
    for event in events:
        assert f"`{event['type']}`" in PAGE


def test_what_is_wrong_is_an_error_as_described(gateway: Gateway, owner: str) -> None:
    Asked(gateway, gateway.key, "post", "/v1/chat", {"model": "smart", "messages": []}).checked(400)
    Asked(gateway, "rt-wrong", "get", "/v1/models").checked(401)
    Asked(gateway, gateway.key, "get", "/api/conversations").checked(403)
    Asked(gateway, owner, "get", "/api/conversations/{id}", id="none").checked(404)
    Asked(gateway, owner, "get", "/api/usage/summary").checked(200)


def test_the_history(gateway: Gateway, owner: str) -> None:
    new = {"title": "Plans", "model": "smart", "system": "Be brief."}
    made = Asked(gateway, owner, "post", "/api/conversations", new).checked(201)
    assert made["title"] == "Plans"
    Asked(gateway, owner, "post", "/api/conversations/{id}/clone", id=made["id"]).checked(201)
    page = Asked(gateway, owner, "get", "/api/conversations").checked(200)
    assert {row["title"] for row in page["data"]} >= {"Plans", "Plans (copy)"}
    Asked(gateway, owner, "get", "/api/conversations/{id}", id=made["id"]).checked(200)
    Asked(gateway, owner, "delete", "/api/conversations/{id}", id=made["id"]).checked(200)


def test_what_it_says_of_itself(gateway: Gateway, owner: str) -> None:
    assert Asked(gateway, gateway.key, "get", "/v1/models").checked(200)["data"]
    assert Asked(gateway, gateway.key, "get", "/v1/usage").checked(200)["caps"], "the key of the page has a limit"
    Asked(gateway, owner, "get", "/health").checked(200)
    Asked(gateway, gateway.key, "get", "/health").checked(200)
