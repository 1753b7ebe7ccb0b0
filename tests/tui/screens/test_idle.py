"""A screen on which nothing happens lays nothing out and draws nothing: a Raspberry Pi has better things to do."""

from __future__ import annotations

import pytest
from textual._compositor import Compositor

from routerterm.config.paths import Paths
from tests.tui.chat.program import configure, running, screen_text, until

SCREENS = {"f1": "Help", "f3": "Model", "f4": "STATS", "f6": "KEYS", "f7": "ROUTES"}


async def test_screens_at_rest_are_at_rest(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    for name in ("reflow", "render_full_update", "render_partial_update"):
        real = getattr(Compositor, name)

        def counted(self: Compositor, *args: object, real: object = real, name: str = name, **given: object) -> object:
            done.append(f"{name} of {self.root}")
            return real(self, *args, **given)  # type: ignore[operator]

        monkeypatch.setattr(Compositor, name, counted)
    configure(paths)
    async with running(paths, (120, 40)) as (app, pilot):
        for key, title in SCREENS.items():
            await pilot.press(key)
            await until(pilot, lambda title=title: title in screen_text(app))  # type: ignore[misc]
            assert done, "counting does not work"
            for _ in range(30):  # what was looked up is shown by then
                done.clear()
                await pilot.pause(0.3)
                if not done:
                    break
            assert done == [], f"{title} is never at rest"
            await pilot.press("escape")
