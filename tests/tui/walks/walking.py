"""A provider to be asked and a hand on the mouse, for walks through the real program in a real terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from rich.cells import cell_len

from tests.local_server import LocalHandler, listening
from tests.tmux import Terminal

KEY = "gsk_" + "A1b2C3d4" * 6
ANSWER = "The quartz crystal answers."


@contextmanager
def provider() -> Iterator[str]:
    """A server that lists one model, checks the key and streams `ANSWER`; its base URL."""

    class Handler(LocalHandler, BaseHTTPRequestHandler):
        def _allowed(self) -> bool:
            if self.headers.get("Authorization") == f"Bearer {KEY}":
                return True
            self._tell(401, {"error": {"message": "bad key", "code": "invalid_api_key"}})
            return False

        def _tell(self, status: int, body: object) -> None:
            self.whole(status, json.dumps(body).encode())

        def do_GET(self) -> None:
            if self._allowed():
                self._tell(200, {"object": "list", "data": [{"id": "llama-3.3-70b-versatile", "object": "model"}]})

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if not self._allowed():
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            pieces = [{"choices": [{"index": 0, "delta": {"content": f"{word} "}}]} for word in ANSWER.split()]
            pieces += [{"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}]
            pieces += [{"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 5}}]
            with suppress(BrokenPipeError, ConnectionResetError):
                for piece in pieces:
                    self.wfile.write(f"data: {json.dumps(piece)}\n\n".encode())
                self.wfile.write(b"data: [DONE]\n\n")

    with listening(Handler) as address:
        yield f"{address}/v1"


def settings(home: Path, url: str) -> None:
    """A home in which one provider lives here, and nothing else is set up."""
    home.mkdir()
    (home / "config.toml").write_text(f'[providers.groq]\nbase_url = "{url}"\n')


def click(it: Terminal, words: str, *, last: bool = False, below: int = 0) -> None:
    """Press the left button where these words are seen first (or last), once they are, or some rows below."""
    lines = it.wait(words).splitlines()
    rows = [number for number, line in enumerate(lines) if words in line]
    row = rows[-1 if last else 0]
    column = cell_len(lines[row][: lines[row].index(words)])
    at = f"{column + 2};{row + 1 + below}"
    it.type(f"\x1b[<0;{at}M\x1b[<0;{at}m")


def paste(it: Terminal, text: str) -> None:
    """As a terminal hands over what the mouse pasted."""
    it.type(f"\x1b[200~{text}\x1b[201~")
