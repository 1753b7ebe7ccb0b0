"""Two programs on one file, and one that loses its terminal in mid-answer: whatever one writes, the other shows."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from routerterm.config.paths import Paths
from routerterm.store.database import Store
from tests.driver import in_process
from tests.driver.homes import PRICED, configure, priced
from tests.driver.provider import Answer, serving
from tests.store.seeds import sound


async def test_what_is_said_in_one_shows_up_in_the_other(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as here, in_process(paths) as there:
        await here.ask("from the first")
        await there.until(lambda: "From the first" in there.picture().chats)
        await there.open_chat("From the first")
        await there.say("from the second")
        await here.screen_shows("from the second")
        await there.answered()
        answer = here.history.branch()[3].text
        for one in (here, there):
            await one.sees(lambda seen: seen.text.count("from the second") >= 2)
        assert "from the second" in answer
        await here.say("/rename Ours")
        await there.top_shows("Ours")


async def test_an_answer_grows_on_the_others_screen_and_the_view_stays(paths: Paths) -> None:
    told = " ".join(f"word{number}" for number in range(2_000))  # more than it can say while both look
    with serving(Answer(told, pause=0.05)) as provider:
        configure(paths, priced(provider), default=PRICED)
        async with in_process(paths) as here, in_process(paths) as there:
            await here.say("a slow one")
            await here.until(lambda: len(here.shown()) == 2 and here.busy)
            await there.until(lambda: "A slow one" in there.picture().chats)
            await there.open_chat("A slow one")
            letters = len("".join(there.picture().text.split()))
            await there.sees(lambda seen: len("".join(seen.text.split())) > letters)
            assert not there.picture().busy  # only who asked can stop it
            await here.press("escape")
            await here.rests()
            end = " ".join(here.history.branch()[1].text.split()[-2:])
            for one in (here, there):
                await one.screen_shows("stopped by you", end)


def in_a_terminal(home: Path) -> tuple[subprocess.Popen[bytes], int]:
    """The whole program with a terminal of its own, as a login over SSH would start it."""
    here, there = pty.openpty()
    fcntl.ioctl(here, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))

    def take_terminal() -> None:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    environ = os.environ | {"ROUTERTERM_HOME": str(home), "TERM": "xterm-256color"}
    process = subprocess.Popen(
        [sys.executable, "-m", "routerterm"],
        stdin=there,
        stdout=there,
        stderr=there,
        env=environ,
        preexec_fn=take_terminal,
    )
    os.close(there)
    return process, here


@pytest.mark.skipif(sys.platform == "win32", reason="no terminals that hang up")
async def test_the_program_outlives_its_terminal_and_is_found_complete(paths: Paths) -> None:
    configure(paths, default="demo/code")
    home = paths.config_file.parent
    process, here = in_a_terminal(home)
    store: Store | None = None
    drawn = bytearray()
    reading = asyncio.create_task(asyncio.to_thread(drain, here, drawn))
    try:
        await eventually(lambda: _true(b"demo/code" in drawn))  # everything is put together
        os.write(here, b"tell me a story\r")
        store = Store.open(paths.database)
        await eventually(lambda: text(store))
        os.write(here, b"half a thought")
        await asyncio.sleep(0.2)
        os.close(here)
        lengths = set()
        while await status(store) == "streaming":
            lengths.add(len(await text(store)))
            await asyncio.sleep(0.1)
        assert (await status(store), len(lengths) > 1) == ("done", True), f"it did not go on: {lengths}"
        assert await asyncio.wait_for(asyncio.to_thread(process.wait), 30) == 0
        found = await store.conversations.latest()
        assert found is not None
        assert found.draft == "half a thought"
    finally:
        process.kill()
        process.wait()
        await reading
        if store is not None:
            await store.close()
    sound(paths.database)


async def eventually(holds: Callable[[], Awaitable[object]]) -> None:
    """Wait until something holds."""
    for _ in range(600):
        if await holds():
            return
        await asyncio.sleep(0.1)
    raise AssertionError("it never came")


async def _true(value: bool) -> bool:
    return value


def drain(terminal: int, drawn: bytearray) -> None:
    """Read what is drawn, until the terminal is closed."""
    with suppress(OSError):
        while data := os.read(terminal, 65_536):
            drawn += data


async def status(store: Store) -> str:
    conversation = await store.conversations.latest()
    assert conversation is not None
    return (await store.messages.page(conversation.id)).messages[-1].status


async def text(store: Store) -> str:
    conversation = await store.conversations.latest()
    page = await store.messages.page(conversation.id) if conversation else None
    return page.messages[-1].text if page and page.messages[-1:] and page.messages[-1].role == "assistant" else ""
