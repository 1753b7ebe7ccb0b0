"""Tools that the client does not run: passed on, or run here, for the keys that were made with them."""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from openai.types.responses import Response

from routerterm.core.messages import Message
from routerterm.core.request import ChatRequest, HostedTool
from routerterm.engine.virtual_keys import Allowance, Client
from routerterm.gateway.hosted_tools import hosted_tools
from tests.engine.tools.boxes import HERE
from tests.gateway.conftest import Open, Place, chat
from tests.gateway.test_access import give
from tests.gateway.upstream import Talk

WORKSHOP = f"""
[mcp.shop]
command = {json.dumps([sys.executable, str(HERE / "real_server.py")])}
tools = {{ deny = ["environment"] }}
[tools]
folders = ["{{folder}}"]
"""
SHOP = {"type": "mcp", "server_label": "shop", "require_approval": "never"}
LOOK = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}}


@pytest.fixture
async def shop(open_place: Open, tmp_path: Path) -> Place:
    return await open_place(WORKSHOP.replace("{folder}", str(tmp_path)))


def calls(place: Place, *steps: tuple[str, dict[str, Any]], then: str = "It is 5.") -> None:
    """The model calls a tool in each step, then answers."""

    @place.up.model("first")
    async def say(talk: Talk) -> None:
        done = sum(message["role"] == "tool" for message in talk.body["messages"])
        await talk.head()
        if done < len(steps):
            name, arguments = steps[done]
            call = {"name": name, "arguments": json.dumps(arguments)}
            await talk.text("One moment. " if done == 0 else "")
            await talk.event({"tool_calls": [{"index": 0, "id": f"c{done}", "type": "function", "function": call}]})
            await talk.end("tool_calls")
        else:
            await talk.text(then)
            await talk.end()


async def ask(place: Place, key: str, path: str = "/v1/chat/completions", **body: Any) -> Any:
    async with place.http(authorization=f"Bearer {key}") as http:
        return await http.post(path, json=body)


async def test_a_key_with_tools_has_them_run_here_under_its_own_name_and_caps(shop: Place) -> None:
    key = await give(shop, "editor", tools=("shop.add",))
    calls(shop, ("shop__add", {"a": 2, "b": 3}))
    answer = await ask(shop, key, **chat(tools=[SHOP]))
    message = answer.json()["choices"][0]["message"]
    assert message["content"] == "One moment. It is 5."
    assert "tool_calls" not in message
    assert [tool["function"]["name"] for tool in shop.up.asked[0]["tools"]] == ["shop__add"]
    assert shop.up.asked[1]["messages"][-1]["content"] == "5"
    rows = await shop.rows("gateway:editor")
    assert [(row["step"], row["tool"]) for row in rows] == [(1, None), (2, "shop.add")]
    assert answer.json()["usage"]["prompt_tokens"] == 20


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_of_the_responses_api_sees_the_calls_as_steps(shop: Place, stream: bool) -> None:
    key = await give(shop, "editor", tools=("shop",))
    calls(shop, ("shop__add", {"a": 2, "b": 3}), ("shop__fail", {}))
    body = {"model": "one/first", "input": "How much?", "tools": [SHOP], "stream": stream}
    said = await ask(shop, key, "/v1/responses", **body)
    if stream:
        lines = [json.loads(line[6:]) for line in said.text.splitlines() if line.startswith("data: {")]
        assert "shop__add" not in json.dumps([line for line in lines if line["type"] != "response.created"][2:])
        response = lines[-1]["response"]
    else:
        response = said.json()
    Response.model_validate(response)
    made = [item for item in response["output"] if item["type"] == "mcp_call"]
    assert [(item["server_label"], item["name"], item["output"]) for item in made] == [
        ("shop", "add", "5"),
        ("shop", "fail", None),
    ]
    assert json.loads(made[0]["arguments"]) == {"a": 2, "b": 3}
    assert [item["type"] for item in response["output"]] == ["message", "mcp_call", "mcp_call", "message"]


@pytest.mark.parametrize(
    ("tools", "asked", "status", "says"),
    [
        ((), SHOP, 403, "may have no tools run"),
        (("wiki",), SHOP, 403, "may use none of these"),
        (("*",), {**SHOP, "require_approval": "always"}, 400, "require_approval"),
        (("*",), {"type": "mcp", "server_label": "shop"}, 400, "require_approval"),
        (("*",), {**SHOP, "server_label": "\x1b[2Jnone"}, 400, "no MCP server"),
        (("*",), {**SHOP, "allowed_tools": ["environment"]}, 403, "none of these"),
        (("*",), {**SHOP, "allowed_tools": []}, 403, "none of these"),
    ],
)
async def test_what_a_key_may_not_have_is_refused_before_anybody_is_asked(
    shop: Place, tools: tuple[str, ...], asked: dict[str, Any], status: int, says: str
) -> None:
    key = await give(shop, "editor", tools=tools)
    answer = await ask(shop, key, **chat(tools=[asked]))
    assert answer.status_code == status, answer.text
    assert says in answer.text
    assert "\x1b" not in answer.text
    assert shop.up.asked == []


async def test_a_server_that_cannot_start_is_named_and_nobody_is_asked(open_place: Open) -> None:
    place = await open_place('[mcp.shop]\ncommand = ["/nowhere/at-all"]\n')
    answer = await ask(place, await give(place, "editor", tools=("*",)), **chat(tools=[SHOP]))
    assert answer.status_code == 424
    assert "cannot be started" in answer.text
    assert place.up.asked == []


async def test_a_step_that_calls_the_client_s_own_function_is_the_last_and_runs_nothing_here(shop: Place) -> None:
    key = await give(shop, "editor", tools=("shop.add",))

    @shop.up.model("first")
    async def both(talk: Talk) -> None:
        await talk.head()
        for index, name in enumerate(("shop__add", "look")):
            call = {"name": name, "arguments": '{"a": 1, "b": 1}'}
            await talk.event({"tool_calls": [{"index": index, "id": f"c{index}", "function": call}]})
        await talk.end("tool_calls")

    answer = await ask(shop, key, **chat(tools=[SHOP, {"type": "function", "function": {"name": "look"}}]))
    choice = answer.json()["choices"][0]
    assert [call["function"]["name"] for call in choice["message"]["tool_calls"]] == ["look"]
    assert choice["finish_reason"] == "tool_calls"
    assert len(shop.up.asked) == 1


async def test_the_owner_s_programs_have_run_what_the_settings_allow_unasked(shop: Place, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("quartz")
    calls(shop, ("read_file", {"path": "a.txt"}))
    built_in = {**SHOP, "server_label": "built-in", "server_url": "routerterm"}
    async with shop.http() as http:
        answer = await http.post("/v1/chat/completions", json=chat(tools=[built_in, SHOP]))
    assert answer.status_code == 200, answer.text
    assert [tool["function"]["name"] for tool in shop.up.asked[0]["tools"]] == ["read_file"]  # the shop is asked about
    assert shop.up.asked[1]["messages"][-1]["content"] == "quartz"


async def test_a_provider_that_fails_in_a_later_step_hands_over_what_was_done(shop: Place) -> None:
    key = await give(shop, "editor", tools=("shop.add",))
    calls(shop, ("shop__add", {"a": 2, "b": 3}))
    step = shop.up.models["first"]

    @shop.up.model("first")
    async def breaks(talk: Talk) -> None:
        if len(shop.up.asked) == 1:
            await step(talk)
        else:
            await talk.head()
            await talk.text("It ")

    shop.up.says("second", "It is", " 5.")
    for stream in (False, True):
        shop.up.asked.clear()
        answer = await ask(shop, key, **chat("pair", tools=[SHOP], stream=stream))
        said = answer.text
        if stream:
            lines = [json.loads(line[6:]) for line in said.splitlines() if line.startswith("data: {")]
            said = "".join(choice["delta"].get("content") or "" for line in lines for choice in line["choices"])
        assert "One moment. It is 5." in said
        assert shop.up.asked[-1]["messages"][-1]["content"] == "5"


async def test_a_provider_s_own_tools_pass_on_for_keys_that_have_them_and_are_named_for_others(place: Place) -> None:
    place.up.says("first", "Hello")
    body = chat(web_search_options={"search_context_size": "low"})
    for tools, sent in (((), False), (("web_search",), True), (("shop",), False), (("web*",), True)):
        key = await give(place, f"editor{len(place.up.asked)}", tools=tools)
        answer = await ask(place, key, **body)
        assert answer.status_code == 200
        assert ("web_search_options" in place.up.asked[-1]) is sent
        assert ("web_search_options" in answer.headers.get("x-routerterm-left-out", "")) is not sent
    responses = {"model": "one/first", "input": "Hi", "tools": [{"type": "web_search"}, LOOK]}
    answer = await ask(place, await give(place, "last"), "/v1/responses", **responses)
    assert answer.headers["x-routerterm-left-out"] == "web_search"
    assert [tool["function"]["name"] for tool in place.up.asked[-1]["tools"]] == ["look"]


async def test_several_answers_at_once_have_no_tools_run(shop: Place) -> None:
    key = await give(shop, "editor", tools=("*",))
    assert (await ask(shop, key, **chat(tools=[SHOP], n=2))).status_code == 400


async def test_the_steps_of_an_answer_are_held_to_the_key_s_caps(open_place: Open, tmp_path: Path) -> None:
    place = await open_place(WORKSHOP.replace("{folder}", str(tmp_path)), price="1000")
    key = await give(place, "editor", tools=("shop.add",), daily=Decimal("0.1"))
    calls(place, *(("shop__add", {"a": n, "b": 3}) for n in range(20)))
    answer = await ask(place, key, **chat(tools=[SHOP], max_tokens=10))
    rows = await place.rows("gateway:editor")
    spent = sum(row["cost_nanousd"] or 0 for row in rows)
    assert 0 < spent <= 100_000_000
    assert 0 < len(place.up.asked) < 8
    assert len(place.up.asked) == sum(row["outcome"] == "done" for row in rows)
    assert answer.status_code == 403, answer.text


async def test_an_answer_that_is_out_of_steps_names_no_calls_that_are_not_there(shop: Place) -> None:
    key = await give(shop, "editor", tools=("shop.add",))
    calls(shop, *(("shop__add", {"a": n, "b": 3}) for n in range(20)))
    choice = (await ask(shop, key, **chat(tools=[SHOP]))).json()["choices"][0]
    assert "tool_calls" not in choice["message"]
    assert choice["finish_reason"] == "length"
    assert len(shop.up.asked) == 8


@pytest.mark.parametrize(
    ("kind", "passes"),
    [
        ("tool_search_tool_regex_20251119", True),
        ("tool_search_tool_bm25_20251119", True),
        ("bash_20250124", True),
        ("computer_use_preview", True),
        ("bash-hosted", False),
        ("web_search_20250305", True),
        ("code_execution_20250825", False),
    ],
)
async def test_a_tool_passes_by_its_type_whatever_it_is_named(place: Place, kind: str, passes: bool) -> None:
    services = place.gateway.state.services
    client = Client("editor", Allowance(tools=("web_search",)))
    tool = HostedTool("anthropic-messages", {"type": kind, "name": "web_search"})
    request = ChatRequest("one/first", (Message.of("user", "Hi"),), hosted=(tool,))
    hosted = await hosted_tools(services, request, client)
    assert (len(hosted.request.hosted) == 1, hosted.left_out == ()) == (passes, passes)
