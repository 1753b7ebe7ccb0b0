"""What lies beneath an overlay is seen around it as it is at the moment, whatever lies between."""

from __future__ import annotations

from routerterm.config.paths import Paths
from tests.tui.chat.program import configure, running, screen_text, until


async def test_what_changes_beneath_is_seen(paths: Paths) -> None:
    configure(paths)
    async with running(paths, (120, 40)) as (app, pilot):
        await pilot.press("f3")
        await until(pilot, lambda: "Which model answers?" in screen_text(app))
        app.chat.composer.put("changed meanwhile")
        await until(pilot, lambda: "changed meanwhile" not in screen_text(app))  # the picker lies over it
        before = screen_text(app)
        await app.chat.stage.use_model("demo/table")
        await until(pilot, lambda: "demo/table ─" in screen_text(app).splitlines()[0])
        await pilot.press("f1")
        await until(pilot, lambda: "What can I do?" in screen_text(app))
        await app.chat.stage.use_model("demo/slow")
        await until(pilot, lambda: "demo/slow ─" in screen_text(app).splitlines()[0])
        await pilot.press("escape")
        await until(pilot, lambda: "What can I do?" not in screen_text(app))
        assert "demo/slow ─" in screen_text(app).splitlines()[0]
        assert before.splitlines()[0] != screen_text(app).splitlines()[0]


async def test_what_lies_beneath_cannot_be_clicked(paths: Paths) -> None:
    configure(paths)
    async with running(paths, (120, 40)) as (app, pilot):
        await pilot.press("f3")
        await until(pilot, lambda: "Which model answers?" in screen_text(app))
        await pilot.click(offset=(110, 0))  # the model's name in the chat's title opens the picker, here it closes it
        await until(pilot, lambda: app.screen is app.chat)


async def test_another_size_draws_everything_anew(paths: Paths) -> None:
    configure(paths)
    async with running(paths, (120, 40)) as (app, pilot):
        await pilot.press("f3")
        await until(pilot, lambda: "Which model answers?" in screen_text(app))
        for size in ((90, 30), (90, 24), (120, 40)):
            await pilot.resize_terminal(*size)
            await pilot.pause(0.2)
            lines = screen_text(app).splitlines()
            assert len(lines) == size[1]
            assert "ROUTERTERM" in lines[0]
            assert "Quit" in lines[-2] or "F1" in lines[-2] or "F1" in lines[-1]
