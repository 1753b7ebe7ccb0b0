"""Which keys a provider has, in which order, from which places; and what happens when a place fails."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from routerterm.config.keys.errors import VaultLocked, VaultSlow, WrongPassphrase
from routerterm.config.keys.key_manager import KeyManager
from routerterm.config.keys.key_store import INDEX_FILE, VAULT_FILE
from routerterm.config.keys.timeouts import run_with_timeout
from routerterm.config.keys.values import KeyLocation, PlaceStatus
from routerterm.config.schema import KeyRef
from routerterm.core.errors import VaultError
from routerterm.core.secret import Secret
from tests.keys.parts import GROQ, OPENAI, OTHER, PASSPHRASE, keyring, opened, own_vault

ENVIRON = {"OPENAI_API_KEY": OTHER}


async def labels(manager: KeyManager, provider: str = "openai") -> list[str]:
    return [key.label for key in await manager.key_store.keys(provider)]


async def test_making_one_touches_nothing(tmp_path: Path) -> None:
    source = keyring(tmp_path / "none", ENVIRON)
    assert not (tmp_path / "none").exists()
    assert [key.secret for key in await source.keys("openai")] == [Secret(OTHER)]
    assert not (tmp_path / "none").exists()


async def test_stored_keys_come_before_the_variable(tmp_path: Path) -> None:
    manager = await opened(tmp_path, ENVIRON)
    await manager.add("openai", Secret(OPENAI), label="work", quota=50, rpm=3)
    keys = await manager.key_store.keys("openai")
    assert [(key.label, key.secret) for key in keys] == [
        ("work", Secret(OPENAI)),
        ("env:OPENAI_API_KEY", Secret(OTHER)),
    ]
    assert (keys[0].quota, keys[0].rpm, keys[0].tpm) == (50, 3, None)


async def test_a_key_known_twice_is_given_once(tmp_path: Path) -> None:
    manager = await opened(tmp_path, ENVIRON)
    await manager.add("openai", Secret(OTHER), label="work")
    assert await labels(manager) == ["work"]
    with pytest.raises(VaultError, match="stored already, as work"):
        await manager.add("openai", Secret(OTHER), label="again")


async def test_the_settings_put_first_what_they_name(tmp_path: Path) -> None:
    program = f"{sys.executable} -c \"print('{GROQ}')\""
    references = {
        "openai": [
            KeyRef(ref=f"cmd:{program}", label="from-pass", quota=7),
            KeyRef(ref="vault:second"),
            KeyRef(ref="env:MY_OWN"),
        ]
    }
    manager = await opened(tmp_path, {**ENVIRON, "MY_OWN": "my-own-key-0123456789"}, references=references)
    await manager.add("openai", Secret(OPENAI), label="first")
    await manager.add("openai", Secret("sk-second-0123456789"), label="second")
    assert await labels(manager) == ["from-pass", "second", "env:MY_OWN", "first", "env:OPENAI_API_KEY"]
    keys = await manager.key_store.keys("openai")
    assert keys[0].secret == Secret(GROQ)
    assert keys[0].quota == 7


async def test_only_the_places_of_the_settings_are_asked(tmp_path: Path) -> None:
    manager = await opened(tmp_path, ENVIRON)
    await manager.add("openai", Secret(OPENAI), label="work")
    only = KeyManager(keyring(tmp_path, ENVIRON, order=("env",)))
    assert await labels(only) == ["env:OPENAI_API_KEY"]
    with pytest.raises(VaultError, match="no place"):
        await only.add("openai", Secret(GROQ))


async def test_a_variable_of_its_own_name_serves_an_own_provider_but_not_a_local_one(tmp_path: Path) -> None:
    source = keyring(tmp_path, {"MY_BOX_API_KEY": "k" * 9 + "1", "LOCAL_API_KEY": "k" * 9 + "2"})
    assert [key.label for key in await source.keys("my-box")] == ["env:MY_BOX_API_KEY"]
    assert await source.keys("local") == ()


async def test_a_locked_vault_stands_back_for_the_variable_but_not_for_nothing(tmp_path: Path) -> None:
    manager = await opened(tmp_path)
    await manager.add("openai", Secret(OPENAI), label="work")
    locked = KeyManager(keyring(tmp_path))
    with pytest.raises(VaultLocked) as refused:
        await locked.key_store.keys("openai")
    assert refused.value.place is KeyLocation.VAULT
    assert [status.state for status in await locked.key_store.locked_places()] == ["locked"]
    assert list(await locked.key_store.keys("groq")) == []
    assert await labels(KeyManager(keyring(tmp_path, ENVIRON))) == ["env:OPENAI_API_KEY"]
    with pytest.raises(WrongPassphrase):
        await locked.unlock(KeyLocation.VAULT, "not this one")
    await locked.unlock(KeyLocation.VAULT, PASSPHRASE)
    assert await labels(locked) == ["work"]
    assert await locked.key_store.locked_places() == ()
    await locked.lock()
    with pytest.raises(VaultLocked):
        await locked.key_store.keys("openai")


async def test_a_place_that_failed_is_left_alone_for_a_while(tmp_path: Path) -> None:
    now = 1000.0
    runs = tmp_path / "runs"
    program = f"{sys.executable} -c \"open('{runs}','a').write('x'); raise SystemExit(3)\""
    source = keyring(tmp_path, references={"openai": [KeyRef(ref=f"cmd:{program}")]}, clock=lambda: now)
    for _ in range(3):
        with pytest.raises(VaultError, match="exit code 3"):
            await source.keys("openai")
    assert runs.read_text() == "x"
    now += 31
    with pytest.raises(VaultError):
        await source.keys("openai")
    assert runs.read_text() == "xx"


async def test_our_vault_closes_when_it_is_not_used(tmp_path: Path) -> None:
    now = 0.0
    manager = await opened(tmp_path, clock=lambda: now, unlocked=600)
    await manager.add("openai", Secret(OPENAI))
    for _ in range(5):
        now += 500
        assert await labels(manager) == ["default"]
    now += 601
    with pytest.raises(VaultLocked):
        await manager.key_store.keys("openai")


async def test_locking_in_one_program_reaches_every_other(tmp_path: Path) -> None:
    one, two = await opened(tmp_path), await opened(tmp_path)
    await one.add("openai", Secret(OPENAI))
    assert await labels(two) == ["default"]
    await one.lock()
    for program in (one, two):
        assert [status.state for status in await program.key_store.locked_places("openai/x")] == ["locked"]
        with pytest.raises(VaultLocked):
            await program.key_store.keys("openai")
    await two.unlock(KeyLocation.VAULT, PASSPHRASE)
    await one.unlock(KeyLocation.VAULT, PASSPHRASE)
    assert await labels(one) == await labels(two) == ["default"]


async def test_a_damaged_list_stands_in_nobodys_way_who_needs_no_key(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("{half")
    source = keyring(tmp_path)
    assert await source.locked_places("local/x") == ()
    with pytest.raises(VaultError, match="damaged"):
        await source.keys("openai")


async def test_another_program_adds_disables_and_removes(tmp_path: Path) -> None:
    one = await opened(tmp_path)
    two = await opened(tmp_path)
    record = await one.add("openai", Secret(OPENAI), label="work")
    assert await labels(two) == ["work"]
    await one.change(record, enabled=False)
    assert await labels(two) == []
    await one.change(record, enabled=True, notes="back")
    assert await labels(two) == ["work"]
    assert (await two.key_store.rows("openai"))[0].notes == "back"
    await one.remove(record)
    assert await labels(two) == []
    assert own_vault_names(tmp_path) == ()


def own_vault_names(folder: Path) -> tuple[str, ...]:
    vault = own_vault(folder)
    vault.unlock(PASSPHRASE)
    return vault.names()


async def test_order_and_adoption(tmp_path: Path) -> None:
    manager = await opened(tmp_path, ENVIRON)
    await manager.add("openai", Secret(OPENAI), label="a")
    b = await manager.add("openai", Secret(GROQ), label="b")
    await manager.add("groq", Secret("gsk_" + "z9" * 12), label="g")
    await manager.shift(b, -1)
    assert await labels(manager) == ["b", "a", "env:OPENAI_API_KEY"]
    await manager.shift(b, 99)
    assert await labels(manager) == ["a", "b", "env:OPENAI_API_KEY"]
    found = (await manager.key_store.rows("openai"))[-1]
    adopted = await manager.adopt(found)
    assert (adopted.label, adopted.place) == ("default", KeyLocation.VAULT)
    assert await labels(manager) == ["a", "b", "default"]
    with pytest.raises(VaultError, match="cannot be removed here"):
        await manager.remove(found)
    await manager.change(found, enabled=False, notes="the old one")
    again = (await manager.key_store.rows("openai"))[-1]
    assert (again.label, again.enabled, again.notes) == ("env:OPENAI_API_KEY", False, "the old one")


async def test_replacing_and_refusing(tmp_path: Path) -> None:
    manager = await opened(tmp_path)
    await manager.add("openai", Secret(OPENAI), label="work")
    with pytest.raises(VaultError, match="already has a key work"):
        await manager.add("openai", Secret(OTHER), label="work")
    await manager.add("openai", Secret(OTHER), label="work", replace_old=True)
    assert [key.secret for key in await manager.key_store.keys("openai")] == [Secret(OTHER)]
    for label in ("with/slash", "x" * 61, OPENAI, GROQ, "new\nline"):
        with pytest.raises(VaultError, match="not a valid label"):
            await manager.add("openai", Secret(GROQ), label=label)


async def test_what_is_in_the_index_is_no_secret_and_damage_is_named(tmp_path: Path) -> None:
    manager = await opened(tmp_path)
    await manager.add("openai", Secret(OPENAI), label="work", notes="the club pays")
    index = tmp_path / INDEX_FILE
    assert OPENAI not in index.read_text()
    assert "the club pays" in index.read_text()
    assert index.stat().st_mode & 0o777 == 0o600
    whole = index.read_bytes()
    index.write_bytes(whole[:40])
    with pytest.raises(VaultError, match="damaged"):
        await manager.key_store.keys("openai")
    with pytest.raises(VaultError, match="damaged"):
        await manager.add("openai", Secret(OTHER), label="more")
    assert index.read_bytes() == whole[:40], "what is damaged is not overwritten"


class Stuck:
    """A keyring daemon that never answers."""

    place = KeyLocation.KEYRING

    def status(self) -> PlaceStatus:
        time.sleep(60)
        raise AssertionError

    def get(self, name: str) -> Secret | None:
        time.sleep(60)
        return None


async def test_a_place_that_hangs_neither_blocks_nor_keeps_the_program(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("routerterm.config.keys.key_store.PROBE_LIMIT", 0.2)
    monkeypatch.setattr("routerterm.config.keys.key_store.GET_LIMIT", 0.2)
    manager = await opened(tmp_path, vaults={KeyLocation.KEYRING: Stuck()})
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    statuses = {status.place: status for status in await manager.key_store.places()}
    ticking.cancel()
    assert statuses[KeyLocation.KEYRING].state == "absent"
    assert "did not answer" in statuses[KeyLocation.KEYRING].detail
    assert ticks > 3, "the event loop went on"
    assert (await manager.place_for_new_keys()).place is KeyLocation.VAULT
    record = await manager.add("openai", Secret(OPENAI), label="work")
    await asyncio.to_thread(
        manager.key_store.index.change, lambda records: [replace(record, place=KeyLocation.KEYRING)]
    )
    manager.key_store.forget()
    with pytest.raises(VaultSlow):
        await manager.key_store.keys("openai")


async def test_patience_hands_on_results_and_errors() -> None:
    assert await run_with_timeout("it", lambda: 7, 1.0) == 7
    with pytest.raises(ZeroDivisionError):
        await run_with_timeout("it", lambda: 1 // 0, 1.0)


async def test_asking_at_once_asks_once(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    program = f"{sys.executable} -c \"open('{runs}','a').write('x'); print('{OPENAI}')\""
    source = keyring(tmp_path, references={"openai": [KeyRef(ref=f"cmd:{program}")]})
    found = await asyncio.gather(*(source.keys("openai") for _ in range(5)))
    assert all([key.secret for key in keys] == [Secret(OPENAI)] for keys in found)
    assert runs.read_text() == "x"


def test_the_vault_file_is_where_the_data_is(tmp_path: Path) -> None:
    assert keyring(tmp_path).vaults[KeyLocation.VAULT].path == tmp_path / VAULT_FILE  # type: ignore[attr-defined]
