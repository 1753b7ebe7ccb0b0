"""Pictures as clients and files have them: what is in the bytes counts, in every spelling of base64."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routerterm.core.errors import BadRequest
from routerterm.core.messages import Image, Message
from routerterm.core.request import ChatRequest
from routerterm.protocols.images import from_base64, sniffed_type
from routerterm.protocols.server_base import image
from tests.protocols.test_histories import body

JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\xfb\xef"
PACKED = base64.b64encode(JPEG).decode()


@given(st.binary(max_size=60), st.integers(1, 20))
def test_base64_is_read_in_every_spelling(data: bytes, width: int) -> None:
    packed = base64.urlsafe_b64encode(data).decode().rstrip("=")
    assert from_base64("\r\n".join(packed[at : at + width] for at in range(0, len(packed), width))) == data


@pytest.mark.parametrize(
    "address",
    [
        f"data:image/png;base64,{PACKED}",
        f"data:image/jpeg;base64,{PACKED[:8]}\n{PACKED[8:]}",
        f"DATA:image/jpeg;charset=utf-8;BASE64,{PACKED}",
        f"data:;base64,{PACKED}",
        "data:image/jpeg;base64," + PACKED.replace("+", "%2B").replace("/", "%2F"),
    ],
)
def test_a_picture_is_what_its_bytes_say(address: str) -> None:
    made = image(address)
    assert (made.media_type, made.data) == ("image/jpeg", JPEG)


@pytest.mark.parametrize("address", ["data:image/png;base64,", "data:image/png;base64,%%", "data:text", "file:///x"])
def test_what_is_no_picture_is_refused(address: str) -> None:
    with pytest.raises(BadRequest):
        image(address)


def test_a_type_that_was_declared_wrong_is_put_right_on_the_way_out() -> None:
    request = ChatRequest("x/m", (Message("user", (Image("image/png", JPEG),)),))
    for protocol in ("openai-chat", "openai-responses", "anthropic-messages", "gemini", "cohere-v2"):
        assert "image/jpeg" in json.dumps(body(protocol, request)), protocol
    assert sniffed_type(b"RIFF\x00\x00\x00\x00WEBPVP8 ") == "image/webp"
    assert sniffed_type(b"nothing") == ""


def test_an_address_is_said_where_only_bytes_are_taken() -> None:
    request = ChatRequest("x/m", (Message("user", (Image("image/*", url="https://pictures.example/a.png"),)),))
    sent: dict[str, Any] = body("ollama-chat", request)
    assert "https://pictures.example/a.png" in sent["messages"][0]["content"]
    assert "images" not in sent["messages"][0]
