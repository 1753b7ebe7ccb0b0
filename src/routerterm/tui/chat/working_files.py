"""The files and folders of the working folder, as rows that an ``@`` is completed from."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from routerterm.core.counting import format_bytes
from routerterm.tui.widgets.fuzzy import best
from routerterm.tui.widgets.suggestions import Suggestion

MOST_ROWS = 40
LISTED_FOR = 10.0
"""Seconds for which a listing of the working folder holds."""


class WorkingFiles:
    """Lists the folder when it is first asked, and again when that was a while ago."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._listed: tuple[str, ...] = ()
        self._listed_at = -LISTED_FOR

    def matching(self, typed: str) -> tuple[Suggestion, ...]:
        """Those that match best; none where a path is typed to its end.  Blocks."""
        if time.monotonic() - self._listed_at > LISTED_FOR:
            from routerterm.engine.chat.working_folder import folders_of, list_files

            files = list_files(self._root)
            self._listed, self._listed_at = (*folders_of(files), *files), time.monotonic()
        if typed in self._listed and not typed.endswith("/"):
            return ()
        return tuple(Suggestion(path, self._about(path), path) for path in self._ranked(typed)[:MOST_ROWS])

    def _ranked(self, typed: str) -> Sequence[str]:
        if typed.endswith("/"):
            return [path for path in self._listed if path.startswith(typed)]
        paths: Sequence[str] = self._listed
        if not typed:
            paths = sorted(paths, key=lambda path: (path.rstrip("/").count("/"), not path.endswith("/"), path))
        return best(typed, paths, lambda path: path)

    def _about(self, path: str) -> str:
        if path.endswith("/"):
            return "folder"
        try:
            return format_bytes((self._root / path).stat().st_size)
        except OSError:
            return ""
