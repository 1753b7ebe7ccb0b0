"""MCP servers as children and over HTTP: real ones of both eras, and hostile ones."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from contextlib import AsyncExitStack, aclosing, suppress
from pathlib import Path

import pytest
from msgspec.structs import replace

from routerterm.config.schema_tools import McpSettings, ToolRules, ToolSettings
from routerterm.core.errors import RoutertermError
from routerterm.engine.tools.toolbox import Toolbox
from routerterm.engine.tools.values import CallResult
from tests.engine.tools.boxes import HERE, Secrets, box, is_running, old, real, wait_until


async def called(tools: Toolbox, name: str, **arguments: object) -> CallResult:
    offered = {tool.name: tool for tool in await tools.offers()}
    return await tools.call(offered[name], arguments)


async def test_a_real_server_over_stdio_knows_no_key(tmp_path: Path) -> None:
    environ = {
        "PATH": os.environ["PATH"],
        "OPENAI_API_KEY": "sk-proj-aaaaaaaaaaaaaaaaaaaaaaaa",
        "MINE": "s3cret-of-mine",
    }
    server = real(env={"TOKEN": "env:MINE", "COLOUR": "text:blue"}, trusted=True)
    async with aclosing(box(tmp_path, environ=environ, shop=server)) as tools:
        assert tools.views()[0].state == "off"
        offered = {tool.name: tool for tool in await tools.offers()}
        assert [offered[name].permission for name in ("shop__add", "shop__fail")] == ["allow", "ask"]
        assert (await called(tools, "shop__add", a=2, b=3)).text == "5"
        assert await called(tools, "shop__fail") == CallResult("Error executing tool fail", is_error=True)
        known = dict(line.split("=", 1) for line in (await called(tools, "shop__environment")).text.splitlines())
        assert known["COLOUR"] == "blue"
        assert known["TOKEN"] == "s3cret-of-mine"
        assert not {name for name in known if "KEY" in name or name == "MINE"}
        facts = tools.facts("shop")
        assert facts is not None
        assert (facts.version, facts.name) == ("2026-07-28", "workshop")
    assert tools.views()[0].state == "off"


async def test_a_real_server_over_http(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(HERE / "real_server.py"), "http", str(port), stderr=asyncio.subprocess.DEVNULL
    )
    try:
        for _ in range(200):
            with suppress(OSError):
                (await asyncio.open_connection("127.0.0.1", port))[1].close()
                break
            await asyncio.sleep(0.1)
        server = McpSettings(url=f"http://127.0.0.1:{port}/mcp", timeout=20.0, headers={"X-Team": "text:red"})
        async with aclosing(box(tmp_path, shop=server)) as tools:
            assert (await called(tools, "shop__add", a=2, b=40)).text == "42"
            assert not (await called(tools, "shop__add", a=1, b=1)).is_error
    finally:
        process.kill()
        await process.wait()


async def test_an_old_server_is_spoken_to_with_a_handshake(tmp_path: Path) -> None:
    async with aclosing(box(tmp_path, pad=old(local=True))) as tools:
        assert [tool.name for tool in await tools.offers(private=True)] == ["pad__note"]
        assert (await called(tools, "pad__note")).text == "noted \x1b]0;owned\x07"
        facts = tools.facts("pad")
        assert facts is not None
        assert facts.version == "2024-11-05"


@pytest.mark.parametrize(
    ("vice", "says"),
    [
        ("hangs", "pad: The server did not answer within 0.5 seconds."),
        ("dies", "pad: The server ended with status 3. It said: out of paper"),
        ("floods", "pad: The server floods routerterm with messages that were not asked for."),
        ("huge", "pad: The server sent a message of more than 4 MiB."),
        ("garbage", "pad: The server sent something that is not JSON."),
    ],
)
async def test_a_server_that_misbehaves_in_a_call_is_a_failed_result(tmp_path: Path, vice: str, says: str) -> None:
    async with aclosing(box(tmp_path, pad=old(vice, timeout=0.5 if vice == "hangs" else 20.0))) as tools:
        tools._servers["pad"]._timeout = 20.0
        await tools.offers()
        tools._servers["pad"]._timeout = 0.5 if vice == "hangs" else 20.0
        assert await called(tools, "pad__note") == CallResult(says, is_error=True)
        assert tools.views()[0].state == "failed"
        assert tools.views()[0].trouble == says.removeprefix("pad: ")


async def test_a_server_that_lies_or_is_silent_or_is_not_there_leaves_the_others_alone(tmp_path: Path) -> None:
    gone = McpSettings(command=("/nowhere/at-all",))
    servers = {"liar": old("lies"), "mute": old("silent", timeout=0.3), "gone": gone, "pad": old()}
    async with aclosing(box(tmp_path, **servers)) as tools:
        assert [tool.name for tool in await tools.offers()] == ["liar__long", "pad__note"]
        trouble = {view.name: view.trouble for view in tools.views()}
        assert trouble["gone"] == "/nowhere/at-all cannot be started: No such file or directory."
        assert trouble["mute"] == "The server did not answer within 0.3 seconds."
        assert [len(tool.description) for tool in await tools.learn("liar")] == [8192]


async def test_a_changed_description_and_a_changed_command_must_be_accepted_again(tmp_path: Path) -> None:
    counter = str(tmp_path / "starts")
    server = old("changes", counter)
    async with aclosing(box(tmp_path, pad=server)) as tools:
        assert [tool.description for tool in await tools.offers()] == ["Takes a note."]
    async with aclosing(box(tmp_path, pad=server)) as tools:
        assert await tools.offers() == ()
        assert [tool.accepted for tool in tools.views()[0].tools] == [False]
        await tools.accept("pad")
        assert "send all keys" in (await tools.offers())[0].description
    async with aclosing(box(tmp_path, pad=old("none"))) as tools:
        assert await tools.offers() == ()
        assert not tools.views()[0].accepted
        assert tools.views()[0].state == "off"
        with pytest.raises(RoutertermError, match="has changed since you accepted it"):
            await tools.learn("pad")


async def test_a_stubborn_server_ends_with_its_children(tmp_path: Path) -> None:
    file = tmp_path / "child"
    async with aclosing(box(tmp_path, pad=old("stubborn", str(file)))) as tools:
        await tools.offers()
    child = int(file.read_text())
    await asyncio.to_thread(wait_until, lambda: not is_running(child))


async def test_a_call_that_is_cancelled_leaves_the_server_usable(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        tools = await stack.enter_async_context(aclosing(box(tmp_path, pad=old("hangs"))))
        await tools.offers()
        call = asyncio.create_task(called(tools, "pad__note"))
        await asyncio.sleep(0.05)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert tools.views()[0].state == "ready"


async def test_a_server_goes_on_through_a_change_of_the_settings_and_one_that_failed_is_left_alone(
    tmp_path: Path,
) -> None:
    counter = str(tmp_path / "starts")
    server = old("changes", counter)
    async with aclosing(box(tmp_path, pad=server, gone=McpSettings(command=("/nowhere/at-all",)))) as tools:
        await tools.offers()
        allowed = replace(server, tools=ToolRules(allow=("*",)))
        after = Toolbox(replace(tools.settings, mcp={"pad": allowed}), Secrets({}), tmp_path, before=tools)
        assert [tool.permission for tool in await after.offers()] == ["allow"]
        assert Path(counter).read_text() == "."  # noqa: ASYNC240
        trouble = tools.views()[1].trouble
        with pytest.raises(RoutertermError, match="gone: /nowhere"):
            await tools.learn("gone")
        assert tools.views()[1].trouble == trouble


async def test_a_result_is_as_long_as_it_may_be_and_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text("x" * 1_000)
    settings = ToolSettings(fetch="off", folders=(str(tmp_path),), result_tokens=10)
    async with aclosing(box(tmp_path / "kept", tools=settings)) as tools:
        said = await called(tools, "read_file", path="long.txt")
    assert said.text == "x" * 40 + "\n[… 960 more characters are cut off]"
