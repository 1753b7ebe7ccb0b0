"""Real file systems for tests that may spoil them: a small tmpfs, and an ext4 in a file that the kernel can be told to
find broken.  Both need the right to mount.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@dataclass
class Ext4:
    """A disk in a file."""

    image: Path
    folder: Path
    mounted: bool = False

    def mount(self) -> Path:
        """Mount it (its journal is played back), turning read-only after an error."""
        _run("mount", "-o", "loop,errors=remount-ro", str(self.image), str(self.folder))
        self.mounted = True
        return self.folder

    def break_it(self) -> None:
        """Have the kernel find an error: from then on it may only be read."""
        device = Path(_run("losetup", "-j", str(self.image)).partition(":")[0]).name
        Path(f"/sys/fs/ext4/{device}/trigger_fs_error").write_text("1")

    def unmount(self) -> None:
        """Take it away."""
        if self.mounted:
            _run("umount", str(self.folder))
            self.mounted = False


@dataclass
class Mounts:
    """What was mounted in a test."""

    scratch: Path
    folders: list[Path] = field(default_factory=list)
    disks: list[Ext4] = field(default_factory=list)

    def tmpfs(self, size: int) -> Path:
        """A file system of so many bytes.  Skips the test where we may not mount."""
        folder = self.scratch / f"tmpfs{len(self.folders)}"
        folder.mkdir()
        try:
            _run("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("no right to mount a tmpfs: run this test as root")
        self.folders.append(folder)
        return folder

    def ext4(self, megabytes: int) -> Ext4:
        """A disk of so many megabytes, not mounted yet.  Skips the test where there is no such thing."""
        disk = Ext4(self.scratch / "disk.img", self.scratch / "disk")
        disk.folder.mkdir()
        with disk.image.open("wb") as file:
            file.truncate(megabytes << 20)
        if shutil.which("mkfs.ext4") is None:
            pytest.skip("mkfs.ext4 is not installed")
        try:
            _run("mkfs.ext4", "-q", "-F", str(disk.image))
            disk.mount()
            disk.unmount()
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("no right to mount an ext4: run this test as root")
        self.disks.append(disk)
        return disk

    def close(self) -> None:
        """Leave nothing mounted."""
        for disk in self.disks:
            disk.unmount()
        for folder in self.folders:
            _run("umount", str(folder))
