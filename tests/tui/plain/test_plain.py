"""The plain talk, as a screen reader hears it: lines in order, no boxes, nothing drawn over."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from routerterm.config.paths import Paths
from routerterm.tui.plain.commands import COMMANDS
from tests.cli.program import PROGRAM, routerterm
from tests.tui.chat.program import configure

DRAWN = re.compile("[\x1b\r\x08\u2500-\u259f]")
"""Escape sequences, overprinting, boxes and blocks."""


def talk(*lines: str) -> str:
    ran = routerterm("--plain", stdin="\n".join(lines) + "\n")
    assert ran.code == 0, ran.err
    assert not DRAWN.search(ran.out)
    return ran.out


def test_a_question_is_answered_and_its_cost_told(paths: Paths) -> None:
    configure(paths)
    said = talk("hello there", "/stats", "/why")
    assert "hello there\n[demo/echo, " in said
    assert "tokens, free]" in said
    assert "Today $0" in said
    assert "You asked for demo/echo" in said


def test_the_first_start_says_what_to_do(paths: Paths) -> None:
    said = talk("/quit")
    assert "routerterm keys add" in said
    assert "routerterm local fetch" in said
    assert "demo/markdown answers" in said


def test_everything_is_told_by_help_and_mistakes_say_what_to_do(paths: Paths) -> None:
    configure(paths)
    said = talk(
        "/help", "/modle demo/code", "/model nobody/none", "/temp 9", "/reasoning much", "/open 7", "/attach no"
    )
    for name in COMMANDS:
        assert f"/{name}:" in said
    assert "There is no command /modle.\nWhat to do: Did you mean /model?" in said
    assert said.count("Error:") == 6
    assert said.count("What to do:") == 6


def test_an_earlier_conversation_is_found_opened_and_gone_on_with(paths: Paths) -> None:
    configure(paths)
    talk("the xylophone question")
    said = talk("/list", "/find xylophone", "/open 1", "and now", "/undo", "/new", "/retry")
    assert "1. The xylophone question" in said
    assert "You: the xylophone question" in said
    assert "Undone: and now" in said
    assert "no question to ask again yet" in said


def test_files_lines_that_go_on_and_wishes(paths: Paths, tmp_path: Path) -> None:
    configure(paths)
    (tmp_path / "notes.txt").write_text("a secret garden\n")
    said = talk(f"/attach {tmp_path}/notes.txt", "/temp 0.5", "/system be brief", "first\\", "second")
    assert "notes.txt, 16 B, is attached to the next question." in said
    assert "first\nsecond" in said
    assert "a secret garden" in said  # the echo says the file too
    assert talk("/reasoning high").count("does not reason") == 1


def test_hostile_answers_do_not_reach_the_terminal(paths: Paths) -> None:
    configure(paths)
    talk("\x1b]0;owned\x07 \x9b31m red \u202e")


def test_failures_are_told_in_order(paths: Paths) -> None:
    configure(paths, default="demo/flaky")
    said = talk("go")
    assert said.index("[demo/flaky: rate limited") < said.index("[demo/flaky, ")


def test_ctrl_c_stops_the_answer_and_keeps_what_was_said(paths: Paths) -> None:
    configure(paths, default="demo/slow")
    process = subprocess.Popen(
        [*PROGRAM, "--plain"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ, text=True, bufsize=0,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("go\n")
    heard = ""
    while "Good" not in heard:
        heard += process.stdout.read(1)
    process.send_signal(signal.SIGINT)
    while "stopped" not in heard:
        heard += process.stdout.read(1)
    process.stdin.write("/quit\n")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "Traceback" not in err
    assert "Good" in talk("/list", "/open 1")


def test_the_setting_does_the_same_and_nothing_that_draws_is_imported(paths: Paths) -> None:
    configure(paths, "[ui]\nplain = true\n")
    assert "routerterm, plain." in routerterm(stdin="/quit\n").out
    code = "import sys, routerterm.tui.plain; print(any(name.split('.')[0] == 'textual' for name in sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert ran.stdout.strip() == "False", ran.stderr
