"""An MCP server as a child of ours, spoken to over its standard input and output.

It runs in a process group of its own and with a mark, so that it ends with all that it started, and gets a minimal
environment: no key of a provider is ever in it, only what the settings name for it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress

from routerterm.core.redact import secret_redactor
from routerterm.core.sanitise import one_line
from routerterm.engine.tools.connection import MOST_NOTICES, Fill, Waiting
from routerterm.engine.tools.process_tree import MARK, end_marked, marked
from routerterm.protocols.mcp import (
    MAX_MESSAGE,
    Incoming,
    McpClient,
    McpError,
    McpForm,
    McpInvalid,
    Reply,
    Send,
    parse_message,
)
from routerterm.protocols.mcp.messages import result

GRACE = 1.0
"""Seconds between closing its input, asking it to end, and ending it."""
KEPT_ERRORS = 4_096
"""Bytes of its standard error that are kept: the last ones say why it ended."""
_PASSED_ON = ("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "SystemRoot", "APPDATA")


def child_environment(environ: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """What the server inherits: the few variables that programs need to run, and its ``own`` from the settings."""
    passed = {name: value for name, value in environ.items() if name in _PASSED_ON or name.startswith("LC_")}
    return {**secret_redactor.clean_environment(passed), "TERM": "dumb", "NO_COLOR": "1", **own}


class StdioConnection:
    """A running server.  `open` starts it."""

    def __init__(self, process: asyncio.subprocess.Process, client: McpClient, mark: str) -> None:
        """``mark``: the value of `MARK` in its environment."""
        self._process = process
        self._client = client
        self._mark = mark
        self._waiting: tuple[int, asyncio.Future[Reply]] | None = None
        self._time: Waiting | None = None
        self._asking: asyncio.Task[None] | None = None
        """The form that the person is filling in."""
        self._errors = bytearray()
        self._notices = 0
        self._over: McpError | None = None
        self._draining = asyncio.create_task(self._drain())
        self._reading = asyncio.create_task(self._read())
        self._tasks = [self._reading, self._draining]

    @classmethod
    async def open(
        cls, client: McpClient, command: Sequence[str], own: Mapping[str, str], environ: Mapping[str, str]
    ) -> StdioConnection:
        """Start the server.  Raises `McpError`."""
        mark = uuid.uuid4().hex
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={**child_environment(environ, own), MARK: mark},
                limit=MAX_MESSAGE + 1,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or type(error).__name__
            raise McpError(f"{command[0]} cannot be started: {why}.", "Is it installed, and on the PATH?") from None
        return cls(process, client, mark)

    async def exchange(self, send: Send, timeout: float, fill: Fill | None = None) -> Reply:
        """See `Connection.exchange`.  A server that does not answer in time is ended, unless it was only a probe."""
        if self._over is not None:
            raise self._over
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._notices = 0
        self._waiting = None if send.id is None else (send.id, future)
        try:
            async with asyncio.timeout(timeout) as limit:
                self._time = Waiting(limit, timeout, fill)
                await self._write(send.body)
                return Reply() if send.id is None else await future
        except TimeoutError:
            if send.probe:
                return Reply()
            await self._cancel(send)
            raise McpError(f"The server did not answer within {timeout:g} seconds.") from None
        except asyncio.CancelledError:
            await self._cancel(send)
            raise
        finally:
            self._waiting = self._time = None
            if self._asking is not None:
                self._asking.cancel()
                self._asking = None

    async def aclose(self) -> None:
        """Close its input, which asks it to end; then end it with all that it started."""
        self._end(McpError("The server was stopped."))
        if self._process.stdin is not None:
            self._process.stdin.close()
        await asyncio.shield(self._finish())

    async def _finish(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), GRACE)
        for sign in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, sign)  # start_new_session made it the leader of a group of its own
            left = await asyncio.to_thread(end_marked, self._mark, sign)  # also those that left the group
            with suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), GRACE)
            if left and sign is signal.SIGTERM:
                await self._rest_is_gone()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(TimeoutError):  # what it wrote and nobody read would keep the pipes open
            async with asyncio.timeout(GRACE):
                for pipe in filter(None, (self._process.stdout, self._process.stderr)):
                    while await pipe.read(65_536):
                        pass
        # A private: asyncio closes it at the end of the pipes alone, and a process that left the group keeps them open.
        self._process._transport.close()  # type: ignore[attr-defined]

    async def _rest_is_gone(self) -> None:
        """Give what it started a moment to end by itself."""
        end = asyncio.get_running_loop().time() + GRACE
        while await asyncio.to_thread(lambda: any(marked(self._mark))):
            if asyncio.get_running_loop().time() > end:
                return
            await asyncio.sleep(GRACE / 20)

    async def _cancel(self, send: Send) -> None:
        """Tell the server that nobody waits any more, if it listens at all."""
        if send.id is not None:
            with suppress(McpError, TimeoutError):
                async with asyncio.timeout(GRACE):
                    await self._write(self._client.cancel(send.id))

    async def _write(self, body: bytes) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(body + b"\n")
            await self._process.stdin.drain()
        except (ConnectionError, RuntimeError):
            await asyncio.wait({self._reading}, timeout=2 * GRACE)  # the reader learns why it ended
            raise self._over or self._ended() from None

    async def _read(self) -> None:
        assert self._process.stdout is not None
        try:
            while line := await self._process.stdout.readline():
                if line.strip():
                    await self._take(parse_message(line))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), GRACE)
            await asyncio.wait({self._draining}, timeout=GRACE)
            self._end(self._ended())
        except ValueError:  # asyncio's word for a line over the limit
            self._end(McpInvalid(f"The server sent a message of more than {MAX_MESSAGE // 1_048_576} MiB."))
        except McpError as error:
            self._end(error)

    async def _take(self, message: Incoming) -> None:
        waiting = self._waiting
        if message.answers:
            if waiting is not None and message.id == waiting[0] and not waiting[1].done():
                waiting[1].set_result(Reply(message.result, message.error))
                return
        elif (form := self._client.asks(message)) is not None and self._time is not None and not self._is_asking:
            assert message.id is not None
            self._asking = asyncio.create_task(self._ask(message.id, form, self._time))
        elif (answer := self._client.react(message)) is not None:
            await self._write(answer)
        self._notices += 1
        if self._notices > MOST_NOTICES:
            raise McpInvalid("The server floods routerterm with messages that were not asked for.")

    @property
    def _is_asking(self) -> bool:
        return self._asking is not None and not self._asking.done()

    async def _ask(self, id: int | str, form: McpForm, time: Waiting) -> None:
        """Let the person fill a form in, beside the reading: the server may end meanwhile."""
        try:
            said = await time.asked(form)
        except Exception as error:  # noqa: BLE001 - nobody awaits this task: the call would wait, without a limit
            if self._waiting is not None and not self._waiting[1].done():
                self._waiting[1].set_exception(error)
            return
        with suppress(McpError):  # whoever waits for the call learns of it
            await self._write(result(id, said))

    async def _drain(self) -> None:
        """Read its standard error, so that it never blocks on it; the end of it is kept."""
        assert self._process.stderr is not None
        while data := await self._process.stderr.read(65_536):
            self._errors += data
            del self._errors[:-KEPT_ERRORS]

    def _end(self, error: McpError) -> None:
        self._over = self._over or error
        if self._waiting is not None and not self._waiting[1].done():
            self._waiting[1].set_exception(self._over)

    def _ended(self) -> McpError:
        """Why it is gone, with the last line that it wrote to its standard error."""
        code = self._process.returncode
        if code is None:
            how = ""
        elif code >= 0:
            how = f" with status {code}"
        else:
            how = f" by signal {-code}"
        lines = self._errors.decode("utf-8", "replace").strip().splitlines()
        last = secret_redactor(one_line(lines[-1]))[:300] if lines else ""
        return McpError(f"The server ended{how}." + (f" It said: {last}" if last else ""))
