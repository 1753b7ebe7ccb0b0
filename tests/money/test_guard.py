"""The guard: what it finds, what it lets through, and how answers get back what was taken out of questions."""

from __future__ import annotations

import json
import re
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routerterm.core.errors import GuardBlocked, SettingsError
from routerterm.core.messages import Message, Text, ToolCall, ToolResult
from routerterm.core.redact import Redactor
from routerterm.core.request import ChatRequest
from routerterm.router.guard import GuardRules, Hit, PersonalGuard, Rule
from routerterm.router.guard.detect import _API_KEY, detect, is_iban, luhn
from routerterm.router.guard.json_text import change_json
from routerterm.router.guard.redact import Placeholders, Restoring
from routerterm.router.guard.rules import DETECTORS, Span

KEY = "sk-" + "proj-" + "a1B2" * 8
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow+/=\nabc\n-----END RSA PRIVATE KEY-----"


def ask(*texts: str, system: str | None = None) -> ChatRequest:
    roles = ("user", "assistant")
    return ChatRequest("m", tuple(Message.of(roles[i % 2], text) for i, text in enumerate(texts)), system)  # type: ignore[arg-type]


def found(name: str, text: str) -> list[str]:
    return [text[span.start : span.end] for span in detect(name, text)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "text", "things"),
    [
        ("api_key", f"my key is {KEY}.", [KEY]),
        ("api_key", "AKIA" + "ABCDEFGH12345678 and ghp_" + "x" * 36, ["AKIA" + "ABCDEFGH12345678", "ghp_" + "x" * 36]),
        ("api_key", "task-list sk-short risk-assessment-of-the-whole-thing", []),
        ("private_key", f"here:\n{PEM}\nthere", [PEM]),
        ("private_key", "-----BEGIN PUBLIC KEY-----", []),
        ("email", "Mail jane.doe+x@mail.example.org, please", ["jane.doe+x@mail.example.org"]),
        ("email", "@decorator foo@bar 1@2.3 a@b..c", []),
        ("phone", "call +48 601 234 567 or (022) 123-45-67", ["+48 601 234 567", "(022) 123-45-67"]),
        ("phone", "in 2026-11-21 at 12:30:45, 1234567890123 ns, 3.14159265358", []),
        ("card", "4111 1111 1111 1111 and 5500-0000-0000-0004", ["4111 1111 1111 1111", "5500-0000-0000-0004"]),
        ("card", "4111 1111 1111 1112, 0000000000000000", []),
        ("iban", "pay PL61 1090 1014 0000 0712 1981 2874 NOW", ["PL61 1090 1014 0000 0712 1981 2874"]),
        ("iban", "GB82WEST12345698765432", ["GB82WEST12345698765432"]),
        ("iban", "GB82WEST12345698765431", []),
    ],
)
def test_things_are_known_by_their_shape(name: str, text: str, things: list[str]) -> None:
    assert found(name, text) == things


@pytest.mark.parametrize("name", DETECTORS)
@pytest.mark.parametrize(
    "text", ["a" * 50_000, "1 " * 25_000, "a@" * 25_000, "-----BEGIN " * 5_000, "+1(" * 20_000, "A1" * 25_000]
)
def test_detectors_take_linear_time(name: str, text: str) -> None:
    begun = time.process_time()
    list(detect(name, text))  # type: ignore[arg-type]
    assert time.process_time() - begun < 2, "a quadratic pattern would take minutes"


@given(st.integers(10**11, 10**17))
def test_one_wrong_digit_breaks_luhn(number: int) -> None:
    digits = str(number)
    check = next(str(d) for d in range(10) if luhn(digits + str(d)) or len(set(digits)) == 1)
    if luhn(digits + check):
        assert not luhn(digits + str((int(check) + 1) % 10))


def test_iban_checks_digits() -> None:
    assert is_iban("DE89370400440532013000")
    assert not is_iban("DE88370400440532013000")


@pytest.mark.parametrize(
    ("rule", "text", "struck"),
    [
        (Rule("r", "block", regex=r"project\s+aurora"), "About project  aurora.", True),
        (Rule("r", "block", regex=r"project\s+aurora"), "About Aurora.", False),
        (Rule("r", "block", contains_all=("merger", "ACME")), "The acme MERGER", True),
        (Rule("r", "block", contains_all=("merger", "ACME")), "The merger", False),
        (Rule("r", "block", contains_any=("salary", "bonus")), "his Bonus", True),
        (Rule("r", "block", contains_any=("straße",)), "in der STRASSE", True),
        (Rule("r", "block", contains_any=("x",), roles=("system",)), "x", False),
        (Rule("r", "warn", contains_any=("x",)), "x", False),
    ],
)
def test_rules_block_what_they_say(rule: Rule, text: str, struck: bool) -> None:
    guard = PersonalGuard(GuardRules((rule,)))
    if struck:
        with pytest.raises(GuardBlocked) as caught:
            guard.check(ask(text))
        assert text not in caught.value.message
        assert caught.value.exit_code == 3
    else:
        assert guard.check(ask(text)).request == ask(text)


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"(a|aa)+$", r"(.*a){20}$", r"^(([a-z])+.)+[A-Z]([a-z])+$"])
@pytest.mark.parametrize("action", ["block", "redact", "warn"])
def test_a_catastrophic_rule_cannot_freeze_the_program(pattern: str, action: str) -> None:
    hits: list[Hit] = []
    guard = PersonalGuard(GuardRules((Rule("slow", action, regex=pattern),)), hits.append)  # type: ignore[arg-type]
    request = ask(*["a" * 5_000 + "!"] * 41)
    begun = time.process_time()  # what a loaded machine does beside it is not ours
    try:
        guard.check(request)
        blocked = False
    except GuardBlocked:
        blocked = True
    assert time.process_time() - begun < 5, "unbounded it would take years"
    if any(hit.timed_out for hit in hits):
        assert blocked == (action != "warn"), "a guard that cannot look does not wave through"


def test_a_wrong_expression_is_named() -> None:
    with pytest.raises(SettingsError, match="'broken'"):
        PersonalGuard(GuardRules((Rule("broken", "block", regex="(unclosed"),)))


def redacting(**detectors: str) -> PersonalGuard:
    return PersonalGuard(GuardRules(detectors=detectors or {"email": "redact", "api_key": "redact"}))  # type: ignore[arg-type]


def test_what_is_redacted_never_leaves_and_comes_back_in_the_answer() -> None:
    guarded = redacting().check(ask(f"Write to ann@x.org and bob@y.org with {KEY}, then ann@x.org again"))
    assert guarded.request.messages[0].text == "Write to [EMAIL_1] and [EMAIL_2] with [API_KEY_1], then [EMAIL_1] again"
    restorer = guarded.restorer()
    assert restorer is not None
    assert restorer.feed("Dear [EMAIL_2], [EMAIL_9], [x]") + restorer.end() == "Dear bob@y.org, [EMAIL_9], [x]"


def test_a_tools_arguments_are_json_before_and_after() -> None:
    name = 'Ann "the\\boss"\nKowalska'
    guard = PersonalGuard(GuardRules((Rule("name", "redact", contains_any=(name,)),), {"private_key": "redact"}))
    guarded = guard.check(ask(f"Write to {name}, key {PEM}"))
    restorer = guarded.restorer(within_json=True)
    assert restorer is not None
    pieces = ('{"to": "[NA', 'ME_1]", "n": 1, "with": ["[PRIVATE_KEY', "_1]", '"]}')
    said = "".join(restorer.feed(piece) for piece in pieces) + restorer.end()
    assert json.loads(said) == {"to": name, "n": 1, "with": [PEM]}
    call, result = ToolCall("1", "send", said), ToolResult("1", json.dumps({"sent": name, "key": PEM}))
    history = (*ask(f"Write to {name}, key {PEM}").messages, Message("assistant", (call,)), Message("tool", (result,)))
    again = guard.check(ChatRequest("m", history)).request.messages
    assert "boss" not in str(again)
    assert "MIIE" not in str(again)
    sent = again[1].parts[0]
    assert isinstance(sent, ToolCall)
    assert json.loads(sent.arguments) == {"to": "[NAME_1]", "n": 1, "with": ["[PRIVATE_KEY_1]"]}


@pytest.mark.parametrize("depth", [480, 30_000])
def test_arguments_too_deep_to_be_read_are_looked_at_as_text(depth: int) -> None:
    deep = f'{{"to": "ann@example.org", "a": {"[" * depth}{"]" * depth}}}'
    changed = change_json(deep, lambda text: text.replace("ann@example.org", "[EMAIL_1]"))
    assert "[EMAIL_1]" in changed
    assert changed.count("[[") == deep.count("[[")


def test_json_that_needs_no_change_keeps_its_bytes() -> None:
    odd = '{"b" :  1.50, "a":"\\u0041", "n": 1e400}'
    request = ChatRequest("m", (Message("assistant", (ToolCall("1", "f", odd), ToolCall("2", "f", '{"cut": "ann@x'))),))
    assert redacting().check(request).request == request


def test_an_earlier_answer_does_not_leak_what_the_question_hid() -> None:
    guard = PersonalGuard(GuardRules((Rule("name", "redact", contains_any=("Kowalski",)),)))
    sent = guard.check(ask("Who is Kowalski?", "Kowalski is a plumber.", "And his wife?")).request
    assert [message.text for message in sent.messages] == [
        "Who is [NAME_1]?",
        "[NAME_1] is a plumber.",
        "And his wife?",
    ]


def test_a_turn_later_the_placeholders_are_the_same() -> None:
    guard = redacting()
    first = guard.check(ask("ann@x.org, bob@y.org")).request.messages
    later = guard.check(ask("ann@x.org, bob@y.org", "ok", "carl@z.org and ann@x.org")).request.messages
    assert later[0] == first[0]
    assert later[2].text == "[EMAIL_3] and [EMAIL_1]"


def test_a_placeholder_that_the_person_wrote_is_not_ours() -> None:
    guarded = redacting().check(ask("What is [EMAIL_1]? Mail ann@x.org"))
    assert guarded.request.messages[0].text == "What is [EMAIL_1]? Mail [EMAIL_2]"


def test_tools_and_the_system_prompt_are_looked_at_too() -> None:
    request = ChatRequest(
        "m",
        (
            Message("assistant", (ToolCall("1", "send", '{"to":"ann@x.org"}'),)),
            Message("tool", (ToolResult("1", "sent to ann@x.org"), Text("bob@y.org"))),
        ),
        system="You are carl@z.org",
    )
    sent = redacting().check(request).request
    assert "@" not in str(sent)


@given(st.text("[]_ EMAIL12x", max_size=60), st.lists(st.integers(1, 5), max_size=40))
def test_restoring_is_the_same_however_the_answer_is_cut(text: str, cuts: list[int]) -> None:
    things = {"[EMAIL_1]": "ann@x.org", "[EMAIL_12]": "bob@y.org", "[X_1]": "[EMAIL_1]"}
    text = text.replace("x", "[EMAIL_1]").replace("1 ", "[EMAIL_12]")
    whole = Restoring(things)
    expected = whole.feed(text) + whole.end()
    pieces, at = [], 0
    for cut in cuts:
        pieces.append(text[at : at + cut])
        at += cut
    cut_up = Restoring(things)
    shown = "".join(cut_up.feed(piece) for piece in [*pieces, text[at:]])
    assert shown + cut_up.end() == expected


PROSE = st.text(st.characters(exclude_characters=".:@/<[]("), max_size=30)
"""Text without what may be an address, where a placeholder stays."""


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=6), PROSE)
def test_what_was_taken_out_can_always_be_put_back(spans: list[tuple[int, int]], text: str) -> None:
    stretches = [Span(a, b) for a, b in spans if a < b <= len(text)]
    placeholders = Placeholders(text)
    taken = placeholders.take(text, stretches, "thing")
    restoring = Restoring(placeholders.things)
    assert restoring.feed(taken) + restoring.end() == text


def test_hits_are_told_without_the_text_and_only_of_what_is_new() -> None:
    hits: list[Hit] = []
    rules = GuardRules((Rule("word", "warn", contains_any=("plan",)),), {"email": "log"})
    guard = PersonalGuard(rules, hits.append)
    guard.check(ask("a plan, a plan for ann@x.org"))
    assert hits == [Hit("word", "warn", "user", 2), Hit("email", "log", "user", 1)]
    hits.clear()
    guard.check(ask("a plan for ann@x.org", "ok", "go on"))
    assert hits == []


def answer(rules: GuardRules, *pieces: str) -> tuple[str, list[Hit]]:
    hits: list[Hit] = []
    restorer = PersonalGuard(rules, hits.append).check(ask("hi")).restorer()
    assert restorer is not None
    return "".join(restorer.feed(piece) for piece in pieces) + restorer.end(), hits


def test_an_answer_is_held_against_rules_for_the_assistant() -> None:
    rules = GuardRules((Rule("swear", "redact", contains_any=("damn",), roles=("assistant",)),))
    assert answer(rules, "Well, da", "mn it.\nFine") == ("Well, ████ it.\nFine", [Hit("swear", "redact", "assistant")])


def test_a_blocked_answer_ends_with_a_note() -> None:
    rules = GuardRules((Rule("secret", "block", regex="launch code", roles=("assistant",)),))
    shown, hits = answer(rules, "First line.\nThe launch", " code is 1234.\nMore.")
    assert shown == "First line.\n[The rest was removed by guard rule 'secret'.]"
    assert hits == [Hit("secret", "block", "assistant")]


def test_what_comes_back_is_recorded_too() -> None:
    assert answer(GuardRules(detectors={"api_key": "log"}), "use ", KEY) == (
        f"use {KEY}",
        [Hit("api_key", "log", "assistant")],
    )


def test_without_rules_nothing_stands_in_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    guarded = PersonalGuard(GuardRules()).check(ask(f"ann@x.org {KEY}"))
    assert guarded.request == ask(f"ann@x.org {KEY}")
    monkeypatch.setattr("routerterm.router.guard.guard.secret_redactor", Redactor())
    assert guarded.restorer() is None


ANSWERED = "Write to bob@example.org, or call +48 601 234 567 today.\nThe key is " + KEY + " and that is all."


@given(st.lists(st.integers(0, len(ANSWERED)), max_size=12))
def test_shapes_in_an_answer_are_hidden_however_it_is_cut(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(ANSWERED)]
    pieces = [ANSWERED[start:end] for start, end in pairwise(places)]
    rules = GuardRules(detectors={"email": "redact", "phone": "redact", "api_key": "redact"})
    shown, hits = answer(rules, *pieces)
    assert shown == "Write to ████████, or call ████████ today.\nThe key is ████████ and that is all."
    assert sorted((hit.rule, hit.action, hit.count) for hit in hits) == [
        ("api_key", "redact", 1), ("email", "redact", 1), ("phone", "redact", 1),
    ]  # fmt: skip


KEYS = st.from_regex(re.compile(_API_KEY.pattern, re.ASCII), fullmatch=True).filter(lambda key: len(key) < 150)


@given(
    KEYS,
    st.sampled_from(
        ["the key is {}", "({})", "{}", 'a word,"{}" and so on', "http://ann:{}@example.org/x on", "on\n{}"]
    ),
    st.lists(st.integers(0, 200), max_size=12),
)
def test_keys_in_an_answer_are_hidden_however_it_is_cut(key: str, frame: str, cuts: list[int]) -> None:
    said = frame.format(key)
    places = [0, *sorted(min(cut, len(said)) for cut in cuts), len(said)]
    rules = GuardRules(detectors={"api_key": "redact", "private_key": "redact"})
    shown, _ = answer(rules, *(said[start:end] for start, end in pairwise(places)))
    assert shown == frame.format("████████")


def test_a_word_that_cannot_become_a_key_is_shown_at_once() -> None:
    restorer = PersonalGuard(GuardRules(detectors={"api_key": "redact"})).check(ask("hi")).restorer()
    assert restorer is not None
    assert [restorer.feed(piece) for piece in ("and so on", "ward s", "k", "-way")] == ["and so on", "ward ", "", ""]
    assert restorer.end() == "sk-way"


def test_a_shape_that_is_forbidden_ends_the_answer() -> None:
    shown, hits = answer(GuardRules(detectors={"email": "block"}), "Fine.\nWrite to bob@exam", "ple.org now")
    assert "bob@" not in shown
    assert shown.startswith("Fine.\n")
    assert "was removed" in shown
    assert [(hit.rule, hit.action) for hit in hits] == [("email", "block")]


def test_a_word_without_end_is_not_held_for_ever() -> None:
    shown, _ = answer(GuardRules(detectors={"email": "redact"}), *["x" * 100] * 50)
    assert shown == "x" * 5000
