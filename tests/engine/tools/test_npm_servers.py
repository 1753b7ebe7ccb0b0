"""MCP servers that others wrote for other clients, from npm: over stdio and over HTTP, all of the handshake era."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from routerterm.config.schema_tools import McpSettings, ToolRules
from routerterm.engine.tools.toolbox import Toolbox
from routerterm.engine.tools.values import CallResult
from tests.conftest import NPM_SERVERS
from tests.engine.tools.boxes import box

pytestmark = pytest.mark.npm
ENVIRON = {"PATH": os.environ["PATH"], "ANTHROPIC_API_KEY": "sk-ant-api03-" + "a" * 80, "PLAIN": "not passed on"}


def program(name: str) -> str:
    return str(NPM_SERVERS / "node_modules" / "@modelcontextprotocol" / f"server-{name}" / "dist" / "index.js")


def server(name: str, *arguments: str, **fields: Any) -> McpSettings:
    return McpSettings(command=("node", program(name), *arguments), timeout=90.0, **fields)


async def called(tools: Toolbox, name: str, **arguments: object) -> CallResult:
    offered = {tool.name: tool for tool in await tools.offers()}
    return await tools.call(offered[name], arguments)


def version(tools: Toolbox, name: str) -> str:
    facts = tools.facts(name)
    assert facts is not None
    return facts.version


async def test_filesystem_reads_and_writes_below_its_folder_alone(tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "quartz.txt").write_text("32,768 Hz\n")
    rules = ToolRules(allow=("read_*",), deny=("move_*",))
    async with aclosing(box(tmp_path, environ=ENVIRON, files=server("filesystem", str(folder), tools=rules))) as tools:
        offered = {tool.own_name: tool.permission for tool in await tools.offers()}
        assert (offered["read_text_file"], offered["write_file"]) == ("allow", "ask")
        assert "move_file" not in offered
        assert version(tools, "files") == "2025-11-25"
        read = await called(tools, "files__read_text_file", path=str(folder / "quartz.txt"))
        assert (read.text.strip(), read.is_error) == ("32,768 Hz", False)
        outside = await called(tools, "files__read_text_file", path=str(tmp_path / "tools.json"))
        assert outside.is_error
        await called(tools, "files__write_file", path=str(folder / "new.txt"), content="écrit")
        assert (folder / "new.txt").read_text() == "écrit"


async def test_memory_remembers_between_calls(tmp_path: Path) -> None:
    own = server("memory", env={"MEMORY_FILE_PATH": f"text:{tmp_path / 'memory.jsonl'}"})
    async with aclosing(box(tmp_path, environ=ENVIRON, mind=own)) as tools:
        entity = {"name": "Falcon", "entityType": "project", "observations": ["ships in May"]}
        await called(tools, "mind__create_entities", entities=[entity])
        assert "ships in May" in (await called(tools, "mind__search_nodes", query="falcon")).text
    async with aclosing(box(tmp_path, environ=ENVIRON, mind=own)) as tools:
        assert "ships in May" in (await called(tools, "mind__read_graph")).text


async def test_everything_over_stdio_has_no_key_of_ours(tmp_path: Path) -> None:
    async with aclosing(box(tmp_path, environ=ENVIRON, all=server("everything", "stdio"))) as tools:
        assert "Echo: hé ✓" in (await called(tools, "all__echo", message="hé ✓")).text
        assert "5" in (await called(tools, "all__get-sum", a=2, b=3)).text
        assert (await called(tools, "all__get-sum", a="two", b=3)).is_error
        assert "[image content is left out]" in (await called(tools, "all__get-tiny-image")).text
        assert "temperature" in (await called(tools, "all__get-structured-content", location="Chicago")).text
        seen = (await called(tools, "all__get-env")).text
        assert "PATH" in seen
        assert not [word for word in ("ANTHROPIC", "sk-ant", "not passed on") if word in seen]
        slow = await called(tools, "all__trigger-long-running-operation", duration=1, steps=5)
        assert "completed" in slow.text


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@asynccontextmanager
async def over_http(port: int) -> AsyncGenerator[None]:
    """The "everything" server listens there."""
    process = await asyncio.create_subprocess_exec(
        "node",
        program("everything"),
        "streamableHttp",
        env={**ENVIRON, "PORT": str(port)},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        for _ in range(900):
            with suppress(OSError):
                (await asyncio.open_connection("127.0.0.1", port))[1].close()
                break
            await asyncio.sleep(0.1)
        yield
    finally:
        process.kill()
        await process.wait()


async def test_everything_over_http_keeps_its_session_and_opens_another_where_it_was_forgotten(tmp_path: Path) -> None:
    port = free_port()
    own = McpSettings(url=f"http://127.0.0.1:{port}/mcp", timeout=90.0)
    async with aclosing(box(tmp_path, all=own)) as tools:
        async with over_http(port):
            assert "Echo: one" in (await called(tools, "all__echo", message="one")).text
            assert version(tools, "all") == "2025-11-25"
            assert "Echo: two" in (await called(tools, "all__echo", message="two")).text
        async with over_http(port):  # started again, it knows nothing of the session and says so with 400
            assert "Echo: three" in (await called(tools, "all__echo", message="three")).text
