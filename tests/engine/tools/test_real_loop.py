"""A loop over two real providers: it fails over in its middle, and the ledger knows every step."""

from __future__ import annotations

from contextlib import aclosing
from decimal import Decimal
from pathlib import Path

from routerterm.config.paths import Paths
from routerterm.core.events import Event, Failed, Finished
from routerterm.core.messages import ToolResult
from routerterm.wiring import open_services
from routerterm.wiring.services import Services
from tests.driver.provider import Answer, Provider, serving

SETTINGS = """
[router]
default = "two"
retry_wait = 0.01

[routes.two]
models = ["one/m", "other/m"]

[providers.one]
protocol = "openai-chat"
base_url = "{one}"
needs_key = false

[providers.other]
protocol = "openai-chat"
base_url = "{other}"
needs_key = false

[models."one/m"]
price_in = 1000
price_out = 1000

[models."other/m"]
price_in = 1000
price_out = 1000

[tools]
start = "on"
steps = 10
usd = {usd}
fetch = "off"
folders = ["{folder}"]
"""


def read(line: int) -> Answer:
    return Answer(
        "", tokens=(200, 300), call=("read_file", f'{{"path": "notes.txt", "first_line": {line}, "lines": 1}}')
    )


async def opened(folder: Path, one: Provider, other: Provider, usd: str = "50") -> Services:
    notes = folder / "notes"
    notes.mkdir()
    (notes / "notes.txt").write_text("".join(f"line {n}\n" for n in range(1, 20)))
    home = folder / "home"
    home.mkdir()
    settings = SETTINGS.format(one=one.url, other=other.url, folder=notes, usd=usd)
    (home / "config.toml").write_text(settings)
    environ = {"ROUTERTERM_HOME": str(home)}
    return await open_services(Paths.find(environ), environ, loading="never")


async def asked(services: Services) -> list[Event]:
    async with aclosing(services.session().send("Read my notes.")) as events:
        return [event async for event in events]


async def test_ten_steps_over_a_provider_that_fails_at_the_fourth_and_seventh(tmp_path: Path) -> None:
    last = "They are nineteen lines."
    broken = Answer("out of order", status=500)
    first = [read(1), read(2), read(3), *[broken] * 20]
    second = [*(read(n) for n in range(4, 10)), Answer(last)]
    with serving(*first) as one, serving(*second) as other:
        services = await opened(tmp_path, one, other)
        try:
            events = await asked(services)
            end = events[-1]
            assert isinstance(end, Finished)
            latest = await services.store.conversations.latest()
            assert latest is not None
            head = await services.store.messages.head(latest.id)
            reply = await services.store.messages.get(head or "")
            assert reply is not None
            assert reply.text.strip() == last
            results = [part.text for part in reply.parts if isinstance(part, ToolResult)]
            assert results == [f"line {n}\n" for n in range(1, 10)]
            sent = [message["role"] for message in other.asked[-1]["messages"]]
            assert sent == ["user", *["assistant", "tool"] * 9]
            rows = await services.store.ledger.rows(reply.id)
            done = sorted((row for row in rows if row.outcome == "done"), key=lambda row: row.step or 0)
            assert [(row.step, row.tool) for row in done] == [(1, None), *((n, "read_file") for n in range(2, 11))]
            assert [row.provider for row in done] == ["one"] * 3 + ["other"] * 7
            assert end.cost.usd == sum(Decimal(row.cost_nanousd or 0) for row in rows) / 10**9
        finally:
            await services.close()


async def test_the_dollars_of_one_answer_are_never_exceeded(tmp_path: Path) -> None:
    with serving(*(read(n) for n in range(1, 19))) as one, serving(Answer("", status=500)) as other:
        services = await opened(tmp_path, one, other, usd="2.5")
        try:
            events = await asked(services)
            end = events[-1]
            assert isinstance(end, Failed)
            assert "`usd` of [tools]" in end.error.hint
            assert end.cost.usd is not None
            assert Decimal("0.5") <= end.cost.usd <= Decimal("2.5")
        finally:
            await services.close()


async def test_a_model_without_tools_answers_without_them_by_whatever_name(tmp_path: Path) -> None:
    with serving(Answer("Just words.")) as one, serving(Answer("", status=500)) as other:
        services = await opened(tmp_path, one, other)
        await services.close()
        home = tmp_path / "home"
        with (home / "config.toml").open("a") as file:
            file.write('[models."one/plain"]\ntools = false\n[aliases]\np = "one/plain"\n')
        environ = {"ROUTERTERM_HOME": str(home)}
        services = await open_services(Paths.find(environ), environ, loading="never")
        try:
            for name in ("one/plain", "p"):
                async with aclosing(services.session().send("Hello.", model=name)) as events:
                    assert isinstance([event async for event in events][-1], Finished)
            assert ["tools" in body for body in one.asked] == [False, False]
        finally:
            await services.close()
