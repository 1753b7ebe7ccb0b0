"""What all Python clients share: the words of the command line (CLIENT URL KEY MODEL), and a line for each part."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

CLIENT, URL, KEY, MODEL = sys.argv[1:5]
BROKEN = MODEL.partition("/")[0] + "/broken"
PARAMETERS = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
    "required": ["a", "b"],
    "additionalProperties": False,
}
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}
SHAPE: Any = {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA, "strict": True}}
HI: list[Any] = [{"role": "user", "content": "Hi"}]


def chat_loop(ask: Any) -> bool:
    """Two steps of Chat Completions with two calls side by side, by whatever asks."""
    tools: Any = [{"type": "function", "function": {"name": "add", "parameters": PARAMETERS}}]
    first = ask(messages=HI, tools=tools).choices[0].message
    results: list[Any] = [
        {"role": "tool", "tool_call_id": c.id, "content": added(c.function.arguments)} for c in first.tool_calls
    ]
    last = ask(messages=[*HI, first, *results], tools=tools)
    return len(results) == 2 and last.choices[0].message.content == "The results are 5 and 2"


def added(arguments: Any) -> str:
    """What the tool answers."""
    given = json.loads(arguments) if isinstance(arguments, str) else arguments
    return str(given["a"] + given["b"])


def fails(kind: type[Exception], work: Any) -> bool:
    """Whether it ends with this error."""
    try:
        work()
    except kind:
        return True
    return False


def part(name: str, work: Any) -> None:
    """Do one part, and say in a line how it went."""
    try:
        went, why = bool(work()), ""
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the result
        went, why = False, f"{type(error).__name__}: {str(error)[:200]}"
    print(json.dumps({"part": name, "ok": went, "why": why}), flush=True)


def run(clients: Mapping[str, Callable[[], None]]) -> None:
    """Do the parts of the client that the command line names."""
    clients[CLIENT]()
