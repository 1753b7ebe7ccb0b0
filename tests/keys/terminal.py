"""A pseudo-terminal with a program in it, and a provider on this machine for it to talk to."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from fcntl import ioctl
from http.server import BaseHTTPRequestHandler

from tests.local_server import LocalHandler, listening


class Terminal:
    """Runs a program as a person would see it."""

    def __init__(self, words: Sequence[str], environ: Mapping[str, str], size: tuple[int, int] = (100, 30)) -> None:
        self.said = b""
        self.pid, self._line = pty.fork()
        if self.pid == 0:
            os.execvpe(words[0], list(words), dict(environ))
        ioctl(self._line, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))

    def wait_for(self, text: str, limit: float = 40.0) -> None:
        """Read until it has said so, from here on."""
        deadline, seen = time.monotonic() + limit, b""
        while text.encode() not in seen:
            ready, _, _ = select.select([self._line], [], [], 0.2)
            piece = b""
            if ready:
                with suppress(OSError):
                    piece = os.read(self._line, 65536)
                if not piece:
                    raise AssertionError(f"it ended without {text!r}: {seen[-2000:]!r}")
            seen += piece
            self.said += piece
            assert time.monotonic() < deadline, f"it never said {text!r}: {seen[-2000:]!r}"

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._line, text.encode())

    def end(self, limit: float = 30.0) -> int:
        """Read to its end; its exit code."""
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            ready, _, _ = select.select([self._line], [], [], 0.2)
            if ready:
                try:
                    piece = os.read(self._line, 65536)
                except OSError:
                    break
                if not piece:
                    break
                self.said += piece
        else:
            os.kill(self.pid, signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        os.close(self._line)
        return os.waitstatus_to_exitcode(status)

    def family(self) -> Iterator[tuple[bytes, bytes]]:
        """Command line and environment of the program's children, and the command line of itself."""
        with open(f"/proc/{self.pid}/cmdline", "rb") as file:
            yield file.read(), b""
        for other in os.listdir("/proc"):
            if other.isdigit():
                with suppress(OSError), open(f"/proc/{other}/stat") as stat:
                    if int(stat.read().rsplit(")", 1)[1].split()[1]) == self.pid:
                        with open(f"/proc/{other}/cmdline", "rb") as line, open(f"/proc/{other}/environ", "rb") as own:
                            yield line.read(), own.read()


@contextmanager
def provider(*good: str) -> Iterator[str]:
    """A provider on this machine that knows these keys; its base URL.  To others it quotes their key in an error."""

    class Handler(LocalHandler, BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.known():
                self.whole(200, json.dumps({"data": [{"id": "small"}]}).encode())

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            if self.known():
                events = [
                    {"choices": [{"delta": {"content": "Good day."}}]},
                    {"choices": [{"delta": {}, "finish_reason": "stop"}]},
                ]
                body = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"
                self.whole(200, body.encode(), "text/event-stream")

        def known(self) -> bool:
            key = self.headers.get("authorization", "").removeprefix("Bearer ")
            if key not in good:
                self.whole(401, json.dumps({"error": {"message": f"Incorrect API key provided: {key}"}}).encode())
            return key in good

    with listening(Handler) as address:
        yield f"{address}/v1"
