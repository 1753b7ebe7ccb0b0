"""Drives a conversation of `McpClient` against a function that answers like a server."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from typing import Any, TypeVar

from routerterm.protocols.mcp import AskPerson, McpClient, McpTool, Reply, Send, ServerFacts
from routerterm.protocols.mcp.elicitation import accepted

R = TypeVar("R")
Serve = Callable[[str, dict[str, Any]], Reply]


def drive(talk: Generator[Send | AskPerson, Reply, R], serve: Serve, sent: list[dict[str, Any]] | None = None) -> R:
    reply = Reply()
    try:
        send = next(talk)
        while True:
            if isinstance(send, AskPerson):
                send = talk.send(Reply(accepted(send.form.content({f.name: f.default for f in send.form.fields}))))
                continue
            body = json.loads(send.body)
            if sent is not None:
                sent.append(body | {"headers": dict(send.headers)})
            reply = Reply() if send.id is None else serve(body["method"], body.get("params", {}))
            send = talk.send(reply)
    except StopIteration as end:
        result: R = end.value
        return result


def connected(version: str = "2026-07-28") -> McpClient:
    client = McpClient()
    client.facts = ServerFacts(version)
    return client


def tool(name: str = "add", **fields: Any) -> McpTool:
    return McpTool(name, **fields)
