"""Pictures by address: fetched for a provider that takes bytes, left to one that fetches itself, refused in words."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from routerterm import ChatRequest, Message, Router
from routerterm.catalog import Catalog
from routerterm.core.errors import BadRequest, RoutertermError
from routerterm.core.events import AttemptStarted, Failed, Finished
from routerterm.core.messages import Image, Text
from routerterm.engine.tools.web_page import LARGEST, PrivateAddress, fetch_picture
from routerterm.protocols.base import HttpRequest
from routerterm.router.environment_keys import EnvironmentKeys
from routerterm.router.options import Route, RouterOptions
from routerterm.router.ports import RouterPorts
from routerterm.router.run.pictures import RequestPictures
from routerterm.router.transports.base import HttpResponse, Timeouts
from tests.router.faults.wall import run

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
PLACE = "https://pictures.example/a.png"
OLLAMA = b'{"message":{"role":"assistant","content":"a cat"},"done":true,"done_reason":"stop"}\n'
GEMINI = b'data: {"candidates":[{"content":{"parts":[{"text":"a cat"}]},"finishReason":"STOP"}]}\n\n'
CLAUDE = (
    b'data: {"type":"message_start","message":{"usage":{"input_tokens":1}}}\n\n'
    b'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a cat"}}\n\n'
    b'data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}}\n\n'
    b'data: {"type":"message_stop"}\n\n'
)


class Web:
    """Answers by address; remembers what it was sent."""

    def __init__(self, answers: Mapping[str, tuple[int, Mapping[str, str], bytes]]) -> None:
        self.answers, self.sent = answers, list[HttpRequest]()

    @asynccontextmanager
    async def exchange(self, request: HttpRequest, waits: Timeouts) -> AsyncIterator[HttpResponse]:
        self.sent.append(request)
        status, headers, body = self.answers.get(request.url) or self.answers["*"]

        async def pieces() -> AsyncIterator[bytes]:
            for start in range(0, len(body), 65_536):
                await asyncio.sleep(0)
                yield body[start : start + 65_536]

        yield HttpResponse(status, pieces(), headers)

    async def aclose(self) -> None: ...

    @property
    def body(self) -> Any:
        return json.loads(self.sent[-1].body)


class Source:
    """Pictures by address; one that is not there is refused."""

    def __init__(self, **pictures: bytes) -> None:
        self.pictures, self.asked = pictures, list[str]()

    async def fetch(self, url: str) -> Image:
        self.asked.append(url)
        await asyncio.sleep(0)
        if (data := self.pictures.get(url.rpartition("/")[2].partition(".")[0])) is None:
            raise RoutertermError("pictures.example answered 404 instead of an image.")
        return Image("image/png", data)


def made(source: Source | None, **providers: bytes) -> tuple[Router, dict[str, Web]]:
    webs = {name: Web({"*": (200, {}, body)}) for name, body in providers.items()}
    catalog = Catalog.builtin()
    keys = EnvironmentKeys(
        catalog.provider, {f"{name.upper()}_API_KEY": f"key-of-{name}-0123456" for name in providers}
    )
    route = Route.of("see", "gemini/gemini-2.5-flash", "anthropic/claude-haiku-4-5")
    router = Router(
        catalog, keys, options=RouterOptions(routes={"see": route}), ports=RouterPorts(pictures=source), transports=webs
    )
    return router, webs


def question(model: str, *urls: str, private: bool = False) -> ChatRequest:
    parts = (Text("what is it?"), *(Image("image/*", url=url) for url in urls))
    return ChatRequest(model, (Message("user", parts),), private=private)


async def test_a_provider_that_takes_bytes_gets_bytes() -> None:
    source = Source(a=PNG)
    router, webs = made(source, gemini=GEMINI)
    _, seen = await run(router, question("gemini/gemini-2.5-flash", PLACE, PLACE, "gs://bucket/b.png"))
    assert isinstance(seen[-1], Finished)
    parts = webs["gemini"].body["contents"][0]["parts"]
    assert [next(iter(part)) for part in parts] == ["text", "inlineData", "inlineData", "fileData"]
    assert source.asked == [PLACE]  # once, and what Google holds itself not at all


async def test_a_provider_that_fetches_itself_is_left_to_it() -> None:
    source = Source(a=PNG)
    router, webs = made(source, anthropic=CLAUDE)
    _, seen = await run(router, question("anthropic/claude-haiku-4-5", PLACE))
    assert isinstance(seen[-1], Finished)
    assert webs["anthropic"].body["messages"][0]["content"][1]["source"] == {"type": "url", "url": PLACE}
    assert source.asked == []


async def test_a_picture_that_cannot_be_fetched_is_said() -> None:
    router, webs = made(Source(), gemini=GEMINI)
    _, seen = await run(router, question("gemini/gemini-2.5-flash", PLACE))
    assert isinstance(seen[-1], Failed)
    assert isinstance(seen[-1].error, BadRequest)
    assert seen[-1].error.message.startswith(
        "The image at pictures.example was not fetched: pictures.example answered 404"
    )
    assert not webs["gemini"].sent
    assert not any(isinstance(event, AttemptStarted) for event in seen)


async def test_the_next_model_is_asked_where_it_fetches_itself() -> None:
    router, webs = made(Source(), gemini=GEMINI, anthropic=CLAUDE)
    _, seen = await run(router, question("see", PLACE))
    assert isinstance(seen[-1], Finished)
    assert webs["anthropic"].sent
    assert not webs["gemini"].sent


async def test_too_many_and_private_ones_are_refused() -> None:
    source = Source(a=PNG)
    router, _ = made(source, gemini=GEMINI)
    _, many = await run(
        router, question("gemini/gemini-2.5-flash", *(f"https://h{n}.example/a.png" for n in range(17)))
    )
    assert isinstance(many[-1], Failed)
    assert "more than 16" in many[-1].error.message
    private = question("any", PLACE, private=True)
    with pytest.raises(BadRequest, match="private conversation fetches no images"):
        await RequestPictures(source).filled(private, lambda _url: False)
    assert await RequestPictures(None).filled(private, lambda _url: False) is private
    assert source.asked == []


async def public(host: str) -> list[str]:
    return {"inside.example": ["10.0.0.7"], "both.example": ["93.184.216.34", "127.0.0.1"]}.get(host, ["93.184.216.34"])


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (PLACE, ""),
        ("https://moved.example/x", ""),
        ("https://moved.example/in", "on this machine"),
        ("https://moved.example/loop", "moved more than"),
        ("https://inside.example/a.png", "on this machine"),
        ("https://both.example/a.png", "on this machine"),
        ("http://127.1/a.png", "on this machine"),
        ("http://[::ffff:10.0.0.1]/a.png", "on this machine"),
        ("http://169.254.169.254/latest", "on this machine"),
        ("file:///etc/passwd", "not an address"),
        ("https://a:b@pictures.example/a.png", "password"),
        ("https://pictures.example/page", "not an image"),
        ("https://pictures.example/large", "larger than"),
        ("https://pictures.example/gone", "answered 404 instead of an image"),
    ],
)  # fmt: skip
async def test_the_limits_of_a_fetched_picture(url: str, words: str) -> None:
    web = Web(
        {
            PLACE: (200, {"content-type": "text/plain"}, PNG),
            "https://moved.example/x": (302, {"location": PLACE}, b""),
            "https://moved.example/in": (302, {"location": "http://inside.example/a.png"}, b""),
            "https://moved.example/loop": (302, {"location": "/loop"}, b""),
            "https://pictures.example/page": (200, {"content-type": "image/png"}, b"<html>"),
            "https://pictures.example/large": (200, {}, PNG + b"\0" * LARGEST),
            "*": (404, {}, b""),
        }
    )
    if not words:
        assert await fetch_picture(url, web, resolve=public) == Image("image/png", PNG)
        return
    with pytest.raises(RoutertermError) as caught:
        await fetch_picture(url, web, resolve=public)
    assert words in caught.value.message
    assert isinstance(caught.value, PrivateAddress) == (words == "on this machine")
    assert not any("inside" in request.url or "127." in request.url for request in web.sent)
