"""How soon screens open and letters stand on a history of 10,000 conversations and a ledger of 100,000 rows.

    python benchmarks/screens.py [--conversations N] [--rows N]

Times are of the thread that draws, so that other programs do not count.  Each screen is opened by its command in a
headless terminal of 120×40: "first" is the work until its first frame has been handed to the driver (title, lines and
what is known at once), "whole" that until the last frame with all of its data.  Beside them a bare Textual screen with
one line of text, pushed in the same program: the figures of one machine mean little to another, the ratio counts.
"Loop away" is how long the event loop was away at most while the data came in.  The screen's module has been imported
before, as the program itself does once it is quiet.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

FRAME = 1 / 60
TWO_FRAMES = 2 * FRAME
KEYS = {"model picker": "f3", "stats": "f4", "find": "f5", "keys": "f6", "route": "f7", "themes": "f8", "help": "f1"}
ROUNDS = 5


class Loop:
    """Measures how long the event loop is away from its other work."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def watch(self) -> None:
        while True:
            before = time.thread_time()
            await asyncio.sleep(0.0005)
            self.longest = max(self.longest, time.thread_time() - before)
            await asyncio.sleep(0.001)


class Frames:
    """Notes what had been worked when frames of another screen were handed to the driver."""

    def __init__(self, app) -> None:  # type: ignore[no-untyped-def]
        self._app, self._display = app, app._display
        self.before: object = app.screen
        self.at: list[float] = []
        app._display = self._displayed

    def _displayed(self, screen, renderable) -> None:  # type: ignore[no-untyped-def]
        self._display(screen, renderable)
        if screen is not self.before and renderable is not None:
            self.at.append(time.thread_time())

    def begin(self) -> None:
        self.before = self._app.screen
        self.at.clear()


async def opened(frames: Frames, action) -> tuple[float, float, float]:  # type: ignore[no-untyped-def]
    """Seconds of work until the first frame of another screen, until its last, and the longest absence meanwhile."""
    frames.begin()
    loop = Loop()
    begun = time.thread_time()
    await action()
    while not frames.at:  # noqa: ASYNC110
        await asyncio.sleep(0.0005)
    watching = asyncio.create_task(loop.watch())
    await asyncio.sleep(0.7)
    watching.cancel()
    return frames.at[0] - begun, frames.at[-1] - begun, loop.longest


async def measure() -> tuple[float, dict[str, tuple[float, float, float]], float]:
    from textual.screen import Screen
    from textual.widgets import Static

    from routerterm.config.early_settings import quick_ui
    from routerterm.config.paths import Paths
    from routerterm.tui.app import RoutertermApp

    class Bare(Screen[None]):
        def compose(self):  # type: ignore[no-untyped-def]
            yield Static("nothing to see")

    paths = Paths.find()
    app = RoutertermApp(paths, quick_ui(paths))
    found: dict[str, tuple[float, float, float]] = {}
    async with app.run_test(size=(120, 40)) as pilot:
        while app.services is None or not app.chat.conversation.model:
            await pilot.pause(0.05)
        await pilot.pause(1.0)

        async def push() -> None:
            app.push_screen(Bare())

        controls = []
        frames = Frames(app)
        for _ in range(ROUNDS):
            controls.append((await opened(frames, push))[0])
            app.pop_screen()
            await pilot.pause(0.1)
        for name, key in KEYS.items():
            command = {"f3": "models", "f8": "themes", "f1": "help"}.get(key, name)
            times = []
            for _ in range(ROUNDS):
                times.append(await opened(frames, lambda command=command: app.action_command(command)))
                while app.screen is not app.chat:
                    await pilot.press("escape")
                await pilot.pause(0.1)
            warm = times[1:]  # the first one imports the screen's module
            first, whole, away = (statistics.median(column) for column in zip(*warm, strict=True))
            found[name] = (first, whole, away)
        letters = []
        for letter in "the quick brown fox jumps":
            begun = time.thread_time()
            app.chat.composer.insert(letter)
            app.screen._compositor.render_strips()
            letters.append(time.thread_time() - begun)
            await pilot.pause(0.03)
    return statistics.median(controls), found, statistics.median(letters)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--conversations", type=int, default=10_000)
    parser.add_argument("--rows", type=int, default=100_000)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["ROUTERTERM_HOME"] = home
        from tests.tui.seed import fill

        from routerterm.config.paths import Paths

        asyncio.run(fill(Paths.find(), wanted.conversations, wanted.rows, time.time_ns() // 1_000_000))
        Paths.find().config_file.write_text('[router]\ndefault = "demo/echo"\n')
        control, found, letter = asyncio.run(measure())
    print(
        f"{wanted.conversations:,} conversations, {wanted.rows:,} rows; a bare Textual screen: {control * 1000:.1f} ms"
    )
    print(f"{'screen':14}{'first':>10}{'× bare':>8}{'whole':>10}{'loop away':>12}")
    slow = 0
    for name, (first, whole, away) in found.items():
        slow += first > TWO_FRAMES
        print(f"{name:14}{first * 1000:7.1f} ms{first / control:8.1f}{whole * 1000:7.1f} ms{away * 1000:9.1f} ms")
    print(f"{'a letter':14}{letter * 1000:7.1f} ms{letter / control:8.1f}")
    print(f"two frames are {TWO_FRAMES * 1000:.0f} ms: {'all within' if not slow else f'{slow} not within'}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
