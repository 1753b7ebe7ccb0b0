"""What was taken out of a question is put back into words, never into what acts; our own keys are masked in answers."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routerterm.core.redact import Redactor
from routerterm.router.guard.detect import detect
from routerterm.router.guard.redact import Masking, Restoring

KEY = "sk-proj-" + "Q7zR4tWx" * 6


def fed(sink: Restoring | Masking, text: str, cuts: list[int]) -> str:
    edges = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    return "".join(sink.feed(text[a:b]) for a, b in pairwise(edges)) + sink.end()


cuts = st.lists(st.integers(0, 1_000), max_size=8)


@pytest.mark.parametrize(
    "text",
    ["[a](https://e.example/?k=[API_KEY_1])", "https://e.example/[API_KEY_1]", "![x](/p?[API_KEY_1] 't')",
     "<img src='//e.example/[API_KEY_1]'>", "[API_KEY_1].e.example", "e.example/?k=[API_KEY_1]", "[r]: [API_KEY_1]",
     "[a](<https://e.example/ [API_KEY_1]>)", "mailto:x@e.example?body=[API_KEY_1]", "www.e.example?[API_KEY_1]",
     "[a](https://e.example/(x)?k=[API_KEY_1])"],
)  # fmt: skip
@given(cuts=cuts)
def test_nothing_is_put_back_into_an_address(text: str, cuts: list[int]) -> None:
    assert "SECRET" not in fed(Restoring({"[API_KEY_1]": "SECRET"}), text, cuts)


@pytest.mark.parametrize(
    "text", ["use [API_KEY_1] there.", "[API_KEY_1]", "key=[API_KEY_1]\n", "see [x](https://e.example) and [API_KEY_1]"]
)
@given(cuts=cuts)
def test_it_is_put_back_into_words(text: str, cuts: list[int]) -> None:
    found = fed(Restoring({"[API_KEY_1]": "SECRET"}), text, cuts)
    assert found == text.replace("[API_KEY_1]", "SECRET")


@given(cuts=cuts)
def test_a_key_said_back_is_masked_however_it_is_cut(cuts: list[int]) -> None:
    assert (
        fed(Masking({KEY: "sk-****"}), f"it is {KEY}, and sk-proj-Q7 is not", cuts)
        == "it is sk-****, and sk-proj-Q7 is not"
    )


@given(
    st.lists(st.sampled_from(["ab12ab12ab", "ab12cd", "cdcdcdcd", "ab", "a", "1", "2", "c", "d", " "]), max_size=12),
    cuts,
)
def test_masked_as_if_it_came_at_once(pieces: list[str], cuts: list[int]) -> None:
    known = {"ab12ab12ab": "ab1****", "cdcdcdcd": "cd****", "b12cdb12cd": "b1****"}
    text = "".join(pieces)
    assert fed(Masking(known), text, cuts) == fed(Masking(known), text, [])
    assert not any(secret in fed(Masking(known), text, cuts) for secret in known)


def test_a_word_that_only_begins_like_a_secret_does_not_wait() -> None:
    masking = Masking({"one-long-secret": "****"})
    assert masking.feed("and so on") == "and so on"
    assert masking.feed("e-long-secret, no?") == "****, no?"


@pytest.mark.parametrize("gap", ["\n", "\n> ", "\r\n    ", "\u200b", "\u2060\u00ad", " \n"])
def test_wrapped_and_split_keys_are_found(gap: str) -> None:
    text = f"use {KEY[:30]}{gap}{KEY[30:]} please"
    found = list(detect("api_key", text))
    assert max(span.end for span in found) == text.index(" please")
    assert KEY[30:] not in Redactor()(text)


def test_words_on_the_next_line_are_no_part_of_a_key() -> None:
    for rest in ("please", "OTHER=2", "NEXT: 3", "# comment"):
        text = f"A={KEY}\n{rest}"
        assert Redactor()(text).endswith(f"\n{rest}")


def test_a_password_in_an_address_is_found() -> None:
    text = "postgres://admin:S3cr3tOfMine@db.example/main"
    assert [text[span.start : span.end] for span in detect("api_key", text)] == ["S3cr3tOfMine"]
    assert Redactor()(text) == "postgres://admin:****@db.example/main"


def test_one_list_of_what_children_inherit() -> None:
    environ = {
        "HOME": "/h", "PATH": "/bin", "ROUTERTERM_HOME": "/r", "ROUTERTERM_GATEWAY_TOKEN": "t", "GROQ_API_KEY": "k",
        "VAULT_TOKEN": "v", "PLAIN": "a-known-secret-0123456789",
    }  # fmt: skip
    redactor = Redactor()
    redactor.learn("a-known-secret-0123456789")
    assert set(redactor.clean_environment(environ)) == {"HOME", "PATH", "ROUTERTERM_HOME"}
    assert set(redactor.clean_environment(environ, tool=True)) == {"HOME", "PATH", "ROUTERTERM_HOME", "VAULT_TOKEN"}
