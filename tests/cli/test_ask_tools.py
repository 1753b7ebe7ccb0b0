"""`routerterm ask` with tools: which are offered, who approves, and how it ends."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest
from tests.cli.program import PROGRAM, routerterm
from tests.driver.homes import PRICED, priced
from tests.driver.provider import Answer, serving
from tests.keys.terminal import Terminal

from routerterm.config.paths import Paths

SETTINGS = """
[tools]
folders = ["{notes}"]
start = "{start}"
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home, notes = tmp_path / "home", tmp_path / "notes"
    home.mkdir()
    notes.mkdir()
    return home


def environ(home: Path) -> dict[str, str]:
    return {"ROUTERTERM_HOME": str(home)}


def settings(home: Path, start: str = "auto") -> None:
    (home / "config.toml").write_text(SETTINGS.format(notes=home.parent / "notes", start=start))


def test_tools_are_offered_called_and_recorded_or_left_out(home: Path) -> None:
    settings(home)
    ran = routerterm("ask", "-m", "demo/tools", "--tool", "read_file", "--json", "read", env=environ(home))
    events = [json.loads(line) for line in ran.out.splitlines()]
    kinds = [event["event"] for event in events]
    assert kinds.count("tool_started") == kinds.count("tool_finished") == 1
    result = next(event for event in events if event["event"] == "tool_finished")["result"]
    assert result["name"] == "read_file"
    with closing(sqlite3.connect(Paths.find({"ROUTERTERM_HOME": str(home)}).database)) as rows:
        steps = rows.execute("SELECT step, tool FROM attempt ORDER BY started_at, step").fetchall()
    assert steps == [(1, None), (2, "read_file")]
    quiet = routerterm("ask", "-m", "demo/tools", "--json", "read", env=environ(home))  # no server: auto is off
    assert "tool_started" not in quiet.out


def test_what_tools_answered_is_told_in_words_to_a_model_without_any(home: Path) -> None:
    """Of Perplexity, and of most small models: a call in the history is refused there, or a role it has no word for."""
    (home.parent / "notes" / "falcon.txt").write_text("The falcon is in the attic.")
    plain = '[models."shop/plain"]\nprice_in = 1\nprice_out = 1\ntools = false\n'
    call = Answer("", call=("read_file", '{"path": "falcon.txt"}'))
    with serving(call, Answer("In the attic."), Answer("I said so.")) as provider:
        text = SETTINGS.format(notes=home.parent / "notes", start="on")
        (home / "config.toml").write_text(f"{priced(provider)}{plain}{text}")
        assert routerterm("ask", "-m", PRICED, "Where is it?", env=environ(home)).out.strip() == "In the attic."
        again = routerterm("ask", "-c", "last", "-m", "shop/plain", "Sure?", env=environ(home))
        leaves = routerterm("what-leaves", "-c", "last", "-m", "shop/plain", "Sure?", env=environ(home))
    assert (again.out.strip(), again.code) == ("I said so.", 0)
    told = provider.asked[-1]
    assert "tools" not in told
    assert [message["role"] for message in told["messages"]] == ["user", "assistant", "user", "assistant", "user"]
    assert not [message for message in told["messages"] if "tool_calls" in message]
    assert "The tool read_file was called with" in told["messages"][1]["content"]
    assert "The falcon is in the attic." in told["messages"][2]["content"]
    assert "not written by the user" in told["messages"][2]["content"]
    rows = [line.split()[0] for line in leaves.out.splitlines()[1:] if line.startswith("  ")]
    assert rows == ["you", "call", "result", "answer", "you", "answer", "you", "settings"]


def test_without_a_terminal_nothing_that_needs_an_answer_runs(home: Path) -> None:
    settings(home, "on")
    ran = routerterm("ask", "-m", "demo/tools", "--tool", "fetch", "read", env=environ(home))
    assert ran.code == 5
    assert "fetch was not run: no one approved it." in ran.err
    assert "The user declined this call." in ran.out  # the demo tells what its tool answered
    unknown = routerterm("ask", "-m", "demo/tools", "--tool", "nothing.*", "read", env=environ(home))
    assert unknown.code == 1
    assert "No tool is available as nothing.*." in unknown.err


def test_what_was_typed_before_the_question_does_not_answer_it(home: Path) -> None:
    settings(home, "on")
    words = [*PROGRAM, "ask", "-m", "demo/tools", "--tool", "fetch", "read"]
    terminal = Terminal(words, os.environ | environ(home))
    terminal.type("y\n")
    terminal.wait_for("n no: ")
    terminal.type("n\n")
    assert terminal.end() == 0
    assert b"The user declined this call." in terminal.said


def test_what_a_server_says_of_its_own_tools_counts_only_where_it_is_trusted(home: Path) -> None:
    server = Path(__file__).parents[1] / "engine" / "tools" / "old_server.py"
    mcp = f'[mcp.pad]\ncommand = ["{sys.executable}", "{server}", "claims"]\n'
    call = Answer("", call=("pad__note", '{"text": "milk"}'))
    asked = ("ask", "-m", PRICED, "--tool", "pad", "--approve", "read-only", "Note milk.")
    for trusted in (False, True):
        with serving(call, Answer("Done.")) as provider:
            (home / "config.toml").write_text(f"{priced(provider)}{mcp}trusted = {str(trusted).lower()}\n")
            ran = routerterm(*asked, env=environ(home))
        assert ("pad.note was not run: no one approved it." in ran.err) is not trusted
        assert ("trusted = true under [mcp.pad]" in ran.err) is not trusted
        assert ran.code == (0 if trusted else 5)
