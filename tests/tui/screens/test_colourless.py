"""Nothing is said by colour alone: what is on the screen, as letters, tells states apart."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from textual.pilot import Pilot

from routerterm.catalog.values import ModelInfo
from routerterm.config.paths import Paths
from routerterm.core.ledger import Cap
from routerterm.core.targets import Forecast
from routerterm.engine.usage.accounts import Account
from routerterm.engine.usage.plot import ASCII_PENS, UNICODE_PENS, Pens
from routerterm.engine.usage.views import gauges
from routerterm.router.decide.budget import Gauge
from routerterm.router.decide.circuit_breaker import Health
from routerterm.router.options import Route
from routerterm.tui.app import RoutertermApp
from routerterm.tui.screens.models.rows import ModelChoices, Need, model_row, route_row
from routerterm.tui.themes.values import ASCII_GLYPHS, Glyphs
from routerterm.tui.widgets.rows import plain
from routerterm.tui.widgets.status import StatusView, status_fields
from tests.driver.headless import HeadlessDriver
from tests.tui.chat.program import answered, configure, in_chat, running, say, screen_text, until

MACHINES = pytest.mark.parametrize("glyphs", [Glyphs(), ASCII_GLYPHS], ids=["unicode", "ascii"])
LISTS = {
    "models": "demo/echo",
    "route": "smart",
    "keys": "Groq",
    "themes": "Amber",
    "settings": "attempts",
    "help": "Quit",
    "stats": "demo/echo",
    "find": "hello",
    "tree": "hello",
    "retry_with": "demo/echo",
}
"""Screens with a list to walk in, each with a word that is there once it is filled."""


def status(glyphs: Glyphs, **view: object) -> str:
    return "|".join("".join(span.text for span in f.spans) for f in status_fields(StatusView(**view), glyphs))  # type: ignore[arg-type]


def alone(texts: list[str]) -> None:
    assert len(set(texts)) == len(texts), texts


@MACHINES
def test_the_status_line_tells_its_states_apart(glyphs: Glyphs) -> None:
    alone([status(glyphs, providers=(("groq", lamp),)) for lamp in ("on", "half", "off")])
    caps = [status(glyphs, today=Decimal(spent), today_cap=Decimal(10)) for spent in ("1", "9", "10")]
    assert [text.count("!") for text in caps] == [0, 1, 2]
    windows = [Forecast(tokens, None, None, context=100) for tokens in (10, 85, 100)]
    assert [status(glyphs, forecast=f, writes=False).count("!") for f in windows] == [0, 1, 2]
    alone([status(glyphs, private=private) for private in (False, True)])
    alone([status(glyphs, offline=offline) for offline in (False, True)])
    alone([status(glyphs, activity=activity) for activity in ("idle", "waiting", "answering")])


@pytest.mark.parametrize("pens", [UNICODE_PENS, ASCII_PENS], ids=["unicode", "ascii"])
@pytest.mark.parametrize("size", [(100, 6), (45, 3)], ids=["large", "small"])
def test_the_gauges_tell_what_is_nearly_used_up(pens: Pens, size: tuple[int, int]) -> None:
    accounts = [Account(Gauge(Cap("day", "usd", 10), spent, None, "day"), 60_000) for spent in (1, 9, 10)]
    said = gauges(accounts, 0, *size, pens).lines
    each = len(said) // 3
    assert [said[n * each].count("!") for n in range(3)] == [0, 1, 2]
    alone(["".join(said[n * each : n * each + each]) for n in range(3)])
    assert "resets in 1 min" in said[0] or size[0] < 60


@MACHINES
def test_what_cannot_be_asked_says_why(glyphs: Glyphs) -> None:
    blind = ModelInfo("groq", "llama", context=8000)
    entry_list = ModelChoices(models=(blind,), keys={"groq": ""})

    def said(**change: object) -> str:
        from msgspec.structs import replace

        return " ".join(map(plain, model_row(blind, replace(entry_list, **change), glyphs).cells))  # type: ignore[arg-type]

    alone([
        said(),
        said(need=Need(images=True)),
        said(need=Need(private=True)),
        said(need=Need(tokens=9000)),
        said(keys={}),
        said(keys={"groq": "key out"}),
        said(health={blind.target: Health(avoided_for=300)}),
        said(health={blind.target: Health(open_for=30)}),
        said(favourites=("groq/llama",)),
    ])  # fmt: skip
    route = Route.of("mine", "groq/llama")
    alone(
        [
            " ".join(map(plain, route_row(route, ModelChoices(behind={"mine": (blind,)}, need=need), glyphs).cells))
            for need in (Need(), Need(images=True))
        ]
    )


async def open_list(app: RoutertermApp, pilot: Pilot[int], name: str) -> None:
    await app.action_command(name)
    await until(pilot, lambda: not in_chat(app) and LISTS[name].lower() in screen_text(app).lower())


async def tells(pilot: Pilot[int], app: RoutertermApp, key: str, holds: Callable[[], bool] = lambda: True) -> bool:
    """Whether a key changes what can be read."""
    before = screen_text(app)
    await pilot.press(key)
    for _ in range(3_000):  # a minute, for a loaded machine
        if screen_text(app) != before and holds():
            return True
        await pilot.pause(0.02)
    return False


async def test_the_row_under_the_cursor_is_marked_on_every_list(paths: Paths) -> None:
    """Its mark moves, though no other word on the screen need change."""
    configure(paths)
    async with running(paths, (120, 40)) as (app, pilot):
        for words in ("hello", "hello again"):
            await say(pilot, words)
            await answered(app, pilot)
        for name in LISTS:
            await app.action_command(name)
            if name == "find":
                await pilot.press(*"hello")
            await until(pilot, lambda name=name: LISTS[name].lower() in screen_text(app).lower())
            await until(
                pilot, lambda: getattr(app.screen.query("RowList, KeysList").first(), "current", None) is not None
            )
            await pilot.pause(0.1)
            listed = app.screen.query("RowList, KeysList").first()
            row = screen_text(app).splitlines()[listed.region.y : listed.region.bottom]
            marked = [line for line in row if line[listed.region.x] in (">", app.active_theme.glyphs.pointer)]
            assert len(marked) >= 1, f"no row is marked on {name}:\n{screen_text(app)}"
            if name not in ("stats", "retry_with", "tree"):  # of one row each
                assert await tells(pilot, app, "down") or await tells(pilot, app, "up"), name
            await HeadlessDriver(app.paths, app, pilot).leave()


async def test_where_the_keys_go_can_be_read(paths: Paths) -> None:
    configure(paths)
    async with running(paths, (120, 40)) as (app, pilot):
        for words in ("one", "two"):
            await say(pilot, words)
            await answered(app, pilot)
        it = HeadlessDriver(paths, app, pilot)
        await it.until(lambda: "One" in it.picture().chats)
        places = []
        for place in ("composer", "messages", "chats"):
            await it.go_to(place)
            await pilot.pause(0.2)
            places.append(screen_text(app))
        alone(places)
        open_now = screen_text(app)
        await it.press("f2")
        await it.until(lambda: not it.title)
        await it.go_to("chats")
        await pilot.pause(0.2)
        alone([open_now, screen_text(app)])  # which conversation is open


async def test_what_is_pinned_private_or_wrong_is_said_in_letters(paths: Paths) -> None:
    configure(paths)
    async with running(paths, (120, 40)) as (app, pilot):
        await say(pilot, "hello")
        await answered(app, pilot)
        assert await tells(pilot, app, "f9")  # the list of conversations is gone
        await pilot.press("f9")
        await app.action_command("pin")
        await until(pilot, lambda: "Pinned" in screen_text(app))
        await app.action_command("private")
        await until(pilot, lambda: "private" in "".join(screen_text(app).splitlines()[-4:]))
        app.clear_notifications()
        for severity in ("information", "warning", "error"):
            app.notify("Listen.", severity=severity)  # type: ignore[arg-type]
        await until(pilot, lambda: len(app._notifications) == 3)
        assert {notice.message for notice in app._notifications} == {"Listen.", "! Listen.", "!! Listen."}


async def test_states_of_providers_and_settings_are_words_on_their_screens(paths: Paths) -> None:
    configure(paths, '[ui]\nbell = "off"\n[routes.mine]\nmodels = ["demo/echo"]\n')
    async with running(paths, (120, 40)) as (app, pilot):
        await pilot.press("f7")
        await until(pilot, lambda: "demo/echo" in screen_text(app))
        calm = screen_text(app)
        await pilot.press("end", "a")
        await until(pilot, lambda: "avoided for 10 min" in screen_text(app))
        assert screen_text(app) != calm
        await pilot.press("escape")
        await open_list(app, pilot, "settings")
        await pilot.press(*"bell")
        await until(pilot, lambda: "off *" in screen_text(app))  # it is not what it is by itself
