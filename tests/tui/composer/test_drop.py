"""``/drop``: a browser puts files into the composer with the code, once; nobody without it, nothing too large."""

from __future__ import annotations

import asyncio
import re

import pytest

from routerterm.config.paths import Paths
from routerterm.engine.chat.drop_server import MOST_WRONG, DropServer
from tests.driver import in_process
from tests.driver.homes import configure

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


async def ask(port: int, head: str, body: bytes = b"") -> str:
    """The whole answer to a request."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"{head}\r\nhost: localhost\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
    await writer.drain()
    answer = await reader.read()
    writer.close()
    return answer.decode()


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (45, 20)])
async def test_a_picture_comes_from_a_browser_into_the_composer(paths: Paths, size: tuple[int, int]) -> None:
    configure(paths)
    async with in_process(paths, size) as it:
        await it.say("/drop")
        seen = await it.dialog_is("Drop files")
        found = re.search(r"http://127\.0\.0\.1:(\d+)/\s.*?Code (\w{8})", seen.text, re.DOTALL)
        assert found is not None, seen.text
        port, code = int(found[1]), found[2]
        assert ("▀" in seen.text) == (size[1] >= 24)  # the QR code, where there is room for all of it
        page = await ask(port, "GET / HTTP/1.1")
        assert "<!doctype html>" in page
        assert code not in page
        assert " 403 " in await ask(port, "PUT /WRONGONE/a.png HTTP/1.1", PNG)
        assert "neither text nor" in await ask(port, f"PUT /{code}/a.bin HTTP/1.1", b"\0\1")
        assert " 200 " in await ask(port, f"PUT /{code}/..%2F..%2Fphoto%1b.png HTTP/1.1", PNG)
        await it.chat_is_open()
        await it.screen_shows("48 B")
        with pytest.raises(OSError, match=r"."):
            await ask(port, "GET / HTTP/1.1")


async def test_it_listens_no_longer_once_the_dialog_is_closed(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.say("/drop")
        seen = await it.dialog_is("Drop files")
        port = int(re.search(r"127\.0\.0\.1:(\d+)", seen.text)[1])  # type: ignore[index]
        await it.press("escape")
        await it.dialog_gone("Drop files")
        with pytest.raises(OSError, match=r"."):
            await ask(port, "GET / HTTP/1.1")


async def test_several_files_come_with_one_code_and_guessing_closes_it() -> None:
    taken: list[tuple[str, bytes]] = []
    said: list[str] = []

    async def take(name: str, data: bytes) -> None:
        taken.append((name, data))

    server = DropServer(take, said.append)
    await server.start()
    assert " 200 " in await ask(server.port, f"PUT /{server.code.lower()}/a.txt HTTP/1.1\r\nx-more: 1", b"a")
    assert " 413 " in await ask(server.port, f"PUT /{server.code}/b HTTP/1.1\r\ncontent-length: 99999999")
    assert " 411 " in await ask(server.port, f"PUT /{server.code}/b HTTP/1.1\r\ncontent-length: x")
    assert said == []
    for _ in range(MOST_WRONG):
        assert " 403 " in await ask(server.port, "PUT /GUESSED1/b HTTP/1.1", b"b")
    assert said == ["Too many wrong codes."]
    assert taken == [("a.txt", b"a")]
