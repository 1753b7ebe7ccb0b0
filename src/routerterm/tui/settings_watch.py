"""Takes up settings that are changed on disk while the program runs, or says why they cannot be."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from routerterm.core.errors import RoutertermError


class SettingsWatch:
    """Looks at the settings file whenever it is asked to.

    ``take_up`` puts changed settings in force and raises `RoutertermError` where they are wrong: then those of before
    go on.  ``told`` is called with what went wrong, or None.
    """

    def __init__(
        self,
        file: Path,
        take_up: Callable[[], Awaitable[None]],
        told: Callable[[RoutertermError | None], None],
    ) -> None:
        self._file = file
        self._take_up = take_up
        self._told = told
        self._seen: tuple[int, int] | None = None

    async def look(self) -> None:
        """Take the file up if it has changed since it was last in force."""
        seen = self._seen
        now = await asyncio.to_thread(_stamp, self._file)
        if seen is None or now == seen or self._seen != seen:  # unchanged, or we have just written it ourselves
            return
        self._seen = now
        try:
            await self._take_up()
        except RoutertermError as error:
            self._told(error)
        else:
            self._told(None)

    async def in_force(self) -> None:
        """The file is being taken up as it is now."""
        self._seen = await asyncio.to_thread(_stamp, self._file)


def _stamp(path: Path) -> tuple[int, int]:
    """When a file was changed, and its size; zeros where there is none."""
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_size)
