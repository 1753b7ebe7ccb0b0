"""The sheet as a person meets it: Alt+W, keys, and what the provider then receives; and the same from a shell."""

from __future__ import annotations

import json
from pathlib import Path

from routerterm.config.paths import Paths
from tests.cli.program import routerterm
from tests.driver.headless import in_process
from tests.driver.homes import PRICED, configure, priced
from tests.driver.provider import serving

GUARD = '[guard.detectors]\nemail = "redact"\n'


async def test_lines_are_left_out_pinned_and_summarised_and_the_total_follows(tmp_path: Path) -> None:
    paths = Paths.find({"ROUTERTERM_HOME": str(tmp_path)})
    with serving() as provider:
        configure(paths, priced(provider) + GUARD, default=PRICED)
        async with in_process(paths, (120, 30)) as it:
            await it.ask("Where does the quartz come from?")
            (tmp_path / "notes.md").write_text("Quartz is everywhere.")
            await it.paste(f"Tell ada@example.com, too @{tmp_path}/notes.md")
            await it.press("alt+w")
            await it.screen_shows("file notes.md")
            await it.press("x")
            await it.screen_shows("left out")
            await it.press("escape")
            await it.clear()
            await it.type("Tell ada@example.com, too")
            await it.press("alt+w")
            await it.screen_shows("What leaves with the next message", "ada@example.com [EMAIL_1]", "1 redacted")
            seen = await it.screen_shows("~$0.0000")
            assert "Where does the quartz" in seen.text
            whole = seen.text
            await it.press("home", "x")
            seen = await it.screen_shows("left out")
            assert next(row for row in seen.rows if "~" in row and "tok" in row) not in whole
            await it.press("down", "p")
            await it.screen_shows("always sent")
            await it.press("down", "x")
            await it.screen_shows("Change it in the composer.")
            await it.press("b")
            await it.dialog_is("Body, as it leaves")
            await it.press("escape", "up", "s")
            await it.dialog_is("Summarise")
            assert len(provider.asked) == 1
            await it.press("n")
            await it.dialog_gone("Summarise")
            await it.press("escape")
            await it.screen_shows("not sent", "always sent")
            await it.press("enter")
            await it.until(lambda: len(provider.asked) == 2, "the message never came")
            said = [message["content"] for message in provider.asked[1]["messages"]]
            assert said[-1] == "Tell [EMAIL_1], too"
            assert not any("quartz come from" in words for words in said)
            await it.rests()


def test_the_command_prints_lines_json_and_the_very_bytes(tmp_path: Path) -> None:
    with serving() as provider:
        paths = Paths.find({"ROUTERTERM_HOME": str(tmp_path)})
        configure(paths, priced(provider) + GUARD, default=PRICED)
        env = {"ROUTERTERM_HOME": str(tmp_path)}
        question = "Write to ada@example.com."
        shown = routerterm("what-leaves", "-s", "Be brief.", question, env=env)
        assert shown.code == 0
        assert "Write to [EMAIL_1]." in shown.out
        assert "ada@" not in shown.out + shown.err
        assert "~$" in shown.out
        body = routerterm("what-leaves", "-s", "Be brief.", "--raw", question, env=env).out
        assert provider.bodies == []
        assert routerterm("ask", "-s", "Be brief.", question, env=env).code == 0
        assert body.encode() == provider.bodies[0]
        lines = json.loads(routerterm("what-leaves", "-c", "last", "--json", env=env).out)["lines"]
        assert [line["who"] for line in lines] == ["system", "you", "answer"]


async def test_in_a_small_terminal_each_line_has_its_tokens_and_below_the_list_its_price_and_state(
    tmp_path: Path,
) -> None:
    paths = Paths.find({"ROUTERTERM_HOME": str(tmp_path)})
    with serving() as provider:
        configure(paths, priced(provider) + GUARD + '[tools]\nstart = "on"\n', default=PRICED)
        async with in_process(paths, (45, 20)) as it:
            await it.ask("Where does the quartz come from?")
            await it.type("Tell ada@example.com, too")
            await it.press("alt+w")
            seen = await it.screen_shows("tokens", "tool", "~$0.0", "1 redacted", "Enter", "In full", "Body", "Close")
            assert len([row for row in seen.rows if row.rstrip(" │").split("~")[-1].isdigit()]) >= 4
            whole = next(row for row in seen.rows if " tok " in row)
            await it.press("home", "x")  # the tool
            seen = await it.screen_shows("left out")
            less = next(row for row in seen.rows if " tok " in row)
            assert int(less.split("~")[1].split()[0]) < int(whole.split("~")[1].split()[0])
            await it.press("down", "p")
            await it.screen_shows("always sent")
            await it.press("escape")
            await it.press("enter")
            await it.until(lambda: len(provider.asked) == 2, "the message never came")
            assert "tools" not in provider.asked[1]
            await it.rests()
