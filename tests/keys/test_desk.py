"""The desk: a view made of the keyring, the router's own memory of keys, and tests of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from routerterm.config.keys.errors import VaultLocked
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


class Answers:
    """A probe that says what it is told."""

    def __init__(self) -> None:
        self.result = ProbeResult(True, "accepted")
        self.asked: list[tuple[str, str]] = []

    async def __call__(self, provider: str, secret: Secret | None) -> ProbeResult:
        self.asked.append((provider, secret.reveal() if secret else ""))
        return self.result


@pytest.fixture
async def desk(tmp_path: Path) -> KeyService:
    desk = KeyService(keyring(tmp_path, {"GROQ_API_KEY": GROQ}), InMemoryStateStore(), Answers(), now=lambda: NOW)
    await desk.unlock(KeyLocation.VAULT, PASSPHRASE)
    return desk


def line(view: KeysView, name: str) -> KeyLine:
    return next(line for provider in view.providers for line in provider.lines if line.record.name == name)


async def test_the_view_has_every_key_and_every_provider_that_wants_one(desk: KeyService) -> None:
    await desk.add("openai", Secret(OPENAI), label="work")
    view = await desk.view()
    assert [provider.name for provider in view.providers] == ["openai", "groq", "anthropic", "gemini", "deepseek"]
    assert view.keys == 2
    assert line(view, "openai/work").health == "ready"
    assert line(view, "groq/env:GROQ_API_KEY").record.masked == "****0003"
    assert [provider.name for provider in (await desk.view(with_empty=False)).providers] == ["openai", "groq"]


async def test_what_the_router_remembers_is_what_is_shown(desk: KeyService) -> None:
    await desk.add("openai", Secret(OPENAI), label="work", quota=5)
    key, limits = ApiKey("work", Secret(OPENAI), quota=5), KeyLimits()
    for _ in range(2):
        await desk._memory.change("key:openai/work", lambda state: take(state, key, NOW - 60, limits)[0])
    shown = line(await desk.view(), "openai/work")
    assert (shown.health, shown.used, shown.used_at, shown.resets_at) == ("ready", 2, NOW - 60, NOW - 60 + 86_400)
    fast = RateLimited("slow down", retry_after=41.0)
    await desk._memory.change("key:openai/work", lambda state: refused(state, key, NOW, fast, limits))
    shown = line(await desk.view(), "openai/work")
    assert (shown.health, shown.until, shown.says) == ("cooling", NOW + 41, "rate limited")


@pytest.mark.parametrize(("error", "says"), [(InvalidKey("no"), "refused"), (InsufficientCredit("no"), "no credit")])
async def test_a_key_that_is_out_comes_back_by_a_good_test_or_a_new_key(
    desk: KeyService, error: InvalidKey, says: str
) -> None:
    record = await desk.add("openai", Secret(OPENAI), label="work")
    key = ApiKey("work", Secret(OPENAI))

    async def out() -> None:
        await desk._memory.change("key:openai/work", lambda state: refused(state, key, NOW, error, KeyLimits()))
        shown = line(await desk.view(), "openai/work")
        assert shown.health == "out"
        assert says in shown.says

    await out()
    desk._probe.result = ProbeResult(False, "still no", refused=True)  # type: ignore[attr-defined]
    await desk.test(record)
    assert line(await desk.view(), "openai/work").health == "out"
    desk._probe.result = ProbeResult(True, "anyone may see this", proven=False)  # type: ignore[attr-defined]
    await desk.test(record)
    assert line(await desk.view(), "openai/work").health == "out"
    desk._probe.result = ProbeResult(True, "accepted")  # type: ignore[attr-defined]
    await desk.test(record)
    assert line(await desk.view(), "openai/work").health == "ready"
    await out()
    await desk.add("openai", Secret(OTHER), label="work", replace_old=True)
    assert line(await desk.view(), "openai/work").health == "ready"
    await out()
    await desk.set_enabled(record, False)
    assert line(await desk.view(), "openai/work").health == "off"
    await desk.set_enabled(record, True)
    assert line(await desk.view(), "openai/work").health == "ready"


async def test_a_used_up_quota_rests_until_its_day_is_over(desk: KeyService) -> None:
    await desk.add("openai", Secret(OPENAI), label="work", quota=1)
    key = ApiKey("work", Secret(OPENAI), quota=1)
    await desk._memory.change("key:openai/work", lambda state: take(state, key, NOW - 3600, KeyLimits())[0])
    shown = line(await desk.view(), "openai/work")
    assert (shown.health, shown.until) == ("cooling", NOW - 3600 + 86_400)


async def test_locked_and_missing(desk: KeyService) -> None:
    record = await desk.add("openai", Secret(OPENAI), label="work")
    await desk.lock()
    assert line(await desk.view(), "openai/work").health == "locked"
    with pytest.raises(VaultLocked):
        await desk.test(record)
    await desk.unlock(KeyLocation.VAULT, PASSPHRASE)
    desk.keyring.vaults[KeyLocation.VAULT].delete("openai/work")
    with pytest.raises(VaultError, match="not in vault any more"):
        await desk.keyring.keys("openai")
    assert line(await desk.view(), "openai/work").health == "missing"


async def test_removing_forgets_everything(desk: KeyService) -> None:
    record = await desk.add("openai", Secret(OPENAI), label="work", quota=3)
    key = ApiKey("work", Secret(OPENAI), quota=3)
    await desk._memory.change("key:openai/work", lambda state: take(state, key, NOW, KeyLimits())[0])
    await desk.remove(record)
    assert await desk._memory.read("key:") == {}
    assert list(await desk.keyring.keys("openai")) == []


async def test_finding_by_name_and_naming_what_there_is(desk: KeyService) -> None:
    await desk.add("openai", Secret(OPENAI), label="work")
    assert (await desk.find("openai", "")).label == "work"
    await desk.add("openai", Secret(OTHER), label="home")
    with pytest.raises(VaultError, match="several") as refused:
        await desk.find("openai", "")
    assert refused.value.hint == "Its keys are: work, home."
    with pytest.raises(VaultError, match="no key nope"):
        await desk.find("openai", "nope")
    with pytest.raises(VaultError, match="gemini has no key"):
        await desk.find("gemini", "")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-3, "0 s"), (41.2, "41 s"), (99, "99 s"), (100, "2 min"), (5400, "90 min"), (8000, "2 h 13 min"),
     (86_400, "24 h"), (400_000, "4 days")],
)  # fmt: skip
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words
