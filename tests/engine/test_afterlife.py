"""A dropped line: a real pseudo-terminal is closed in mid-answer."""

from __future__ import annotations

import asyncio
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from routerterm.config.paths import Paths
from routerterm.store.database import Store
from routerterm.store.values import StoredMessage
from tests.store.seeds import sound


def in_a_terminal(path: Path, longest: float) -> tuple[subprocess.Popen[bytes], int]:
    """The program with a terminal of its own, as a shell over SSH would start it."""
    return started("tests.engine.hung_up", str(path), str(longest))


def started(*module: str) -> tuple[subprocess.Popen[bytes], int]:
    here, there = pty.openpty()

    def take_terminal() -> None:
        import fcntl
        import termios

        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    process = subprocess.Popen(
        [sys.executable, "-m", *module],
        stdin=there,
        stdout=there,
        stderr=there,
        preexec_fn=take_terminal,
    )
    os.close(there)
    return process, here


async def last(store: Store) -> StoredMessage:
    conversation = await store.conversations.latest()
    assert conversation is not None
    return (await store.messages.page(conversation.id)).messages[-1]


async def ended(process: subprocess.Popen[bytes]) -> int:
    return await asyncio.wait_for(asyncio.to_thread(process.wait), 30)


async def until(here: int, text: bytes) -> None:
    seen = b""
    while text not in seen:
        seen += await asyncio.to_thread(os.read, here, 4096)


@pytest.mark.skipif(sys.platform == "win32", reason="no terminals that hang up")
async def test_an_answer_outlives_its_terminal_and_others_see_it_grow(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    process, here = in_a_terminal(path, 60)
    await until(here, b"piece 3 ")
    os.close(here)
    store = Store.open(path)
    assert (await store.start()).interrupted == 0
    lengths = []
    while (reply := await last(store)).status == "streaming":
        lengths.append(len(reply.text))
        await asyncio.sleep(0.1)
    assert len(set(lengths)) > 2, f"another program did not see it grow: {lengths}"
    assert (reply.status, reply.text) == ("done", "".join(f"piece {n} " for n in range(40)))
    assert await ended(process) == 0
    await store.close()
    sound(path)


@pytest.mark.skipif(sys.platform == "win32", reason="no terminals that hang up")
async def test_it_does_not_live_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    process, here = in_a_terminal(path, 0.2)
    await until(here, b"piece 3 ")
    os.close(here)
    assert await ended(process) == 0
    store = Store.open(path)
    reply = await last(store)
    assert reply.status == "stopped"
    assert reply.text.startswith("piece 0 piece 1 ")
    await store.close()


@pytest.mark.skipif(sys.platform == "win32", reason="no terminals that hang up")
async def test_a_question_on_the_command_line_is_answered_without_its_terminal(home: Path) -> None:
    process, here = started("routerterm", "ask", "-m", "demo/code", "write something")
    await until(here, b"def ")
    os.close(here)
    assert await ended(process) == 0
    store = Store.open(Paths.find().database)
    reply = await last(store)
    assert (reply.status, reply.text.count("def ") > 0) == ("done", True)
    await store.close()
