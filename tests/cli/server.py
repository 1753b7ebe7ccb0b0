"""Small servers on loopback that answer a chat request well, badly, or in a page of HTML."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from tests.local_server import LocalHandler, listening

Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def serving(answer: Answer) -> Iterator[str]:
    """A server that answers every POST so; its base URL."""

    class Handler(LocalHandler, BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))  # type: ignore[misc]
            self.close_connection = True
            with suppress(BrokenPipeError, ConnectionResetError):
                answer(self)

    with listening(Handler) as address:
        yield f"{address}/v1"


def plain(status: int, content_type: str, body: str) -> Answer:
    """One whole answer."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        data = body.encode()
        handler.send_response(status)
        handler.send_header("Content-Type", content_type)
        handler.send_header("Content-Length", str(len(data)))
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.wfile.write(data)

    return answer


def streaming(*pieces: str, finish: bool = True, wait: Callable[[], object] = lambda: None) -> Answer:
    """An answer in pieces, as Chat Completions streams it; ``wait`` is called after each piece."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Connection", "close")
        handler.end_headers()
        for piece in pieces:
            handler.wfile.write(_event({"choices": [{"index": 0, "delta": {"content": piece}}]}))
            handler.wfile.flush()
            wait()
        if finish:
            handler.wfile.write(_event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}))
            usage = {"prompt_tokens": 3, "completion_tokens": len(pieces)}
            handler.wfile.write(_event({"choices": [], "usage": usage}) + b"data: [DONE]\n\n")

    return answer


def _event(body: object) -> bytes:
    return f"data: {json.dumps(body)}\n\n".encode()


def house(home: Path, base_url: str, more: str = "") -> None:
    """Settings with one provider of the person's own, `house`, at that address."""
    home.mkdir(exist_ok=True)
    text = f'[providers.house]\nprotocol = "openai-chat"\nbase_url = "{base_url}"\n{more}\n'
    (home / "config.toml").write_text(text, encoding="utf-8")
