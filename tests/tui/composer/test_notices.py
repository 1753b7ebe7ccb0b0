"""What is said unasked: calls, titles, Ctrl+C, offline and budget, each with what to do."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from routerterm.config.paths import Paths
from routerterm.core.errors import Offline
from routerterm.core.ledger import AttemptRecord
from routerterm.core.targets import Forecast
from routerterm.store.database import Store, milliseconds
from routerterm.tui.terminal.attention import call, call_of, title
from routerterm.tui.themes.values import ASCII_GLYPHS, Glyphs
from routerterm.tui.widgets.forecast_fields import percent
from routerterm.tui.widgets.status import StatusView, status_fields, tone_of_share
from routerterm.wiring import open_services
from tests.driver import in_process
from tests.driver.homes import configure


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
    async with in_process(paths) as it:
        sent: list[str] = []
        it.app.notifications._send = sent.append  # type: ignore[method-assign]
        await it.say("zebras")
        await it.answered()
        await it.until(lambda: len(sent) >= 2)
        assert "… routerterm" in sent[0]
        assert not any("zebra" in data.lower() for data in sent)


async def test_a_long_answer_calls_only_who_looks_elsewhere(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(paths)
    monkeypatch.setenv("TERM", "xterm-kitty")  # it takes words; elsewhere it would be a bell
    async with in_process(paths) as it:
        sent: list[str] = []
        it.app.notifications._send = sent.append  # type: ignore[method-assign]
        it.app.notifications.answered(60, True)
        assert sent == []
        it.app.app_focus = False
        it.app.notifications.answered(1, True)
        assert sent == []
        it.app.notifications.answered(60, True)
        assert any("answer is complete" in data for data in sent)
        assert len(sent) == 2
        it.app.app_focus = True
        it.app.notifications.on_focus()
        assert sent[-1] == title("idle")
        await it.pilot.pause()


async def test_ctrl_c_stops_then_empties_then_leaves(paths: Paths) -> None:
    configure(paths, default="demo/slow")
    async with in_process(paths) as it:
        await it.say("go")
        await it.until(lambda: it.busy)
        await it.press("ctrl+c")
        await it.rests()
        await it.press(*"draft", "ctrl+c")
        await it.composer_is("")
        await it.press("ctrl+c")
        await it.screen_shows("again")
        assert it.app.is_running
        await it.press("ctrl+c")
        await it.until(lambda: not it.app.is_running)


async def test_nobody_to_be_reached_is_said_with_what_to_do(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        assert it.app.notifications.failed(Offline("x"))
        await it.screen_shows("F3", "/retry")


async def spend(paths: Paths, cents: int) -> None:
    """As another program does that uses the same history."""
    row = AttemptRecord(
        f"spent {cents}", 1, "cli", "any", "openai", "gpt", milliseconds(), outcome="done",
        cost_nanousd=cents * 10_000_000, usage_source="reported", cost_source="computed",
    )  # fmt: skip
    store = Store.open(paths.database)
    await store.ledger.settle(row)
    await store.close()


async def test_the_budget_warns_once_for_each_step(paths: Paths) -> None:
    configure(paths, '[budget]\nday = "2.00"\n')
    async with in_process(paths) as it:
        await spend(paths, 90)
        await it.ask("one")
        await spend(paths, 20)
        await it.ask("two")
        await it.screen_shows("Budget: today $1.10 of $2.00, 55%")
        await spend(paths, 10)
        await it.ask("three")
        await spend(paths, 50)
        await it.ask("four")
        await it.screen_shows("Budget: today $1.70 of $2.00, 85%")
        told = [line for _, line in it.app.notifications.log if "Budget" in line]
        assert len(told) == 2


async def test_two_that_ask_at_once_do_not_both_warn(paths: Paths) -> None:
    configure(paths, '[budget]\nday = "2.00"\n')
    services = await open_services(paths)
    try:
        await services.budget_warnings()
        await spend(paths, 110)
        found = await asyncio.gather(services.budget_warnings(), services.budget_warnings())
        assert [len(warnings) for warnings in found] == [1, 0]
    finally:
        await services.close()


@pytest.mark.parametrize(("share", "tone"), [(0.49, "text"), (0.5, "warning"), (0.79, "warning"), (0.8, "error")])
def test_the_context_meter_turns_yellow_and_red(share: float, tone: str) -> None:
    assert tone_of_share(share) == tone
    forecast = Forecast(round(share * 1000), Decimal(0), Decimal(0), 1000)
    for glyphs in (Glyphs(), ASCII_GLYPHS):
        fields = status_fields(StatusView(forecast=forecast), glyphs)
        text = "".join(span.text for field in fields for span in field.spans)
        assert ("!" in text) is (share >= 0.8)  # not by colour alone
    assert percent(share).endswith("!") is (share >= 0.8)
