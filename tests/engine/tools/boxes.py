"""Tool boxes for tests: over servers that are started as children of the test."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from routerterm.config.keys.values import KeyLocation, KeyRecord
from routerterm.config.schema import Settings
from routerterm.config.schema_tools import McpSettings, ToolSettings
from routerterm.core.secret import Secret
from routerterm.engine.tools.toolbox import Toolbox
from tests.driver.driver import PATIENCE

HERE = Path(__file__).resolve().parent


def is_running(pid: int) -> bool:
    """Whether a process runs; one that has ended and is not yet collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(holds: Callable[[], bool], every: float = 0.02) -> None:
    """Wait for it, as long as anything here may take on a busy machine.  Blocks."""
    until = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < until, "it never came"
        time.sleep(every)


class Secrets:
    """Knows what is in the environment it was given."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    async def secret(self, row: KeyRecord) -> Secret:
        assert row.place is KeyLocation.ENVIRONMENT
        return Secret(self._environ[row.where])


def old(vice: str = "none", *arguments: str, **fields: Any) -> McpSettings:
    return McpSettings(command=(sys.executable, str(HERE / "old_server.py"), vice, *arguments), **fields)


def real(*arguments: str, **fields: Any) -> McpSettings:
    return McpSettings(command=(sys.executable, str(HERE / "real_server.py"), *arguments), **fields)


def box(
    folder: Path,
    *,
    environ: Mapping[str, str] | None = None,
    tools: ToolSettings | None = None,
    **servers: McpSettings,
) -> Toolbox:
    settings = Settings(mcp=servers, tools=tools or ToolSettings(fetch="off"))
    return Toolbox(settings, Secrets(environ or {}), folder, environ=environ)
