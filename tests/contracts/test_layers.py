"""The arrows between rooms, as written in pyproject.toml: they hold, and they break when broken on purpose."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """import-linter over the checkout in ``folder``."""
    program = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    environ = os.environ | {"PYTHONPATH": str(folder / "src"), "COLUMNS": "200"}
    command = [sys.executable, "-c", program]
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=120)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the source and its contracts."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__", "data"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_all_contracts_hold() -> None:
    result = lint(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr
    assert " 0 broken" in result.stdout


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("core/ids.py", "import routerterm.store", "Arrows point down"),
        ("protocols/base.py", "import routerterm.catalog.values", "Arrows point down"),
        ("router/options.py", "import routerterm.config.paths", "Arrows point down"),
        ("engine/chat/title.py", "import routerterm.tui", "Arrows point down"),
        ("core/sanitise.py", "import routerterm.cli", "Arrows point down"),
        ("cellar/__init__.py", "", "Arrows point down"),
        ("tui/markdown/lines.py", "import routerterm.tui.transcript.values", "Within the interface"),
        ("tui/chat/spending.py", "import routerterm.tui.screens.find", "Within the interface"),
        ("core/money.py", "import time", "The pure rooms touch no clock"),
        ("protocols/base.py", "import httpx", "The pure rooms touch no clock"),
        ("router/options.py", "import httpx", "Only the transport speaks HTTP"),
        ("engine/chat/title.py", "import sqlite3", "Only the store speaks SQL"),
        ("router/options.py", "import textual", "Only the interface draws"),
    ],
)
def test_a_contract_that_is_broken_on_purpose_is_caught(checkout: Path, file: str, line: str, contract: str) -> None:
    broken = checkout / "src" / "routerterm" / file
    broken.parent.mkdir(exist_ok=True)
    with broken.open("a", encoding="utf-8") as source:
        source.write(f"\n{line}\n")
    result = lint(checkout)
    assert result.returncode != 0
    assert contract in result.stdout.partition("Broken contracts")[2] or "cellar" in result.stdout + result.stderr
