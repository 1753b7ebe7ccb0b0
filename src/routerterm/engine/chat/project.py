"""A project: a folder with ``.routerterm/``, whose conversations begin with its prompt, its model and its files.

# .routerterm/project.toml; every line may be left out
name = "engine"
system = "Answer as a maintainer of this code."
model = "smart"
files = ["README.md", "docs/design.md"]
budget = 5.00
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec import Struct

from routerterm.config.atomic_file import read_regular
from routerterm.core.errors import RoutertermError
from routerterm.core.toml import load_toml

FOLDER = ".routerterm"
FILE = "project.toml"
LARGEST = 100_000
"""Bytes of a project's file."""
MOST_FILES = 20
_KNOWN = frozenset({"name", "system", "model", "files", "budget"})


class Project(Struct, frozen=True):
    """A folder of conversations."""

    folder: Path
    name: str
    system: str = ""
    model: str = ""
    files: tuple[str, ...] = ()
    """Paths from the folder, of what goes with the first message of a conversation; none leads out of it."""
    budget: Decimal | None = None
    """US dollars for all of its conversations together."""

    @property
    def key(self) -> str:
        """What the history calls it."""
        return str(self.folder)


def project_of(working: Path) -> Project | None:
    """The project of a folder, such as that of the start; None where it is none.  Blocks.  Raises `RoutertermError`."""
    if not (working / FOLDER).is_dir():
        return None
    return read_project(working)


def read_project(folder: Path | str) -> Project:
    """What the folder's file says; a folder without one is a project that says nothing.  Blocks.

    Raises `RoutertermError`.
    """
    folder = Path(folder).expanduser().resolve()
    if not folder.is_dir():
        raise RoutertermError(f"There is no folder {folder}.", "/project and a blank lists the projects.")
    path = folder / FOLDER / FILE
    try:
        found = load_toml(read_regular(path, LARGEST).decode())
    except FileNotFoundError:
        found = {}
    except (OSError, ValueError) as error:  # ValueError: no UTF-8, or no TOML
        raise RoutertermError(f"{FOLDER}/{FILE} cannot be read: {error}.") from None
    return _checked(folder, found)


def _checked(folder: Path, found: dict[str, Any]) -> Project:
    if unknown := sorted(set(found) - _KNOWN):
        raise RoutertermError(f"{FOLDER}/{FILE}: there is no {unknown[0]}.", f"It knows {', '.join(sorted(_KNOWN))}.")
    for name in ("name", "system", "model"):
        if not isinstance(found.get(name, ""), str):
            raise RoutertermError(f"{FOLDER}/{FILE}: {name} is a text.")
    files = found.get("files", [])
    if not isinstance(files, list) or not all(isinstance(file, str) for file in files) or len(files) > MOST_FILES:
        raise RoutertermError(f"{FOLDER}/{FILE}: files is a list of at most {MOST_FILES} paths.")
    for file in files:
        if not (folder / file).resolve().is_relative_to(folder):  # a stranger's project must not send one's own files
            raise RoutertermError(f"{FOLDER}/{FILE}: {file} lies outside of the folder.")
    budget = found.get("budget")
    if budget is not None and (isinstance(budget, bool) or not isinstance(budget, int | float) or not budget >= 0):
        raise RoutertermError(f"{FOLDER}/{FILE}: budget is a number of US dollars.")
    return Project(
        folder,
        found.get("name", "") or folder.name or "/",
        found.get("system", ""),
        model=found.get("model", ""),
        files=tuple(files),
        budget=None if budget is None else Decimal(str(budget)),
    )
