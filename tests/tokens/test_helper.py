"""Exact counts from the process beside this one: right, later, and without it there is still an answer."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routerterm.catalog.values import ModelInfo
from routerterm.core.messages import Message
from routerterm.core.request import ChatRequest
from routerterm.tokens import TokenEstimator
from routerterm.tokens.helper import WAITING, CountingHelper
from routerterm.tokens.o200k import load_now

GPT = ModelInfo("openai", "gpt-4o")
LONG = 60.0


def eventually(helper: CountingHelper, text: str) -> int | None:
    helper.known(text)
    assert helper.wait(LONG)
    return helper.known(text)


@pytest.fixture(scope="module")
def helper() -> CountingHelper:
    return CountingHelper(idle=LONG)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_it_counts_what_the_tables_in_here_count(helper: CountingHelper, text: str) -> None:
    assert eventually(helper, text) == load_now().count(text)


@pytest.mark.parametrize("text", ["two\nlines\r\n", "half of a pair \ud800", "\0\x1b\u2028", "x" * 200_000])
def test_any_text_passes_the_pipe(helper: CountingHelper, text: str) -> None:
    assert eventually(helper, text) == load_now().count(text)


def test_nobody_waits_for_the_first_count() -> None:
    helper = CountingHelper()
    assert helper.pid is None
    assert helper.known("hello there") is None
    assert eventually(helper, "hello there") == 2


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="processes are looked at in /proc")
def test_it_ends_without_work_and_is_started_again() -> None:
    helper = CountingHelper(idle=0.2)
    for text in ("one", "two words"):
        helper.known(text)
        until = time.monotonic() + LONG
        while (pid := helper.pid) is None and time.monotonic() < until:
            time.sleep(0.001)
        assert pid is not None
        assert eventually(helper, text) == len(text.split())
        while Path(f"/proc/{pid}").exists() and time.monotonic() < until:
            time.sleep(0.01)
        assert not Path(f"/proc/{pid}").exists()


def test_what_it_was_killed_over_is_asked_again() -> None:
    helper = CountingHelper(idle=LONG)
    assert eventually(helper, "one") == 1
    assert helper.pid is not None
    os.kill(helper.pid, signal.SIGKILL)
    assert helper.known("two words") is None
    assert helper.wait(LONG)
    assert eventually(helper, "two words") == 2


def test_where_it_cannot_be_started_counts_stay_estimates(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nothing"))
    estimator = TokenEstimator("later")
    request = ChatRequest("x", (Message.of("user", "hello there"),))
    for _ in range(5):
        assert estimator.count(request, GPT).counter == "light"
        assert estimator._helper is not None
        assert estimator._helper.wait(LONG)


def test_more_than_fits_stays_an_estimate() -> None:
    helper = CountingHelper()
    assert helper.known("x" * (WAITING + 1)) is None
    assert helper.wait(0), "it does not wait either"


def test_its_environment_has_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path("/proc/self/environ").exists():
        pytest.skip("environments are looked at in /proc")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-for-others")
    helper = CountingHelper(idle=LONG)
    assert eventually(helper, "hello") == 1
    assert b"sk-not" not in Path(f"/proc/{helper.pid}/environ").read_bytes()


def test_what_is_known_of_a_prompt_is_used_beside_what_is_not() -> None:
    estimator = TokenEstimator("later")
    word = "antidisestablishmentarianism " * 30
    old = Message.of("user", word)
    estimator.count(ChatRequest("x", (old,)), GPT)
    assert estimator._helper is not None
    assert estimator._helper.wait(LONG)
    exact = TokenEstimator("now").count(ChatRequest("x", (old, Message.of("user", "hi"))), GPT)
    mixed = estimator.count(ChatRequest("x", (old, Message.of("user", "hi"))), GPT)
    assert mixed.counter == "light"
    assert abs(mixed.tokens - exact.tokens) <= 1
