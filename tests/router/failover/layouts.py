"""Who stands behind whom when a model fails: three layouts of one route, over a server that breaks on purpose.

A model's name says how it behaves: ``fault`` or ``fault@n`` for a second one of the kind.  The faults are the wall's,
and those here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from msgspec.structs import replace

from routerterm.catalog.values import ModelInfo, ProviderInfo
from routerterm.core.messages import Message
from routerterm.core.ports import ApiKey
from routerterm.core.request import ChatRequest
from routerterm.core.secret import Secret
from routerterm.core.targets import Target
from routerterm.router import Router
from routerterm.router.options import Route
from tests.router.faults.provider import (
    FAULTS,
    HALF,
    Call,
    FaultyProvider,
    chunk,
    close,
    data,
    error,
    send,
    stream_head,
    words,
)
from tests.router.faults.wall import scaled

Layout: TypeAlias = Literal["one provider and key", "a provider per model", "primaries and fallbacks"]
LAYOUTS: dict[Layout, Callable[[str], tuple[str, ...]]] = {
    "one provider and key": lambda fault: (f"p/{fault}", "p/ok"),
    "a provider per model": lambda fault: (f"p/{fault}", "q/ok"),
    "primaries and fallbacks": lambda fault: (f"p/{fault}", f"p/{fault}@2", "q/ok", "q/ok@2"),
}


def refusing(status: int, message: str, code: str = "", **headers: str) -> Callable[..., object]:
    """A fault that answers with a status and OpenAI's form of an error."""

    async def fault(self: FaultyProvider, call: Call) -> bool:
        return await error(call, status, {"error": {"message": message, "code": code or None}}, **headers)

    return fault


async def empty_stream(self: FaultyProvider, call: Call) -> bool:
    """A finish reason and not a word."""
    await stream_head(call)
    await send(call, chunk({"content": ""}))
    await send(call, chunk({}, "stop"))
    await send(call, data(b"[DONE]"))
    return await close(call)


async def nothing_at_all(self: FaultyProvider, call: Call) -> bool:
    """A good status and a body of no bytes."""
    await stream_head(call)
    return await close(call)


async def withheld(self: FaultyProvider, call: Call) -> bool:
    """The filter's word instead of an answer."""
    await stream_head(call)
    await send(call, chunk({}, "content_filter"))
    return await close(call)


async def half_then_page(self: FaultyProvider, call: Call) -> bool:
    """A proxy's page in the middle of an answer."""
    await stream_head(call)
    await words(self, call, HALF)
    await send(call, b"<html><h1>502 Bad Gateway</h1></html>\n\n")
    return await close(call)


OWN = {
    "status_400": refusing(400, "Unsupported parameter: temperature"),
    "status_402": refusing(402, "Payment required"),
    "status_403": refusing(403, "You have no access to this model", "permission_denied"),
    "status_404": refusing(404, "The model does not exist", "model_not_found"),
    "status_408": refusing(408, "Request timeout"),
    "status_409": refusing(409, "Conflict"),
    "status_413": refusing(413, "Request too large"),
    "status_422": refusing(422, "Unprocessable"),
    "status_424": refusing(424, "Failed dependency"),
    "status_429_long": refusing(429, "Slow down", retry_after="3600"),
    "status_429_daily": refusing(429, "You exceeded your requests per day for this model", retry_after="7200"),
    "status_500": refusing(500, "Internal server error"),
    "status_501": refusing(501, "Not implemented"),
    "status_502": refusing(502, "Bad gateway"),
    "status_503": refusing(503, "Service unavailable"),
    "status_504": refusing(504, "Gateway timeout"),
    "status_520": refusing(520, "Unknown error"),
    "status_529": refusing(529, "Overloaded", "overloaded_error"),
    "empty_stream": empty_stream,
    "nothing_at_all": nothing_at_all,
    "withheld": withheld,
    "half_then_page": half_then_page,
}
SCENARIOS = (
    *OWN,
    "rate_forever",
    "bad_key",
    "gone",
    "too_long",
    "filtered",
    "caller_fault",
    "unpaid",
    "silence",
    "late",
    "stall",
    "cut",
    "reset_before_headers",
    "reset_in_body",
    "comments",
    "malformed",
    "malformed_later",
    "error_as_body",
    "error_first",
    "error_in_stream",
    "redirect",
    "web_page",
)


async def by_model(self: FaultyProvider, call: Call) -> bool:
    """Behave as the model's name says."""
    fault = str(call.body.get("model")).partition("@")[0]
    self.counts[fault] += 1
    behave = OWN.get(fault) or FAULTS[fault]
    return bool(await behave(self, Call(fault, call.body, call.writer, self.counts[fault])))  # type: ignore[misc]


FAULTS["by_model"] = by_model


@dataclass(frozen=True)
class ModelChoices:
    """Two providers at one server; nothing is known of their models."""

    base: str

    def provider(self, name: str) -> ProviderInfo | None:
        return ProviderInfo(name, name, "openai-chat", f"{self.base}/by_model/v1") if name in ("p", "q") else None

    def providers(self) -> tuple[ProviderInfo, ...]:
        return tuple(info for name in ("p", "q") if (info := self.provider(name)) is not None)

    def model(self, target: Target) -> ModelInfo | None:
        return ModelInfo(target.provider, target.model, abilities_known=False)

    def lists(self, target: Target) -> bool:
        return True


class OneKeyEach:
    """One key per provider."""

    async def keys(self, provider: str) -> Sequence[ApiKey]:
        return (ApiKey("only", Secret(f"sk-test-{provider}-0123456789")),)


def router_of(server: FaultyProvider, layout: Layout, fault: str, scale: float) -> Router:
    """A router with the route ``r`` laid out so."""
    options = scaled(scale)
    return Router(
        ModelChoices(f"http://127.0.0.1:{server.port}"),
        OneKeyEach(),
        options=replace(options, routes={"r": Route.of("r", *LAYOUTS[layout](fault))}),
    )


QUESTION = ChatRequest("r", (Message.of("user", "Say it all."),))
