"""Against a real Secret Service: gnome-keyring on a D-Bus session of its own, its passphrase ``pw``."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from routerterm.config.keys.errors import VaultLocked, WrongPassphrase
from routerterm.config.keys.key_manager import KeyManager
from routerterm.config.keys.system import SecretServiceVault
from routerterm.config.keys.values import KeyLocation
from routerterm.core.secret import Secret
from tests.keys.parts import OPENAI, OTHER, keyring

pytestmark = pytest.mark.secretservice
DAEMON_PASSPHRASE = os.environ.get("ROUTERTERM_KEYRING_PASSPHRASE", "pw")


@pytest.fixture
def service() -> SecretServiceVault:
    vault = SecretServiceVault()
    if vault.status().state == "locked":
        vault.unlock(DAEMON_PASSPHRASE)
    assert vault.status().state == "ready"
    return vault


def test_set_get_delete(service: SecretServiceVault) -> None:
    service.set("openai/work", Secret(OPENAI))
    assert service.get("openai/work") == Secret(OPENAI)
    service.set("openai/work", Secret(OTHER))
    assert service.get("openai/work") == Secret(OTHER)
    service.delete("openai/work")
    assert service.get("openai/work") is None
    service.delete("openai/work")


def test_what_we_store_is_found_by_the_ordinary_keyring_tool(service: SecretServiceVault) -> None:
    service.set("openai/work", Secret(OPENAI))
    try:
        shown = subprocess.run(
            [sys.executable, "-m", "keyring", "-b", "keyring.backends.SecretService.Keyring", "get", "routerterm",
             "openai/work"], capture_output=True, text=True, check=True, timeout=30,
        )  # fmt: skip
        assert shown.stdout.strip() == OPENAI
    finally:
        service.delete("openai/work")


def test_lock_and_unlock_by_its_own_call(service: SecretServiceVault) -> None:
    service.set("openai/work", Secret(OPENAI))
    service.lock()
    assert service.status().state == "locked"
    with pytest.raises(VaultLocked):
        service.get("openai/work")
    with pytest.raises(VaultLocked):
        service.set("openai/work", Secret(OTHER))
    with pytest.raises(WrongPassphrase):
        service.unlock("not the passphrase")
    assert service.status().state == "locked"
    service.unlock(DAEMON_PASSPHRASE)
    assert service.get("openai/work") == Secret(OPENAI)
    service.delete("openai/work")


async def test_new_keys_go_there_and_a_locked_one_says_so(service: SecretServiceVault, tmp_path: Path) -> None:
    manager = KeyManager(keyring(tmp_path))
    record = await manager.add("openai", Secret(OPENAI), label="mine")
    assert record.place is KeyLocation.KEYRING
    assert not (tmp_path / "keys.vault").exists()
    assert [key.secret for key in await manager.key_store.keys("openai")] == [Secret(OPENAI)]
    await manager.lock(KeyLocation.KEYRING)
    assert [status.place for status in await manager.key_store.locked_places()] == [KeyLocation.KEYRING]
    with pytest.raises(VaultLocked) as locked:
        await manager.key_store.keys("openai")
    assert locked.value.place is KeyLocation.KEYRING
    await manager.unlock(KeyLocation.KEYRING, DAEMON_PASSPHRASE)
    assert [key.secret for key in await manager.key_store.keys("openai")] == [Secret(OPENAI)]
    await manager.unlock(KeyLocation.VAULT, "another passphrase")
    moved = await manager.move(record, KeyLocation.VAULT)
    assert await asyncio.to_thread(service.get, "openai/mine") is None
    assert [key.secret for key in await manager.key_store.keys("openai")] == [Secret(OPENAI)]
    await manager.remove(moved)
    assert list(await manager.key_store.keys("openai")) == []


@pytest.mark.skipif(not shutil.which("gnome-keyring-daemon"), reason="gnome-keyring is not installed")
def test_a_session_without_any_keyring_gets_its_first_from_us(tmp_path: Path) -> None:
    """As over SSH on a machine where nobody ever logged in at a desktop."""
    program = f"""
import sys
from routerterm.config.keys.system import SecretServiceVault
from routerterm.core.secret import Secret
vault = SecretServiceVault()
assert vault.status().state == "new", vault.status()
vault.unlock("a first passphrase")
assert vault.status().state == "ready", vault.status()
vault.set("openai/first", Secret({OPENAI!r}))
vault.lock()
vault.unlock("a first passphrase")
assert vault.get("openai/first").reveal() == {OPENAI!r}
print("made")
"""
    (tmp_path / "home").mkdir()
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path / "home"), "PYTHONPATH": os.pathsep.join(sys.path)}
    script = 'gnome-keyring-daemon --start --components=secrets >/dev/null 2>&1; exec "$0" -c "$1"'
    ran = subprocess.run(
        ["dbus-run-session", "--", "sh", "-c", script, sys.executable, program],
        env=environ, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ran.stdout.strip() == "made", ran.stderr
    assert all(OPENAI.encode() not in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
