"""The client's side of MCP against servers of both eras, and against servers that break every rule."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routerterm.protocols.mcp import McpClient, McpError, McpInvalid, McpRefused, Reply, parse_message
from routerterm.protocols.mcp.client import header_value
from routerterm.protocols.mcp.messages import too_deep
from routerterm.protocols.mcp.tools import fingerprint, outcome_of, tool_of
from routerterm.protocols.mcp.values import MAX_DEPTH, MAX_MESSAGE, MAX_TOOLS
from tests.protocols.mcp.driving import connected, drive, tool
from tests.protocols.mcp.fuzz_mcp import case

META = "io.modelcontextprotocol/"


def refused(code: int, **data: Any) -> Reply:
    return Reply(error=McpRefused("no", code, data))


def test_a_server_of_the_new_era_needs_no_handshake() -> None:
    sent: list[dict[str, Any]] = []
    answer = {
        "supportedVersions": ["2026-07-28"],
        "capabilities": {"tools": {}},
        "_meta": {META + "serverInfo": {"name": "weather", "version": "2"}},
    }
    facts = drive(McpClient("me", "1").connect(), lambda *_: Reply(answer), sent)
    assert (facts.modern, facts.name, facts.release, facts.has_tools) == (True, "weather", "2", True)
    assert [each["method"] for each in sent] == ["server/discover"]
    assert sent[0]["params"]["_meta"] == {
        META + "protocolVersion": "2026-07-28",
        META + "clientCapabilities": {"elicitation": {"form": {}}},
        META + "clientInfo": {"name": "me", "version": "1"},
    }
    assert sent[0]["headers"] == {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "server/discover"}


@pytest.mark.parametrize(
    "probe",
    [
        Reply(),
        refused(-32601),
        refused(-32602),
        refused(-32022, supported=["2025-06-18"]),
        Reply({"supportedVersions": ["2025-11-25"]}),
        Reply({}),
    ],
)
def test_whatever_is_no_clear_yes_means_the_handshake(probe: Reply) -> None:
    sent: list[dict[str, Any]] = []

    def serve(method: str, params: dict[str, Any]) -> Reply:
        if method == "server/discover":
            return probe
        assert params["protocolVersion"] == "2025-11-25"
        return Reply({"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {"name": "old"}})

    facts = drive(McpClient().connect(), serve, sent)
    assert (facts.version, facts.modern, facts.has_tools) == ("2025-06-18", False, False)
    assert [each["method"] for each in sent] == ["server/discover", "initialize", "notifications/initialized"]
    assert sent[2]["headers"] == {"MCP-Protocol-Version": "2025-06-18"}
    assert "_meta" not in sent[1]["params"]


def test_a_slow_server_that_was_taken_for_an_old_one_is_asked_once_more() -> None:
    replies = [Reply(), refused(-32022, supported=["2026-07-28"]), Reply({"supportedVersions": ["2026-07-28"]})]
    assert drive(McpClient().connect(), lambda *_: replies.pop(0)).modern
    replies = [Reply(), refused(-32022), Reply({})]
    with pytest.raises(McpError, match="no revision"):
        drive(McpClient().connect(), lambda *_: replies.pop(0))


def test_a_server_newer_than_anything_we_know_is_named() -> None:
    with pytest.raises(McpError, match="2031-01-01"):
        drive(McpClient().connect(), lambda *_: refused(-32022, supported=["2031-01-01"]))
    with pytest.raises(McpError, match="1999"):
        drive(McpClient().connect(), lambda m, _: Reply() if "disc" in m else Reply({"protocolVersion": "1999"}))
    with pytest.raises(McpError, match="not connected"):
        drive(McpClient().list_tools(), lambda *_: Reply())


def test_tools_come_page_by_page_and_what_breaks_the_limits_is_left_out() -> None:
    pages = {
        None: {"tools": [{"name": "a", "inputSchema": {"type": "object"}}, {"name": ""}, 7], "nextCursor": "2"},
        "2": {"tools": [{"name": "b", "annotations": {"readOnlyHint": True, "destructiveHint": False}}, {"name": "a"}]},
    }
    found = drive(connected().list_tools(), lambda _, params: Reply(pages[params.get("cursor")]))
    assert [each.name for each in found] == ["a", "b"]
    assert (found[1].read_only, found[1].destructive, found[1].schema) == (True, False, {"type": "object"})
    for schema in ({"type": "array"}, [], {"x": "y" * 70_000}, {"properties": {"a": {"x-mcp-header": "no good"}}}):
        assert tool_of({"name": "bad", "inputSchema": schema}) is None
    assert tool_of({"name": "has space"}) is None
    many = [{"name": f"t{n}"} for n in range(MAX_TOOLS + 1)]
    with pytest.raises(McpInvalid, match="more than 512 tools"):
        drive(connected().list_tools(), lambda *_: Reply({"tools": many}))
    with pytest.raises(McpInvalid, match="pages"):
        drive(connected().list_tools(), lambda *_: Reply({"tools": [], "nextCursor": "again"}))


def test_a_call_carries_its_name_and_the_arguments_that_headers_repeat() -> None:
    sent: list[dict[str, Any]] = []
    schema = {"properties": {"where": {"properties": {"town": {"type": "string", "x-mcp-header": "Town"}}}}}
    known = tool_of({"name": "wetter_für", "inputSchema": schema})
    assert known is not None
    answer = {"resultType": "complete", "content": [{"type": "text", "text": "sun"}, {"type": "audio", "data": "x"}]}
    done = drive(connected().call(known, {"where": {"town": "Köln"}}), lambda *_: Reply(answer), sent)
    assert (done.text, done.is_error, done.left_out) == ("sun\n[audio content is left out]", False, 1)
    assert sent[0]["headers"]["Mcp-Name"] == "=?base64?d2V0dGVyX2bDvHI=?="
    assert sent[0]["headers"]["Mcp-Param-Town"] == "=?base64?S8O2bG4=?="
    assert drive(connected("2025-11-25").call(known, {}), lambda *_: Reply(answer)).text.startswith("sun")


def test_a_server_with_state_is_called_again_and_one_that_wants_a_person_is_told_no() -> None:
    def serve(_: str, params: dict[str, Any]) -> Reply:
        if "requestState" not in params:
            return Reply({"resultType": "input_required", "requestState": "s1"})
        assert params["requestState"] == "s1"
        return Reply({"content": [], "structuredContent": {"n": 3}, "isError": True})

    done = drive(connected().call(tool(), {}), serve)
    assert (done.text, done.is_error) == ('{"n":3}', True)
    asks = {"resultType": "input_required", "inputRequests": {"q": {"method": "elicitation/create"}}}
    with pytest.raises(McpError, match="asked for input"):
        drive(connected().call(tool(), {}), lambda *_: Reply(asks))
    with pytest.raises(McpInvalid, match="again and again"):
        drive(connected().call(tool(), {}), lambda *_: Reply({"resultType": "input_required", "requestState": "s"}))
    with pytest.raises(McpRefused) as caught:
        drive(connected().call(tool(), {}), lambda *_: refused(-32602))
    assert caught.value.code == -32602
    with pytest.raises(McpInvalid, match="pieces"):
        outcome_of({"content": [{"type": "text", "text": "x"}] * 300})


def test_servers_own_questions_are_answered_or_refused() -> None:
    client = connected()
    ping = client.react(parse_message(b'{"jsonrpc":"2.0","id":7,"method":"ping"}'))
    assert json.loads(ping or b"") == {"jsonrpc": "2.0", "id": 7, "result": {}}
    asked = client.react(parse_message(b'{"jsonrpc":"2.0","id":"x","method":"sampling/createMessage"}'))
    assert json.loads(asked or b"")["error"]["code"] == -32601
    assert client.react(parse_message(b'{"jsonrpc":"2.0","method":"notifications/message"}')) is None
    assert json.loads(client.cancel(4))["params"]["requestId"] == 4


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"[]",
        b"{}",
        b'{"jsonrpc":"1.0","id":1,"result":{}}',
        b'{"jsonrpc":"2.0","id":1}',
        b'{"jsonrpc":"2.0","id":true,"result":{}}',
        b'{"jsonrpc":"2.0","id":1.5,"result":{}}',
        b'{"jsonrpc":"2.0","id":null,"result":{}}',
        b'{"jsonrpc":"2.0","id":1,"result":[]}',
        b'{"jsonrpc":"2.0","id":1,"result":' + b'{"a":' * 100_000,
        b" " * (MAX_MESSAGE + 1),
    ],
    ids=range(12),
)
def test_what_is_no_message_is_one_error_of_ours(data: bytes) -> None:
    with pytest.raises(McpInvalid):
        parse_message(data)


def test_depth_is_counted_outside_strings_alone() -> None:
    assert not too_deep(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    assert too_deep(b"[" * (MAX_DEPTH + 1))
    assert not too_deep(b'"' + b'\\"[' * 1000 + b'"')


def test_a_fingerprint_changes_with_every_word_and_not_with_the_order_of_fields() -> None:
    one = tool(description="Adds.", schema={"type": "object", "properties": {"a": {}, "b": {}}})
    same = tool(description="Adds.", schema={"properties": {"b": {}, "a": {}}, "type": "object"})
    assert fingerprint(one) == fingerprint(same)
    others = [tool(description="Adds!"), tool("sub", description="Adds."), tool(description="Adds.", read_only=True)]
    assert len({fingerprint(each) for each in [one, *others]}) == 4


@given(st.text())
def test_header_values_are_ascii_and_never_break_a_line(value: str) -> None:
    made = header_value(value)
    assert made.isascii()
    assert not set(made) & set("\r\n\0")


def test_five_hundred_conversations_with_broken_servers() -> None:
    for n in range(500):
        case(n)
