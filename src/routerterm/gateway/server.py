"""The gateway's sockets: opened before anything is said, closed after running answers had their time."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
from collections.abc import Generator
from contextlib import suppress
from typing import TYPE_CHECKING

import uvicorn

from routerterm.core.errors import RoutertermError
from routerterm.core.hosts import is_loopback
from routerterm.core.secret import Secret
from routerterm.engine.usage.request_log import RequestLog
from routerterm.gateway.app import gateway_app
from routerterm.gateway.connection import HEAD_MOST, Connection
from routerterm.gateway.own_key import check_token, own_key
from routerterm.gateway.state import GatewayState, read_keys

if TYPE_CHECKING:
    from routerterm.wiring.services import Services

FIRST = asyncio.FIRST_COMPLETED
GRACE = 10.0
"""Seconds that running answers get to finish."""
_BACKLOG = 128
_SPARE_FILES = 200
"""Open files that the rest of the program may need."""
_KEEP_ALIVE = 65


class Gateway:
    """A running gateway.  `start` opens it, `stop` ends it."""

    def __init__(
        self, services: Services, *, host: str, port: int, token: Secret | None = None, mock: bool = False
    ) -> None:
        self._services = services
        self._host = host
        self._port = port
        self._token = token
        self.own_key = own_key(services.paths)
        tokens = (self.own_key,) if token is None else (token, self.own_key)
        required = token is not None or not is_loopback(host)
        self.state = GatewayState(services, tokens, key_required=required, mock=mock)
        self._server: _Server | None = None
        self._running: asyncio.Task[None] | None = None
        self._address = ""

    @property
    def address(self) -> str:
        """Where clients find it, as in ``http://127.0.0.1:8484``."""
        return self._address

    @property
    def access_words(self) -> str:
        """Who is let in, in a sentence."""
        return self.state.access_words

    @property
    def request_log(self) -> RequestLog:
        """The newest requests."""
        return self.state.request_log

    async def start(self) -> None:
        """Open the socket and serve.  Raises `RoutertermError` where that cannot or must not be."""
        if self._token is not None:
            check_token(self._token)
        if not is_loopback(self._host) and self._token is None and not await read_keys(self._services):
            raise RoutertermError(
                f"Anyone on the network could use your keys at {self._host}.",
                "Make a key with `routerterm gateway key add NAME`, or set ROUTERTERM_GATEWAY_TOKEN.",
            )
        await self._services.store.ledger.tell()
        await self.state.refresh_keys()
        bound = _bound(self._host, self._port)
        host, port = bound.getsockname()[:2]
        self._address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        Connection.most = min(self._services.settings.gateway.connections, _files() - _SPARE_FILES)
        config = uvicorn.Config(
            gateway_app(self.state),
            http=Connection,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=_BACKLOG,
            timeout_keep_alive=_KEEP_ALIVE,
            timeout_graceful_shutdown=round(GRACE) + 5,
            h11_max_incomplete_event_size=HEAD_MOST,
        )
        self._server = _Server(config)
        self._running = asyncio.create_task(self._server.serve(sockets=[bound]))
        ready = asyncio.create_task(self._server.ready.wait())
        await asyncio.wait({self._running, ready}, return_when=FIRST)
        ready.cancel()
        if self._running.done():
            await self._running

    async def stop(self, grace: float = GRACE) -> None:
        """Take no more requests, let running answers finish, then end them honestly."""
        if self._server is None or self._running is None:
            return
        self.state.stopping = True
        self._server.should_exit = True
        timer = asyncio.get_running_loop().call_later(grace, self.state.interrupt_all)
        try:
            await self._running
        finally:
            timer.cancel()
            await self.state.close_down()
            self._server = self._running = None

    async def wait(self) -> None:
        """Until it has ended."""
        if self._running is not None:
            await self._running


class _Server(uvicorn.Server):
    """Leaves signals to whoever runs us, and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Capture none."""
        yield


def _bound(host: str, port: int) -> socket.socket:
    """A socket at the address.  Raises `RoutertermError`."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError:
        raise RoutertermError(f"There is no address {host!r}.", "For example 127.0.0.1 or localhost.") from None
    family, kind, protocol, _, address = found[0]
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise RoutertermError(
            f"Port {port} of {host} cannot be used: {error.strerror}.", "Choose another with --port, or 0 for any."
        ) from error
    return bound


def _files() -> int:
    """How many files we may have open, after asking for as many as there are to have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else hard
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(_SPARE_FILES + 50, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
