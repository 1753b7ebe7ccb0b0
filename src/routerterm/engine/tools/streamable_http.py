"""An MCP server that is reached over HTTP: each message a POST, its answer JSON or a stream of events.

Source: the specification's "Streamable HTTP".  No redirect is followed (a token would go along), no stream is opened
for the server's own messages, and the older transport with two addresses (HTTP with SSE, 2024-11-05) is not spoken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from routerterm.core.errors import ProviderError
from routerterm.core.secret import Secret
from routerterm.engine.tools.connection import MOST_NOTICES, Fill, Waiting
from routerterm.protocols.base import HttpRequest
from routerterm.protocols.mcp import MAX_MESSAGE, Incoming, McpClient, McpError, McpInvalid, Reply, Send, parse_message
from routerterm.protocols.mcp.messages import result
from routerterm.protocols.sse import SseParser, TooLong
from routerterm.router.transports.base import HttpResponse, Timeouts, Transport, read_body

_SESSION = "mcp-session-id"
_MOST_BYTES = 4 * MAX_MESSAGE
"""Bytes of everything that comes while one answer is awaited."""
_MOST_SESSION = 512


class SessionLost(McpError):
    """The server has forgotten the session; what was sent was not carried out."""


class HttpConnection:
    """Requests to one address.  ``own`` headers are the settings' for it."""

    def __init__(self, client: McpClient, transport: Transport, url: str, own: Mapping[str, str | Secret]) -> None:
        self._client = client
        self._transport = transport
        self._url = url
        self._own = own
        self._session = ""
        self._version = ""

    async def exchange(self, send: Send, timeout: float, fill: Fill | None = None) -> Reply:
        """See `Connection.exchange`.  Leaving it hangs up, which tells a newer server to stop."""
        try:
            async with asyncio.timeout(timeout) as limit:
                return await self._posted(send, Waiting(limit, timeout, fill))
        except TimeoutError:
            if send.probe:
                return Reply()
            raise McpError(f"The server did not answer within {timeout:g} seconds.") from None
        except ProviderError as error:
            raise McpError(f"The server cannot be reached: {error.message}", error.hint) from None

    async def aclose(self) -> None:
        """End the session, where there is one, and close the connections."""
        if self._session:
            with suppress(ProviderError, TimeoutError):
                async with asyncio.timeout(2.0), self._transport.exchange(self._request(b"", {}, "DELETE"), Timeouts()):
                    pass
        await self._transport.aclose()

    async def _posted(self, send: Send, time: Waiting) -> Reply:
        async with self._transport.exchange(self._request(send.body, send.headers), Timeouts()) as answer:
            if answer.status >= 300:
                return await self._refused(answer, send)
            self._session = answer.headers.get(_SESSION, self._session)[:_MOST_SESSION]
            self._version = send.headers.get("MCP-Protocol-Version", self._version)
            if send.id is None:
                return Reply()
            kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind == "text/event-stream":
                return await self._streamed(answer, send.id, time)
            if kind != "application/json":
                raise McpInvalid("The server answered with something that is neither JSON nor a stream of events.")
            message = parse_message(await read_body(answer, MAX_MESSAGE, "the server"))
            if not message.answers or message.id != send.id:
                raise McpInvalid("The server answered another request than the one that was sent.")
            return Reply(message.result, message.error)

    async def _streamed(self, answer: HttpResponse, id: int, time: Waiting) -> Reply:
        parser, size, notices = SseParser(MAX_MESSAGE), 0, 0
        try:
            async for data in answer.body:
                size += len(data)
                for event in parser.feed(data):
                    if event.name not in ("", "message") or not event.data:
                        continue
                    message = parse_message(event.data)
                    if message.answers and message.id == id:
                        return Reply(message.result, message.error)
                    await self._react(message, time)
                    notices += 1
                if size > _MOST_BYTES or notices > MOST_NOTICES:
                    raise McpInvalid("The server floods routerterm with messages that were not asked for.")
        except TooLong:
            raise McpInvalid(f"The server sent a message of more than {MAX_MESSAGE // 1_048_576} MiB.") from None
        raise McpError("The server hung up before it answered.")

    async def _react(self, message: Incoming, time: Waiting) -> None:
        """Answer a question of the server's own (older era)."""
        if (form := self._client.asks(message)) is not None and message.id is not None:
            body: bytes | None = result(message.id, await time.asked(form))
        else:
            body = self._client.react(message)
        if body is not None:
            async with self._transport.exchange(self._request(body, {}), Timeouts()):
                pass

    async def _refused(self, answer: HttpResponse, send: Send) -> Reply:
        """A status that is no success: the error in its body where there is one, else what the status says."""
        body = await read_body(answer, MAX_MESSAGE, "the server")
        if self._session and answer.status == 404:
            raise SessionLost("The server has forgotten the session.")
        if answer.status in (401, 403):
            hint = "Set its token under `headers` of the server in config.toml."
            raise McpError(f"The server refused the request ({answer.status}).", hint)
        with suppress(McpInvalid):
            message = parse_message(body)
            if message.error is not None:
                if self._session and answer.status == 400 and _knows_no_session(message):
                    raise SessionLost("The server has forgotten the session.")
                return Reply(error=message.error)
        if 300 <= answer.status < 400:
            raise McpError("The server's address has moved.", "Write the new address into config.toml.")
        if send.probe and answer.status < 500:
            return Reply()
        raise McpError(f"The server answered with status {answer.status}.")

    def _request(self, body: bytes, headers: Mapping[str, str], method: str = "POST") -> HttpRequest:
        sent: dict[str, str | Secret] = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
        }
        if self._session:
            sent["Mcp-Session-Id"] = self._session
        if self._version:
            sent["MCP-Protocol-Version"] = self._version
        return HttpRequest(method, self._url, tuple({**sent, **headers, **self._own}.items()), body)


def _knows_no_session(message: Incoming) -> bool:
    """Whether it refuses a session with 400, where the specification has 404: servers made after the examples of the
    official TypeScript package do.  An error without an id answers no request, so that nothing was carried out.
    """
    return message.id is None and message.error is not None and "session" in message.error.message.lower()
