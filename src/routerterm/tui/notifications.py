"""What the program says by itself: the answer is here, the budget goes, nobody can be reached; and what to do then."""

from __future__ import annotations

import os
import time
from collections import deque
from typing import TYPE_CHECKING

from routerterm.core.errors import Offline, RoutertermError
from routerterm.tui.clock import now_ms
from routerterm.tui.terminal.attention import GIVE_TITLE_BACK, KEEP_TITLE, TitleState, call, call_of, title

if TYPE_CHECKING:
    from routerterm.tui.app_context import AppContext

LONG = 8.0
"""Seconds of an answer after which a person may have turned to something else."""
KEPT = 200
"""Notices that can be read again."""
TWICE = 3.0
"""Seconds within which a second Ctrl+C means to leave."""


class Notifications:
    """Calls, titles and warnings of one program."""

    def __init__(self, app: AppContext) -> None:
        self._app = app
        self._mood: TitleState | None = None
        self._interrupted = -TWICE
        self.log: deque[tuple[int, str]] = deque(maxlen=KEPT)
        """When (milliseconds since the epoch) and what was said, the newest last."""

    def keep(self, line: str) -> None:
        """Remember a notice for whoever could not read it in time."""
        self.log.append((now_ms(), line))

    # -- the terminal ----------------------------------------------------------------------------------

    def begin(self) -> None:
        """Keep the title that the terminal has, and set ours."""
        self._send(KEEP_TITLE)
        self.mood("idle")

    def end(self) -> None:
        """Give the terminal its own title back."""
        self._send(GIVE_TITLE_BACK)

    def mood(self, mood: TitleState) -> None:
        """Say in the title how things are; what waits for the person stays until it is looked at."""
        if mood == "idle" and self._mood in ("ready", "asking") and not self._app.app_focus:
            return
        if mood != self._mood:
            self._mood = mood
            self._send(title(mood, ascii_only=self._app.ui.glyphs == "ascii"))

    def on_focus(self) -> None:
        """The terminal has the focus again."""
        if self._mood in ("ready", "asking"):
            self.mood("idle")

    def answered(self, seconds: float, well: bool) -> None:
        """An answer has ended: call, if it took long and nobody looks."""
        if self._app.app_focus or seconds < LONG:
            return
        self.mood("ready")
        setting = self._app.services.settings.ui.bell if self._app.services else "auto"
        words = "The answer is complete." if well else "No answer: see the chat."
        self._send(call(call_of(setting, os.environ), words))

    def _send(self, data: str) -> None:
        driver = self._app._driver
        if driver is not None and data and not driver.is_headless:
            driver.write(data)
            driver.flush()

    # -- what goes wrong -------------------------------------------------------------------------------

    def failed(self, error: RoutertermError) -> bool:
        """An answer failed: whether nobody can be reached at all."""
        if isinstance(error, Offline):
            self._app.notify(
                "No provider can be reached. Your question is saved; /retry asks again.\n"
                "F3: local models and the demo need no network.",
                title="Offline", severity="warning", timeout=10, markup=False,
            )  # fmt: skip
            return True
        return False

    async def warn_of_budget(self) -> None:
        """Say which caps have come to a percentage to be warned of, each once: at the start, and after requests."""
        services = self._app.services
        for warning in await services.budget_warnings() if services is not None else ():
            self._app.notify(f"{warning} F4 shows the costs.", severity="warning", timeout=10, markup=False)

    def guarded(self) -> None:
        """What the guard found on the way, without the words."""
        services = self._app.services
        hits = services.costs.hits if services is not None else None
        while hits:
            hit = hits.popleft()
            if hit.action in ("warn", "redact"):
                did = "took out" if hit.action == "redact" else "noticed"
                self._app.notify(
                    f"The guard {did} {hit.count} × {hit.rule}.\n[guard] in /settings controls this.",
                    severity="warning", markup=False,
                )  # fmt: skip

    # -- Ctrl+C ----------------------------------------------------------------------------------------

    def interrupted(self) -> bool:
        """Ctrl+C had nothing to do: whether it was pressed twice; else say what that would do."""
        now = time.monotonic()
        if now - self._interrupted < TWICE:
            return True
        self._interrupted = now
        self._app.notify("Press Ctrl+C again to quit; Ctrl+Q quits at once.", timeout=TWICE)
        return False
