"""Parts that the tests of keys share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from routerterm.catalog.values import ProviderInfo
from routerterm.config.keys.encrypted_vault import EncryptedVault
from routerterm.config.keys.key_manager import KeyManager
from routerterm.config.keys.key_store import VAULT_FILE, KeyStore
from routerterm.config.keys.values import KeyLocation
from routerterm.config.keys.vault_format import Cost

CHEAP = Cost(10, 8, 1)
"""scrypt that costs a millisecond."""
PASSPHRASE = "correct horse battery"
OPENAI = "sk-proj-AAAAbbbbCCCCddddEEEEffff0001"
OTHER = "sk-proj-GGGGhhhhIIIIjjjjKKKKllll0002"
GROQ = "gsk_MMMMnnnnOOOOppppQQQQrrrr0003"

PROVIDERS: Mapping[str, ProviderInfo] = {
    info.name: info
    for info in (
        ProviderInfo(
            "openai", "OpenAI", "openai-chat", "https://api.example/v1", env=("OPENAI_API_KEY",), key_prefix="sk-"
        ),
        ProviderInfo(
            "anthropic", "Anthropic", "anthropic-messages", "https://anthropic.example", env=("ANTHROPIC_API_KEY",),
            key_prefix="sk-ant-",
        ),
        ProviderInfo(
            "gemini", "Gemini", "gemini", "https://gemini.example", env=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
            key_prefix="AIza",
        ),
        ProviderInfo("groq", "Groq", "openai-chat", "https://groq.example", env=("GROQ_API_KEY",), key_prefix="gsk_"),
        ProviderInfo(
            "deepseek", "DeepSeek", "openai-chat", "https://deepseek.example", env=("DEEPSEEK_API_KEY",),
            key_prefix="sk-",
        ),
        ProviderInfo("local", "Local", "openai-chat", "http://127.0.0.1:9", needs_key=False, local=True),
    )
}  # fmt: skip


class Recalled:
    """A kernel keyring of the test's own."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def keep(self, name: str, secret: bytes) -> bool:
        self.kept[name] = secret
        return True

    def recall(self, name: str) -> bytes | None:
        return self.kept.get(name)

    def forget(self, name: str) -> None:
        self.kept.pop(name, None)


class Forgetful:
    """A machine without a kernel keyring."""

    def keep(self, name: str, secret: bytes) -> bool:
        return False

    def recall(self, name: str) -> bytes | None:
        return None

    def forget(self, name: str) -> None:
        pass


def own_vault(folder: Path, cache: Any = None) -> EncryptedVault:
    return EncryptedVault(folder / VAULT_FILE, cache or Forgetful(), cost=CHEAP)


def keyring(folder: Path, environ: Mapping[str, str] | None = None, **options: Any) -> KeyStore:
    """A keyring whose vault is cheap to open and kept by no kernel."""
    vaults = {KeyLocation.VAULT: own_vault(folder), **options.pop("vaults", {})}
    return KeyStore(folder, options.pop("providers", PROVIDERS), environ=environ or {}, vaults=vaults, **options)


async def opened(folder: Path, environ: Mapping[str, str] | None = None, **options: Any) -> KeyManager:
    """A manager whose vault is made and open."""
    manager = KeyManager(keyring(folder, environ, **options))
    await manager.unlock(KeyLocation.VAULT, PASSPHRASE)
    return manager
