"""What is said unasked: calls, titles, Ctrl+C, offline and budget, each with what to do."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest

from routerterm.config.paths import Paths
from routerterm.core.errors import Offline
from routerterm.core.targets import Forecast
from routerterm.tui.app import RoutertermApp
from routerterm.tui.terminal.attention import call, call_of, title
from routerterm.tui.themes.values import ASCII_GLYPHS, Glyphs
from routerterm.tui.widgets.forecast_fields import percent
from routerterm.tui.widgets.status import StatusView, status_fields, tone_of_share
from tests.tui.chat.program import answered, configure, running, say, until


def told(app: RoutertermApp) -> str:
    return "\n".join(notice.message for notice in app._notifications)


@pytest.mark.parametrize(
    ("setting", "environ", "how"),
    [
        ("off", {}, "off"),
        ("bell", {"TERM_PROGRAM": "kitty"}, "bell"),
        ("auto", {"TERM": "xterm-256color"}, "bell"),
        ("auto", {"TERM": "xterm-kitty"}, "osc9"),
        ("auto", {"TERM_PROGRAM": "WezTerm"}, "osc9"),
        ("auto", {"TERM": "foot"}, "osc777"),
        ("auto", {"TERM": "foot", "TMUX": "/tmp/x"}, "bell"),
        ("notify", {"TERM": "xterm-256color"}, "osc9"),
    ],
)
def test_a_terminal_is_called_in_its_own_way(setting: str, environ: dict[str, str], how: str) -> None:
    assert call_of(setting, environ) == how


def test_calls_and_titles_hold_nothing_that_acts_on_the_terminal() -> None:
    assert call("osc9", "a;\x1b]0;b\x07c") == "\x1b]9;a]0bc\x1b\\"
    assert call("bell", "words") == "\x07"
    assert call("off", "words") == ""
    assert title("answering", ascii_only=True).isascii()


async def test_the_title_never_holds_a_word_of_the_conversation(paths: Paths) -> None:
    configure(paths)
    async with running(paths) as (app, pilot):
        sent: list[str] = []
        app.notices._send = sent.append  # type: ignore[method-assign]
        await say(pilot, "zebras")
        await answered(app, pilot)
        await until(pilot, lambda: len(sent) >= 2)
        assert "… routerterm" in sent[0]
        assert not any("zebra" in data.lower() for data in sent)


async def test_a_long_answer_calls_only_who_looks_elsewhere(paths: Paths) -> None:
    configure(paths)
    async with running(paths) as (app, pilot):
        sent: list[str] = []
        app.notices._send = sent.append  # type: ignore[method-assign]
        app.notices.answered(60, True)
        assert sent == []
        app.app_focus = False
        app.notices.answered(1, True)
        assert sent == []
        app.notices.answered(60, True)
        assert any("answer is here" in data for data in sent)
        assert len(sent) == 2
        app.app_focus = True
        app.notices.on_focus()
        assert sent[-1] == title("idle")
        await pilot.pause()


async def test_ctrl_c_stops_then_empties_then_leaves(paths: Paths) -> None:
    configure(paths, default="demo/slow")
    async with running(paths) as (app, pilot):
        await say(pilot, "go")
        await until(pilot, lambda: app.chat.turns.current is not None)
        await pilot.press("ctrl+c")
        await until(pilot, lambda: not app.chat.turns.any)
        await pilot.press(*"draft", "ctrl+c")
        await until(pilot, lambda: app.chat.composer.text == "")
        await pilot.press("alt+up")
        assert app.chat.composer.text == "draft"
        app.chat.composer.put("")
        app.notices._interrupted = time.monotonic() - 60
        await pilot.press("ctrl+c")
        await until(pilot, lambda: "again leaves" in told(app))
        assert app.is_running
        await pilot.press("ctrl+c")
        await until(pilot, lambda: not app.is_running)


async def test_nobody_to_be_reached_is_said_with_what_to_do(paths: Paths) -> None:
    configure(paths)
    async with running(paths) as (app, pilot):
        assert app.notices.failed(Offline("x"))
        await pilot.pause()
        assert "F3" in told(app)
        assert "/retry" in told(app)


async def test_the_budget_warns_once_for_each_step(paths: Paths) -> None:
    configure(paths, "[budget]\nday = 2\n")
    async with running(paths) as (app, pilot):
        app.notices.spent(Decimal("0.9"), Decimal(2))
        await pilot.pause()
        assert told(app) == ""
        app.notices.spent(Decimal("1.1"), Decimal(2))
        app.notices.spent(Decimal("1.2"), Decimal(2))
        await pilot.pause()
        assert told(app).count("of today's budget") == 1
        app.notices.spent(Decimal("1.7"), Decimal(2))
        await pilot.pause()
        assert "80 % of today's budget" in told(app)


@pytest.mark.parametrize(("share", "tone"), [(0.49, "text"), (0.5, "warning"), (0.79, "warning"), (0.8, "error")])
def test_the_context_meter_turns_yellow_and_red(share: float, tone: str) -> None:
    assert tone_of_share(share) == tone
    forecast = Forecast(round(share * 1000), Decimal(0), Decimal(0), 1000)
    for glyphs in (Glyphs(), ASCII_GLYPHS):
        fields = status_fields(StatusView(forecast=forecast), glyphs)
        text = "".join(span.text for field in fields for span in field.spans)
        assert ("!" in text) is (share >= 0.8)  # not by colour alone
    assert percent(share).endswith("!") is (share >= 0.8)
