"""Our encrypted vault: opening it, asking it, writing it, beside bare controls in the same run.

Opening is scrypt on purpose, so its control is OpenSSL's scrypt from the standard library at the same cost:
what is above 1 is ours.  Asking for a key that is already known is compared with one `os.stat`, which every
call makes to notice another program's changes.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from routerterm.catalog.values import ProviderInfo
from routerterm.config.keys.encrypted_vault import EncryptedVault
from routerterm.config.keys.key_manager import KeyManager
from routerterm.config.keys.key_store import VAULT_FILE, KeyStore
from routerterm.config.keys.values import KeyLocation
from routerterm.config.keys.vault_format import Cost
from routerterm.core.secret import Secret

PASSPHRASE = "correct horse battery"
KEYS = 20


class NoCache:
    """Opening must derive the key each time."""

    def keep(self, name: str, secret: bytes) -> bool:
        """Not taken."""
        return False

    def recall(self, name: str) -> bytes | None:
        """Nothing was kept."""
        return None

    def forget(self, name: str) -> None:
        """Nothing to forget."""


def median(work: Callable[[], object], times: int, rounds: int = 5) -> float:
    """Seconds for one call, the median of some rounds."""
    found = []
    for _ in range(rounds):
        begun = time.perf_counter()
        for _ in range(times):
            work()
        found.append((time.perf_counter() - begun) / times)
    return sorted(found)[len(found) // 2]


def show(what: str, seconds: float, control: str, reference: float) -> None:
    unit, factor = ("ms", 1e3) if seconds > 1e-3 else ("µs", 1e6)
    print(f"{what:<44} {seconds * factor:9.2f} {unit}   {seconds / reference:8.2f} × {control}")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        vault = EncryptedVault(folder / VAULT_FILE, NoCache())
        vault.unlock(PASSPHRASE)
        for number in range(KEYS):
            vault.set(f"provider{number}/default", Secret(f"sk-benchmark-{number:032}"))
        cost = Cost()
        bare = median(
            lambda: hashlib.scrypt(
                b"x", salt=b"s" * 16, n=1 << cost.log_n, r=cost.r, p=cost.p, dklen=48, maxmem=1 << 28
            ),
            1,
        )
        show(
            "open the vault",
            median(lambda: EncryptedVault(vault.path, NoCache()).unlock(PASSPHRASE), 1),
            "bare scrypt",
            bare,
        )
        look = median(lambda: os.stat(vault.path), 2000)
        show("get a key from the open vault", median(lambda: vault.get("provider7/default"), 2000), "os.stat", look)
        asyncio.run(through_the_keyring(folder, vault, look))
        whole = vault.path.read_bytes()
        control = folder / "control"

        def write_and_sync() -> None:
            with open(control, "wb") as file:
                file.write(whole)
                os.fsync(file.fileno())

        synced = median(write_and_sync, 20)
        written = median(lambda: vault.set("provider7/default", Secret("sk-benchmark-again-0123456789")), 20)
        show(f"store a key beside {KEYS - 1} others", written, "write + fsync", synced)


async def through_the_keyring(folder: Path, vault: EncryptedVault, look: float) -> None:
    info = ProviderInfo("openai", "OpenAI", "openai-chat", "https://api.example/v1")
    source = KeyStore(folder, {"openai": info}, environ={}, vaults={KeyLocation.VAULT: vault})
    await KeyManager(source).add("openai", Secret("sk-benchmark-0123456789abcdef"), place=KeyLocation.VAULT)
    await source.keys("openai")
    found = []
    for _ in range(5):
        begun = time.perf_counter()
        for _ in range(2000):
            await source.keys("openai")
        found.append((time.perf_counter() - begun) / 2000)
    show("Keyring.keys(provider), known", sorted(found)[len(found) // 2], "os.stat", look)


if __name__ == "__main__":
    main()
