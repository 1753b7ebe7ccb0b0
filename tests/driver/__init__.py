"""The driver for tests of the interface: keys and mouse in; text, focus and dialogs of the screen out.

`in_process` runs the program headless inside the test (fast, deterministic); `in_terminal` runs it as a process in a
real pty, seen through a terminal emulator.  Both give a `Driver` with the same verbs, so that one test can use either:

    async with in_process(paths) as it:
        await it.say("hello")
        await it.answered()
        await it.screen_shows("demo/echo")
        it.history.holds("hello", ...)

Whatever is asked of the program is asked of its screen, of its history on disk, or of the one probe in `probe.py`; so
the interface can be rebuilt without rewriting its tests.
"""

from __future__ import annotations

from tests.driver.driver import Driver
from tests.driver.headless import HeadlessDriver, in_process
from tests.driver.history import History
from tests.driver.picture import Picture
from tests.driver.terminal import TerminalDriver, in_terminal

__all__ = ["Driver", "HeadlessDriver", "History", "Picture", "TerminalDriver", "in_process", "in_terminal"]
