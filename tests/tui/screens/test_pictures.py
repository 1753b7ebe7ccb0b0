"""Pictures of every screen at three sizes, and of every machine.

``pytest tests/tui/screens/test_pictures.py --snapshot-update`` takes them anew: look at them before you keep them.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from pytest_textual_snapshot import SVGImageExtension
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot
from textual.widgets import Input

from routerterm.config import local_model
from routerterm.config.early_settings import quick_ui
from routerterm.config.paths import Paths, built_in_themes
from routerterm.tui.app import RoutertermApp
from routerterm.tui.screens.compare.rows import Column
from routerterm.tui.themes.reader import find_themes
from tests.driver.headless import HeadlessDriver
from tests.driver.picture import WAYS
from tests.tui.chat.program import configure, say, screen_text, until
from tests.tui.seed import NOW, fill

SIZES = ((120, 40), (80, 24), (45, 20))
MINE = '[budget]\nday = 2.00\nmonth = 30\n[routes.mine]\nmodels = ["demo/echo", "demo/slow", "openai"]\n'
SCREENS: dict[str, tuple[tuple[str, ...], str]] = {
    "chat": ((), "ROUTERTERM"),
    "models": (("f3",), "model or route"),
    "stats": (("f4",), "openai/gpt-4o-mini"),
    "requests": (("f4", "enter"), "route "),
    "route": (("f7",), "smart"),
    "settings": (("ctrl+x", ","), "attempts"),
    "help": (("f1",), "here: writing"),
    "which-key": (("ctrl+x",), "Press a letter"),
    "themes": (("f8",), "Phosphor"),
    "find": (("f5", *"bread"), "Bread at"),
    "keys": (("f6",), "console.groq"),
}
QUIET = 'motion = "reduced"\nglyphs = "unicode"\nscanlines = "off"\n'


@pytest.fixture
def still_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The same moment, in the same place, on every machine."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    monkeypatch.setattr(time, "time_ns", lambda: NOW * 1_000_000)
    monkeypatch.setattr(time, "time", lambda: NOW / 1000)

    class Still(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Still:
            return cls.fromtimestamp(NOW / 1000, tz)

    monkeypatch.setattr("routerterm.engine.usage.provider_status.datetime", Still)
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def pictures(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """The pictures that are kept, as SVG."""
    return snapshot.use_extension(SVGImageExtension)


@asynccontextmanager
async def showing(paths: Paths, size: tuple[int, int]) -> AsyncIterator[tuple[RoutertermApp, Pilot[int]]]:
    """The program with a conversation open, and nothing in it that moves."""
    configure(paths, f"{MINE}[ui]\n{QUIET}")
    await fill(paths)
    app = RoutertermApp(paths, quick_ui(paths))
    async with app.run_test(size=size) as pilot:
        await HeadlessDriver(paths, app, pilot).ready()
        await HeadlessDriver(paths, app, pilot).open_chat("SQLite WAL checkpoints")
        await until(pilot, lambda: "Three things." in screen_text(app))
        await pilot.pause(0.5)
        yield app, pilot


async def at_rest(app: RoutertermApp, pilot: Pilot[int]) -> str:
    """The picture, once two in a row are alike."""
    before = ""
    for line in app.screen.query(Input):
        line.placeholder = "type a word"  # that of the settings names a file of this very test
    for _ in range(100):
        await pilot.pause(0.1)
        picture = app.export_screenshot()
        if picture == before:
            break
        before = picture
    return before


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_every_screen(
    paths: Paths, pictures: SnapshotAssertion, still_clock: None, size: tuple[int, int]
) -> None:
    others = []
    async with showing(paths, size) as (app, pilot):
        for name, (keys, word) in SCREENS.items():
            for key in keys:
                await pilot.press(key)
                await at_rest(app, pilot)
            await until(pilot, lambda word=word: word in screen_text(app))
            if pictures(name=name) != await at_rest(app, pilot):
                others.append(name)
            await HeadlessDriver(app.paths, app, pilot).leave()
    assert others == []


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_compare(
    paths: Paths,
    pictures: SnapshotAssertion,
    still_clock: None,
    monkeypatch: pytest.MonkeyPatch,
    size: tuple[int, int],
) -> None:
    monkeypatch.setattr(Column, "elapsed", "1.2 s")
    monkeypatch.setattr(Column, "speed", 42.0)
    configure(paths, f"[ui]\n{QUIET}")
    app = RoutertermApp(paths, quick_ui(paths))
    async with app.run_test(size=size) as pilot:
        await HeadlessDriver(paths, app, pilot).ready()
        await app.action_command("compare", "demo/echo demo/table demo/markdown")
        await say(pilot, "which is best")
        await until(pilot, lambda: type(app.screen).__name__ == "CompareScreen" and " Leave" in screen_text(app))
        assert pictures == await at_rest(app, pilot)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_first_run(
    paths: Paths,
    pictures: SnapshotAssertion,
    still_clock: None,
    monkeypatch: pytest.MonkeyPatch,
    size: tuple[int, int],
) -> None:
    async def none(*_: object) -> tuple[()]:
        return ()

    monkeypatch.setattr(local_model, "status", lambda _: local_model.LocalStatus(None, engine=True))
    monkeypatch.setattr("routerterm.engine.discovery.local_servers.local_servers", none)
    paths.make()
    paths.config_file.write_text(f"[ui]\n{QUIET}")
    app = RoutertermApp(paths, quick_ui(paths))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.services is not None and WAYS in screen_text(app))
        assert pictures == await at_rest(app, pilot)


async def test_scanlines(paths: Paths, pictures: SnapshotAssertion, still_clock: None) -> None:
    async with showing(paths, (80, 24)) as (app, pilot):
        app.scanlines = "on"
        app.use_theme("phosphor")
        assert pictures == await at_rest(app, pilot)


async def test_every_machine(paths: Paths, pictures: SnapshotAssertion, still_clock: None) -> None:
    others = []
    async with showing(paths, (80, 24)) as (app, pilot):
        for name in find_themes([built_in_themes()]):
            app.use_theme(name)
            if pictures(name=name) != await at_rest(app, pilot):
                others.append(name)
    assert others == []
