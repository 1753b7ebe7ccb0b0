"""Our vault as a file among programs: made, opened, changed, killed in the middle, shared."""

from __future__ import annotations

import os
import random
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from routerterm.config.keys.encrypted_vault import EncryptedVault
from routerterm.config.keys.errors import VaultDamaged, VaultLocked, WrongPassphrase
from routerterm.config.keys.files import atomic_write
from routerterm.config.keys.kernel_keyring import KernelKeyring
from routerterm.core.errors import VaultError
from routerterm.core.secret import Secret
from tests.driver.driver import PATIENCE
from tests.keys.parts import CHEAP, OPENAI, OTHER, PASSPHRASE, Recalled, own_vault

ROOT = Path(__file__).parents[2]


def start_writer(folder: Path, name: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.keys.writer", str(folder), name, str(count)],
        stdout=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip


def test_made_with_its_passphrase_private_and_unreadable(tmp_path: Path) -> None:
    vault = own_vault(tmp_path)
    assert vault.status().state == "new"
    with pytest.raises(VaultLocked):
        vault.set("openai/default", Secret(OPENAI))
    vault.unlock(PASSPHRASE)
    assert vault.status().state == "ready"
    vault.set("openai/default", Secret(OPENAI))
    vault.set("groq/default", Secret(OTHER))
    assert vault.get("openai/default") == Secret(OPENAI)
    assert vault.get("nobody/default") is None
    assert vault.names() == ("groq/default", "openai/default")
    vault.delete("groq/default")
    vault.delete("groq/default")
    assert vault.names() == ("openai/default",)
    assert stat.S_IMODE(vault.path.stat().st_mode) == 0o600
    for file in tmp_path.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert OPENAI.encode() not in file.read_bytes()


def test_a_short_passphrase_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(WrongPassphrase, match="at least 8"):
        own_vault(tmp_path).unlock("short")
    assert not own_vault(tmp_path).path.exists()


def test_a_wrong_passphrase_changes_nothing(tmp_path: Path) -> None:
    vault = own_vault(tmp_path)
    vault.unlock(PASSPHRASE)
    vault.set("openai/default", Secret(OPENAI))
    before = vault.path.read_bytes()
    other = own_vault(tmp_path)
    assert other.status().state == "locked"
    with pytest.raises(WrongPassphrase):
        other.unlock("something else")
    with pytest.raises(VaultLocked):
        other.get("openai/default")
    assert vault.path.read_bytes() == before


def test_locking_and_another_program(tmp_path: Path) -> None:
    kernel = Recalled()
    first, second = own_vault(tmp_path, kernel), own_vault(tmp_path, kernel)
    first.unlock(PASSPHRASE)
    first.set("openai/default", Secret(OPENAI))
    assert second.get("openai/default") == Secret(OPENAI), "the kernel told the second program"
    second.set("openai/default", Secret(OTHER))
    assert first.get("openai/default") == Secret(OTHER), "the first notices the change"
    first.lock()
    assert kernel.kept == {}
    assert first.status().state == "locked"
    assert own_vault(tmp_path, kernel).status().state == "locked"


def test_a_new_passphrase_shuts_the_old_one_out(tmp_path: Path) -> None:
    kernel = Recalled()
    vault, running = own_vault(tmp_path, kernel), own_vault(tmp_path)
    vault.unlock(PASSPHRASE)
    running.unlock(PASSPHRASE)
    vault.set("openai/default", Secret(OPENAI))
    with pytest.raises(WrongPassphrase):
        vault.change_passphrase("not the old one", "a new passphrase")
    with pytest.raises(WrongPassphrase, match="at least"):
        vault.change_passphrase(PASSPHRASE, "short")
    assert vault.get("openai/default") == Secret(OPENAI)
    vault.change_passphrase(PASSPHRASE, "a new passphrase")
    assert vault.get("openai/default") == Secret(OPENAI)
    assert len(kernel.kept) == 1
    with pytest.raises(VaultLocked):
        running.get("openai/default")
    with pytest.raises(WrongPassphrase):
        running.unlock(PASSPHRASE)
    running.unlock("a new passphrase")
    assert running.get("openai/default") == Secret(OPENAI)


def test_a_damaged_file_is_named_and_left_alone(tmp_path: Path) -> None:
    vault = own_vault(tmp_path)
    vault.unlock(PASSPHRASE)
    vault.set("openai/default", Secret(OPENAI))
    broken = vault.path.read_bytes()[:100]
    vault.path.write_bytes(broken)
    other = own_vault(tmp_path)
    assert "truncated" in other.status().detail
    for attempt in (lambda: other.unlock(PASSPHRASE), lambda: vault.set("a/b", Secret(OTHER)), other.names):
        with pytest.raises(VaultDamaged):
            attempt()
    assert vault.path.read_bytes() == broken


@pytest.mark.skipif(os.name != "posix" or not Path("/dev/full").exists(), reason="no full disk to be had")
def test_a_disk_that_is_full_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "keys.vault"
    atomic_write(target, b"old")
    real = os.open
    monkeypatch.setattr(
        os,
        "open",
        lambda path, flags, *mode: real(
            "/dev/full" if flags & os.O_CREAT else path, flags & ~os.O_CREAT & ~os.O_EXCL, *mode
        ),
    )
    with pytest.raises(VaultError, match="No space left") as refused:
        atomic_write(target, b"new" * 100_000)
    monkeypatch.undo()
    assert target.read_bytes() == b"old"
    assert "unchanged" in refused.value.hint


def test_a_link_to_the_vault_stays_a_link(tmp_path: Path) -> None:
    real = tmp_path / "elsewhere" / "v"
    real.parent.mkdir()
    link = tmp_path / "keys.vault"
    link.symlink_to(real)
    vault = EncryptedVault(link, Recalled(), cost=CHEAP)
    vault.unlock(PASSPHRASE)
    vault.set("openai/default", Secret(OPENAI))
    assert link.is_symlink()
    assert real.is_file()


def test_two_programs_at_once_lose_no_key(tmp_path: Path) -> None:
    own_vault(tmp_path).unlock(PASSPHRASE)
    programs = [start_writer(tmp_path, name, 15) for name in ("one", "two", "three")]
    for program in programs:
        program.communicate(timeout=120)
        assert program.returncode == 0
    vault = own_vault(tmp_path)
    vault.unlock(PASSPHRASE)
    assert len(vault.names()) == 45


def test_two_programs_that_make_it_at_once_share_one(tmp_path: Path) -> None:
    programs = [start_writer(tmp_path, name, 2) for name in ("one", "two")]
    for program in programs:
        program.communicate(timeout=120)
        assert program.returncode == 0
    vault = own_vault(tmp_path)
    vault.unlock(PASSPHRASE)
    assert len(vault.names()) == 4


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="kills by signal")
def test_killed_at_any_moment_what_was_stored_is_there(tmp_path: Path) -> None:
    chance = random.Random(6)
    own_vault(tmp_path).unlock(PASSPHRASE)
    stored: set[str] = set()
    for round in range(12):
        program = start_writer(tmp_path, f"round{round}", 100_000)
        assert program.stdout is not None
        lines = [program.stdout.readline()]
        deadline = time.monotonic() + chance.uniform(0.0, 0.08)
        while time.monotonic() < deadline:
            lines.append(program.stdout.readline())
        program.send_signal(signal.SIGKILL)
        lines += program.stdout.readlines()
        program.wait()
        stored |= {f"round{round}/{line.strip()}" for line in lines if line.endswith("\n")}
        vault = own_vault(tmp_path)
        vault.unlock(PASSPHRASE)
        assert stored <= set(vault.names()), "a key that was said to be stored is gone"
    vault.set("after/all", Secret(OPENAI))
    assert {file.name for file in tmp_path.iterdir()} == {"keys.vault", "keys.vault.lock"}


def _kernel_works() -> bool:
    cache = KernelKeyring(60)
    kept = cache.keep("trial", b"trial") and cache.recall("trial") == b"trial"
    cache.forget("trial")
    return kept


@pytest.mark.skipif(not _kernel_works(), reason="no kernel keyring is to be had here")
def test_the_kernel_keeps_it_for_another_program_and_for_a_while() -> None:
    cache = KernelKeyring(600)  # the other program may be slow to start; its look begins a second anew
    name = f"test-{os.getpid()}"
    try:
        assert cache.keep(name, b"forty-eight bytes or so")
        program = f"from routerterm.config.keys.kernel_keyring import KernelKeyring as K; print(K(1).recall({name!r}))"
        said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
        assert said.stdout.strip() == "b'forty-eight bytes or so'"
        deadline = time.monotonic() + PATIENCE
        while cache_has(name) and time.monotonic() < deadline:
            time.sleep(0.3)
        assert not cache_has(name), "its time is over"
        cache.keep(name, b"again")
        cache.forget(name)
        assert not cache_has(name)
    finally:
        cache.forget(name)


def cache_has(name: str) -> bool:
    """Whether the kernel has it, without beginning its time anew."""
    return KernelKeyring(0).recall(name) is not None


def test_no_time_means_this_program_only() -> None:
    assert not KernelKeyring(0).keep("never", b"kept")
