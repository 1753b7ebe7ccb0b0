"""Receives files from a browser or curl: on loopback unless it is told otherwise, with a code, for ten minutes at most.

The HTTP is as little as is needed: one request to a connection, a length in advance, nothing kept on the disk.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
import socket
from collections.abc import Awaitable, Callable
from importlib.resources import files
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from routerterm.core.errors import RoutertermError
from routerterm.core.sanitise import one_line
from routerterm.engine.chat.attachments import LARGEST_PICTURE

OPEN_FOR = 600.0
"""Seconds."""
MOST_WRONG = 20
"""Wrong codes until it closes: there are 31^8 codes."""
MOST_AT_ONCE = 4
PATIENCE = 60.0
"""Seconds for one request."""
_HEAD = 16_384
_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
"""Those that are not taken for one another, to be read from one screen and typed on another."""

Take = Callable[[str, bytes], Awaitable[None]]
"""Takes a file by its name.  Raises `RoutertermError`, which the browser shows."""


class _Request(Struct, frozen=True):
    method: str
    path: str
    headers: dict[str, str]


class DropServer:
    """Listens until `stop`, until a sender says it was all, or until its time is over; ``closed`` is called then."""

    def __init__(self, take: Take, closed: Callable[[str], None], *, host: str = "127.0.0.1") -> None:
        self._take = take
        self._closed = closed
        self._host = host
        self.code = "".join(secrets.choice(_LETTERS) for _ in range(8))
        self.port = 0
        self._server: asyncio.Server | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._wrong = 0
        self._open = 0

    @property
    def address(self) -> str:
        """What a browser opens; the code stands where it is sent to nobody, and shown in no log."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self.port}/#{self.code}"

    async def start(self) -> None:
        """Listen at a free port.  Raises `RoutertermError`."""
        try:
            self._server = await asyncio.start_server(self._connected, self._host, 0, limit=_HEAD)
        except OSError as error:
            raise RoutertermError(f"Nothing can listen at {self._host}: {error.strerror}.") from None
        self.port = self._server.sockets[0].getsockname()[1]
        self._timer = asyncio.get_running_loop().call_later(OPEN_FOR, self.stop, "Ten minutes are over.")

    def stop(self, why: str = "") -> None:
        """Listen no longer."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        if self._timer is not None:
            self._timer.cancel()
        self._closed(why)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            async with asyncio.timeout(PATIENCE):
                if self._open > MOST_AT_ONCE:
                    status, text = 503, "Too many at once."
                else:
                    status, text = await self._answer(reader, writer)
                await _reply(writer, status, text)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass  # it left, or spoke no HTTP: nobody is there to be told
        finally:
            self._open -= 1
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[int, str]:
        request = await _read(reader)
        path = urlsplit(request.path).path
        if request.method == "GET":
            return (200, _page()) if path == "/" else (404, "Not found.")
        _, code, name = (*path.split("/", 2), "", "")[:3]
        if not hmac.compare_digest(unquote(code).upper().encode(), self.code.encode()):
            self._wrong += 1
            if self._wrong >= MOST_WRONG:
                self.stop("Too many wrong codes.")
            return 403, "That is not the code that the terminal shows."
        if request.method not in ("PUT", "POST"):
            return 405, "PUT sends a file."
        length = request.headers.get("content-length", "")
        if not length.isdecimal() or len(length) > 12:
            return 411, "The length of the file is missing."
        if int(length) > LARGEST_PICTURE:
            return 413, f"A file may have {LARGEST_PICTURE // 1_000_000} MB."
        if request.headers.get("expect", "").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await reader.readexactly(int(length))
        return await self._received(unquote(name), body, more=request.headers.get("x-more") == "1")

    async def _received(self, name: str, body: bytes, *, more: bool) -> tuple[int, str]:
        shown = one_line(name.replace("\\", "/").rpartition("/")[2])[:100].strip() or "file"
        try:
            await self._take(shown, body)
        except RoutertermError as error:
            return 415, f"{error.message} {error.hint or ''}".strip()
        if not more:
            self.stop("Received.")
        return 200, "It is in the composer."


def own_address() -> str:
    """This machine's address in its network, as others see it.  Nothing is sent.  Raises `RoutertermError`."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # a documentation address (RFC 5737): only the way to it is looked up
            return str(probe.getsockname()[0])
        except OSError:
            raise RoutertermError("This machine is in no network.", "/drop alone listens for this machine.") from None


async def _read(reader: asyncio.StreamReader) -> _Request:
    """The head of a request.  Raises `ValueError`, or what the reader raises."""
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").rstrip().split("\r\n")
    method, path, _ = first.split(" ", 2)
    pairs = (line.partition(":") for line in reversed(lines))  # of two of a name the first counts
    return _Request(method, path, {name.strip().lower(): value.strip() for name, _, value in pairs})


async def _reply(writer: asyncio.StreamWriter, status: int, text: str) -> None:
    kind = "text/html" if text.startswith("<!doctype") else "text/plain"
    body = text.encode()
    head = (
        f"HTTP/1.1 {status} {'OK' if status == 200 else 'No'}\r\ncontent-type: {kind}; charset=utf-8\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\ncache-control: no-store\r\n"
        "referrer-policy: no-referrer\r\n"
        "x-content-type-options: nosniff\r\nx-frame-options: DENY\r\ncontent-security-policy: default-src 'none';"
        " style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'\r\n\r\n"
    )
    writer.write(head.encode() + body)
    await writer.drain()


def _page() -> str:
    return files("routerterm.engine.chat").joinpath("drop.html").read_text(encoding="utf-8")
