"""The pure parts: fitting, titles, records, templates, parameters."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routerterm.core.errors import RateLimited, StreamInterrupted
from routerterm.core.events import (
    AttemptFailed,
    AttemptStarted,
    Failed,
    Finished,
    Recovered,
    RouteDecided,
    TextDelta,
    Timing,
    UsageReported,
)
from routerterm.core.messages import Message
from routerterm.core.money import Cost
from routerterm.core.request import Params
from routerterm.core.targets import Candidate, Decision, Forecast, RejectedCandidate, Target
from routerterm.core.usage import Usage
from routerterm.engine.chat.context import context_of
from routerterm.engine.chat.params import params_from_json, params_to_json
from routerterm.engine.chat.session import Session
from routerterm.engine.chat.templates import Field, MissingField, fields_of, fill
from routerterm.engine.chat.title import LONGEST, title_of
from routerterm.engine.chat.trace import ReplyTrace
from routerterm.engine.chat.truncation import Line, fit
from routerterm.store.database import Store
from tests.engine.fakes import Script, answer, said


def size(message: Message) -> int:
    return len(message.text)


def lines(*sizes: int, pinned: tuple[int, ...] = ()) -> list[Line]:
    return [
        Line(str(n), Message.of("assistant" if n % 2 else "user", "x" * length), n in pinned)
        for n, length in enumerate(sizes)
    ]


def test_all_goes_where_there_is_room() -> None:
    fitted = fit(lines(10, 10, 10), size, 40, "system")
    assert (len(fitted.lines), fitted.left_out, fitted.tokens) == (3, 0, 36)
    assert fit(lines(10, 10, 10), size, None).left_out == 0


def test_the_oldest_stay_behind_and_a_question_comes_first() -> None:
    fitted = fit(lines(10, 10, 10, 10, 10), size, 40)
    assert [line.id for line in fitted.lines] == ["2", "3", "4"]
    assert (fitted.left_out, fitted.tokens, fitted.tokens_left_out) == (2, 30, 20)


def test_pinned_messages_and_the_system_prompt_always_go() -> None:
    fitted = fit(lines(10, 10, 10, 10, 10, pinned=(1,)), size, 35, "12345")
    assert [line.id for line in fitted.lines] == ["1", "4"]


@given(
    st.lists(st.integers(1, 50), min_size=1, max_size=30),
    st.sets(st.integers(0, 29)),
    st.integers(0, 400),
    st.integers(0, 60),
)
def test_fitting_keeps_its_promises(sizes: list[int], pinned: set[int], room: int, system: int) -> None:
    branch = lines(*sizes, pinned=tuple(pinned))
    fitted = fit(branch, size, room, "s" * system or None)
    ids = [int(line.id) for line in fitted.lines]
    must = {len(sizes) - 1} | {n for n in pinned if n < len(sizes)}
    assert ids == sorted(ids)
    assert must <= set(ids)
    assert fitted.left_out == len(sizes) - len(ids)
    assert fitted.tokens + fitted.tokens_left_out == system + sum(sizes)
    assert fitted.tokens <= max(room, system + sum(sizes[n] for n in must))


async def test_a_long_conversation_is_read_only_as_far_as_it_fits(store: Store) -> None:
    session = Session(store, Script())
    for n in range(150):
        await said(session, f"question {n:04d}")
    page = await session.page(400)
    await store.messages.pin(page.messages[0].id)

    class Small:
        def room(self, model: str, *, answer: int = 0, private: bool = False) -> int | None:
            return 100

        def count(self, message: Message, model: str) -> int:
            return len(message.text)

    fitted = await context_of(store.messages, page.messages[-2].id, None, "m", Small())
    assert fitted.lines[0].pinned
    assert fitted.lines[-1].message.text == "question 0149"
    assert fitted.left_out + len(fitted.lines) == 299
    script = Script(answer("short"))
    session = Session(store, script, session.conversation.id if session.conversation else None, window=Small())
    await said(session, "what fits")
    reply = (await session.page()).messages[-1]
    left_out = ReplyTrace.of(reply.params).left_out
    assert left_out is not None
    assert left_out.messages == 301 - len(script.requests[0].messages)
    assert left_out.window == 100


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Hello, can you please explain SQLite's WAL mode? I need it for a Pi.", "Explain SQLite's WAL mode"),
        ("# A heading\n\nand *text*", "A heading and *text*"),
        ("```python\nprint(1)\n```", "Python print(1)"),
        ("fix this:\n```\nboom\n```", "Fix this"),
        ("see https://example.org/a/b?c and [docs](http://x.y)", "See example.org and docs"),
        ("hi", "Hi"),
        ("   \n ", ""),
        ("What is 3.5 + 2?", "What is 3.5 + 2"),
        ("天气怎么样？", "天气怎么样？"),
        ("wow\u202e\x1b[31m red", "Wow [31m red"),
        ("gsk_AAAABBBBCCCCDDDDEEEE is my key", "…EEEE is my key"),
    ],
)  # fmt: skip
def test_titles_are_the_first_words_tidied(text: str, title: str) -> None:
    assert title_of(text) == title


@given(st.text(max_size=400))
def test_a_title_is_one_short_visible_line(text: str) -> None:
    title = title_of(text)
    assert len(title) <= LONGEST + 2
    assert title.isprintable()


def test_a_record_survives_its_journey_through_json() -> None:
    first, second = Target("groq", "llama"), Target("openai", "gpt/x")
    decision = Decision(
        "smart",
        "cheapest",
        (
            Candidate(first, "cheapest", Forecast(100, Decimal("0.001"), Decimal("0.02"), 8192, 600)),
            Candidate(second, "2nd"),
        ),
        (RejectedCandidate(Target("a", "b"), "no vision"),),
        Forecast(100, None, None),
    )
    usage = Usage(10, 2, 0, 0, 7, 3, cost=Decimal("0.5"))
    record = ReplyTrace(asked="smart", params={"temperature": 0.1})
    for event in (
        RouteDecided(decision),
        AttemptStarted(1, first, "main", "cheapest"),
        AttemptFailed(1, first, RateLimited("Too fast.", "Wait.", status=429), "next candidate", 1.5),
        AttemptStarted(2, second, None, "2nd"),
        TextDelta("hello"),
        AttemptFailed(2, second, StreamInterrupted("It broke off."), "continue"),
        Recovered("continue", 5, first),
        UsageReported(Usage(fresh=1)),
        Finished("stop", first, usage, Cost(Decimal("0.5"), "reported"), Timing(3, 9)),
    ):
        record = record.after(event)
    assert ReplyTrace.of(json.loads(json.dumps(record.to_json()))) == record
    failed = record.after(Failed(StreamInterrupted("It broke off.", "Try again.")))
    assert ReplyTrace.of(json.loads(json.dumps(failed.to_json()))) == failed
    assert ReplyTrace.of({}) == ReplyTrace()
    assert ReplyTrace.of({"decision": 7}) == ReplyTrace()


def test_templates_are_filled_in_once() -> None:
    template = "Translate {{text}} into {{ language = English }}; {{language}}, {not} {{}}."
    assert fields_of(template) == (Field("text"), Field("language", "English"))
    assert fill(template, {"text": "{{language}}", "language": "Polish"}) == (
        "Translate {{language}} into Polish; Polish, {not} {{}}."
    )
    with pytest.raises(MissingField):
        fill(template, {})


def test_parameters_survive_and_strange_entries_are_passed_over() -> None:
    params = Params(temperature=0.0, stop=("a", "b"), effort="low")
    assert params_from_json(json.loads(json.dumps(params_to_json(params)))) == params
    assert params_from_json({"temperature": 1.0, "colour": "red"}) == Params(temperature=1.0)
