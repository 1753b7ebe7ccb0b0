"""The person's own editor, started with a clean environment on a file that only its owner can read.

The event loop goes on meanwhile: an answer that streams is kept, and who asks the program to end is heard.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.worker import WorkerCancelled, WorkerFailed

from routerterm.core.errors import RoutertermError
from routerterm.core.redact import secret_redactor

if TYPE_CHECKING:
    from textual.app import App
    from textual.worker import Worker

    from routerterm.tui.widgets.composer import Composer

_USUAL = ("editor", "nano", "vim", "vi", "emacs")


class ExternalEditor:
    """The terminal in the hands of the person's editor; one at a time."""

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._worker: Worker[None] | None = None
        self._ending = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """Whether the terminal belongs to it now."""
        return self._worker is not None and not self._worker.is_finished

    def open(self, composer: Composer) -> None:
        """Write what the composer holds elsewhere; what goes wrong becomes a notice."""
        if not self.is_open:
            self._ending.clear()
            self._worker = self._app.run_worker(self._edit(composer), name="editor", exit_on_error=False)

    async def close(self) -> None:
        """Take the terminal back; what the editor has saved is what is written."""
        if self._worker is not None and self.is_open:
            self._ending.set()
            with suppress(WorkerFailed, WorkerCancelled):
                await self._worker.wait()

    async def _edit(self, composer: Composer) -> None:
        with self._app.suspend():
            written = await open_editor(composer.text, ending=self._ending)
        self._app.refresh(layout=True)
        composer.put(written)
        composer.focus()


GRACE = 2.0
"""Seconds that an editor has to put its terminal in order when it is asked to end."""


async def open_editor(text: str, environ: Mapping[str, str] | None = None, ending: asyncio.Event | None = None) -> str:
    """What the editor made of the text.  The terminal must be free meanwhile.

    Once ``ending`` is set the editor is asked to end, and what it has saved by then counts.
    Raises `RoutertermError` where it cannot be started, fails, or leaves no text behind.
    """
    ending = ending or asyncio.Event()
    environ = os.environ if environ is None else environ
    command = editor_of(environ)
    with tempfile.TemporaryDirectory(prefix="routerterm-") as folder:  # 0700
        file = Path(folder) / "message.md"
        file.write_text(text, encoding="utf-8")
        try:
            process = await asyncio.create_subprocess_exec(
                *command, str(file), env=secret_redactor.clean_environment(environ)
            )
        except OSError as error:
            raise RoutertermError(f"{command[0]} cannot be started: {error.strerror}.", _HINT) from None
        code = await _ended(process, ending)
        if code and not ending.is_set():
            raise RoutertermError(f"{command[0]} exited with code {code}; the text is unchanged.")
        try:
            return file.read_text(encoding="utf-8-sig").removesuffix("\n")
        except (OSError, UnicodeDecodeError):
            raise RoutertermError(f"What {command[0]} saved is not UTF-8 text.", "The text is unchanged.") from None


async def _ended(process: asyncio.subprocess.Process, ending: asyncio.Event) -> int:
    """Wait for the editor, or for the wish that it ends; its exit code."""
    done, asked = asyncio.ensure_future(process.wait()), asyncio.ensure_future(ending.wait())
    try:
        await asyncio.wait((done, asked), return_when=asyncio.FIRST_COMPLETED)
        if not done.done():
            process.terminate()
            await asyncio.wait((done,), timeout=GRACE)
        return await done if done.done() else -1
    finally:
        asked.cancel()
        if process.returncode is None:
            process.kill()
            await done


_HINT = "Set EDITOR, for example: export EDITOR=nano"


def editor_of(environ: Mapping[str, str]) -> list[str]:
    """The command: VISUAL, EDITOR, or the first usual one there is.  Raises `RoutertermError`."""
    for name in ("VISUAL", "EDITOR"):
        if words := shlex.split(environ.get(name, "")):
            return words
    for name in _USUAL:
        if found := shutil.which(name, path=environ.get("PATH")):
            return [found]
    raise RoutertermError("No editor was found.", _HINT)
