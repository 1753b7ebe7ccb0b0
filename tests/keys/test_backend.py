"""Our vault behind the keyring library's own interface and command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import keyring.core
import pytest
from keyring.errors import InitError, KeyringLocked, PasswordDeleteError, PasswordSetError

from routerterm.config.keys.backend import VaultKeyring
from routerterm.config.keys.encrypted_vault import EncryptedVault
from routerterm.config.keys.kernel_keyring import KernelKeyring
from routerterm.core.secret import Secret
from tests.keys.parts import CHEAP, OPENAI, OTHER, PASSPHRASE, own_vault
from tests.keys.test_own_vault import _kernel_works


def test_set_get_delete_lock_and_unlock(tmp_path: Path) -> None:
    vault = own_vault(tmp_path)
    backend = VaultKeyring(vault)
    with pytest.raises(KeyringLocked):
        backend.get_password("routerterm", "openai/work")
    vault.unlock(PASSPHRASE)
    backend.set_password("routerterm", "openai/work", OPENAI)
    assert backend.get_password("routerterm", "openai/work") == OPENAI
    credential = backend.get_credential("routerterm", "openai/work")
    assert credential is not None
    assert credential.password == OPENAI
    assert vault.get("openai/work") == Secret(OPENAI)
    vault.lock()
    with pytest.raises(KeyringLocked):
        backend.set_password("routerterm", "openai/work", OTHER)
    vault.unlock(PASSPHRASE)
    backend.delete_password("routerterm", "openai/work")
    with pytest.raises(PasswordDeleteError):
        backend.delete_password("routerterm", "openai/work")
    assert backend.get_password("another", "openai/work") is None
    with pytest.raises(PasswordSetError):
        backend.set_password("another", "me", "secret")
    vault.path.write_bytes(b"damaged")
    with pytest.raises(InitError):
        backend.get_password("routerterm", "openai/work")


def test_it_is_below_what_is_chosen_automatically() -> None:
    assert not keyring.core.recommended(VaultKeyring)


@pytest.mark.skipif(not _kernel_works(), reason="no kernel keyring is to be had here")
def test_the_keyring_command_reads_an_open_vault(home: Path) -> None:
    vault = EncryptedVault(home / "keys.vault", KernelKeyring(60), cost=CHEAP)
    vault.unlock(PASSPHRASE)
    vault.set("openai/work", Secret(OPENAI))
    words = [sys.executable, "-m", "keyring", "-b", "routerterm.config.keys.backend.VaultKeyring"]
    try:
        said = subprocess.run(
            [*words, "get", "routerterm", "openai/work"], capture_output=True, text=True, timeout=60, check=True
        )
        assert said.stdout.strip() == OPENAI
    finally:
        vault.lock()
