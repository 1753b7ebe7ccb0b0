"""Replaying the record: the same rules give the same cost and choices, other rules what the policy would have done."""

from __future__ import annotations

import time
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.money.test_commands import fill

from routerterm.catalog.values import ModelInfo, Prices, ProviderInfo
from routerterm.cli import replay_command
from routerterm.core.errors import ProviderError
from routerterm.core.ledger import AttemptRecord
from routerterm.core.messages import Message
from routerterm.core.request import ChatRequest
from routerterm.core.targets import Target
from routerterm.engine.replay.past import error_of
from routerterm.engine.replay.report import Replay, replay
from routerterm.engine.replay.values import Rules, requests_of
from routerterm.router.decide.attempts import AttemptLost, AttemptSucceeded, Progress
from routerterm.router.decide.attempts import Rules as RetryRules
from routerterm.router.decide.budget import BudgetRules, Limits
from routerterm.router.decide.filtering import CandidateInfo, Needs
from routerterm.router.decide.key_limits import KeyView
from routerterm.router.decide.names import Names
from routerterm.router.decide.ranking import plan
from routerterm.router.decide.retry import retry_plan
from routerterm.router.options import STRATEGIES, Route, RouterOptions
from routerterm.store.requests import RequestFilter, rows_of_filter
from routerterm.wiring import open_app
from routerterm.wiring.replay import replay_days

START = 1_796_000_000_000
PROVIDERS = {name: ProviderInfo(name, name, "openai-chat", "http://x", default_model="m") for name in "abc"}
PRICES = {"a": 4, "b": 1, "c": 2}
"""Micro-dollars a token of the prompt; an answer's costs twice as much."""
ROUTES = {strategy: Route.of(strategy, "a", "b", "c", strategy=strategy) for strategy in STRATEGIES}


def prices(name: str, factor: int = 1) -> Prices:
    usd = Decimal(PRICES[name] * factor) / 10**6
    return Prices(usd, usd * 2)


def rules(routes: dict[str, Route] | None = None, budget: BudgetRules | None = None, factor: int = 1) -> Rules:
    options = RouterOptions(routes=ROUTES | (routes or {}))

    def model(target: Target) -> ModelInfo | None:
        known = target.provider in PROVIDERS
        return (
            ModelInfo(target.provider, target.model, prices=prices(target.provider, factor), price_date="2026-11-01")
            if known
            else None
        )

    names = Names(options, PROVIDERS.get, PROVIDERS.values)
    return Rules(options, budget or BudgetRules(), model, PROVIDERS.get, names, frozenset(PROVIDERS), {})


OUTCOMES = st.sampled_from(
    [("done", None)] * 4
    + [
        ("failed", "transient"),
        ("failed", "rate_limited"),
        ("failed", "silent"),
        ("cut", "cut"),
        ("failed", "model_gone"),
    ]
)


def attempt(
    place: int,
    n: int,
    provider: str,
    at: int,
    outcome: str,
    kind: str | None,
    route: str = "priority",
    tokens: int = 100,
) -> AttemptRecord:
    spoke = outcome in ("done", "cut")
    usd = (tokens * PRICES[provider] + (20 * PRICES[provider] * 2)) * 1000 if spoke else 0
    return AttemptRecord(
        f"{place}-{n}", n, "t", route, provider, "m", at, message_id=f"{place}", outcome=outcome, error_class=kind,  # type: ignore[arg-type]
        ttft_ms=300 if spoke else None, duration_ms=500, input_tokens=tokens if spoke else 0,
        output_tokens=20 if spoke else 0,
        usage_source="reported", cost_nanousd=usd, cost_source="computed",
    )  # fmt: skip


@st.composite
def made_by_the_policy(draw: st.DrawFn, moody: bool = False) -> list[AttemptRecord]:
    """Requests as the router itself would have sent them, each model answering or failing as chance has it.

    ``moody``: some models rested then, and chance, turns, warm caches or speeds of then gave the others their order.
    """
    house, rows, at = rules(), [], START
    for place in range(draw(st.integers(1, 6))):
        route = draw(st.sampled_from(["priority", "cheapest"]))
        resolved = house.names.resolve(route, house.with_key)
        subjects = [
            CandidateInfo(entry, PROVIDERS[entry.target.provider], house.model(entry.target), keys=(KeyView("key"),))
            for entry in resolved.entries
        ]
        if route == "cheapest":
            subjects.sort(key=lambda subject: PRICES[subject.target.provider])
            resolved = replace(resolved, strategy="priority")
        if moody:
            route = draw(st.sampled_from(STRATEGIES))
            resolved = replace(resolved, route=route, strategy="priority")
            subjects = draw(st.permutations(subjects))[: draw(st.integers(1, 3))]
        made = plan(resolved, subjects, Needs(), at / 1000, limits=house.options.limits, random=lambda: 0.5)
        course = retry_plan(made.options, RetryRules(), lambda: 0.5, at / 1000)
        following = next(course, None)
        while following is not None:
            at += round(following.delay * 1000)
            outcome, kind = draw(OUTCOMES)
            row = attempt(place, following.n, following.target.provider, at, outcome, kind, route, 100 + place)
            if moody and following.n == 1:
                row = replace(row, ranked="\n".join(str(option.target) for option in made.options))
            rows.append(row)
            at += 500
            progress = Progress(20, True) if outcome == "cut" else Progress()
            try:
                following = course.send(
                    AttemptSucceeded() if kind is None else AttemptLost(error_of(row), at / 1000, progress)
                )
            except StopIteration:
                following = None
        at += 400_000
    return rows


@settings(max_examples=25)
@given(made_by_the_policy(moody=True))
def test_what_was_chosen_from_is_on_record_and_gives_the_same_choices_again(rows: list[AttemptRecord]) -> None:
    found = replay(rows, rules(), rules())
    assert found.would == found.was
    assert found.would.cost == recorded_cost(rows)
    assert (found.changed, found.assumed) == (0, 0)
    assert found.confirmed == len(rows), "by the policy itself, whatever the state of then was"


async def test_the_router_records_whom_it_had_to_choose_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUTERTERM_HOME", str(tmp_path))
    (tmp_path / "config.toml").write_text('[routes.mine]\nmodels = ["demo/slow", "demo/echo"]\nstrategy = "weighted"\n')
    async with open_app() as app:
        for n in range(4):
            async for _ in app.stream(ChatRequest("mine", (Message.of("user", f"{n}"),), message_id=f"M{n}")):
                pass
        rows = await app.store.reader.read(lambda c: rows_of_filter(c, RequestFilter(), 9))
        assert {frozenset((row.ranked or "").split("\n")) for row in rows} == {frozenset(("demo/slow", "demo/echo"))}
        assert all((row.ranked or "").startswith(f"{row.provider}/{row.model}") for row in rows)
        found = await replay_days(app, 2, app.settings)
        assert (found.confirmed, found.changed) == (4, 0)


ANY_ROWS = st.lists(
    st.builds(
        attempt,
        place=st.integers(0, 4),
        n=st.integers(1, 3),
        provider=st.sampled_from("abc"),
        at=st.integers(START, START + 10**7),
        outcome=st.sampled_from(["done", "failed", "cut", "cancelled", "lost"]),
        kind=st.sampled_from([None, "transient", "gibberish", "caller_fault"]),
        route=st.sampled_from([*STRATEGIES, "a/m", "gone", "smart"]),
        tokens=st.integers(0, 10**6),
    ),
    max_size=8,
)


def recorded_cost(rows: list[AttemptRecord]) -> Decimal:
    return Decimal(sum(row.cost_nanousd or 0 for row in rows)) / 10**9


@settings(max_examples=20)
@given(made_by_the_policy())
def test_the_same_rules_make_every_choice_of_the_record(rows: list[AttemptRecord]) -> None:
    found = replay(rows, rules(), rules())
    assert found.would.cost == found.was.cost == recorded_cost(rows)
    assert (found.changed, found.assumed) == (0, 0)
    assert found.confirmed == found.would.attempts == len(rows), "the policy chose all of them by itself"
    assert found.would == found.was


@settings(max_examples=30)
@given(ANY_ROWS, st.booleans())
def test_no_record_whatever_costs_other_than_recorded_under_its_own_rules(
    rows: list[AttemptRecord], twice: bool
) -> None:
    capped = rules(budget=BudgetRules(Limits(day=Decimal("0.01"))))
    found = replay(rows, capped, capped) if twice else replay(rows, rules(), rules())
    assert found.would == found.was
    assert found.would.cost == recorded_cost(rows)
    assert sum(len(request.rows) for request in requests_of(rows)) == len(rows) == found.would.attempts


@settings(max_examples=15)
@given(ANY_ROWS, st.sampled_from(STRATEGIES))
def test_other_rules_never_fall_and_ask_only_what_they_name(rows: list[AttemptRecord], strategy: str) -> None:
    other = {name: Route.of(name, "c", "b", strategy=strategy) for name in STRATEGIES}  # type: ignore[arg-type]
    found = replay(rows, rules(), rules(other, BudgetRules(Limits(day=Decimal(1)), on_cap="cheaper")))
    routed = {row.route for row in rows} <= set(STRATEGIES)
    if routed and rows:
        assert "a/m" not in {name for name, *_ in found.would.models}


def one(found: Replay) -> list[tuple[str, int, Decimal]]:
    return [(name, count, cost) for name, count, cost, _ in found.would.models]


def test_another_first_choice_costs_what_it_costs() -> None:
    rows = [attempt(place, 1, "a", START + place * 10**6, "done", None) for place in range(3)]
    found = replay(rows, rules(), rules({"priority": Route.of("priority", "b", "a")}))
    assert one(found) == [("b/m", 3, Decimal("0.00042"))]
    assert (found.changed, found.assumed, found.would.failed) == (3, 3, 0)
    dearer = replay(rows, rules(), rules(factor=3))
    assert dearer.would.cost == dearer.was.cost * 3, "the recorded tokens at the new prices"
    assert dearer.changed == 0


def test_what_was_not_available_then_is_not_available_now() -> None:
    rows = [attempt(0, 1, "b", START, "done", None)]  # the route names a first: it was left out for some reason
    found = replay(rows, rules(), rules({"priority": Route.of("priority", "a", "c")}))
    assert one(found) == [("c/m", 1, Decimal("0.00028"))]


def test_a_model_that_failed_just_then_fails_here_too() -> None:
    rows = [attempt(0, 1, "a", START, "failed", "silent"), attempt(0, 2, "b", START + 600, "done", None)]
    rows += [attempt(1, 1, "c", START + 5000, "done", None, "c/m")]
    found = replay(rows, rules(), rules({"priority": Route.of("priority", "c", "a"), "x": Route.of("x", "a")}))
    assert one(found)[0][0] == "c/m"
    later = [*rows, attempt(2, 1, "c", START + 8000, "failed", "silent", "c/m")]
    found = replay(later, rules(), rules({"priority": Route.of("priority", "b", "c")}))
    assert found.would.failed == 1, "only the request that failed by its own name"
    other = [attempt(0, 1, "a", START, "done", None), attempt(1, 1, "b", START + 5000, "failed", "silent", "b/m")]
    found = replay(other, rules(), rules({"priority": Route.of("priority", "b", "c")}))
    assert {name for name, *_ in one(found)} == {"b/m", "c/m"}, "b would have been silent, c went on"


def test_budgets_refuse_or_make_it_cheaper() -> None:
    rows = [attempt(place, 1, "a", START + place * 60_000, "done", None) for place in range(4)]
    each = rows[0].cost_nanousd or 0
    cap = BudgetRules(Limits(day=Decimal(each * 2) / 10**9), on_cap="block")
    blocked = replay(rows, rules(), rules(budget=cap))
    assert (blocked.would.refused, blocked.would.failed, blocked.would.cost) == (2, 2, Decimal(each * 2) / 10**9)
    assert "budget" in blocked.reasons[0][0]
    cheaper = replay(
        rows, rules(), rules(budget=replace(cap, limits=Limits(day=Decimal(each * 7) / 10**9 / 2), on_cap="cheaper"))
    )
    assert cheaper.would.cost <= Decimal(each * 7) / 10**9 / 2
    assert {name for name, *_ in cheaper.would.models} > {"a/m"}
    before = [replace(rows[0], id="early", started_at=START - 60_000)]
    counted = replay([*before, *rows], rules(), rules(budget=cap), since=START)
    assert counted.would.refused == 3, "what was spent before the period counts against its month and day"


@pytest.mark.parametrize(
    "kind", ["transient", "rate_limited", "silent", "model_gone", "cut", "caller_fault", "unheard of"]
)
def test_every_class_of_failure_is_read_back(kind: str) -> None:
    error = error_of(attempt(0, 1, "a", START, "failed", kind))
    assert isinstance(error, ProviderError)
    assert error.kind == (kind if kind != "unheard of" else "transient")


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUTERTERM_HOME", str(tmp_path))
    (tmp_path / "config.toml").write_text('[routes.mine]\nmodels = ["demo/slow", "demo/echo"]\n')
    now = time.time_ns() // 1_000_000
    base = AttemptRecord(
        "x", 1, "tui", "mine", "demo", "slow", now - 5000, outcome="done", ttft_ms=900, duration_ms=1500,
        input_tokens=9, output_tokens=3, usage_source="reported", cost_nanousd=0,
    )  # fmt: skip
    fill(
        tmp_path,
        base,
        replace(base, route="openai/gpt-5.6-terra", provider="openai", model="gpt-5.6-terra", cost_nanousd=77),
    )
    run = CliRunner().invoke
    same = run(replay_command.command, ["--days", "3"])
    assert same.exit_code == 0, same.output
    assert "0 of 2 requests would have gone to other models" in same.output
    assert "make 2 of 2 recorded choices" in same.output
    (tmp_path / "new.toml").write_text('[routes.mine]\nmodels = ["demo/echo"]\n')
    other = run(replay_command.command, ["--routes", str(tmp_path / "new.toml")])
    assert "1 of 2 requests would have gone to other models" in other.output, other.output
    assert "demo/echo" in other.output
    assert "Assumptions" in other.output
    (tmp_path / "bad.toml").write_text('[routes.mine]\nmodel = ["demo/echo"]\n')
    bad = run(replay_command.command, ["--routes", str(tmp_path / "bad.toml")])
    assert "line 2" in str(bad.exception), bad.output
    as_json = run(replay_command.command, ["--json"])
    assert '"confirmed": 2' in as_json.output
