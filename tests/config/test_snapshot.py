"""Settings that were checked once are read as values, and never when anything about the file is different."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from routerterm.config.paths import Paths
from routerterm.config.schema import Settings
from routerterm.config.settings import load_settings
from routerterm.config.validation import validated
from routerterm.core.errors import SettingsError

TEXT = """
[router]
default = "mine"
[routes.mine]
models = ["openai/gpt-5.5", "demo"]
weights = { "demo" = 0.5 }
[budget]
day = 1.50
warn_at = [25, 75]
[budget.providers.openai]
month = 3
[models."openai/gpt-5.5"]
price_in = 0.1
[providers.openai]
keys = ["env:MY_KEY", { ref = "vault:second", quota = 7 }]
[[guard.rules]]
name = "names"
action = "block"
contains_any = ["Ada"]
[bindings]
stats = "f4"
"""
LOADED = "import sys; from routerterm.config.paths import Paths; from routerterm.config.settings import load_settings"


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    found = Paths(tmp_path / "config.toml", tmp_path, tmp_path / "state", tmp_path)
    found.config_file.write_text(TEXT)
    return found


def snapshot(paths: Paths) -> Path:
    return paths.state / "settings.snapshot"


def test_the_second_load_is_the_same_without_pydantic(paths: Paths, tmp_path: Path) -> None:
    first = load_settings(paths, {})
    assert snapshot(paths).stat().st_mode & 0o777 == 0o600
    program = f"{LOADED}; print(load_settings(Paths.find()).budget.day, 'pydantic' in sys.modules)"
    home = os.environ | {"ROUTERTERM_HOME": str(tmp_path)}
    ran = subprocess.run([sys.executable, "-c", program], env=home, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["1.50", "False"]
    assert load_settings(paths, {}) == first
    assert first.given >= {("router", "default"), ("budget", "providers", "openai", "month")}
    assert ("router", "deadline") not in first.given


def test_without_a_file_nothing_is_checked_and_nothing_is_kept(tmp_path: Path) -> None:
    paths = Paths(tmp_path / "config.toml", tmp_path, tmp_path / "state", tmp_path)
    assert load_settings(paths, {}) == Settings() == validated({})
    assert not snapshot(paths).exists()


def test_a_changed_file_is_read_and_a_wrong_one_is_told(paths: Paths) -> None:
    load_settings(paths, {})
    paths.config_file.write_text(TEXT.replace('"f4"', '"f5"'))
    assert load_settings(paths, {}).bindings == {"stats": "f5"}
    paths.config_file.write_text(TEXT.replace("[router]", "[rooter]"))
    for _ in range(2):
        with pytest.raises(SettingsError):
            load_settings(paths, {})


@pytest.mark.parametrize("body", [b"", b"\xc1", b"\x80" * 9, bytes(range(256))])
def test_a_damaged_snapshot_is_not_believed(paths: Paths, body: bytes) -> None:
    expected = load_settings(paths, {})
    snapshot(paths).write_bytes(body)
    assert load_settings(paths, {}) == expected


def test_the_snapshot_of_another_version_or_file_is_not_believed(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    load_settings(paths, {})
    before = snapshot(paths).read_bytes()
    monkeypatch.setattr("routerterm.config.settings.__version__", "0.0.1")
    load_settings(paths, {})
    assert snapshot(paths).read_bytes() != before


def test_the_environment_is_never_kept(paths: Paths) -> None:
    assert load_settings(paths, {"AI_PROXY_URL": "http://proxy:1"}).router.proxy == "http://proxy:1"
    assert load_settings(paths, {}).router.proxy is None


def test_where_the_state_cannot_be_written_the_settings_are_read_all_the_same(paths: Paths) -> None:
    paths.state.write_text("no folder")
    assert load_settings(paths, {}).router.default == "mine"
