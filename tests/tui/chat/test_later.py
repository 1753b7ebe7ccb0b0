"""/later and /outbox as a person uses them: queue, look, send, and find the answer marked in the list."""

from __future__ import annotations

from pathlib import Path

import pytest

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
        await until(pilot, lambda: "In the outbox: waits until" in screen_text(app))
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
        assert "In the outbox" not in screen_text(app)
        assert not await app.services.store.outbox.unread()


async def test_what_a_question_refers_to_waits_with_it(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "notes.txt").write_text("the plan of winter")
    (tmp_path / "large.txt").write_text("x" * 60_000)
    monkeypatch.chdir(tmp_path)
    configure(paths)
    async with running(paths, (120, 40)) as (app, pilot):
        assert app.services is not None
        await pilot.press(*"/later in 1h Read @notes.txt please", "enter")
        await until(pilot, lambda: "Queued. /outbox lists what waits." in screen_text(app))
        (row,) = await app.services.store.outbox.rows()
        message = await app.services.store.messages.get(row.question_id)
        assert message is not None
        assert "the plan of winter" in str(message.parts)
        await pilot.press("ctrl+n", *"/later in 2h And @large.txt too", "enter")
        await until(pilot, lambda: "Attached as you see above the text" in screen_text(app))
        assert "/later in 2h And @large.txt too" in screen_text(app), "what was typed is given back"
        await pilot.press("enter")
        await until(pilot, lambda: "/later in 2h And" not in screen_text(app))
        rows = await app.services.store.outbox.rows()
        assert [row.text.splitlines()[0] for row in rows] == ["Read @notes.txt please", "And @large.txt too"]


async def test_a_question_that_is_dropped_waits_no_longer(paths: Paths) -> None:
    configure(paths)
    async with running(paths, (80, 24)) as (app, pilot):
        await pilot.press(*"/later in 1h What comes later?", "enter")
        await until(pilot, lambda: "In the outbox: waits until" in screen_text(app))
        await pilot.press(*"/outbox", "enter")
        await until(pilot, lambda: "what waits" in screen_text(app))
        await pilot.press("ctrl+d")
        await until(pilot, lambda: "Nothing waits" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: "In the outbox" not in screen_text(app))


async def test_what_is_missing_is_asked_about_and_then_the_time_again(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    configure(paths)
    async with running(paths, (120, 40)) as (app, pilot):
        await pilot.press(*"Read @nofile.txt", "ctrl+p", *"send later")
        await until(pilot, lambda: "Send later" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: "Write online" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: "No file nofile.txt" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: "It goes as text. Give the time once more: /later." in screen_text(app))
        assert "Read @nofile.txt" in screen_text(app), "nothing was sent"
        assert app.services is not None
        assert not await app.services.store.conversations.page(1)
