"""A slow or stalled line never makes the program wait: keys are answered, the newest state is what comes.

Most of it runs in simulated time, where the seconds are those of the line; whole programs in a real pty are held to
the bytes that the line had to carry before the answer came, not to how fast this machine is.
"""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest
from tests.tui.terminal.sessions import session
from tests.tui.terminal.simulated import Chat

long = pytest.mark.skipif(not os.environ.get("ROUTERTERM_LONG"), reason="takes minutes: make terminal-long")


@pytest.mark.parametrize("noise", [False, True])
@pytest.mark.parametrize(
    ("rate", "mode", "echo", "learn"),
    [(1200, "auto", 0.8, 8), (1200, "slow", 0.8, 4), (30, "slow", 8, 40), (9600, "auto", 0.5, 8), (120, "auto", 3, 60)],
)
def test_keys_and_the_stop_are_shown_at_once(rate: float, mode: str, echo: float, learn: float, noise: bool) -> None:
    chat = Chat(rate, mode)
    chat.noise = noise
    chat.clock.run(learn)
    waits = []
    for key in "ЖЩЮ":
        chat.press(key)
        waits.append(chat.until(key, 120))
        chat.clock.run(3)
    assert max(waits) < echo, waits
    chat.stop()
    assert chat.until("stopped at", 120) < echo
    chat.clock.run(max(4000 / rate, 5))
    assert f"word{chat.words - 1}" in chat.wire.screen() or noise  # what was last, whole
    assert chat.output.painter.shown.text == chat.output.wanted.text


def test_one_can_read_along_at_1200_bytes_a_second() -> None:
    chat = Chat(1200)
    chat.clock.run(10)
    behind = []
    for _ in range(20):
        chat.clock.run(0.5)
        behind.append(chat.words - max(map(int, re.findall(r"word(\d+) ", chat.wire.screen()))))
    assert max(behind) < 60, behind  # of fifty words a second


def test_a_stalled_line_gets_one_difference() -> None:
    chat = Chat(200_000, buffer=4096)
    chat.clock.run(3)
    chat.wire.rate, chat.noise = 0, True
    chat.clock.run(60)
    assert chat.meter.state(chat.clock.now).stalled
    waiting = len(chat.wire.queue)
    chat.press("Ж")
    chat.stop()
    carried = chat.wire.carried
    chat.wire.rate = 200_000
    chat.clock.run(5)
    assert "Ж" in chat.wire.screen()
    assert "stopped at" in chat.wire.screen()
    assert chat.output.painter.shown.text == chat.output.wanted.text
    assert chat.wire.carried - carried < waiting + 2 * 100 * 30  # not the six hundred screens in between


# -- whole programs -------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_at_1200_bytes_a_second_typing_and_stopping_are_quick() -> None:
    with session("stream", "lean", env={"SSH_CONNECTION": "10.0.0.2 50000 10.0.0.1 22"}) as one:
        one.throttled(1200, 60, lambda screen: "word5 " in screen)
        for key in "ЖЩ":
            one.send(key)
            assert one.carried(1200, lambda screen, key=key: key in screen) < 1800
        one.send("\x1b[17~")  # F6: the whole screen changes ten times a second
        one.throttled(1200, 5)  # long enough to learn what the line carries
        one.send("Ю")
        assert one.carried(1200, lambda screen: "Ю" in screen) < 2400
        one.send("\x1b")
        assert one.carried(1200, lambda screen: "stopped at" in screen) < 2400


@pytest.mark.slow
@pytest.mark.parametrize("answer", [True, False])
def test_a_stalled_reader_freezes_nothing_and_gets_one_difference(answer: bool, tmp_path: Path) -> None:
    beats = tmp_path / "beats"
    with session("beating", "lean", "auto", str(beats), answer=answer) as one:
        one.wait("word5 ")
        one.send("\x1b[17~")
        one.wait(lambda screen: "+,-." in screen)
        begun = int(beats.read_text())
        deadline = time.monotonic() + 60
        while int(beats.read_text() or 0) < begun + 40:  # nobody reads, and the screen changes all the time
            assert time.monotonic() < deadline, "the program stands still"
            time.sleep(0.05)
        one.send("abc\x1b")
        while "stopped" not in beats.read_text():  # keys are read while nothing can be written
            assert time.monotonic() < deadline, "the keys are not read"
            time.sleep(0.05)
        assert not one.raw
        screen = one.wait("stopped at", 15)
        assert "abc" in screen


@pytest.mark.slow
@long
def test_300_baud_still_answers_keys() -> None:
    with session("stream", "lean", "slow") as one:
        one.wait("word5 ")
        one.throttled(30, 12)  # long enough to learn how slow the line has become
        one.send("Ж")
        assert one.carried(30, lambda screen: "Ж" in screen) < 900
        one.send("\x1b")
        assert one.carried(30, lambda screen: "stopped at" in screen) < 900
