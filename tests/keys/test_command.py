"""``routerterm keys`` without a terminal: what it prints, refuses and changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from routerterm.cli.keys_command import command
from routerterm.cli.keys_prompts import open_locked
from routerterm.config.keys import encrypted_vault, key_store
from routerterm.core.errors import VaultError
from routerterm.core.secret import Secret
from tests.keys.parts import CHEAP, GROQ, OPENAI, OTHER, PASSPHRASE, Recalled, keyring, opened


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch, home: Path) -> Recalled:
    """A kernel keyring that these commands share; an open, cheap vault."""
    shared = Recalled()
    monkeypatch.setattr(key_store, "KernelKeyring", lambda seconds: shared)
    monkeypatch.setattr(encrypted_vault, "Cost", lambda: CHEAP)
    encrypted_vault.EncryptedVault(home / key_store.VAULT_FILE, shared, cost=CHEAP).unlock(PASSPHRASE)
    return shared


def keys(*words: str, said: str = "", environ: dict[str, str] | None = None, fails: bool = False) -> str:
    result = CliRunner().invoke(command, list(words), input=said, env=environ or {}, catch_exceptions=True)
    if fails:
        assert isinstance(result.exception, VaultError), result.output
        return f"{result.exception.message} {result.exception.hint}"
    assert result.exception is None, result.exception
    return result.output


def names() -> list[str]:
    found = json.loads(keys("list", "--json"))["keys"]
    return [f"{key['provider']}/{key['label']}@{key['place']}{'' if key['enabled'] else ' off'}" for key in found]


def test_from_standard_input_into_the_vault(kernel: Recalled) -> None:
    said = keys("add", "--no-test", "--label", "work", "--quota", "50", "--notes", f"from {OTHER}", said=f"{OPENAI}\n")
    assert "Recognised as a key of OpenAI." in said
    assert "Stored openai/work (sk-****0001) in the encrypted vault." in said
    assert OPENAI not in said
    listed = keys("list")
    for words in ("openai/work", "sk-****0001", "vault", "ready", "0/50", "from sk-****0002"):
        assert words in listed
    assert OPENAI not in listed
    assert OTHER not in listed


def test_a_key_is_never_an_argument(kernel: Recalled) -> None:
    for words in ([OPENAI], ["openai", OPENAI], ["0123456789abcdef" * 3]):
        said = keys("add", *words, "--no-test", said=OPENAI, fails=True)
        assert "must not be on the command line" in said
        assert words[-1] not in said
    assert names() == []


def test_what_does_not_tell_whose_it_is_must_be_named(kernel: Recalled) -> None:
    said = keys("add", "--no-test", said="0123456789abcdef0123456789abcdef", fails=True)
    assert "provider cannot be recognised" in said
    assert "mistral" in said
    keys("add", "mistral", "--no-test", said="0123456789abcdef0123456789abcdef")
    assert names() == ["mistral/default@vault"]
    assert "There is no provider nobody" in keys("add", "nobody", "--no-test", said=GROQ, fails=True)


def test_order_switches_quota_and_removal(kernel: Recalled) -> None:
    keys("add", "--no-test", "--label", "a", said=OPENAI)
    keys("add", "--no-test", "--label", "b", said=OTHER)
    assert "now uses: b, a." in keys("move", "openai", "b", "--up")
    keys("disable", "openai", "b")
    assert names() == ["openai/b@vault off", "openai/a@vault"]
    keys("enable", "openai", "b")
    assert "50 requests a day" in keys("set", "openai", "b", "--quota", "50", "--notes", "hello")
    assert "no quota" in keys("set", "openai", "b", "--quota", "0")
    assert "hello" in keys("list")
    assert "Removed openai/b." in keys("remove", "openai", "b", "--yes")
    declined = CliRunner().invoke(command, ["remove", "openai", "a"], input="n\n")
    assert declined.exit_code == 1
    assert names() == ["openai/a@vault"]
    assert "no key c" in keys("remove", "openai", "c", "--yes", fails=True)


def test_adopting_a_variable_s_key(kernel: Recalled) -> None:
    environ = {"GROQ_API_KEY": GROQ}
    assert "is now in the encrypted vault" in keys("move", "groq", "--to", "vault", environ=environ)
    assert names() == ["groq/default@vault"]
    assert "No variable holds a key" in keys("add", "--from-env", "--no-test", fails=True)
    keys("remove", "groq", "--yes")
    assert "Stored groq/mine" in keys("add", "--from-env", "--label", "mine", "--no-test", environ=environ)


def test_a_locked_vault_without_a_terminal_says_how_to_open_it(
    kernel: Recalled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("routerterm.cli.keys_prompts.has_terminal", lambda: False)
    keys("add", "--no-test", said=GROQ)
    assert "is locked" in keys("lock")
    assert kernel.kept == {}
    assert "routerterm keys unlock" in keys("add", "--no-test", said=OPENAI, fails=True)
    assert "locked" in keys("list")
    assert "routerterm keys unlock" in keys("test", "groq", fails=True)


async def test_what_a_model_needs_is_asked_for(kernel: Recalled, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manager = await opened(home)
    await manager.add("openai", Secret(OPENAI))
    answers = iter(["wrong passphrase", PASSPHRASE])
    monkeypatch.setattr("routerterm.cli.keys_prompts.hidden", lambda prompt: next(answers))
    monkeypatch.setattr("routerterm.cli.keys_prompts.has_terminal", lambda: True)
    locked = keyring(home)
    await open_locked(locked, "groq/some-model")
    await open_locked(locked, "smart")
    assert [key.label for key in await locked.keys("openai")] == ["default"]
    assert next(answers, None) is None


def test_nothing_to_show_and_nothing_to_test(home: Path) -> None:
    assert "No keys yet." in keys("list")
    assert "There is no key to test" in keys("test", fails=True)


def test_the_passphrase_is_asked_for_and_changed(kernel: Recalled, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys("add", "--no-test", said=GROQ)
    answers = iter([PASSPHRASE, "short", "another phrase", "a typo", "another phrase", "another phrase"])
    for room in ("keys_command", "keys_prompts"):
        monkeypatch.setattr(f"routerterm.cli.{room}.hidden", lambda prompt: next(answers))
    said = keys("passphrase")
    assert "too short" in said
    assert "differ" in said
    assert "new passphrase" in said
    vault = encrypted_vault.EncryptedVault(home / key_store.VAULT_FILE, Recalled(), cost=CHEAP)
    vault.unlock("another phrase")
    assert vault.names() == ("groq/default",)
