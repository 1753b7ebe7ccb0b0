"""The service: a view made of the keyring, the router's own memory of keys, and tests of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import routerterm
from routerterm.config.keys import key_manager
from routerterm.config.keys.errors import VaultLocked
from routerterm.config.keys.timeouts import run_with_timeout
from routerterm.config.keys.values import KeyLocation, ProbeResult
from routerterm.core.errors import InsufficientCredit, InvalidKey, RateLimited, VaultError
from routerterm.core.ports import ApiKey, InMemoryStateStore
from routerterm.core.secret import Secret
from routerterm.engine.keys.service import KeyService
from routerterm.engine.keys.view import KeyLine, KeysView, duration
from routerterm.router.decide.key_limits import refused, take
from routerterm.router.options import KeyLimits
from tests.keys.parts import GROQ, OPENAI, OTHER, PASSPHRASE, keyring

NOW = 1_795_262_000.0
PROGRAM = Path(routerterm.__file__).parent


class Answers:
    """A probe that says what it is told."""

    def __init__(self) -> None:
        self.result = ProbeResult(True, "accepted")
        self.asked: list[tuple[str, str]] = []

    async def __call__(self, provider: str, secret: Secret | None) -> ProbeResult:
        self.asked.append((provider, secret.reveal() if secret else ""))
        return self.result


@pytest.fixture
async def service(tmp_path: Path) -> KeyService:
    service = KeyService(keyring(tmp_path, {"GROQ_API_KEY": GROQ}), InMemoryStateStore(), Answers(), now=lambda: NOW)
    await service.unlock(KeyLocation.VAULT, PASSPHRASE)
    return service


def line(view: KeysView, name: str) -> KeyLine:
    return next(line for provider in view.providers for line in provider.lines if line.record.name == name)


async def test_the_view_has_every_key_and_every_provider_that_wants_one(service: KeyService) -> None:
    await service.add("openai", Secret(OPENAI), label="work")
    view = await service.view()
    assert [provider.name for provider in view.providers] == ["openai", "groq", "anthropic", "gemini", "deepseek"]
    assert view.keys == 2
    assert line(view, "openai/work").health == "ready"
    assert line(view, "groq/env:GROQ_API_KEY").record.masked == "****0003"
    assert [provider.name for provider in (await service.view(with_empty=False)).providers] == ["openai", "groq"]


async def test_what_the_router_remembers_is_what_is_shown(service: KeyService) -> None:
    await service.add("openai", Secret(OPENAI), label="work", quota=5)
    key, limits = ApiKey("work", Secret(OPENAI), quota=5), KeyLimits()
    for _ in range(2):
        await service._memory.change("key:openai/work", lambda state: take(state, key, NOW - 60, limits)[0])
    shown = line(await service.view(), "openai/work")
    assert (shown.health, shown.used, shown.used_at, shown.resets_at) == ("ready", 2, NOW - 60, NOW - 60 + 86_400)
    fast = RateLimited("slow down", retry_after=41.0)
    await service._memory.change("key:openai/work", lambda state: refused(state, key, NOW, fast, limits))
    shown = line(await service.view(), "openai/work")
    assert (shown.health, shown.until, shown.says) == ("cooling", NOW + 41, "rate limited")


@pytest.mark.parametrize(("error", "says"), [(InvalidKey("no"), "refused"), (InsufficientCredit("no"), "no credit")])
async def test_a_key_that_is_out_comes_back_by_a_good_test_or_a_new_key(
    service: KeyService, error: InvalidKey, says: str
) -> None:
    record = await service.add("openai", Secret(OPENAI), label="work")
    key = ApiKey("work", Secret(OPENAI))

    async def out() -> None:
        await service._memory.change("key:openai/work", lambda state: refused(state, key, NOW, error, KeyLimits()))
        shown = line(await service.view(), "openai/work")
        assert shown.health == "out"
        assert says in shown.says

    await out()
    service._probe.result = ProbeResult(False, "still no", refused=True)  # type: ignore[attr-defined]
    await service.test(record)
    assert line(await service.view(), "openai/work").health == "out"
    service._probe.result = ProbeResult(True, "anyone may see this", proven=False)  # type: ignore[attr-defined]
    await service.test(record)
    assert line(await service.view(), "openai/work").health == "out"
    service._probe.result = ProbeResult(True, "accepted")  # type: ignore[attr-defined]
    await service.test(record)
    assert line(await service.view(), "openai/work").health == "ready"
    await out()
    await service.add("openai", Secret(OTHER), label="work", replace_old=True)
    assert line(await service.view(), "openai/work").health == "ready"
    await out()
    await service.set_enabled(record, False)
    assert line(await service.view(), "openai/work").health == "off"
    await service.set_enabled(record, True)
    assert line(await service.view(), "openai/work").health == "ready"


async def test_a_used_up_quota_rests_until_its_day_is_over(service: KeyService) -> None:
    await service.add("openai", Secret(OPENAI), label="work", quota=1)
    key = ApiKey("work", Secret(OPENAI), quota=1)
    await service._memory.change("key:openai/work", lambda state: take(state, key, NOW - 3600, KeyLimits())[0])
    shown = line(await service.view(), "openai/work")
    assert (shown.health, shown.until) == ("cooling", NOW - 3600 + 86_400)


async def test_locked_and_missing(service: KeyService) -> None:
    record = await service.add("openai", Secret(OPENAI), label="work")
    await service.lock()
    assert line(await service.view(), "openai/work").health == "locked"
    with pytest.raises(VaultLocked):
        await service.test(record)
    await service.unlock(KeyLocation.VAULT, PASSPHRASE)
    service.key_store.vaults[KeyLocation.VAULT].delete("openai/work")
    with pytest.raises(VaultError, match="not in vault any more"):
        await service.key_store.keys("openai")
    assert line(await service.view(), "openai/work").health == "missing"


async def test_removing_forgets_everything(service: KeyService) -> None:
    record = await service.add("openai", Secret(OPENAI), label="work", quota=3)
    key = ApiKey("work", Secret(OPENAI), quota=3)
    await service._memory.change("key:openai/work", lambda state: take(state, key, NOW, KeyLimits())[0])
    await service.remove(record)
    assert await service._memory.read("key:") == {}
    assert list(await service.key_store.keys("openai")) == []


async def test_finding_by_name_and_naming_what_there_is(service: KeyService) -> None:
    await service.add("openai", Secret(OPENAI), label="work")
    assert (await service.find("openai", "")).label == "work"
    await service.add("openai", Secret(OTHER), label="home")
    with pytest.raises(VaultError, match="several") as refused:
        await service.find("openai", "")
    assert refused.value.hint == "Its keys are: work, home."
    with pytest.raises(VaultError, match="no key nope"):
        await service.find("openai", "nope")
    with pytest.raises(VaultError, match="gemini has no key"):
        await service.find("gemini", "")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-3, "0 s"), (41.2, "41 s"), (99, "99 s"), (100, "2 min"), (5400, "90 min"), (8000, "2 h 13 min"),
     (86_400, "24 h"), (400_000, "4 days")],
)  # fmt: skip
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


async def test_a_key_goes_from_screen_to_vault_through_three_layers(
    service: KeyService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service, the manager that it is, and the place: what lies between would only hand on."""
    seen: list[list[str]] = []

    async def looking(who: str, work: Callable[[], Any], limit: float) -> Any:
        if who == KeyLocation.VAULT.value:
            files = [Path(frame.filename) for frame in inspect.stack()]
            seen.append(list(dict.fromkeys(file.stem for file in files if file.is_relative_to(PROGRAM))))
        return await run_with_timeout(who, work, limit)

    monkeypatch.setattr(key_manager, "run_with_timeout", looking)
    record = await service.add("openai", Secret(OPENAI), place=KeyLocation.VAULT)
    await service.remove(record)
    assert seen == [["key_manager", "service"]] * 2
