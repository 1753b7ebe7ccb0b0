"""Every event has its line of JSON."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from routerterm.cli.event_json import event_object
from routerterm.core import events as e
from routerterm.core.errors import NoKey, RateLimited
from routerterm.core.money import Cost
from routerterm.core.targets import Candidate, Decision, Forecast, RejectedCandidate, Target
from routerterm.core.usage import Usage

HERE = Target("openrouter", "meta/llama")
LIMITED = RateLimited("Too fast.", "Wait.", status=429, retry_after=41.5, key_label="work")


@pytest.mark.parametrize(
    ("event", "body"),
    [
        (e.TextDelta('a "quoted"\n line'), {"event": "text_delta", "text": 'a "quoted"\n line'}),
        (
            e.AttemptFailed(1, HERE, LIMITED, "next key", 0.5),
            {
                "event": "attempt_failed",
                "n": 1,
                "target": "openrouter/meta/llama",
                "error": {
                    "kind": "rate_limited",
                    "message": "Too fast.",
                    "hint": "Wait.",
                    "status": 429,
                    "retry_after": 41.5,
                },
                "next": "next key",
                "wait": 0.5,
            },
        ),
        (
            e.Recovered("restart", 12, HERE),
            {"event": "recovered", "how": "restart", "characters": 12, "target": str(HERE)},
        ),
    ],
)
def test_an_event_is_an_object(event: e.Event, body: dict[str, object]) -> None:
    assert json.loads(json.dumps(event_object(event))) == body


def test_money_keeps_its_digits_and_the_unknown_stays_null() -> None:
    usage = Usage(fresh=3, output=2, raw={"prompt_tokens": 3})
    known = event_object(e.Finished("stop", HERE, usage, Cost(Decimal("0.000000123"), "computed", "2026-11-01")))
    assert known["cost"]["usd"] == "0.000000123"
    assert "raw" not in known["usage"]
    assert event_object(e.Finished("stop", HERE))["cost"]["usd"] is None


def test_a_decision_is_told_whole() -> None:
    forecast = Forecast(10, Decimal("0.1"), None, answer=600)
    decision = Decision(
        "smart", "priority", (Candidate(HERE, "first", forecast),), (RejectedCandidate(HERE, "no vision"),), forecast
    )
    told = event_object(e.RouteDecided(decision))["decision"]
    sizes = {"prompt_tokens": 10, "context": None, "answer": 600}
    assert told["candidates"][0]["forecast"] == sizes | {"low": "0.1", "high": None}
    assert [(each["target"], each["reason"]) for each in told["passed_over"]] == [(str(HERE), "no vision")]


def test_an_error_without_a_provider_is_told_by_its_class() -> None:
    assert event_object(e.Failed(NoKey("No key.", "Add one.")))["error"] == {
        "kind": "no_key",
        "message": "No key.",
        "hint": "Add one.",
    }
