"""How a person adds an extra (a group of optional packages in pyproject.toml) to the installation that is running."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import PurePath


def how_to_add(extra: str) -> str:
    """The one command.  The bundle and the Debian package take none in: there it installs the program anew."""
    what = f"'routerterm[{extra}]'"
    if sys.prefix == sys.base_prefix or "pipx" in PurePath(sys.prefix).parts:
        return f"pipx install --force {what}"
    if find_spec("pip") is None:  # made by uv
        return f"uv pip install --python {sys.executable} {what}"
    return f"{sys.executable} -m pip install {what}"
