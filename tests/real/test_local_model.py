"""A real model from end to end: on the command line, behind a real server, and typed into a terminal."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.program import routerterm
from tests.conftest import MODELS
from tests.tmux import terminal

from routerterm.config.local_model import load_openmp

pytestmark = pytest.mark.real

QUESTION = "What is the capital of France?"


def rows(home: Path) -> list[tuple[str, str, str]]:
    """Role, status and text of every message."""
    connection = sqlite3.connect(f"file:{home / 'history.db'}?mode=ro", uri=True)
    try:
        return connection.execute("SELECT role, status, text FROM message ORDER BY rowid").fetchall()
    finally:
        connection.close()


def test_ask_answers_in_process(home: Path) -> None:
    ran = routerterm("ask", "-m", "local/smollm2", QUESTION, timeout=300)
    assert (ran.code, ran.err) == (0, "")
    assert "France" in ran.out or "Paris" in ran.out
    assert rows(home) == [("user", "done", QUESTION), ("assistant", "done", ran.out.rstrip("\n"))]


def test_its_status_is_good(home: Path) -> None:
    ran = routerterm("local", "status", timeout=300)
    assert (ran.code, "installed, 98 MB" in ran.out) == (0, True)


@pytest.fixture
def server() -> Iterator[str]:
    """The same weights behind an OpenAI-compatible server that others wrote; its base URL."""
    assert load_openmp()
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(next(MODELS.glob("*.gguf")))
    params.n_ctx = 1024
    params.n_parallel = 1
    params.cpuparams.n_threads = 1
    # so small a model says anything once it is left to chance, and one thing for ever where nothing is
    params.sampling.temp, params.sampling.penalty_repeat, params.sampling.seed, params.n_predict = 0.2, 1.1, 7, 128
    params.hostnames, params.port = ["127.0.0.1"], 0
    running = xllamacpp.Server(params)
    yield f"{running.listening_address}/v1"
    del running


def test_the_same_model_behind_a_server_is_a_provider_of_ones_own(home: Path, server: str) -> None:
    home.mkdir()
    (home / "config.toml").write_text(f'[providers.cellar]\nprotocol = "openai-chat"\nbase_url = "{server}"\n')
    ran = routerterm("ask", "-m", "cellar/smollm2", QUESTION, timeout=300)
    assert (ran.code, ran.err) == (0, "")
    assert "France" in ran.out or "Paris" in ran.out
    assert rows(home)[-1] == ("assistant", "done", ran.out.rstrip("\n"))


@pytest.mark.tmux
def test_a_conversation_typed_into_a_terminal(home: Path) -> None:
    """Send, stream, stop, quit, open again, find."""
    with terminal(home=home) as chat:
        chat.wait("F10")
        chat.press("Escape")
        chat.type(QUESTION)
        chat.wait("France?")
        chat.press("Enter")
        chat.wait("TTFT")
        answer = rows(home)[1][2].split()[0]
        chat.wait(answer)
        chat.type("Write a very long story about a lighthouse.")
        chat.press("Enter")
        chat.wait("asking local/smollm2")  # before that, Escape gives the question back
        chat.press("Escape")
        chat.wait("stopped")
        chat.press("C-q")
        assert chat.ended() == 0
    assert [(role, status) for role, status, _ in rows(home)] == [
        ("user", "done"),
        ("assistant", "done"),
        ("user", "done"),
        ("assistant", "stopped"),
    ]
    with terminal(home=home) as again:
        again.wait("What is the")
        again.press("F5")
        again.wait("Find")
        again.type("lighthouse")
        again.wait("story about")
        again.press("Enter")
        again.wait(answer)
        again.press("C-q")
        assert again.ended() == 0


@pytest.mark.tmux
def test_killed_in_mid_answer_the_question_and_nearly_all_is_there(home: Path) -> None:
    with terminal(home=home) as chat:
        chat.wait("F10")
        chat.press("Escape")
        chat.type("Write a very long story about a lighthouse.")
        chat.press("Enter")
        chat.wait("Esc stop")
        chat.wait("lighthouse ")
        os.kill(chat.pid(), signal.SIGKILL)
        assert chat.ended() == -signal.SIGKILL
    kept = rows(home)
    assert kept[0] == ("user", "done", "Write a very long story about a lighthouse.")
    with terminal(home=home) as again:
        again.wait("Write a very")
        again.press("F5")
        again.wait("Find")
        again.type("lighthouse")
        again.wait("story about")
        again.press("Enter")
        again.wait("interrupted")
        again.press("C-q")
        assert again.ended() == 0
