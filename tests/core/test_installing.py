"""An extra is added by a command that fits how the program was installed."""

from __future__ import annotations

import sys

import pytest

from routerterm.core import installing


@pytest.mark.parametrize(
    ("prefix", "pip", "said"),
    [
        ("/home/person/chat/.venv", True, "-m pip install 'routerterm[pdf]'"),
        ("/home/person/chat/.venv", False, "uv pip install --python"),
        ("/home/person/.local/share/pipx/venvs/routerterm", True, "pipx install --force 'routerterm[pdf]'"),
        (sys.base_prefix, True, "pipx install --force 'routerterm[pdf]'"),  # the bundle, the Debian package
    ],
)
def test_the_command_fits(prefix: str, pip: bool, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", prefix)
    monkeypatch.setattr(installing, "find_spec", lambda name: pip or None)
    assert said in installing.how_to_add("pdf")
