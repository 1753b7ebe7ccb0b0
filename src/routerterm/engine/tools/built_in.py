"""The tools that need no server: `fetch` reads web pages, `read_file` files below folders that were allowed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from routerterm.config.schema_tools import ToolSettings
from routerterm.core.errors import RoutertermError
from routerterm.core.messages import Image, Text
from routerterm.engine.tools.values import BUILT_IN, CallResult, ToolInfo
from routerterm.protocols.json_utils import scrub

Run: TypeAlias = Callable[[Mapping[str, Any]], Awaitable[CallResult]]

MOST_ENTRIES = 500
"""Names of a folder that are listed."""

_FETCH = ToolInfo(
    "fetch",
    BUILT_IN,
    "fetch",
    "Read a web page or a text file at a public http(s) address. Gives its text as Markdown, with its links.",
    {
        "type": "object",
        "properties": {"url": {"type": "string", "description": "The address, beginning with https://"}},
        "required": ["url"],
    },
    read_only=True,
    trusted=True,
)
_READ_FILE = ToolInfo(
    "read_file",
    BUILT_IN,
    "read_file",
    "Read a text file, or list a folder, below the folders that the user has allowed: ",
    {
        "type": "object",
        "properties": {
            "path": {"type": "string", "description": "An absolute path, or one relative to an allowed folder"},
            "first_line": {"type": "integer", "minimum": 1, "description": "Where to begin; 1 by default"},
            "lines": {"type": "integer", "minimum": 1, "description": "How many lines; all by default"},
        },
        "required": ["path"],
    },
    permission="allow",
    read_only=True,
    trusted=True,
    local=True,
)


def built_in_tools(
    own: ToolSettings, proxy: str | None, forbidden: Sequence[Path] = ()
) -> dict[str, tuple[ToolInfo, Run]]:
    """Those that the settings switch on, by name.  ``forbidden`` folders are never read: those of routerterm itself."""
    from msgspec.structs import replace

    found: dict[str, tuple[ToolInfo, Run]] = {}
    if own.fetch != "off":

        async def fetch(arguments: Mapping[str, Any]) -> CallResult:
            return await _fetched(arguments, proxy, own.fetch_private)

        found["fetch"] = (replace(_FETCH, permission=own.fetch), fetch)
    folders = tuple(Path(folder).expanduser() for folder in own.folders)
    if folders:

        async def read_file(arguments: Mapping[str, Any]) -> CallResult:
            return await asyncio.to_thread(_read, arguments, folders, forbidden)

        about = _READ_FILE.description + ", ".join(map(str, folders))
        found["read_file"] = (replace(_READ_FILE, description=about), read_file)
    return found


async def _fetched(arguments: Mapping[str, Any], proxy: str | None, private: bool) -> CallResult:
    from routerterm.engine.tools.web_page import fetch_over_network

    url = arguments.get("url")
    if not isinstance(url, str):
        raise RoutertermError("`url` must be text.")
    page = await fetch_over_network(url, proxy, private=private, links=True)
    if isinstance(page.part, Image):
        return CallResult(f"{page.name} is an image, which this tool does not return.", is_error=True)
    return CallResult(page.part.text.strip() if isinstance(page.part, Text) else "")


def _read(arguments: Mapping[str, Any], folders: Sequence[Path], forbidden: Sequence[Path]) -> CallResult:
    """Blocks.  Raises `RoutertermError`, which names the path that was asked for and nothing of where it leads."""
    asked = arguments.get("path")
    if not isinstance(asked, str) or not asked or "\0" in asked:
        raise RoutertermError("`path` must be text.")
    file = _below(asked, folders, forbidden)
    if file.is_dir():
        try:
            names = sorted(each.name + ("/" if each.is_dir() else "") for each in file.iterdir())
        except OSError as error:
            raise RoutertermError(f"{asked} cannot be read: {error.strerror}.") from None
        more = f"\n… and {len(names) - MOST_ENTRIES} more" if len(names) > MOST_ENTRIES else ""
        return CallResult(scrub("\n".join(names[:MOST_ENTRIES])) + more)  # names need not be text
    from routerterm.engine.chat.attachments import LARGEST_TEXT

    try:
        with open_resolved(file) as source:
            data = source.read(LARGEST_TEXT + 1)
    except OSError as error:
        raise RoutertermError(f"{asked} cannot be read: {error.strerror}.") from None
    if len(data) > LARGEST_TEXT:
        raise RoutertermError(f"{asked} is larger than {LARGEST_TEXT // 1_000_000} MB.")
    if b"\0" in data:
        raise RoutertermError(f"{asked} is not a text file.")
    lines = data.decode("utf-8-sig", "replace").splitlines(keepends=True)
    first, count = _number(arguments, "first_line", 1), _number(arguments, "lines", len(lines) or 1)
    return CallResult("".join(lines[first - 1 : first - 1 + count]))


def _below(asked: str, folders: Sequence[Path], forbidden: Sequence[Path]) -> Path:
    """The file that is meant, links followed.  Raises `RoutertermError` unless it is below an allowed folder."""
    for folder in folders:
        try:
            written = Path(asked).expanduser()
            root, file = folder.resolve(strict=True), (folder / written).resolve(strict=True)
        except (OSError, RuntimeError, ValueError):  # also the home of no user, and what no path can be
            continue
        if not file.is_relative_to(root):
            continue
        if any(file.is_relative_to(each.resolve()) for each in forbidden):
            break
        return file
    raise RoutertermError(f"{asked} does not exist below the folders that were allowed.")


def open_resolved(file: Path) -> BinaryIO:
    """The file at a path without links, for reading.  Raises `OSError`, also where a link was put into the path since.

    Another tool may write below the same folder: what was checked and what is read must be the same file.
    """
    from routerterm.config.atomic_file import open_regular

    source = open_regular(file)
    try:
        where = os.readlink(f"/proc/self/fd/{source.fileno()}")  # the kernel's word; other systems have none
    except OSError:
        where = str(file.resolve())
    if where != str(file):
        source.close()
        raise OSError(None, "it changed while it was opened")
    return source


def _number(arguments: Mapping[str, Any], name: str, default: int) -> int:
    value = arguments.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise RoutertermError(f"`{name}` must be a whole number from 1.")
    return value
