"""What the transcript puts straight on the terminal is, cell for cell, what a composition of the whole screen shows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from textual.app import App, ComposeResult
from textual.drivers.headless_driver import HeadlessDriver
from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from routerterm.core.events import TextDelta
from routerterm.tui.terminal import driver as lean
from routerterm.tui.terminal.grid import Grid
from routerterm.tui.terminal.line import LineMeter
from routerterm.tui.terminal.output import Output, PlacedRow
from routerterm.tui.themes.palette import Palette
from routerterm.tui.transcript.values import Entry, Header
from routerterm.tui.transcript.widget import Transcript
from routerterm.tui.widgets.fast_screen import FastScreen

SIZE = (70, 18)


class Sink:
    """A line that takes everything."""

    def write(self, data: bytes) -> int:
        return len(data)

    def watch(self, ready: Callable[[], None]) -> None:
        raise AssertionError

    def drain(self, data: bytes, seconds: float) -> None:
        pass

    def close(self) -> None:
        pass


class OnGrid(HeadlessDriver):
    """The output half of the lean driver, without a terminal."""

    def __init__(self, app: App[Any], **options: Any) -> None:
        options["size"] = SIZE
        super().__init__(app, **options)
        self.output = Output(Sink(), LineMeter("fast"), SIZE, loop=asyncio.get_running_loop())
        lean._DRIVERS[app] = self  # type: ignore[assignment]

    is_headless = False

    def write(self, data: str) -> None:
        self.output.write(data)

    def flush(self) -> None:
        self.output.resize(*self._app.size)
        self.output.flush()

    takes_rows = True

    def place(self, rows: list[PlacedRow]) -> None:
        self.output.place(rows)

    async def before_picture(self) -> None:
        """Nothing is typed here."""


class Over(ModalScreen[None]):
    CSS = "Over { align: center middle; } #over { width: 20; height: 3; }"

    def compose(self) -> ComposeResult:
        yield Static("over it all", id="over")


class Main(FastScreen[None]):
    def compose(self) -> ComposeResult:
        yield Static("beside it", id="side")
        yield Transcript()
        yield Input()
        yield Static("before it", id="cover")


class Chat(App[None]):
    CSS = """
    Main { layers: base top; }
    Input { dock: bottom; } Transcript { height: 1fr; } #side { dock: left; width: 12; height: 1fr; }
    #cover { layer: top; width: 12; height: 2; offset: 20 4; }
    """

    def get_default_screen(self) -> FastScreen[None]:
        return Main()


def shown(app: Chat) -> list[tuple[str, str]]:
    driver = app._driver
    assert isinstance(driver, OnGrid)
    grid = driver.output.wanted
    return list(zip(grid.text, grid.styles, strict=True))


def composed(app: Chat) -> list[tuple[str, str]]:
    """The whole screen as the compositor puts it together, in the numbers of the same tables."""
    driver = app._driver
    assert isinstance(driver, OnGrid)
    interpreter, kept = driver.output.interpreter, driver.output.wanted
    interpreter.grid = fresh = Grid(kept.columns, kept.rows)
    for y, strip in enumerate(app.screen._compositor.render_strips()):
        interpreter.place(y, 0, strip.render(app.console))
    interpreter.grid = kept
    return list(zip(fresh.text, fresh.styles, strict=True))


PIECES = ["word ", "\n\n", "# Heading\n", "- item\n", "`code` ", "```py\nx = 1\n", "```\n", "日本語 ", "**bold** "]
PIECES += [
    "| a | b |\n",
    "https://example.org/ ",
    "😀",
    "\n",
    "long" * 30,
    "> quoted\n",
    "\t",
    "[link](https://x.org/x) ",
]
STEPS = st.one_of(
    st.tuples(st.just("feed"), st.lists(st.sampled_from(PIECES), min_size=1, max_size=12)),
    st.tuples(
        st.sampled_from(("up", "down", "cover", "notice", "modal", "palette", "beside", "key", "end", "hold")),
        st.none(),
    ),
)


class Session:
    def __init__(self, app: Chat, pilot: Pilot[None]) -> None:
        self.app, self.pilot, self.count = app, pilot, 0
        self.main = app.screen
        self.view = self.main.query_one(Transcript)
        self.begin()

    def begin(self) -> None:
        self.count += 1
        self.view.begin_stream(Entry(f"a{self.count}", "assistant", status="streaming", header=Header("demo")))

    async def step(self, name: str, pieces: list[str] | None) -> None:
        view, app = self.view, self.app
        match name:
            case "feed":
                for piece in pieces or ():
                    view.feed(f"a{self.count}", TextDelta(piece))
                view.flush()
            case "up" | "down":
                view.scroll_y += -3 if name == "up" else 3
            case "cover":
                cover = self.main.query_one("#cover")
                cover.display = not cover.display
            case "notice":
                app.clear_notifications()
                app.notify("Something was said.", timeout=0.05)
            case "modal":
                if isinstance(app.screen, Over):
                    await app.pop_screen()
                else:
                    await app.push_screen(Over())
            case "palette":
                view.set_palette(Palette.default())
            case "beside":
                side = self.main.query_one("#side")
                side.display = not side.display
            case "key":
                await self.pilot.press("x")
            case "end":
                view.end_stream(f"a{self.count}", Entry(f"a{self.count}", "assistant", header=Header("demo")))
                self.begin()
            case "hold":  # a frame in the middle of other changes
                with app.batch_update():
                    view.feed(f"a{self.count}", TextDelta("held back "))
                    view.flush()


def inside(view: Transcript, rows: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """What of the screen is the view's lines: the bar beside them is drawn with the next composition."""
    x, y, columns, count = (*view.region.offset, view.columns, view.rows)
    return [(text[x : x + columns], styles[x : x + columns]) for text, styles in rows[y : y + count]]


async def settled(app: Chat, pilot: Pilot[None]) -> bool:
    for _ in range(100):
        await pilot.pause()
        if shown(app) == composed(app):
            return True
        await asyncio.sleep(0.01)
    return False


async def play(steps: list[tuple[str, list[str] | None]], compare: bool = True) -> int:
    app = Chat(driver_class=OnGrid)
    frames = 0

    async def play_in(pilot: Pilot[None]) -> None:
        nonlocal frames
        await pilot.pause()
        session = Session(app, pilot)
        for name, pieces in steps:
            await pilot.pause()
            before = session.view._shortcut.frames
            await session.step(name, pieces)
            if name == "feed" and session.view._shortcut.frames > before:
                at_once = [inside(session.view, rows(app)) for rows in (shown, composed)]
                assert at_once[0] == at_once[1], "with no composition in between"
            if not isinstance(app.screen, Over):  # what is under a dialog, Textual draws anew once that is gone
                assert await settled(app, pilot), name
        frames = session.view._shortcut.frames
        app.exit()

    await app.run_async(auto_pilot=play_in)
    if app._exception is not None:
        raise app._exception
    return frames


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(STEPS, min_size=3, max_size=14))
def test_any_session_shows_what_a_composition_shows(steps: list[tuple[str, list[str] | None]]) -> None:
    asyncio.run(play(steps))


@pytest.mark.parametrize(
    ("before", "short"),
    [
        ([("cover", None)], True),
        ([], False),
        ([("cover", None), ("modal", None)], False),
        ([("cover", None), ("modal", None), ("modal", None)], True),
        ([("cover", None), ("beside", None), ("palette", None)], True),
    ],
)
def test_the_short_way_is_taken_where_the_view_lies_open(before: list[tuple[str, None]], short: bool) -> None:
    frames = asyncio.run(play([*before, *([("feed", ["word " * 30, "\n\n- a\n"])] * 12)]))
    assert (frames >= 10) is short
