"""Where things lie."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from routerterm.config.paths import Paths, built_in_themes, make_private_folder
from routerterm.core.errors import StoreError


def test_one_folder_holds_everything(tmp_path: Path) -> None:
    paths = Paths.find({"ROUTERTERM_HOME": str(tmp_path)})
    assert paths.config_file == tmp_path / "config.toml"
    assert paths.database == tmp_path / "history.db"
    assert paths.user_themes == tmp_path / "themes"
    assert paths.theme_dirs() == (built_in_themes(), tmp_path / "themes")
    assert tmp_path in paths.state.parents
    assert tmp_path in paths.models.parents


def test_a_home_is_absolute_wherever_the_program_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Paths.find({"ROUTERTERM_HOME": "portable"}).data == tmp_path / "portable"
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Paths.find({"ROUTERTERM_HOME": "~/rt"}).data == tmp_path / "rt"


@pytest.mark.skipif(
    os.name != "posix" or not hasattr(os, "uname") or os.uname().sysname != "Linux", reason="Linux only"
)
def test_without_it_the_systems_own_folders_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONFIG", "DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name))
    paths = Paths.find({})
    assert paths.config_file == tmp_path / "CONFIG" / "routerterm" / "config.toml"
    assert paths.database == tmp_path / "DATA" / "routerterm" / "history.db"
    assert paths.state == tmp_path / "STATE" / "routerterm"


def test_several_homes_share_weights(tmp_path: Path) -> None:
    paths = Paths.find({"ROUTERTERM_HOME": "/somewhere", "ROUTERTERM_MODEL_DIR": str(tmp_path)})
    assert paths.models == tmp_path
    assert paths.data == Path("/somewhere")


def test_an_empty_variable_is_none(tmp_path: Path) -> None:
    assert Paths.find({"ROUTERTERM_HOME": "", "ROUTERTERM_MODEL_DIR": ""}) == Paths.find({})


def test_folders_are_for_their_owner_alone(paths: Paths) -> None:
    paths.make()
    paths.make()
    for folder in (paths.config_file.parent, paths.data, paths.state):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be created: Not a directory") as caught:
        make_private_folder(tmp_path / "file" / "folder")
    assert "ROUTERTERM_HOME" in caught.value.hint
