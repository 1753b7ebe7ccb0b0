"""/later and /outbox as a person uses them: queue, look, send, and find the answer marked in the list."""

from __future__ import annotations

from routerterm.config.paths import Paths
from tests.tui.chat.program import configure, running, screen_text, until


async def test_a_question_is_queued_listed_sent_and_its_answer_is_marked(paths: Paths) -> None:
    configure(paths)
    async with running(paths, (120, 40)) as (app, pilot):
        await pilot.press(*"/later soon What?", "enter")
        await until(pilot, lambda: "is no time" in screen_text(app))
        await pilot.press("ctrl+u", *"/later in 1h What comes later?", "enter")
        await until(pilot, lambda: "Queued. /outbox lists what waits." in screen_text(app))
        assert app.services is not None
        rows = await app.services.store.outbox.rows()
        assert [(row.text, row.state, row.mode) for row in rows] == [("What comes later?", "waiting", "time")]
        await pilot.press("ctrl+n", *"/outbox", "enter")
        await until(pilot, lambda: "waits until" in screen_text(app))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "answered" in screen_text(app) or "has arrived" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: "● What comes later" in screen_text(app))
        await pilot.press("ctrl+u", *"/outbox", "enter")
        await until(pilot, lambda: "answered" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: screen_text(app).count("What comes later") > 2)
        assert not await app.services.store.outbox.unread()
