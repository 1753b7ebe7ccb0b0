"""The small model in this process: llama.cpp by xllamacpp behind the same seam as the network.

The engine blocks, so each answer has a thread; its pieces come over to the loop, and a word back makes it
stop, also while it still reads the prompt.  What passes the seam is Chat Completions as server-sent events.
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from routerterm.core.errors import BadRequest, ServerError
from routerterm.core.targets import Cause, Unavailable
from routerterm.protocols.base import HttpRequest
from routerterm.router.transports.base import HttpResponse, Timeouts

FETCH_HINT = "Fetch it with: routerterm local fetch"
_EVENTS = {"content-type": "text/event-stream"}
LONGEST = 1024
"""Tokens of an answer where the request names no length; a small model that rambles must not do so for minutes."""

STOP_WAIT = 10.0
"""Seconds that the end of the program waits for the engine to hear a stop, which it does at its next token."""


class LocalTransport:
    """Fulfils `Transport`.  One model at a time is loaded, at its first use.

    Loading takes the interpreter with it for as long as it lasts (0.4 s on a PC): the engine does not let go
    of it there.  Reading a prompt and answering do.
    """

    def __init__(
        self,
        weights: Path | Mapping[str, Path],
        *,
        context: int = 4096,
        threads: int | None = None,
        load_needs: Callable[[], object] = lambda: None,
    ) -> None:
        """``weights`` are files by model name, or the one file there is; ``context`` is the window in tokens.

        ``threads`` None leaves one core to the interface.  ``load_needs`` is called before the engine is imported, to
        load what it wants of the system.
        """
        self._weights = {"smollm2": weights} if isinstance(weights, Path) else dict(weights)
        self._context = context
        self._threads = threads or max(1, (os.cpu_count() or 2) - 1)
        self._load_needs = load_needs
        self._lock = threading.Lock()
        self._loaded: tuple[str, Any] | None = None
        self._running: set[tuple[threading.Thread, threading.Event]] = set()

    def unavailable(self, model: str) -> Unavailable | None:
        """Why a model cannot run here."""
        path = self._weights.get(model)
        if path is None or not path.is_file():
            return Unavailable("its weights are not installed (routerterm local fetch)", Cause.NOT_DOWNLOADED)
        if self._loaded is None and find_spec("xllamacpp") is None:
            return Unavailable("the engine is not installed (the extra `local`)")
        return None

    @asynccontextmanager
    async def exchange(self, request: HttpRequest, waits: Timeouts) -> AsyncIterator[HttpResponse]:
        """See `Transport.exchange`."""
        if request.method == "GET":
            listing = json.dumps({"object": "list", "data": [{"id": name} for name in self._weights]})
            yield HttpResponse(200, _once(listing.encode()), {"content-type": "application/json"})
            return
        body = json.loads(request.body)
        model = str(body.get("model"))
        if (found := self.unavailable(model)) is not None:
            raise BadRequest(f"The local model {model} cannot run: {found.reason}.", FETCH_HINT)
        pieces: asyncio.Queue[bytes | Exception | None] = asyncio.Queue()
        stop = threading.Event()
        loop = asyncio.get_running_loop()

        def pass_on(piece: bytes | Exception | None) -> bool:
            """To the loop; True where nobody listens any more."""
            if stop.is_set():
                return True
            try:
                loop.call_soon_threadsafe(pieces.put_nowait, piece)
            except RuntimeError:  # the loop was closed under us
                return True
            return False

        def work() -> None:
            try:
                self._answer(model, body, pass_on)
            except Exception as error:  # noqa: BLE001 - whatever the engine throws ends this answer, in the loop
                pass_on(error)
            pass_on(None)

        thread = threading.Thread(target=work, name="routerterm-local", daemon=True)
        self._running.add((thread, stop))
        thread.start()
        try:
            yield await _opened(pieces)
        finally:
            stop.set()
            self._running = {(other, its) for other, its in self._running if other.is_alive()}

    async def aclose(self) -> None:
        """See `Transport.aclose`."""
        with suppress(RuntimeError):
            await asyncio.get_running_loop().run_in_executor(None, self._unload)

    def _answer(self, model: str, body: dict[str, Any], pass_on: Any) -> None:
        """In the thread: run the engine to its end or until nobody listens."""
        server = self._server(model)
        if not pass_on(b": loaded\n\n"):
            server.handle_chat_completions(
                {**body, "model": model, "stream": True, "return_progress": True, "cache_prompt": True},
                lambda chunk: pass_on(b"data: " + _as_json(chunk) + b"\n\n"),
            )
            pass_on(b"data: [DONE]\n\n")

    def _server(self, model: str) -> Any:
        with self._lock:
            if self._loaded is None or self._loaded[0] != model:
                self._loaded = None
                self._loaded = (model, self._load(self._weights[model]))
            return self._loaded[1]

    def _load(self, path: Path) -> Any:
        self._load_needs()
        xllamacpp = import_module("xllamacpp")  # by name: it comes without types, and only with the extra
        params = xllamacpp.CommonParams()
        params.model.path = str(path)
        params.n_ctx = self._context
        params.n_parallel = 1
        params.n_batch = 64  # small, so that a stop is heard while a long prompt is read
        params.cpuparams.n_threads = self._threads
        params.cpuparams_batch.n_threads = self._threads
        params.sampling.temp, params.sampling.top_p = (
            0.2,
            0.9,
        )  # what small models are to be asked with, say their makers
        params.sampling.penalty_repeat = 1.1  # they fall into loops
        params.n_predict = LONGEST  # and do not always find an end
        params.warmup = False
        params.verbosity = -1  # it would write where the interface draws
        return xllamacpp.Server(params)

    def _unload(self) -> None:
        """Let the engine go, once its threads have heard that they are to stop: ending under one aborts the program."""
        for _, stop in self._running:
            stop.set()
        for thread, _ in self._running:
            thread.join(STOP_WAIT)
        with self._lock:
            self._loaded = None


async def _opened(pieces: asyncio.Queue[bytes | Exception | None]) -> HttpResponse:
    """The answer from the engine's first chunk on: an error instead of one is a status, as of a server."""
    first = await pieces.get()
    if isinstance(first, bytes) and first.startswith(b":"):
        first = await pieces.get()
    if isinstance(first, ImportError):  # what it needs of the system is not there, and will not come by waiting
        raise BadRequest(f"The local engine cannot be loaded: {first}.", "See: routerterm local status") from first
    if isinstance(first, Exception):
        raise ServerError(f"The local engine failed: {type(first).__name__}.") from first
    if first is not None and first.startswith(b'data: {"error"'):
        payload = first[6:].strip()
        status = json.loads(payload)["error"].get("code")
        return HttpResponse(
            status if isinstance(status, int) else 500, _once(payload), {"content-type": "application/json"}
        )
    return HttpResponse(200, _rest(first, pieces), _EVENTS)


async def _rest(first: bytes | None, pieces: asyncio.Queue[bytes | Exception | None]) -> AsyncIterator[bytes]:
    piece: bytes | Exception | None = first
    while piece is not None:
        if isinstance(piece, Exception):
            raise ServerError(f"The local engine failed: {type(piece).__name__}.") from piece
        yield piece
        piece = await pieces.get()


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


def _as_json(chunk: object) -> bytes:
    """A chunk as the engine gives it: an object, or the text of one."""
    return chunk.encode() if isinstance(chunk, str) else json.dumps(chunk, ensure_ascii=False).encode()
