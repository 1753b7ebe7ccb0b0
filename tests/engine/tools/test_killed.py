"""kill -9 in the middle of a loop: after reopening nothing is repeated, nothing is lost, and the money is right."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from contextlib import aclosing
from pathlib import Path

from routerterm.config.paths import Paths
from routerterm.core.messages import ToolCall, ToolResult
from routerterm.engine.chat.tool_parts import NOT_FINISHED
from routerterm.wiring import open_services
from tests.cli.program import PROGRAM
from tests.driver.homes import PRICED, configure, priced
from tests.driver.provider import Answer, serving
from tests.engine.tools.boxes import old


def note(text: str) -> Answer:
    return Answer("", call=("pad__note", json.dumps({"text": text})), tokens=(100, 20))


def kill_in_the_second_call(environ: dict[str, str], calls: Path) -> None:
    arguments = [*PROGRAM, "ask", "--tool", "pad", "--approve", "all", "--no-stream", "Take two notes."]
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, env=os.environ | environ)
    try:
        until = time.monotonic() + 120
        while not (calls.exists() and calls.read_text() == "xx"):
            assert process.poll() is None, "it ended by itself"
            assert time.monotonic() < until, "the second call never came"
            time.sleep(0.02)
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
        services = await open_services(paths, environ, loading="never")
        try:
            latest = await services.store.conversations.latest()
            assert latest is not None
            session = services.session(latest.id)
            reply = (await session.page()).messages[-1]
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
        finally:
            await services.close()
