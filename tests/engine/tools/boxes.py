"""Tool boxes for tests: over servers that are started as children of the test."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from routerterm.config.keys.values import KeyLocation, KeyRecord
from routerterm.config.schema import Settings
from routerterm.config.schema_tools import McpSettings, ToolSettings
from routerterm.core.secret import Secret
from routerterm.engine.tools.toolbox import Toolbox

HERE = Path(__file__).resolve().parent


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
