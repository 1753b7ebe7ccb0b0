"""A screen on which nothing happens does nothing."""

from __future__ import annotations

import asyncio

import pytest
from textual.screen import Screen

from routerterm.config.paths import Paths
from tests.tui.chat.program import configure, running, until


@pytest.mark.parametrize("name", ["models", "stats", "find", "keys", "route", "themes", "settings", "help", "gateway"])
async def test_no_screen_is_laid_out_while_nothing_happens(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    configure(paths)
    laid_out: list[Screen[None]] = []
    lay_out = Screen._refresh_layout

    def counted(screen: Screen[None], *size: object, **options: object) -> None:
        laid_out.append(screen)
        lay_out(screen, *size, **options)  # type: ignore[arg-type]

    async with running(paths, (100, 30)) as (app, pilot):
        await app.action_command(name)
        await until(pilot, lambda: app.screen is not app.chat)
        await asyncio.sleep(0.5)
        monkeypatch.setattr(Screen, "_refresh_layout", counted)
        await asyncio.sleep(0.5)
        assert len(laid_out) <= 3  # a second's tick may fall into it, no loop
