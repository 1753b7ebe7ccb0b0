"""What a rule hides in an answer comes out by no other way: sources, steps, probabilities, or what follows a block."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from routerterm.core.events import (
    Event,
    HostedDelta,
    ReasoningDelta,
    ScoresDelta,
    Source,
    SourcesDelta,
    TextDelta,
    ToolCallDelta,
)
from routerterm.core.messages import Message
from routerterm.core.request import ChatRequest
from routerterm.router.guard import GuardRules, PersonalGuard, Rule
from routerterm.router.run.assembly import ResponseAssembler

REDACT = GuardRules((Rule("code", "redact", regex="launch code", roles=("assistant",)),))
BLOCK = GuardRules((Rule("code", "block", regex="launch code", roles=("assistant",)),))


def shown(rules: GuardRules, *events: Any) -> list[Event]:
    """What reaches the person of an answer."""
    guarded = PersonalGuard(rules).check(ChatRequest("p/m", (Message.of("user", "hi"),)))
    assembler = ResponseAssembler(guarded, steps=True, scores=True)
    run: Any = SimpleNamespace(text=[], characters=0, spoken=[], tool_calls=False)
    out = [event for piece in events for event in assembler.shown(run, piece, None)]
    return [*out, *assembler.rest(run, None)]


def scores(*tokens: str) -> ScoresDelta:
    return ScoresDelta(scores=tuple({"token": token, "logprob": -0.1} for token in tokens))


def tokens(events: list[Event]) -> list[str]:
    return [score["token"] for event in events if isinstance(event, ScoresDelta) for score in event.scores]


def test_after_a_block_nothing_comes_by_another_way() -> None:
    out = shown(
        BLOCK,
        TextDelta("Fine.\nThe launch code is "),
        TextDelta("1234.\n"),
        ReasoningDelta("They asked for 1234."),
        TextDelta("Again: 1234.\n"),
        ToolCallDelta(0, "c", "tell", '{"code": "1234"}'),
        HostedDelta(redacted="anthropic-step:1234"),
        SourcesDelta("1. 1234\n", sources=(Source("1234"),)),
    )
    assert "1234" not in repr(out)
    assert "".join(event.text for event in out if isinstance(event, TextDelta)).startswith(
        "Fine.\n[The rest was removed"
    )


def test_sources_and_steps_are_held_against_the_rules() -> None:
    sources = (Source("The launch code", "https://x.example"), Source("Fjords", "https://y.example/launch code"))
    out = shown(
        REDACT,
        HostedDelta(redacted="anthropic-step:the launch code"),
        HostedDelta(redacted="anthropic-step:fjords"),
        SourcesDelta("1. The launch code\n2. Fjords\n", sources=sources),
    )
    assert [event.redacted for event in out if isinstance(event, HostedDelta)] == ["anthropic-step:fjords"]
    named = [source for event in out if isinstance(event, SourcesDelta) for source in event.sources]
    assert named == [Source("The ████████", "https://x.example")]


def test_probabilities_follow_the_text_and_end_where_it_is_changed() -> None:
    first = (TextDelta("Well\n"), scores("Well", "\n"))
    hidden = (TextDelta("the launch"), scores("the", " launch"), TextDelta(" code\n"), scores(" code", "\n"))
    assert tokens(shown(REDACT, *first, *hidden, TextDelta("more\n"), scores("more"))) == ["Well", "\n"]
    assert tokens(shown(REDACT, *first, TextDelta("the lau"), scores("the", " lau"))) == ["Well", "\n", "the", " lau"]


@given(st.lists(st.text("ab \n", max_size=6), max_size=12))
def test_where_nothing_is_hidden_every_probability_comes(pieces: list[str]) -> None:
    events = [event for piece in pieces for event in (TextDelta(piece), scores(piece))]
    for rules in (REDACT, GuardRules(), GuardRules(detectors={"email": "redact"})):
        out = shown(rules, *events)
        assert tokens(out) == pieces
        assert "".join(event.text for event in out if isinstance(event, TextDelta)) == "".join(pieces)
