"""The router in the running program: routes of the settings, its demonstrations, and what the ledger says of them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import Any

from routerterm.cli.why_command import _decide, as_object
from routerterm.config.paths import Paths
from routerterm.router.transports.demo_texts import CUT
from routerterm.store.database import Store
from tests.cli.program import routerterm

ROUTES = """
[router]
default = "mine"

[routes.mine]
models = ["demo/down", "e"]

[routes.fair]
strategy = "weighted"
models = ["demo/echo", "demo/markdown"]
weights = { "demo/echo" = 3 }

[routes.hurried]
hedge = true
models = ["demo/silent", "demo/echo"]

[routes.eyes]
models = ["demo/code", "tiny/m", "demo/echo"]

[routes.far]
models = ["near-by/one", "far-off/two"]

[aliases]
e = "demo/echo"

[providers.tiny]
protocol = "openai-chat"
base_url = "http://127.0.0.1:9/v1"

[providers.near-by]
protocol = "openai-chat"
base_url = "https://one.invalid/v1"

[providers.far-off]
protocol = "openai-chat"
base_url = "https://two.invalid/v1"

[models."tiny/m"]
context = 2000

[models."demo/down"]
fallbacks = ["demo/echo"]
"""


def configure(paths: Paths) -> None:
    paths.make()
    paths.config_file.write_text(ROUTES)


def attempts(paths: Paths) -> list[dict[str, Any]]:
    """The ledger's rows, as they lie in the file."""
    with closing(sqlite3.connect(paths.database)) as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute("SELECT * FROM attempt ORDER BY started_at, n")]


async def why(model: str, prompt: str, *, private: bool = False) -> dict[str, Any]:
    """What the command would print, in this process."""
    return as_object(await _decide(prompt, model, (), private, web=False))


async def test_why_tells_of_every_candidate(paths: Paths) -> None:
    configure(paths)
    printed = json.loads(routerterm("why", "--json", "Hello").out)
    assert [each["model"] for each in printed["candidates"]] == ["demo/down", "demo/echo"]
    assert await why("", "Hello") == printed
    fair = (await why("fair", "Hello"))["candidates"]
    assert {each["why"] for each in fair} == {"picked with a chance of 75 %", "picked with a chance of 25 %"}
    named = (await why("demo/down", "Hello"))["candidates"]
    assert [each["why"] for each in named] == ["asked for by name", "fallback of demo/down"]
    long = await why("eyes", "word " * 3000)
    assert [each["model"] for each in long["candidates"]] == ["demo/code", "demo/echo"]
    assert long["passed_over"] == [{"model": "tiny/m", "reason": "2k context < 4k needed", "cause": "capability"}]
    private = await why("smart", "Hello", private=True)
    assert private["candidates"] == []
    assert all("private" in each["reason"] for each in private["passed_over"])
    assert attempts(paths) == [], "nothing may be sent"


def test_why_without_a_key_says_what_to_do(paths: Paths) -> None:
    ran = routerterm("why", "-m", "any", "Hello")
    assert ran.code == 4
    assert "no provider has a key" in ran.out
    assert "routerterm keys add" in ran.out


def test_a_route_of_the_settings_gets_around_what_is_down(paths: Paths) -> None:
    configure(paths)
    ran = routerterm("ask", "Hello")
    assert (ran.code, ran.out) == (0, "Hello\n")
    rows = attempts(paths)
    assert [(row["n"], row["model"], row["outcome"]) for row in rows] == [
        (1, "down", "failed"),
        (2, "down", "failed"),
        (3, "echo", "done"),
    ]
    assert {row["route"] for row in rows} == {"mine"}


def test_both_legs_of_a_cut_answer_are_in_the_ledger(paths: Paths) -> None:
    ran = routerterm("ask", "-m", "demo/cut", "Hello")
    assert (ran.code, ran.out) == (0, CUT)
    assert [row["outcome"] for row in attempts(paths)] == ["cut", "done"]


def test_a_restart_keeps_the_partial_answer_beside_the_whole_one(paths: Paths) -> None:
    paths.make()
    paths.config_file.write_text(
        '[router]\non_cut = "restart"\n[routes.two]\nmodels = ["demo/cut", "demo/echo"]\n',
    )
    assert routerterm("ask", "--no-stream", "-m", "two", "Hello").out == "Hello\n"
    with closing(sqlite3.connect(paths.database)) as database:
        replies = database.execute(
            "SELECT model, status, text, parent_id FROM message WHERE role = 'assistant' ORDER BY status"
        ).fetchall()
    (partial, whole) = replies
    assert partial[:2] == ("demo/cut", "cut"), "it is the words of the one that broke off"
    assert CUT.startswith(partial[2])
    assert whole[:3] == ("demo/echo", "done", "Hello")
    assert partial[3] == whole[3]
    assert [row["outcome"] for row in attempts(paths)] == ["cut", "done"]


async def test_the_loser_of_a_hedge_is_in_the_ledger(paths: Paths) -> None:
    configure(paths)
    store = Store.open(paths.database)
    await store.start()
    await store.memory.change("health:demo/silent", lambda _: {"ttft": [[0.1, 1.0]] * 8})
    await store.close()
    ran = routerterm("ask", "-m", "hurried", "Hello")
    assert (ran.code, ran.out) == (0, "Hello\n")
    lost, won = attempts(paths)
    assert (lost["model"], lost["outcome"]) == ("silent", "cancelled")
    assert (won["model"], won["outcome"]) == ("echo", "done")
    assert lost["input_tokens"] > 0, "what was asked may be billed"
    assert (lost["cost_nanousd"], lost["usage_source"]) == (0, "estimated")


async def test_offline_is_said_and_held_against_nobody(paths: Paths) -> None:
    configure(paths)
    ran = routerterm("ask", "-m", "far", "Hello")
    assert ran.code == 1
    assert "No provider can be reached" in ran.err
    assert "Your question is saved" in ran.err
    assert {row["error_class"] for row in attempts(paths)} == {"unreachable"}
    store = Store.open(paths.database)
    await store.start()
    assert await store.memory.read("health:") == {}
    latest = await store.conversations.latest()
    await store.close()
    assert latest is not None
    assert "Hello" in routerterm("find", "Hello").out


def test_what_can_never_be_served_is_told_when_the_settings_are_read(paths: Paths) -> None:
    paths.make()
    paths.config_file.write_text(
        '[routes.ring]\nmodels = ["ring"]\n[routes.gone]\nmodels = ["opnai/x"]\n'
        '[models."demo/echo"]\nfallbacks = ["demo/echo"]\n'
    )
    ran = routerterm("config", "check")
    assert ran.code == 2
    assert "routes.ring refers to itself" in ran.err
    assert "Did you mean openai?" in ran.err
    assert "cannot be its own fallback" in ran.err
    assert routerterm("ask", "Hello").code == 2
