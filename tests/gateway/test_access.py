"""Who may ask, and how much."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from decimal import Decimal
from ipaddress import ip_address
from pathlib import Path

import pytest

from routerterm.config.paths import Paths
from routerterm.core.errors import RoutertermError, SettingsError
from routerterm.core.hosts import is_loopback
from routerterm.core.ledger import AttemptRecord
from routerterm.engine.virtual_keys import OWNER, Allowance, VirtualKey, to_row
from routerterm.gateway import peer
from routerterm.gateway.access import Access, hash_of
from routerterm.gateway.http_errors import HttpError
from routerterm.gateway.own_key import key_file, own_key
from routerterm.gateway.peer import user_of
from tests.gateway.conftest import Open, Place, chat, until
from tests.gateway.upstream import Talk

CHAT = "/v1/chat/completions"


async def give(place: Place, name: str, **allowance: object) -> str:
    token = f"rt-{name}-{'x' * 30}"
    key = VirtualKey(name, hash_of(token), "xxxx", 0, Allowance(**allowance))  # type: ignore[arg-type]
    assert await place.app.store.gateway_keys.add(to_row(key))
    place.gateway.state._keys_at = float("-inf")
    return token


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8484", "[::1]:8484", "192.168.1.5", "LOCALHOST:1", "pi.home"])
def test_names_we_are_called_by(host: str) -> None:
    Access(lambda: (), hosts=("pi.home",)).check_place({"host": host})


@pytest.mark.parametrize(
    "host", ["", "evil.example", "127.0.0.1.evil.example:80", "localhost.evil.example", "[::1", "x@localhost"]
)
def test_names_we_do_not_answer_to(host: str) -> None:
    with pytest.raises(HttpError) as refused:
        Access(lambda: ()).check_place({"host": host} if host else {})
    assert refused.value.status == 403


def test_web_pages_are_refused_unless_they_are_named() -> None:
    access = Access(lambda: (), origins=("https://app.example/",))
    access.check_place({"host": "localhost", "origin": "https://app.example"})
    for origin in ("null", "http://localhost:3000", "https://app.example.evil", ""):
        with pytest.raises(HttpError):
            access.check_place({"host": "localhost", "origin": origin})


def test_what_is_loopback() -> None:
    assert all(is_loopback(host) for host in ("localhost", "127.0.0.1", "127.8.8.8", "::1", "[::1]"))
    assert not any(is_loopback(host) for host in ("0.0.0.0", "::", "192.168.0.2", "pi.local", ""))


@pytest.mark.parametrize("site", ["cross-site", "Cross-Site", "same-site", "nonsense"])
def test_web_pages_are_known_by_what_the_browser_says_of_them_too(site: str) -> None:
    access = Access(lambda: (), origins=("https://app.example",))
    with pytest.raises(HttpError):
        access.check_place({"host": "localhost", "sec-fetch-site": site})
    access.check_place({"host": "localhost", "sec-fetch-site": site, "origin": "https://app.example"})
    access.check_place({"host": "localhost", "sec-fetch-site": "none"})


def test_without_any_key_only_the_person_s_own_programs_are_let_in() -> None:
    own = {"authorization": "Bearer sk-anything"}
    assert Access(lambda: ()).client_of(own, keyless=lambda: True) is OWNER
    assert Access(lambda: (), open_to_all=True).client_of(own) is OWNER
    for access, headers, keyless in (
        (Access(lambda: ()), own, False),
        (Access(lambda: (), required=True), {}, True),
        (Access(lambda: (), required=True, open_to_all=True), {}, True),
        (Access(lambda: ()), {"authorization": "Bearer rt-old"}, True),  # one of ours that was taken back
    ):
        with pytest.raises(HttpError):
            access.client_of(headers, keyless=lambda said=keyless: said)


async def test_the_kernel_tells_whose_a_connection_is(place: Place) -> None:
    """Where only another's is heard of (a user that nobody runs as), a key is wanted, and the file's is one."""
    async with place.http() as http:
        assert (await http.get("/v1/usage")).status_code == 200
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("routerterm.gateway.peer.os.geteuid", lambda: 4_242_424)
        async with place.http() as http:
            assert (await http.get("/v1/usage")).status_code == 401
            assert (await http.get("/health")).json() == {"status": "ok"}
            key = key_file(place.app.paths).read_text(encoding="utf-8").strip()
            assert (await http.get("/v1/usage", headers={"x-goog-api-key": key})).status_code == 200


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel of Linux tells it")
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("ask", ["_asked", "_looked_up"])
def test_both_ways_to_ask_the_kernel(host: str, ask: str) -> None:
    with socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as server:
        address = server.getsockname()[:2]
        with socket.create_connection(address) as client:
            mine = client.getsockname()[:2]
            ends = ((ip_address(mine[0]), mine[1]), (ip_address(address[0]), address[1]))
            assert getattr(peer, ask)(*ends) == os.geteuid()
            assert user_of(mine, address) == os.geteuid()
        assert user_of(("192.0.2.1", 5), address) is None


async def test_after_the_last_key_nobody_gets_in_without_one(place: Place) -> None:
    async with place.http() as http:
        assert (await http.get("/v1/models")).status_code == 200
        token = await give(place, "editor")
        assert (await http.get("/v1/models")).status_code == 401
        await place.app.store.gateway_keys.remove("editor")
        place.gateway.state._keys_at = float("-inf")
        for headers in ({}, {"x-api-key": token}, {"x-api-key": "sk-anything"}):
            assert (await http.get("/v1/models", headers=headers)).status_code == 401


async def test_a_suspended_key_is_refused_until_it_is_let_in_again(place: Place) -> None:
    token = await give(place, "editor", rpm=9)
    keys = place.app.store.gateway_keys
    async with place.http(**{"x-api-key": token}) as http:
        for suspended, status in ((True, 403), (False, 200)):
            allowance = to_row(VirtualKey("editor", "", "", 0, Allowance(rpm=9, suspended=suspended)))["allowance"]
            assert await keys.change("editor", allowance)
            place.gateway.state._keys_at = float("-inf")
            assert (await http.get("/v1/models")).status_code == status
    assert not await keys.change("nobody", {})


async def test_who_says_so_lets_everybody_in_again(open_place: Open) -> None:
    place = await open_place("[gateway]\nkeyless = 'on'\n")
    await give(place, "editor")
    async with place.http() as http:
        assert (await http.get("/v1/models")).status_code == 200


def test_the_own_key_is_for_nobody_else(tmp_path: Path) -> None:
    paths = Paths.find({"ROUTERTERM_HOME": str(tmp_path)})
    first = own_key(paths).reveal()
    file = key_file(paths)
    assert file.stat().st_mode & 0o777 == 0o600
    assert own_key(paths).reveal() == first
    file.chmod(0o644)  # others could have read it
    second = own_key(paths).reveal()
    assert second != first
    assert file.stat().st_mode & 0o777 == 0o600


async def test_a_short_token_is_refused(open_place: Open) -> None:
    with pytest.raises(SettingsError, match="too short"):
        await open_place(token="swordfish")


async def test_no_other_machine_without_a_key(open_place: Open) -> None:
    with pytest.raises(RoutertermError, match="Anyone on the network"):
        await open_place(host="0.0.0.0")
    place = await open_place(host="0.0.0.0", token="a-secret-token-of-tests")
    async with place.http() as http:
        port = place.url.rpartition(":")[2]
        assert (await http.get(f"http://127.0.0.1:{port}/v1/models")).status_code == 401


async def test_a_token_and_keys(open_place: Open) -> None:
    place = await open_place(token="a-secret-token-of-tests")
    place.up.says("first", "Hello")
    token = await give(place, "editor", models=("pair", "one/*"))
    async with place.http() as http:
        assert (await http.post(CHAT, json=chat())).status_code == 401
        for wrong in ("Bearer nope", "Bearer", "Basic a-secret-token-of-tests", "a-secret-token-of-tests"):
            refused = await http.post(CHAT, json=chat(), headers={"authorization": wrong})
            assert refused.status_code == 401
            assert "WWW-Authenticate" in refused.headers
        shaped = await http.post("/v1/messages", json=chat(), headers={"x-api-key": "nope"})
        assert shaped.json()["error"]["type"] == "authentication_error"
        for good in (
            {"authorization": "Bearer a-secret-token-of-tests"},
            {"x-api-key": "a-secret-token-of-tests"},
            {"x-api-key": token},
        ):
            assert (await http.post(CHAT, json=chat(), headers=good)).status_code == 200
        mine = {"x-api-key": token}
        forbidden = await http.post(CHAT, json=chat("demo/echo"), headers=mine)
        assert forbidden.status_code == 403
        listed = [row["id"] for row in (await http.get("/v1/models", headers=mine)).json()["data"]]
        assert set(listed) == {"pair", "one/first", "one/third"}
        assert (await http.get("/metrics", headers=mine)).status_code == 403
        assert (await http.get("/health")).status_code == 200
        await place.app.store.gateway_keys.remove("editor")
        place.gateway.state._keys_at = float("-inf")
        assert (await http.post(CHAT, json=chat(), headers=mine)).status_code == 401
    assert {row["client"] for row in await place.rows()} == {"gateway", "gateway:editor"}


async def test_answers_are_kept_to_a_key_s_length(place: Place) -> None:
    place.up.says("first", "Hello")
    token = await give(place, "editor", max_output=50, tpm=70)
    async with place.http(**{"x-api-key": token}) as http:
        await http.post(CHAT, json=chat(max_tokens=20))
        place.gateway.state.rate_limiter._windows.clear()
        await http.post(CHAT, json=chat())
        place.gateway.state.rate_limiter._windows.clear()
        await http.post(CHAT, json=chat(max_tokens=9_000))
    sent = [body.get("max_tokens") or body.get("max_completion_tokens") for body in place.up.asked]
    assert sent == [20, 50, 50]


async def test_a_key_is_kept_only_as_a_hash(place: Place) -> None:
    token = await give(place, "editor")
    for name in ("history.db", "history.db-wal"):
        file = place.app.paths.data / name
        assert not file.exists() or token.encode() not in file.read_bytes()


def talkative(place: Place, prompt: int = 2) -> None:
    """A model that says as much as it may, and very much where nobody sets it a limit."""

    @place.up.model("first")
    async def talks(talk: Talk) -> None:
        most = talk.body.get("max_tokens") or talk.body.get("max_completion_tokens") or 50_000
        await talk.head()
        await talk.text("Hello")
        await talk.end(prompt=prompt, answer=most)


async def spent_before(place: Place, at: int, nano: int) -> None:
    """The key `editor` has spent so much at that moment."""
    row = AttemptRecord(
        f"before{at}",
        1,
        "gateway:editor",
        "r",
        "one",
        "first",
        at,
        outcome="done",
        cost_nanousd=nano,
        cost_source="computed",
    )
    await place.app.store.ledger.settle(row)


@pytest.mark.parametrize(
    ("period", "limited"), [("daily", {"max_tokens": 100}), ("monthly", {})], ids=["day", "month without max_tokens"]
)
async def test_a_cap_in_dollars_holds_exactly_under_a_hundred_at_once(
    place: Place, period: str, limited: dict[str, int]
) -> None:
    talkative(place)
    cap, month = 20_000_000, place.gateway.state.day_and_month()[1]
    await spent_before(place, month, 10_000_000)
    await spent_before(place, month - 1, 19_000_000)  # that was last month
    token = await give(place, "editor", **{period: Decimal("0.02")})
    http = place.light(**{"x-api-key": token})
    answers = await asyncio.gather(*(http.post(CHAT, json=chat(**limited)) for _ in range(100)))
    more = [await http.post(CHAT, json=chat(max_tokens=900)) for _ in range(40)]
    codes = [answer.status_code for answer in (*answers, *more)]
    assert set(codes) == {200, 403}
    day, month = place.gateway.state.day_and_month()
    since = day if period == "daily" else month
    spent = sum(row["cost_nanousd"] for row in await place.rows("gateway:editor") if row["started_at"] >= since)
    assert spent <= cap
    assert spent > cap - 2_000_000  # and it is used up to its end
    assert len(place.up.asked) == codes.count(200)


async def test_requests_a_minute_and_at_once_hold_exactly_under_a_hundred(place: Place) -> None:
    release = asyncio.Event()
    most = 0

    @place.up.model("first")
    async def waits(talk: Talk) -> None:
        nonlocal most
        most = max(most, place.up.open)
        await release.wait()
        await talk.head()
        await talk.text("Hello")
        await talk.end()

    limited, narrow = await give(place, "limited", rpm=37), await give(place, "narrow", at_once=7)
    http = place.light()
    asking = [
        asyncio.create_task(http.post(CHAT, json=chat(), headers={"x-api-key": token}))
        for token in (limited, narrow)
        for _ in range(100)
    ]
    await until(lambda: sum(task.done() for task in asking) >= 200 - 37 - 7 and place.up.open >= 44)
    release.set()
    answers = await asyncio.gather(*asking)
    by_rpm, at_once = answers[:100], answers[100:]
    assert sorted(answer.status_code for answer in by_rpm) == [200] * 37 + [429] * 63
    assert sorted(answer.status_code for answer in at_once) == [200] * 7 + [429] * 93
    assert most <= 44
    refused = next(answer for answer in by_rpm if answer.status_code == 429)
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.json()["error"]["code"] == "rate_limit_exceeded"


async def test_tokens_a_minute_hold_exactly_under_a_hundred(place: Place) -> None:
    release = asyncio.Event()

    @place.up.model("first")
    async def waits(talk: Talk) -> None:
        await release.wait()
        await talk.head()
        await talk.text("Hello")
        await talk.end(prompt=50, answer=50)

    token = await give(place, "editor", tpm=2_000)
    http = place.light(**{"x-api-key": token})
    asking = [asyncio.create_task(http.post(CHAT, json=chat(max_tokens=190))) for _ in range(100)]
    await until(lambda: sum(task.done() for task in asking) >= 90 and place.up.open >= 10)
    release.set()
    codes = [answer.status_code for answer in await asyncio.gather(*asking)]
    assert (codes.count(200), codes.count(429)) == (10, 90)  # 195 or so are held back for each
    more = [(await http.post(CHAT, json=chat(max_tokens=190))).status_code for _ in range(20)]
    assert 7 <= more.count(200) <= 9  # a hundred were really used by each: 1,000 of 2,000
    assert sum(row["input_tokens"] + row["output_tokens"] for row in await place.rows()) <= 2_000


@pytest.mark.parametrize("stream", [False, True])
async def test_tokens_a_minute_hold_also_where_nobody_says_how_long_an_answer_may_be(
    place: Place, stream: bool
) -> None:
    talkative(place)
    token = await give(place, "editor", tpm=20_000)
    http = place.light(**{"x-api-key": token})
    asking = (http.post(CHAT, json=chat(stream=stream)) for _ in range(100))
    codes = [answer.status_code for answer in await asyncio.gather(*asking)]
    codes += [(await http.post(CHAT, json=chat(stream=stream))).status_code for _ in range(10)]
    assert set(codes) == {200, 429}
    used = sum(row["input_tokens"] + row["output_tokens"] for row in await place.rows())
    assert 15_000 < used <= 20_000


async def test_tokens_a_minute_hold_over_all_attempts_of_a_request(place: Place) -> None:
    @place.up.model("first")
    async def dies(talk: Talk) -> None:
        await talk.head()
        await talk.text("One two three")

    place.up.says("second", "One two three four")
    token = await give(place, "editor", tpm=1_000)
    http = place.light(**{"x-api-key": token})
    refused = await http.post(CHAT, json=chat("pair", max_tokens=600))
    assert refused.status_code == 429
    place.gateway.state.rate_limiter._windows.clear()
    assert (await http.post(CHAT, json=chat("pair", max_tokens=300))).status_code == 200
    assert [body["model"] for body in place.up.asked] == ["first", "first", "second"]
