"""Every end and every start in a real terminal: it is given back, what was written is kept, the code is right."""

from __future__ import annotations

import os
import signal
import termios

import pytest
from tests.cli.program import routerterm
from tests.driver import in_terminal
from tests.driver.homes import configure, lived_in
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
    kept = it.history.rows("SELECT draft FROM conversation UNION SELECT value FROM meta WHERE name = 'draft'")
    assert "half a thought" in str(kept)


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
