"""A slow or stalled line never makes the program wait: keys are answered, the newest state is what comes."""

from __future__ import annotations

import re
import time

import pytest
from tests.tui.terminal.sessions import session

pytestmark = pytest.mark.slow


def away(screen: str) -> int:
    """The milliseconds that the event loop was away at worst, as the program says."""
    return int(re.search(r"loop away (\d+) ms", screen)[1])  # type: ignore[index]


def test_at_1200_bytes_a_second_typing_and_stopping_are_quick() -> None:
    with session("stream", "lean") as one:
        one.throttled(1200, 20, lambda screen: "word5 " in screen)
        one.throttled(1200, 4)
        waits = []
        for key in "ЖЩЮ":
            one.send(key)
            waits.append(one.throttled(1200, 8, lambda screen, key=key: key in screen))
            one.throttled(1200, 0.5)
        assert max(waits) < 1.5, waits
        shown = max(map(int, re.findall(r"word(\d+)", one.emulator.text())))
        one.send("\x1b")
        stopped = one.throttled(1200, 8, lambda screen: "at most" in screen)
        assert stopped < 1.5
        screen = one.emulator.text()
        assert away(screen) < 500
        at = int(re.search(r"stopped at (\d+)", screen)[1])  # type: ignore[index]
        assert at - shown < 200  # one could read along
        one.throttled(1200, 6, lambda screen: f"word{at}" in screen)
        assert f"word{at} " in one.emulator.text()


def test_more_than_the_line_carries_does_not_pile_up() -> None:
    with session("stream", "lean") as one:
        one.throttled(1200, 20, lambda screen: "word5 " in screen)
        one.send("\x1b[17~")  # F6: the whole screen changes ten times a second
        one.throttled(1200, 10)
        one.send("Ж")
        assert one.throttled(1200, 8, lambda screen: "Ж" in screen) < 2
        one.send("\x1b")
        assert one.throttled(1200, 8, lambda screen: "at most" in screen) < 2
        assert away(one.emulator.text()) < 500


@pytest.mark.parametrize("answer", [True, False])
def test_a_stalled_reader_freezes_nothing_and_gets_one_difference(answer: bool) -> None:
    with session("stream", "lean", answer=answer) as one:
        one.wait("word5 ")
        one.send("\x1b[17~")
        one.wait(lambda screen: "+,-." in screen)
        time.sleep(3)  # nobody reads, and the screen changes all the time
        one.send("abc\x1b")
        time.sleep(1)
        before = len(one.raw)
        screen = one.wait("at most", 5)
        assert before == 0
        assert away(screen) < 500
        assert "abc" in screen


def test_300_baud_still_answers_keys() -> None:
    with session("stream", "lean", "slow") as one:
        one.wait("word5 ")
        one.throttled(30, 12)  # long enough to learn how slow the line has become
        one.send("Ж")
        assert one.throttled(30, 40, lambda screen: "Ж" in screen) < 25
        one.send("\x1b")
        assert one.throttled(30, 40, lambda screen: "stopped at" in screen) < 25
