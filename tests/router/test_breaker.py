"""The breaker and the measurements."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from routerterm import Router
from routerterm.catalog import Catalog
from routerterm.core.errors import (
    BadRequest,
    CircuitOpen,
    ModelNotFound,
    RateLimited,
    ResponseTimeout,
    ServerError,
    StreamInterrupted,
)
from routerterm.core.events import Finished
from routerterm.core.ports import State
from routerterm.router.decide.circuit_breaker import (
    admit,
    admit_last_resort,
    avoided,
    failed,
    forgotten,
    health,
    released,
    succeeded,
)
from routerterm.router.environment_keys import EnvironmentKeys
from routerterm.router.options import BreakerLimits, Limits, RouterOptions
from tests.router.faults.wall import run
from tests.router.test_pictures import CLAUDE, Web, question

RULES = BreakerLimits()


def after(marks: str, now: float = 0.0) -> State | None:
    """The state after failures (x) and successes (o)."""
    state: State | None = None
    for mark in marks:
        state = failed(state, now, RULES, ServerError("x")) if mark == "x" else succeeded(state, now, RULES)
    return state


def test_four_failures_are_too_few() -> None:
    assert health(after("xxxx"), 0.0).open_for == 0.0


def test_five_failures_open_it_for_four_seconds() -> None:
    state = after("xxxxx")
    assert health(state, 0.0).open_for == 4.0
    assert admit(state, 3.9, RULES)[1] is False


def test_under_half_of_the_window_keeps_it_closed() -> None:
    assert health(after("oooxxoooxx"), 0.0).open_for == 0.0
    assert health(after("oooxxx"), 0.0).open_for == 4.0


def test_only_the_last_twenty_count() -> None:
    assert health(after("xxxx" + "o" * 20 + "x" * 9), 0.0).open_for == 0.0


def test_one_probe_at_a_time() -> None:
    state = after("xxxxx")
    state, first = admit(state, 4.0, RULES)
    state, second = admit(state, 4.1, RULES)
    assert (first, second) == (True, False)


def test_a_lost_probe_does_not_close_the_door_for_ever() -> None:
    state, _ = admit(after("xxxxx"), 30.0, RULES)
    assert admit(state, 30.0 + RULES.probe_lease, RULES)[1]


def test_a_probe_that_was_called_off_frees_the_place() -> None:
    state, _ = admit(after("xxxxx"), 30.0, RULES)
    assert admit(released(state), 31.0, RULES)[1]


def test_an_outage_is_over_soon_after_its_end_and_a_long_one_is_asked_seldom() -> None:
    state, now, probes = after("xxxxx"), 0.0, []
    while now < 1800.0:
        now += health(state, now).open_for
        probes.append(now)
        state, admitted = admit(state, now, RULES)
        assert admitted
        state = failed(state, now, RULES, ResponseTimeout("x"))
    gaps = [after - before for before, after in pairwise(probes)]
    assert probes[0] == 4.0
    assert max(gap for probe, gap in zip(probes, gaps, strict=False) if probe <= 20.0) <= 5.0
    assert all(sum(start <= probe < start + 10.0 for probe in probes) <= 3 for start in probes)
    assert gaps == sorted(gaps)
    assert gaps[-1] == 60.0


def test_a_good_probe_closes_it() -> None:
    state, _ = admit(after("xxxxx"), 30.0, RULES)
    state = succeeded(state, 31.0, RULES)
    assert health(state, 31.0).open_for == 0.0
    assert health(after("xxxx", 31.0), 31.0).open_for == 0.0
    assert admit(state, 31.0, RULES) == (state, True)


def test_a_straggler_does_not_lengthen_the_wait() -> None:
    assert health(failed(after("xxxxx"), 1.0, RULES, ServerError("x")), 1.0).open_for == 3.0


def test_what_is_not_the_models_fault_does_not_count() -> None:
    state: State | None = None
    for _ in range(10):
        state = failed(state, 0.0, RULES, BadRequest("x"))
        state = failed(state, 0.0, RULES, RateLimited("x"))
    assert health(state, 0.0).open_for == 0.0
    assert health(failed(None, 0.0, RULES, StreamInterrupted("x")), 0.0).failures == 1


def test_a_model_that_is_gone_is_flagged_for_a_day_or_until_it_answers() -> None:
    state = failed(None, 100.0, RULES, ModelNotFound("x"))
    assert health(state, 3700.0).gone_for == 3600.0
    assert health(state, 100.0 + 86_400.0).gone_for == 0.0
    assert health(succeeded(state, 200.0, RULES), 200.0).gone_for == 0.0


def test_by_hand() -> None:
    state = avoided(after("xxxxx"), 600.0)
    assert health(state, 0.0).avoided_for == 600.0
    assert health(forgotten(state), 0.0) == health(None, 0.0)


def test_measurements_decay() -> None:
    state = succeeded(None, 0.0, RULES, ttft=10.0, speed=10.0)
    state = succeeded(state, 7200.0, RULES, ttft=1.0, speed=100.0)
    seen = health(state, 7200.0)
    assert seen.ttft is not None
    assert 1.0 < seen.ttft < 5.5, "two hours leave a quarter of the old sample's weight"
    assert seen.speed is not None
    assert 55.0 < seen.speed < 100.0


def test_p95_needs_five_samples() -> None:
    state: State | None = None
    for place in range(20):
        state = succeeded(state, 0.0, RULES, ttft=1.0 + place)
        expected = None if place < 4 else health(state, 0.0).ttft_p95
        assert health(state, 0.0).ttft_p95 == expected
    assert health(state, 0.0).ttft_p95 == 19.0


ACTIONS = st.lists(st.tuples(st.sampled_from(["admit", "fail", "succeed", "release"]), st.floats(0, 100)), max_size=60)


@given(ACTIONS)
def test_whatever_happens_it_opens_again_and_never_for_more_than_five_minutes(actions: list[tuple[str, float]]) -> None:
    state: State | None = None
    now = 0.0
    for action, wait in actions:
        now += wait
        match action:
            case "admit":
                state, _ = admit(state, now, RULES)
            case "fail":
                state = failed(state, now, RULES, ServerError("x"))
            case "succeed":
                state = succeeded(state, now, RULES)
            case _:
                state = released(state)
        assert health(state, now).open_for <= 300.0
        assert len((state or {}).get("window", "")) <= 20
    assert admit(state, now + 301.0 + RULES.probe_lease, RULES)[1]


@given(
    st.dictionaries(
        st.sampled_from(["window", "open_until", "probe_until", "ttft", "speed", "opens", "gone_at"]),
        st.one_of(st.none(), st.integers(0, 10**6), st.text(max_size=3), st.lists(st.integers(), max_size=3)),
    )
)
def test_a_damaged_state_is_survived(state: dict[str, Any]) -> None:
    """The database is shared with other versions of the program."""
    health(state, 5.0)
    admit(state, 5.0, RULES)
    failed(state, 5.0, RULES, ServerError("x"))
    succeeded(state, 5.0, RULES, 1.0, 1.0)


def test_a_crowd_at_the_last_resort_goes_no_faster_than_probes() -> None:
    state, now, asked = after("xxxxx"), 0.0, []
    while now < 60.0:
        state, wait = admit_last_resort(state or {}, now, RULES)
        if not wait:
            asked.append(now)
        now += 0.25
    assert asked[0] == 0.0, "the first is not refused"
    assert all(sum(start <= at < start + 10.0 for at in asked) <= 3 for start in asked)
    assert "tried_at" not in succeeded(state, now, RULES)
    assert admit_last_resort({"tried_at": 1e12}, 5.0, RULES)[1] == 0.0, "a clock that was set back refuses nobody"


async def test_a_lone_model_that_is_down_is_not_flooded() -> None:
    now, web = [1_000.0], Web({"*": (500, {}, b'{"error":{"message":"down"}}')})
    catalog = Catalog.builtin()
    router = Router(
        catalog,
        EnvironmentKeys(catalog.provider, {"ANTHROPIC_API_KEY": "key-of-anthropic-012345"}),
        options=RouterOptions(limits=Limits(backoff=0.0)),
        transports={"anthropic": web},
        clock=lambda: now[0],
    )
    ask = question("anthropic/claude-haiku-4-5")
    for _ in range(4):
        await run(router, ask)
    opened = len(web.sent)
    errors = []
    for _ in range(40):
        now[0] += 0.25
        _, events = await run(router, ask)
        errors.append(events[-1].error)  # type: ignore[attr-defined]
    assert 1 <= len(web.sent) - opened <= 4
    assert any(isinstance(error, CircuitOpen) and 1 <= error.retry_after <= 4 for error in errors)
    web.answers = {"*": (200, {}, CLAUDE)}
    now[0] += 4.5
    _, events = await run(router, ask)
    assert isinstance(events[-1], Finished)
    _, events = await run(router, ask)
    assert isinstance(events[-1], Finished)
