"""``!command`` in the composer: run it once it is confirmed, and attach what it printed."""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from routerterm.core.lazy_pattern import LazyPattern
from routerterm.core.sanitise import one_line
from routerterm.tui.chat.attachment_files import attached

if TYPE_CHECKING:
    from textual.worker import Worker

    from routerterm.tui.chat.attachments import Attachments, Tray
    from routerterm.tui.chat.confirmation import Confirmation
    from routerterm.tui.widgets.composer import Composer

COMMAND = LazyPattern(r"!([\w./~$(\[{'\"][^\n]*)\Z")
"""A line that is a command: ``!`` and something that a shell could run; ``!!!`` is none, nor is ``! so``."""
SHORT = 40
"""Letters of a command in the status row; all of it stands in the composer."""


class Tell(Protocol):
    """Shows a notice."""

    def __call__(self, text: str, timeout: float = 4) -> None:
        """``timeout`` in seconds."""
        ...


class ShellCommands:
    """Asks, runs and attaches: one command at a time."""

    def __init__(
        self,
        composer: Composer,
        attachments: Attachments,
        confirmation: Confirmation,
        *,
        run: Callable[[Coroutine[Any, Any, None], str], Worker[None]],
        tell: Tell,
    ) -> None:
        self._composer = composer
        self._attachments = attachments
        self._confirmation = confirmation
        self._run = run
        self._tell = tell
        self._worker: Worker[None] | None = None

    def took(self, text: str) -> bool:
        """Whether the text is a command; it is asked whether to run it, and it stands in the composer meanwhile."""
        found = COMMAND.match(text.strip("\n"))
        if found is None:
            return False
        command = found[1].rstrip()
        self._composer.give_back(text)

        def confirmed() -> None:
            if self._composer.text == text:
                self._composer.put("")
            self._worker = self._run(self._attach_output(command, self._attachments.items), "shell")

        shown = one_line(command)
        folder = os.path.basename(os.getcwd()) or "/"
        label = f"Run {shown[:SHORT]}{'…' if len(shown) > SHORT else ''}"
        self._confirmation.ask(label, f"in {folder}", confirmed, yes="runs it")
        return True

    def stop(self) -> bool:
        """Stop the command that is running; False if none is."""
        if self._worker is None or self._worker.is_finished:
            return False
        self._worker.cancel()
        self._tell("Stopped; nothing was attached.")
        return True

    async def _attach_output(self, command: str, items: Tray) -> None:
        from routerterm.engine.chat.shell_command import PATIENCE, run_command

        self._tell(f"Running {one_line(command)[:SHORT]}. Press Esc to stop it.", PATIENCE)
        printed = await run_command(command, Path.cwd())
        item = attached(printed.part, kind="output")
        await self._attachments.add(item, items)
        ended = printed.ended or "done"
        self._tell(f"{one_line(command)[:SHORT]}: {ended}, {item.shown_size} attached. Ask about it.")
