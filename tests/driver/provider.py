"""A scripted provider on this machine: it streams what it was given to say, as slowly as it was told, and remembers."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.local_server import LocalHandler, listening


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said to one request; with ``status`` other than 200, an error with that text."""

    text: str = "The quartz crystal answers."
    pause: float = 0.0
    """Seconds between two words: a slow line."""
    status: int = 200
    tokens: tuple[int, int] = (9, 5)
    """What is reported as read and written."""
    call: tuple[str, str] | None = None
    """A tool to call: its name, and its arguments as JSON text."""
    obeys: bool = False
    """Whether it writes no more tokens than the request lets it."""


@dataclass(slots=True)
class Provider:
    """Where it is, what it will say next (the last answer for ever), and what it was asked."""

    url: str
    answers: deque[Answer]
    asked: list[dict[str, Any]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    """The same to the byte."""
    closing: threading.Event = field(default_factory=threading.Event)

    def next(self) -> Answer:
        """What is said now."""
        return self.answers.popleft() if len(self.answers) > 1 else self.answers[0]


@contextmanager
def serving(*answers: Answer, model: str = "dear", key: str = "") -> Iterator[Provider]:
    """A server with the Chat Completions API; with a ``key``, nothing is said without it."""
    provider = Provider("", deque(answers or (Answer(),)))

    class Handler(LocalHandler, BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self._allowed():
                self._tell(200, {"object": "list", "data": [{"id": model, "object": "model"}]})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if not self._allowed():
                return
            asked = json.loads(body)
            provider.asked.append(asked)
            provider.bodies.append(body)
            answer = provider.next()
            if answer.status != 200:
                self._tell(answer.status, {"error": {"message": answer.text, "type": "server_error"}})
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            with suppress(BrokenPipeError, ConnectionResetError):
                for piece in _pieces(_within(answer, asked)):
                    if answer.pause and provider.closing.wait(answer.pause):
                        return
                    self.wfile.write(f"data: {json.dumps(piece)}\n\n".encode())
                    self.wfile.flush()
                self.wfile.write(b"data: [DONE]\n\n")

        def _allowed(self) -> bool:
            if not key or self.headers.get("Authorization") == f"Bearer {key}":
                return True
            self._tell(401, {"error": {"message": "bad key", "code": "invalid_api_key"}})
            return False

        def _tell(self, status: int, body: object) -> None:
            self.whole(status, json.dumps(body).encode())

    with listening(Handler) as address:
        provider.url = f"{address}/v1"
        try:
            yield provider
        finally:
            provider.closing.set()


def _within(answer: Answer, body: dict[str, Any]) -> Answer:
    read, written = answer.tokens
    most = body.get("max_completion_tokens") or body.get("max_tokens")
    return replace(answer, tokens=(read, min(written, most))) if answer.obeys and most else answer


def _pieces(answer: Answer) -> Iterator[dict[str, Any]]:
    """The chunks of a stream: a word each, the end, what was used."""
    head = {"id": "c", "object": "chat.completion.chunk", "created": int(time.time()), "model": "dear"}
    for word in answer.text.split(" ") if answer.text else ():
        yield head | {"choices": [{"index": 0, "delta": {"content": f"{word} "}, "finish_reason": None}]}
    if answer.call is not None:
        name, arguments = answer.call
        function = {"name": name, "arguments": arguments}
        delta = {"tool_calls": [{"index": 0, "id": f"call_{time.time_ns()}", "type": "function", "function": function}]}
        yield head | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    end = "stop" if answer.call is None else "tool_calls"
    yield head | {"choices": [{"index": 0, "delta": {}, "finish_reason": end}]}
    read, written = answer.tokens
    usage = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
    yield head | {"choices": [], "usage": usage}
