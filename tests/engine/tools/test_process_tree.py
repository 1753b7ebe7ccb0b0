"""A server ends with all that it started, also with what has left its group, its session and its parents."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from routerterm.engine.tools.stdio import StdioConnection
from routerterm.protocols.mcp import McpClient
from tests.engine.tools.boxes import is_running, wait_until

DAEMON = """
import os, signal, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:  # init is its parent as soon as the one between has ended
        if sys.argv[2] == "stubborn":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        with open(sys.argv[1] + ".new", "w") as file:
            file.write(str(os.getpid()))
        os.rename(sys.argv[1] + ".new", sys.argv[1])
        time.sleep(600)
    os._exit(0)
sys.stdin.read()
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are found by way of /proc")
@pytest.mark.parametrize("how", ["willing", "stubborn"])
async def test_a_daemon_of_a_server_ends_with_it(tmp_path: Path, how: str) -> None:
    note = tmp_path / "pid"
    command = [sys.executable, "-c", DAEMON, str(note), how]
    other = await StdioConnection.open(McpClient(), [sys.executable, "-c", "input()"], {}, os.environ)
    connection = await StdioConnection.open(McpClient(), command, {}, os.environ)
    await asyncio.to_thread(wait_until, note.exists)
    pid = int(note.read_text())
    assert is_running(pid)
    await connection.aclose()
    await asyncio.to_thread(wait_until, lambda: not is_running(pid))
    assert other._process.returncode is None, "another server is not touched"
    await other.aclose()
