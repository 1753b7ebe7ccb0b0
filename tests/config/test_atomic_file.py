"""Files are replaced whole, by nobody's leave but their owner's; links, pipes and devices stay what they are."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from routerterm.config.atomic_file import NotAFile, atomic_file, atomic_write, open_regular, read_regular


def test_a_file_is_its_owners_alone_from_the_first_byte(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        with atomic_file(tmp_path / "x") as file:
            file.write(b"secret")
            (half,) = tmp_path.iterdir()
            assert stat.S_IMODE(half.stat().st_mode) == 0o600
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [tmp_path / "x"]


def test_an_error_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    atomic_write(tmp_path / "x", "old")

    def half() -> None:
        with atomic_file(tmp_path / "x") as file:
            file.write(b"half of the ne")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        half()
    assert (tmp_path / "x").read_text() == "old"
    assert list(tmp_path.iterdir()) == [tmp_path / "x"]


def test_a_link_is_followed_only_where_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(NotAFile):
        atomic_write(tmp_path / "link", "new")
    assert (tmp_path / "real").read_text() == "old"
    atomic_write(tmp_path / "link", "new", follow=True)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_pipes_devices_and_folders_are_neither_replaced_nor_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder"):
        with pytest.raises(OSError, match=r"pipe|folder"):
            atomic_write(tmp_path / name, "x")
        with pytest.raises(NotAFile):
            open_regular(tmp_path / name)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    with pytest.raises(NotAFile):
        open_regular(Path("/dev/zero"))


def test_a_file_is_read_up_to_a_limit(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"1234")
    assert read_regular(tmp_path / "x", 4) == b"1234"
    with pytest.raises(OSError, match="larger"):
        read_regular(tmp_path / "x", 3)
