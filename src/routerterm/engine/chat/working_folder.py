"""The folder in which the program was started: which files may be meant there, and a folder's content as one text."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from routerterm.config.atomic_file import open_regular
from routerterm.core.errors import RoutertermError
from routerterm.core.files import under_name
from routerterm.core.messages import Text
from routerterm.core.redact import secret_redactor

MOST_FILES = 20_000
"""Files that are listed of a folder: beyond that one names a path better by hand."""
WALK_SECONDS = 2.0
GIT_SECONDS = 5.0
DEEPEST = 12
"""Folders in folders, where git is not there to say what belongs."""
FOLDER_BYTES = 200_000
"""Text that a folder brings along, about 50,000 tokens; what is over it is only listed."""
FILE_BYTES = 64_000
"""A longer file of a folder is only listed; named by itself it is attached whole."""
_NEVER = frozenset({"node_modules", "__pycache__", "venv", "site-packages"})
"""Folders of other people's code, left out where no ``.gitignore`` says so."""


def list_files(root: Path, environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """The files below ``root``, by their paths from it, without those that git ignores.  Blocks for seconds.

    Hidden files are listed where git knows of them.
    """
    found = _by_git(root, os.environ if environ is None else environ)
    return tuple(sorted(_walked(root) if found is None else found))


def folders_of(files: tuple[str, ...]) -> tuple[str, ...]:
    """The folders in which the files are, each with a slash at its end."""
    found: set[str] = set()
    for file in files:
        parent = file.rpartition("/")[0]
        while parent and f"{parent}/" not in found:
            found.add(f"{parent}/")
            parent = parent.rpartition("/")[0]
    return tuple(sorted(found))


def folder_text(folder: Path, name: str) -> Text:
    """The listing of a folder, then its text files while there is room.  Blocks.  Raises `RoutertermError`."""
    root = folder.resolve()
    files = list_files(root)
    if not files:
        raise RoutertermError(f"{name} has no files in it.", "Files that git ignores are left out.")
    pieces, left, listing = [], FOLDER_BYTES, []
    for file in files:
        text = _text_of(root, file, min(left, FILE_BYTES))
        if text is not None:
            pieces.append(under_name(f"{name.rstrip('/')}/{file}", text))
            left -= len(text.encode())
        listing.append(file if text is not None else f"{file} (not included)")
        left -= len(file.encode())
    whole = under_name(f"{name.rstrip('/')}/", "\n".join(listing)) + "".join(pieces)
    return Text(whole, f"{name.rstrip('/')}/")


def _text_of(root: Path, file: str, most: int) -> str | None:
    """The text of a file; None where it is none, is too long, or lies outside by way of a link."""
    path = root / file
    try:
        if most <= 0 or not path.resolve().is_relative_to(root):
            return None
        with open_regular(path) as source:
            data = source.read(most + 1)
        text = data.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return None
    return None if len(data) > most or "\0" in text else text


def _by_git(root: Path, environ: Mapping[str, str]) -> list[str] | None:
    """What git lists; None where there is no git, or no repository that it trusts."""
    # A repository's own settings may name a program for git to run: this one would be run by listing files.
    command = ["git", "-C", str(root), "-c", "core.fsmonitor=false", "ls-files", "-co", "--exclude-standard", "-z"]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            timeout=GIT_SECONDS,
            env=secret_redactor.clean_environment(environ),
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode:
        return None
    names = dict.fromkeys(os.fsdecode(name) for name in done.stdout.split(b"\0")[:MOST_FILES] if name)
    return [name for name in names if _printable(name) and (root / name).is_file()]


def _walked(root: Path) -> Iterator[str]:
    """What lies on the disk: nothing hidden, within limits of depth, number and time."""
    ends, count = time.monotonic() + WALK_SECONDS, 0
    for folder, folders, files in os.walk(root):
        inside = os.path.relpath(folder, root)
        depth = 0 if inside == "." else inside.count(os.sep) + 1
        folders[:] = sorted(f for f in folders if f[0] != "." and f not in _NEVER and depth < DEEPEST)
        for file in files:
            if file[0] != "." and _printable(file):
                count += 1
                yield file if inside == "." else f"{inside.replace(os.sep, '/')}/{file}"
        if count > MOST_FILES or time.monotonic() > ends:
            return


def _printable(name: str) -> bool:
    """Whether it can be shown and typed: no line breaks, no bytes that are no text."""
    return name.isprintable()
