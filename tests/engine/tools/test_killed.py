"""kill -9 in the middle of a loop: after reopening nothing is repeated, nothing is lost, and the money is right."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from typing import TypeAlias

import pytest

from routerterm.config.paths import Paths
from routerterm.core.messages import ToolCall, ToolResult
from routerterm.engine.chat.session import Session
from routerterm.engine.chat.tool_parts import NOT_FINISHED
from routerterm.store.values import StoredMessage
from routerterm.wiring import open_services
from routerterm.wiring.services import Services
from tests.cli.program import PROGRAM
from tests.driver.homes import PRICED, configure, priced
from tests.driver.provider import Answer, serving
from tests.engine.tools.boxes import old, wait_until


@asynccontextmanager
async def reopened(paths: Paths, environ: dict[str, str]) -> AsyncIterator[tuple[Services, Session, StoredMessage]]:
    """What there is after the end: the services, the last conversation, and its last answer."""
    services = await open_services(paths, environ, loading="never")
    try:
        latest = await services.store.conversations.latest()
        assert latest is not None
        session = services.session(latest.id)
        yield services, session, (await session.page()).messages[-1]
    finally:
        await services.close()


def note(text: str) -> Answer:
    return Answer("", call=("pad__note", json.dumps({"text": text})), tokens=(100, 20))


def asking(question: str, environ: dict[str, str]) -> subprocess.Popen[bytes]:
    command = [*PROGRAM, "ask", "--tool", "pad", "--approve", "all", "--no-stream", question]
    nowhere = subprocess.DEVNULL
    return subprocess.Popen(command, stdout=nowhere, stdin=nowhere, env=os.environ | environ)


def kill_in_the_second_call(environ: dict[str, str], calls: Path) -> None:
    process = asking("Take two notes.", environ)
    try:
        wait_until(lambda: process.poll() is not None or (calls.exists() and calls.read_text() == "xx"))
        assert process.poll() is None, "it ended by itself"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


async def test_a_loop_that_is_killed_in_its_second_call(tmp_path: Path) -> None:
    environ = {"ROUTERTERM_HOME": str(tmp_path)}
    paths, calls = Paths.find(environ), tmp_path / "calls"
    command = json.dumps(list(old("hangs", str(calls)).command))
    with serving(note("one"), note("two"), Answer("Only the first is certain.")) as provider:
        configure(paths, f"{priced(provider)}\n[mcp.pad]\ncommand = {command}\n", default=PRICED)
        kill_in_the_second_call(environ, calls)
        async with reopened(paths, environ) as (services, session, reply):
            assert reply.status == "interrupted"
            assert [type(part) for part in reply.parts] == [ToolCall, ToolResult, ToolCall]
            rows = await services.store.ledger.rows(reply.id)
            assert [(row.step, row.tool, row.outcome) for row in sorted(rows, key=lambda row: row.step or 0)] == [
                (1, None, "done"),
                (2, "pad.note", "done"),
            ]
            assert sum(row.cost_nanousd or 0 for row in rows) == 2 * (100 * 3_000 + 20 * 15_000)
            assert len(provider.asked) == 2
            async with aclosing(session.continue_answer(reply.id)) as events:
                assert [event async for event in events]
            assert calls.read_text() == "xx"
            said = provider.asked[-1]["messages"]
            assert [message["content"] for message in said if message["role"] == "tool"][1] == NOT_FINISHED
            assert "noted" in said[2]["content"]
            continued = (await session.page()).messages[-1]
            assert continued.text.strip() == "Only the first is certain."


Moment: TypeAlias = Callable[[int, int], bool]
"""Of how many requests were asked and how many calls were carried out."""
MOMENTS: dict[str, tuple[Moment, float]] = {
    "while the first step is asked": (lambda asked, called: asked == 1, 0.0),
    "before the first tool has done anything": (lambda asked, called: asked == 1, 0.2),
    "while the first tool runs": (lambda asked, called: called == 1, 0.0),
    "between the first result and the second step": (lambda asked, called: called == 1, 0.12),
    "while the second step is asked": (lambda asked, called: asked == 2, 0.0),
    "while the second tool runs": (lambda asked, called: called == 2, 0.0),
    "about when the third step begins": (lambda asked, called: called == 2, 0.25),
    "while the answer is written": (lambda asked, called: asked == 4, 0.25),
}
"""When it is killed: so many seconds after this is so."""
STEP = 100 * 3_000 + 20 * 15_000
"""Nano-dollars of a step."""


def serves(file: Path) -> bool:
    """Whether a server that writes there still runs."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if str(file).encode() in (process / "cmdline").read_bytes():
                return True
    return False


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_loop_that_is_killed_at_any_moment(tmp_path: Path, moment: str) -> None:
    """Then it is looked at, and continued."""
    home, (is_due, delay) = tmp_path, MOMENTS[moment]
    environ, file = {"ROUTERTERM_HOME": str(home)}, home / "written"
    paths = Paths.find(environ)
    command = json.dumps(list(old("writes", str(file)).command))
    steps = [Answer("", call=("pad__note", json.dumps({"n": n})), tokens=(100, 20), pause=0.05) for n in range(3)]
    last = Answer("Three notes are taken, all of them.", tokens=(100, 20), pause=0.1)

    def written() -> list[str]:
        return file.read_text().splitlines() if file.exists() else []

    with serving(*steps, last) as provider:
        configure(paths, f"{priced(provider)}\n[mcp.pad]\ncommand = {command}\n", default=PRICED)
        process = asking("Take three notes.", environ)
        wait_until(lambda: process.poll() is not None or is_due(len(provider.asked), len(written())), every=0.005)
        await asyncio.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
        wait_until(lambda: not serves(file))  # a call that was under way is finished by its server
        before, asked = written(), len(provider.asked)
        async with reopened(paths, environ) as (services, session, reply):
            calls = {part.id: part.arguments for part in reply.parts if isinstance(part, ToolCall)}
            results = [part for part in reply.parts if isinstance(part, ToolResult)]
            # whatever was carried out is on disk as a call, and what has a result was carried out, once
            assert len(set(before)) == len(before)
            assert set(before) <= set(calls.values())
            assert {calls[result.call_id] for result in results} <= set(before)
            rows = await services.store.ledger.rows(reply.id)
            assert asked <= len(rows) <= asked + 1  # each was reserved before it was sent
            assert sum(row.outcome == "done" for row in rows) >= len(set(calls.values())) - 1
            assert all(row.cost_nanousd == STEP for row in rows if row.outcome == "done")
            assert all(row.cost_nanousd for row in rows)  # what was cut off is taken to have cost what was held for it
            if reply.status == "interrupted" and reply.parts:
                async with aclosing(session.continue_answer(reply.id)) as events:
                    assert [event async for event in events]
                said = [message for message in provider.asked[-1]["messages"] if message["role"] == "tool"]
                assert [NOT_FINISHED in message["content"] for message in said].count(False) >= len(results)
            assert written() == before
