"""Tools in the chat: calls that are asked about in the status row, the line that is left, the screen with switches."""

from __future__ import annotations

import json
from pathlib import Path

from routerterm.config.paths import Paths
from routerterm.core.messages import Text, ToolCall, ToolResult
from routerterm.tui.chat.approvals import PAUSE
from routerterm.tui.themes.palette import Signs
from routerterm.tui.transcript.layout.entry import entry_lines
from routerterm.tui.transcript.layout.live import LiveEntry
from routerterm.tui.transcript.values import Entry, Header
from tests.driver.headless import in_process
from tests.driver.homes import PRICED, configure, priced
from tests.driver.provider import Answer, serving
from tests.engine.tools.boxes import old

NOTE = Answer("", call=("pad__note", '{"text": "buy quartz"}'))


def settings(paths: Paths, url: str) -> str:
    command = json.dumps(list(old("none").command))
    return f'{url}\n[mcp.pad]\ncommand = {command}\n[tools]\nfetch = "off"\n'


async def test_calls_are_approved_edited_declined_and_stopped(tmp_path: Path) -> None:
    paths = Paths.find({"ROUTERTERM_HOME": str(tmp_path)})
    with serving(NOTE, Answer("Noted."), NOTE, Answer("I left it."), NOTE, NOTE, Answer("As you wish.")) as provider:
        configure(paths, settings(paths, priced(provider)), default=PRICED)
        async with in_process(paths, (120, 30)) as it:
            await it.say("Take a note.")
            await it.status_shows("Run pad.note?")
            await it.screen_shows('pad__note  {"text": "buy quartz"}')
            await it.type("x")  # a text is being written: no letter of it is an answer
            await it.status_shows("Tab  then y, a, s, n or e")
            await it.type("y")
            await it.composer_is("xy")
            await it.press("backspace", "backspace")
            await it.status_shows("once")
            await it.breathe()
            await it.until(lambda: _may_answer(it), "the letters never counted")
            await it.press("e")
            await it.dialog_is("Run pad.note")
            await it.press("ctrl+a", "ctrl+k", "down", "ctrl+k", "down", "ctrl+k")
            await it.press("escape")
            await it.dialog_gone("Run pad.note")
            await it.press("y")
            await it.screen_shows("pad.note  {", " · 16 B", "Noted.")
            await it.rests()
            assert [tool["function"]["name"] for tool in provider.asked[0]["tools"]] == ["pad__note"]
            assert provider.asked[1]["messages"][-1]["role"] == "tool"

            await it.say("Another one.")
            await it.status_shows("Run pad.note?")
            await it.until(lambda: _may_answer(it), "the letters never counted")
            await it.press("n")
            await it.screen_shows("failed", "I left it.")
            await it.rests()

            await it.say("And another.")
            await it.status_shows("Run pad.note?")
            await it.press("escape")
            await it.rests()
            await it.screen_shows("not finished", "stopped by you")
            await it.screen_lacks("Run pad.note?")
            asked = len(provider.asked)

            await it.say("/tools")
            await it.dialog_is("Tools")
            await it.screen_shows("Tools are on in this conversation: 1 of them", "Takes a note.", "asks")
            await it.press("space")
            await it.screen_shows("0 of them")
            await it.press("space", "t")
            await it.screen_shows("Tools are off in this conversation")
            await it.click("Close")
            await it.dialog_gone("Tools")
            await it.say("/tools on")
            await it.screen_shows("Tools are on in this conversation.")
            await it.say("Once more.")
            await it.status_shows("Run pad.note?")
            assert len(provider.asked) == asked + 1
            results = [message for message in provider.asked[-1]["messages"] if message["role"] == "tool"]
            assert "was not finished" in results[-1]["content"]
            await it.until(lambda: _may_answer(it), "the letters never counted")
            await it.press("s")
            await it.screen_shows("As you wish.")
            await it.rests()
            await it.until(lambda: 'allow = ["note"]' in paths.config_file.read_text(), "it was not written")


async def test_what_the_limit_of_an_answer_refuses_is_sent_once_the_person_says_so(tmp_path: Path) -> None:
    """A model without a price in the first step, and one that has used it up behind a result: no call is made again."""
    paths = Paths.find({"ROUTERTERM_HOME": str(tmp_path)})
    allow = '[mcp.pad.tools]\nallow = ["*"]\n'
    dear = Answer("", call=NOTE.call, tokens=(1_000_000, 5))
    with serving(NOTE, Answer("Noted."), dear, Answer("Noted too.")) as provider:
        text = f"{settings(paths, priced(provider))}usd = 2\n{allow}"
        configure(paths, text, default="shop/unpriced")
        async with in_process(paths, (120, 30)) as it:
            await it.say("Take a note.")
            await it.dialog_is("Over budget")
            await it.screen_shows("its price is unknown", 'models."shop/unpriced"')
            await it.press("y")
            await it.screen_shows("pad.note", "Noted.")
            await it.rests()
            assert len(provider.asked) == 2
            await it.say(f"/model {PRICED}")
            await it.say("Another one.")
            await it.dialog_is("Over budget")
            await it.screen_shows("the limit of one answer with tools")
            await it.press("y")
            await it.screen_shows("Noted too.")
            await it.rests()
            assert [asked["messages"][-1]["role"] for asked in provider.asked] == ["user", "tool", "user", "tool"]


def _may_answer(it: object) -> bool:
    """Whether the question is old enough for letters to count."""
    waiting = it.app.screen._parts.approvals.current  # type: ignore[attr-defined]
    import time

    return waiting is not None and time.monotonic() - waiting.since > PAUSE


def lines(entry: Entry) -> list[str]:
    return ["".join(run[0] for run in line.runs).rstrip() for line in entry_lines(entry, 60, Signs())]


def test_a_call_is_one_line_with_what_came_of_it() -> None:
    call = ToolCall("1", "files__read", '{"path": "' + "x" * 80 + '"}')
    parts = (call, ToolResult("1", "y" * 3_100, "files.read", duration_ms=840), Text("Done."))
    whole = Entry("m", "assistant", parts, "done", Header("demo"))
    shown = next(line for line in lines(whole) if "files.read" in line)
    assert shown.endswith("0.8 s · 3 kB")
    assert '{"path": "xxx' in shown
    assert not any("answered" in line for line in lines(whole))
    cut = Entry("m", "assistant", (call,), "interrupted", Header("demo"))
    assert any("not finished" in line for line in lines(cut))
    opened = entry_lines(whole, 60, Signs(), frozenset({0}))
    assert len(opened) > len(entry_lines(whole, 60, Signs())) + 2


def test_calls_and_results_of_a_growing_answer_stay_at_another_width() -> None:
    parts = (Text("First."), ToolCall("1", "a", "{}"), ToolResult("1", "r", "a"))
    live = LiveEntry(Entry("m", "assistant", parts, "streaming", Header("demo")), 60, Signs())
    live.settle()
    texts = ["".join(run[0] for run in line.runs) for line in live.at_width(40, Signs()).done]
    assert any("⚙ a" in text for text in texts)
    assert any("First." in text for text in texts)


async def test_a_form_of_a_server_is_filled_in_declined_and_never_shown_as_it_came(tmp_path: Path) -> None:
    paths = Paths.find({"ROUTERTERM_HOME": str(tmp_path)})
    with serving(NOTE, Answer("Filed."), NOTE, Answer("Not filed.")) as provider:
        command = json.dumps(list(old("asks").command))
        allow = '[mcp.pad.tools]\nallow = ["*"]\n[tools]\nfetch = "off"\n'
        configure(paths, f"{priced(provider)}\n[mcp.pad]\ncommand = {command}\n{allow}", default=PRICED)
        async with in_process(paths, (120, 30)) as it:
            await it.say("Take a note.")
            await it.status_shows("pad asks you to fill in a form")
            await it.until(lambda: _may_answer(it), "the letters never counted")
            await it.press("y")
            await it.dialog_is("pad asks")
            await it.screen_shows("Who are ␛]0;owned␇you?", "What you write goes to pad.", "1. Your ␛[2Jname")
            await it.screen_lacks("\x1b")
            await it.type("Ann")
            await it.press("enter", "backspace", "backspace")
            await it.type("old")
            await it.press("enter", "enter", "enter")
            await it.screen_shows("write a whole number")
            await it.press("up", "up", "ctrl+a", "ctrl+k")
            await it.type("7")
            await it.press("enter")
            await it.type("dog")
            await it.press("enter", "enter")
            await it.screen_shows("Filed.")
            await it.rests()
            result = json.loads(provider.asked[1]["messages"][-1]["content"])
            assert result == {"action": "accept", "content": {"name": "Ann", "age": 7, "pet": "d"}}

            await it.say("Another one.")
            await it.status_shows("pad asks you to fill in a form")
            await it.until(lambda: _may_answer(it), "the letters never counted")
            await it.press("n")
            await it.screen_shows("Not filed.")
            await it.rests()
            assert json.loads(provider.asked[3]["messages"][-1]["content"]) == {"action": "decline"}
