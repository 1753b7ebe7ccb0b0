"""A command of the person's, run for what it prints: without our keys, without a terminal, within limits."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from routerterm.core.errors import RoutertermError
from routerterm.core.files import under_name
from routerterm.core.lazy_pattern import LazyPattern
from routerterm.core.messages import Text
from routerterm.core.redact import secret_redactor
from routerterm.core.sanitise import sanitise

MOST_OUTPUT = 200_000
"""Bytes that are kept of what it prints; what comes after them ends it."""
PATIENCE = 120.0
"""Seconds."""
_ESCAPES = LazyPattern(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
"""Colours and titles, of which some programs print even where nobody sees them."""
GRACE = 1.0
"""Seconds between asking it to end and ending it."""


class Printed(Struct, frozen=True):
    """What a command printed, errors among it, and how it ended."""

    command: str
    output: str
    ended: str
    """Such as ``exit status 1``; empty where all went well."""

    @property
    def part(self) -> Text:
        """The output under the command, for a message."""
        end = f"\n[{self.ended}]" if self.ended else ""
        return Text(under_name(f"$ {self.command}", f"{self.output.rstrip()}{end}"), f"$ {self.command}")


async def run_command(command: str, folder: Path, environ: Mapping[str, str] | None = None) -> Printed:
    """Run it with the shell.  Cancelled, it ends with all that it started.  Raises `RoutertermError`."""
    inherited = secret_redactor.clean_environment(os.environ if environ is None else environ)
    try:
        process = await asyncio.create_subprocess_shell(
            command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=folder,
            env={**inherited, "TERM": "dumb", "PAGER": "cat", "GIT_PAGER": "cat", "NO_COLOR": "1"},
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise RoutertermError(f"The command cannot be started: {getattr(error, 'strerror', None) or error}.") from None
    assert process.stdout is not None
    output, ended = bytearray(), "stopped"
    try:
        async with asyncio.timeout(PATIENCE):
            while data := await process.stdout.read(65_536):
                output += data
                if len(output) > MOST_OUTPUT:
                    ended = f"stopped after {MOST_OUTPUT // 1000} kB"
                    break
            else:
                ended = _status(await process.wait())
    except TimeoutError:
        ended = f"stopped after {PATIENCE:g} seconds"
    finally:
        if process.returncode is None or ended.startswith("stopped"):
            await asyncio.shield(_end(process))
    text = output[:MOST_OUTPUT].decode("utf-8", "replace")
    return Printed(command, sanitise(_ESCAPES.sub("", text)), ended)


async def _end(process: asyncio.subprocess.Process) -> None:
    """End the command and whatever it left running."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, sign)  # start_new_session made it the leader of a group of its own
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), GRACE)


def _status(code: int) -> str:
    if code == 0:
        return ""
    return f"exit status {code}" if code > 0 else f"ended by signal {-code}"
