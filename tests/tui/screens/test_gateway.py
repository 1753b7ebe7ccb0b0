"""The gateway inside the chat: a switch, and the requests of other programs as they happen."""

from __future__ import annotations

import httpx

from routerterm.cli.gateway_factory import gateway_of
from routerterm.config.paths import Paths
from routerterm.tui.app import RoutertermApp
from routerterm.tui.screens.gateway import GatewayScreen
from routerterm.tui.widgets.rows import RowList
from tests.tui.chat.program import configure, running, screen_text, until


def with_gateway(app: RoutertermApp) -> None:
    app.gateway._make = gateway_of


async def ask(app: RoutertermApp, model: str, text: str) -> int:
    host = app.gateway.host
    assert host is not None
    body = {"model": model, "messages": [{"role": "user", "content": text}]}
    async with httpx.AsyncClient(base_url=host.address, timeout=30) as http:
        return (await http.post("/v1/chat/completions", json=body)).status_code


async def test_the_switch_and_the_requests(paths: Paths) -> None:
    configure(paths, "[gateway]\nport = 0\n")
    async with running(paths, (120, 40)) as (app, pilot):
        with_gateway(app)
        await app.action_command("gateway")
        await pilot.pause()
        assert isinstance(app.screen, GatewayScreen)
        assert "Off." in screen_text(app)
        await pilot.press("s")
        await until(pilot, lambda: app.gateway.host is not None)
        await until(pilot, lambda: "No requests yet" in screen_text(app))
        assert await ask(app, "demo/echo", "\x1b[31mhello") == 200
        assert await ask(app, "nobody/knows", "hello") == 404
        await until(pilot, lambda: len(app.screen.query_one(RowList).rows) == 2)
        assert "demo/echo" in screen_text(app)
        assert "nobody/knows" in screen_text(app)
        assert "hello" not in screen_text(app)
        host = app.gateway.host
        await pilot.press("s")
        await until(pilot, lambda: app.gateway.host is None)
        assert host is not None
        async with httpx.AsyncClient() as http:
            try:
                await http.get(host.address + "/health")
            except httpx.ConnectError:
                pass
            else:
                raise AssertionError("it is still open")
        assert "enabled = false" in paths.config_file.read_text()
