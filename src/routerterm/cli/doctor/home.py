"""The folders and the settings: there, private, understood, with room on the disk."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
from collections.abc import AsyncGenerator
from pathlib import Path

from routerterm.cli.doctor import CheckContext, Finding
from routerterm.core.errors import RoutertermError

LITTLE_ROOM = 200_000_000
"""Bytes free on the disk under which a warning is due: a history, its log and its daily copy must fit."""


async def look(context: CheckContext) -> AsyncGenerator[Finding]:
    """The settings first, then the folder of the history."""
    yield await asyncio.to_thread(_settings, context)
    folder = context.paths.database.parent
    if not folder.exists():
        yield Finding("note", f"{folder} does not exist yet; it is created at the first start.")
        return
    if not os.access(folder, os.W_OK | os.X_OK):
        yield Finding("bad", f"{folder} cannot be written.", "Check who owns it, or set ROUTERTERM_HOME.")
        return
    if os.name == "posix":
        yield _privacy(folder, context)
    free = shutil.disk_usage(folder).free
    if free < LITTLE_ROOM:
        yield Finding("bad", f"Only {free // 1_000_000} MB are free on the disk of {folder}.", "Free some space.")


def _settings(context: CheckContext) -> Finding:
    from routerterm.config.settings import load_settings

    if not context.paths.config_file.exists():
        return Finding("good", "No settings file: the defaults apply.")
    try:
        load_settings(context.paths)
    except RoutertermError as error:
        return Finding("bad", error.message, error.hint)
    return Finding("good", f"{context.paths.config_file} is understood.")


def _privacy(folder: Path, context: CheckContext) -> Finding:
    """Nobody else may read what was said."""
    open_ones = [path for path in (folder, context.paths.database) if path.exists() and _mode(path) & 0o077]
    if not open_ones:
        return Finding("good", f"{folder} is private.")
    names = " and ".join(map(str, open_ones))
    if not context.repair:
        return Finding("bad", f"{names} is readable by other users.", "routerterm doctor --mend makes it private.")
    for path in open_ones:
        path.chmod(_mode(path) & 0o700)
    return Finding("good", f"{names} is private again.")


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
