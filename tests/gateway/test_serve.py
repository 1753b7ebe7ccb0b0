"""`routerterm serve` and `routerterm gateway` as a person runs them: a process, its sentences, its end."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import sys
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result

from routerterm.cli.gateway_factory import gateway_of
from routerterm.cli.root import root
from routerterm.core.errors import RoutertermError
from routerterm.core.installing import how_to_add
from tests.cli.program import PROGRAM, routerterm
from tests.gateway.conftest import chat
from tests.gateway.test_answers import text_of

CHAT = "/v1/chat/completions"


async def serving(*options: str) -> tuple[asyncio.subprocess.Process, str]:
    """A gateway of its own process, and its address."""
    process = await asyncio.create_subprocess_exec(
        *PROGRAM, "serve", "--port", "0", *options, stderr=asyncio.subprocess.PIPE, env=dict(os.environ)
    )
    assert process.stderr is not None
    line = (await asyncio.wait_for(process.stderr.readline(), 60)).decode()
    found = re.search(r"http://\S+?:\d+", line)
    assert found, line + (await process.stderr.read()).decode()
    return process, found[0]


async def test_a_term_signal_lets_a_running_answer_finish(home: Path) -> None:
    process, address = await serving()
    async with httpx.AsyncClient(base_url=address, timeout=60) as http:
        begun = asyncio.Event()
        pieces: list[str] = []

        async def listen() -> None:
            async with http.stream("POST", CHAT, json=chat("demo/markdown", stream=True)) as answer:
                async for piece in answer.aiter_text():
                    pieces.append(piece)
                    begun.set()

        listening = asyncio.create_task(listen())
        await asyncio.wait_for(begun.wait(), 30)
        process.send_signal(signal.SIGTERM)
        await listening
    assert "[DONE]" in "".join(pieces)
    assert text_of(CHAT, "".join(pieces))
    assert await asyncio.wait_for(process.wait(), 30) == 0
    assert process.stderr is not None
    assert "Traceback" not in (await process.stderr.read()).decode()


async def test_keys_are_taken_up_and_back_while_it_runs(home: Path) -> None:
    process, address = await serving()
    try:
        async with httpx.AsyncClient(base_url=address, timeout=60) as http:
            assert (await http.post(CHAT, json=chat("demo/echo"))).status_code == 200
            made = await asyncio.to_thread(
                routerterm, "gateway", "key", "add", "editor", "--models", "demo/*", "--daily", "2"
            )
            mine = {"authorization": f"Bearer {made.out.strip()}"}
            assert (made.code, made.out.startswith("rt-")) == (0, True)
            await asyncio.sleep(1.1)
            assert (await http.post(CHAT, json=chat("demo/echo"))).status_code == 401
            assert (await http.post(CHAT, json=chat("demo/echo"), headers=mine)).status_code == 200
            assert (await http.post(CHAT, json=chat("smart"), headers=mine)).status_code == 403
            listed = await asyncio.to_thread(routerterm, "gateway", "key", "list")
            assert "$2.00 a day" in listed.out
            assert made.out.strip() not in listed.out
            removed = await asyncio.to_thread(routerterm, "gateway", "key", "remove", "editor")
            assert removed.code == 0
            await asyncio.sleep(1.1)
            assert (await http.post(CHAT, json=chat("demo/echo"), headers=mine)).status_code == 401
    finally:
        process.terminate()
        await process.wait()


def test_what_it_refuses_is_a_sentence(home: Path) -> None:
    open_to_all = routerterm("serve", "--host", "0.0.0.0", "--port", "0")
    assert open_to_all.code == 1
    assert "Anyone on the network could use your keys" in open_to_all.err
    assert "routerterm gateway key add" in open_to_all.err
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ran = routerterm("serve", "--port", str(taken.getsockname()[1]))
    assert ran.code == 1
    assert "cannot be used" in ran.err
    assert routerterm("serve", "--host", "no.such.host.invalid").code == 1


def test_keys_on_the_command_line(home: Path) -> None:
    def key(*words: str) -> Result:
        return CliRunner().invoke(root, ["gateway", "key", *words])

    assert key("add", "two words").exit_code == 2
    assert key("add", "x", "--daily", "much").exit_code == 2
    assert key("remove", "nobody").exit_code == 2
    assert key("add", "x", "--rpm", "60", "--tpm", "100000", "--monthly", "9.5").exit_code == 0
    assert key("add", "x").exit_code == 2
    (row,) = json.loads(key("list", "--json").stdout)
    assert row["allowance"] == {"rpm": 60, "tpm": 100000, "monthly": "9.5"}
    assert "digest" not in row


def test_without_the_extra_it_is_a_sentence(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith(("uvicorn", "routerterm.gateway.server"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(RoutertermError) as refused:
        gateway_of(None)  # type: ignore[arg-type]  # it gets no further
    assert "uvicorn, which is not installed" in refused.value.message
    assert refused.value.hint == f"Install it with: {how_to_add('serve')}"
