"""Every end and every start in a real terminal: it is given back, what was written is kept, the code is right."""

from __future__ import annotations

import os
import signal
import termios
from pathlib import Path

import pytest
from tests.cli.program import routerterm
from tests.driver import in_process, in_terminal
from tests.driver.driver import Driver
from tests.driver.homes import PRICED, configure, lived_in, priced
from tests.driver.provider import Answer, serving
from tests.driver.terminal import TerminalDriver

from routerterm.config.paths import Paths


def cooked(it: TerminalDriver) -> bool:
    """Whether the terminal echoes and edits lines again."""
    flags = termios.tcgetattr(it._session.fd)[3]
    return bool(flags & termios.ECHO and flags & termios.ICANON and flags & termios.ISIG)


def given_back(it: TerminalDriver) -> bool:
    """Whether the last that was said to the terminal of each mode is that it is off."""
    raw = bytes(it._session.raw)
    return all(
        raw.rfind(f"\x1b[?{mode}l".encode()) > raw.rfind(f"\x1b[?{mode}h".encode()) for mode in (1049, 1003, 2004)
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_saves_the_draft_and_gives_the_terminal_back(paths: Paths, number: signal.Signals) -> None:
    await lived_in(paths)
    async with in_terminal(paths) as it:
        await it.ask("first question")
        await it.type("half a thought")
        await it.composer_is("half a thought")
        os.kill(it.pid, number)
        assert await it.ended() == 128 + number
        await it.until(lambda: given_back(it) and cooked(it), "the terminal was not given back")
    assert "half a thought" in drafts(it)


async def test_a_program_that_was_stopped_from_outside_draws_itself_again(paths: Paths) -> None:
    await lived_in(paths)
    async with in_terminal(paths) as it:
        await it.type("before")
        await it.composer_is("before")
        os.kill(it.pid, signal.SIGSTOP)
        attributes = termios.tcgetattr(it._session.fd)
        attributes[3] |= termios.ECHO | termios.ICANON | termios.ISIG  # as a shell sets it up for itself
        termios.tcsetattr(it._session.fd, termios.TCSANOW, attributes)
        it._session.emulator.feed("\x1bc$ a shell was here\r\n")
        os.kill(it.pid, signal.SIGCONT)
        await it.until(lambda: not cooked(it), "the terminal was not taken again")
        await it.screen_shows("before")
        await it.screen_lacks("a shell was here")
        await it.type(" after")
        await it.composer_is("before after")
        await it.press("ctrl+q")
        assert await it.ended() == 0
        await it.until(lambda: cooked(it), "the terminal was not given back")


@pytest.mark.parametrize(
    ("key", "shown"), [("f1", "Help"), ("f3", "MODEL"), ("f4", "STATS"), ("f6", "KEYS"), ("ctrl+x", "Quit")]
)
async def test_a_signal_ends_it_whatever_is_open(paths: Paths, key: str, shown: str) -> None:
    await lived_in(paths)
    async with in_terminal(paths) as it:
        await it.type("half a thought")
        await it.composer_is("half a thought")
        await it.press(key)
        await it.sees(lambda seen: shown.casefold() in seen.text.casefold(), f"{key} opened nothing")
        os.kill(it.pid, signal.SIGTERM)
        assert await it.ended() == 128 + signal.SIGTERM
        await it.until(lambda: given_back(it) and cooked(it), "the terminal was not given back")
    assert "half a thought" in drafts(it)


@pytest.mark.parametrize("way", ["ctrl+q", "SIGTERM"])
async def test_what_has_come_of_an_answer_is_kept_at_the_end(paths: Paths, way: str) -> None:
    with serving(Answer("alpha beta gamma delta " * 200, pause=0.05)) as provider:
        await lived_in(paths, priced(provider), default=PRICED)
        async with in_terminal(paths) as it:
            await it.say("a long one")
            await it.screen_shows("alpha beta gamma")
            if way == "SIGTERM":
                os.kill(it.pid, signal.SIGTERM)
            else:
                await it.press(way)
            assert await it.ended() == (0 if way == "ctrl+q" else 128 + signal.SIGTERM)
            await it.until(lambda: given_back(it) and cooked(it), "the terminal was not given back")
    answer = it.history.branch()[-1]
    assert answer.status in ("stopped", "cut", "interrupted")
    assert "alpha beta gamma" in answer.text


async def test_a_signal_during_a_comparison_keeps_what_has_come(paths: Paths) -> None:
    with serving(Answer("alpha beta gamma delta " * 200, pause=0.05)) as provider:
        await lived_in(paths, priced(provider), default="demo/echo")
        async with in_terminal(paths) as it:
            await it.say(f"/compare demo/echo {PRICED}")
            await it.say("which is better")
            await it.sees(lambda seen: "COMPARE" in seen.text and "alpha beta" in seen.text, "nothing is compared")
            os.kill(it.pid, signal.SIGTERM)
            assert await it.ended() == 128 + signal.SIGTERM
            await it.until(lambda: given_back(it) and cooked(it), "the terminal was not given back")
    answers = it.history.texts(role="assistant")
    assert any("alpha beta" in text for text in answers)
    assert any("which is better" in text for text in answers)


async def test_an_answer_is_finished_when_the_terminal_goes_away(paths: Paths) -> None:
    with serving(Answer("alpha beta gamma delta " * 20, pause=0.02)) as provider:
        await lived_in(paths, priced(provider), default=PRICED)
        async with in_terminal(paths) as it:
            await it.type("half a thought")
            await it.press("alt+s")
            await it.say("a long one")
            await it.screen_shows("alpha beta")
            await it.type("another one")
            await it.composer_is("another one")
            os.kill(it.pid, signal.SIGHUP)
            assert await it.ended() == 0
    answer = it.history.branch()[-1]
    assert answer.status == "done"
    assert answer.text.count("delta") == 20
    assert "another one" in drafts(it)


async def test_job_control_gives_the_terminal_to_the_shell_and_takes_it_again(paths: Paths) -> None:
    await lived_in(paths)
    async with in_terminal(paths) as it:
        await it.type("before")
        await it.composer_is("before")
        os.kill(it.pid, signal.SIGTSTP)
        await it.until(lambda: given_back(it) and cooked(it), "the terminal was not given back")
        await it.until(lambda: stopped(it.pid), "it did not stop")
        os.kill(it.pid, signal.SIGCONT)
        await it.until(lambda: not cooked(it), "the terminal was not taken again")
        await it.type(" after")
        await it.composer_is("before after")
        await it.press("ctrl+q")
        assert await it.ended() == 0


async def test_answers_and_signals_are_heard_while_the_editor_is_open(paths: Paths, tmp_path: Path) -> None:
    editor = tmp_path / "ed"
    editor.write_text('#!/bin/sh\nprintf "IN THE EDITOR"\nprintf " and more" >> "$1"\nexec sleep 600\n')
    editor.chmod(0o700)
    with serving(Answer("alpha beta gamma delta " * 20, pause=0.02)) as provider:
        await lived_in(paths, priced(provider), default=PRICED)
        async with in_terminal(paths, environment={"EDITOR": str(editor), "VISUAL": ""}) as it:
            await it.say("a long one")
            await it.screen_shows("alpha beta")
            await it.type("a letter")
            await it.composer_is("a letter")
            await it.press("alt+e")
            await it.screen_shows("IN THE EDITOR")
            await it.until(lambda: it.history.branch()[-1].status == "done", "the answer did not go on")
            os.kill(it.pid, signal.SIGINT)  # Ctrl+C in the editor reaches us too
            os.kill(it.pid, signal.SIGTERM)
            assert await it.ended() == 128 + signal.SIGTERM
            await it.until(lambda: given_back(it) and cooked(it), "the terminal was not given back")
    answer = it.history.branch()[-1]
    assert answer.status == "done"
    assert "a letter and more" in drafts(it)


async def test_a_crash_behind_an_answer_is_told_and_the_program_goes_on(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    await lived_in(paths)
    async with in_process(paths) as it:
        with monkeypatch.context() as broken:
            broken.setattr("routerterm.router.run.planner.RequestPlanner.prepare", crash)
            await it.say("first question")
            await it.screen_shows("routerterm crashed (ZeroDivisionError)")
            await it.rests()
        await it.ask("second question")
        await it.screen_shows("second question")
        await it.press("ctrl+q")
        assert await it.ended() == 0


async def test_a_large_question_goes_out_whole_and_is_kept(paths: Paths) -> None:
    question = "\n".join(f"line {number} of a large question" for number in range(11_000))
    assert len(question) > 300_000
    with serving(Answer("I have read it.")) as provider:
        await lived_in(paths, priced(provider).replace("32000", "1000000"), default=PRICED)
        async with in_process(paths) as it:
            await it.paste(question)
            await it.screen_shows("pasted text")
            await it.say("Read this.")
            await it.screen_shows("I have read it.")
            await it.rests()
    assert question in str(provider.asked[-1]["messages"][-1]["content"]).replace("\\n", "\n")
    asked, answer = it.history.branch()
    assert any(question in str(part.get("text", "")) for part in asked.parts)
    assert answer.status == "done"


def crash(*_: object, **__: object) -> None:
    """A mistake of ours."""
    raise ZeroDivisionError("with words of the person")


def drafts(it: Driver) -> str:
    """All drafts that are on the disk."""
    return str(it.history.rows("SELECT draft FROM conversation UNION SELECT value FROM meta WHERE name = 'draft'"))


def stopped(pid: int) -> bool:
    """Whether a process is stopped by job control."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


async def test_what_is_typed_before_the_first_picture_arrives_in_order(paths: Paths) -> None:
    await lived_in(paths)
    async with in_terminal(paths, ready=False) as it:
        await it.send("from the first moment\nand the next one")
        await it.composer_is("and the next one")
        await it.screen_shows("from the first moment")


async def test_a_start_that_fails_stays_on_screen_and_can_be_tried_again(paths: Paths) -> None:
    configure(paths, "[router\n")
    async with in_terminal(paths, ready=False) as it:
        await it.screen_shows("cannot start", "Try again")
        configure(paths)
        await it.press("r")
        await it.ready()
    configure(paths, "[router\n")
    async with in_terminal(paths, ready=False) as it:
        await it.screen_shows("Try again")
        await it.press("q")
        assert await it.ended() == 2
        await it.until(
            lambda: b"config.toml" in bytes(it._session.raw).rpartition(b"\x1b[?1049l")[2], "nothing is said"
        )


@pytest.mark.parametrize("stdin", [None, "", "a question\n"])
def test_without_a_terminal_a_sentence_and_2(stdin: str | None) -> None:
    ran = routerterm(stdin=stdin)
    assert ran.code == 2
    assert "terminal" in ran.err
    assert "routerterm ask" in ran.err
    assert "\x1b" not in ran.out + ran.err
