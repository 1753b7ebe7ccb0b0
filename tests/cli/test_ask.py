"""`routerterm ask` as scripts and people use it."""

from __future__ import annotations

import json
import os
import select
import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from threading import Event

import pytest
from tests.cli.program import PROGRAM, routerterm
from tests.cli.server import house, serving, streaming


def messages(home: Path) -> list[tuple[str, str, str]]:
    """Role, text and status of everything in the history, in order."""
    connection = sqlite3.connect(f"file:{home / 'history.db'}?mode=ro", uri=True)
    try:
        return connection.execute("SELECT role, text, status FROM message ORDER BY rowid").fetchall()
    finally:
        connection.close()


def test_an_answer_comes_on_standard_output_alone(home: Path) -> None:
    ran = routerterm("ask", "-m", "demo/echo", "Hello there")
    assert (ran.code, ran.out, ran.err) == (0, "Hello there\n", "")
    assert [(role, status) for role, _, status in messages(home)] == [("user", "done"), ("assistant", "done")]


def test_standard_input_is_put_after_the_prompt(home: Path) -> None:
    ran = routerterm("ask", "-m", "demo/echo", "Explain:", stdin="some\ninput — ünïcödé\n")
    assert ran.out == "Explain:\n\nsome\ninput — ünïcödé\n"


def test_standard_input_alone_is_a_question(home: Path) -> None:
    assert routerterm("ask", "-m", "demo/echo", stdin="only this").out == "only this\n"


def test_a_question_is_needed(home: Path) -> None:
    ran = routerterm("ask", "-m", "demo/echo", stdin="  \n")
    assert ran.code == 2
    assert "Ask something" in ran.err
    assert not (home / "history.db").exists()


def test_a_conversation_is_gone_on_with(home: Path) -> None:
    routerterm("ask", "-m", "demo/echo", "first")
    routerterm("ask", "-c", "last", "-m", "demo/echo", "second")
    connection = sqlite3.connect(home / "history.db")
    [(id,)] = connection.execute("SELECT id FROM conversation").fetchall()
    connection.close()
    assert routerterm("ask", "-c", id[:20].lower(), "third").out == "third\n"
    assert [text for role, text, _ in messages(home) if role == "user"] == ["first", "second", "third"]


@pytest.mark.parametrize("which", ["last", "01NOSUCH"])
def test_a_conversation_that_is_not_there_is_a_usage_error(home: Path, which: str) -> None:
    ran = routerterm("ask", "-m", "demo/echo", "-c", which, "x")
    assert ran.code == 2
    assert "conversation" in ran.err


def test_events_come_one_a_line(home: Path) -> None:
    ran = routerterm("ask", "-m", "demo/echo", "--json", "two words")
    events = [json.loads(line) for line in ran.out.splitlines()]
    names = [event["event"] for event in events]
    assert names[:2] == ["route_decided", "attempt_started"]
    assert names[-1] == "finished"
    assert "".join(event["text"] for event in events if event["event"] == "text_delta") == "two words"
    assert events[-1]["target"] == "demo/echo"
    assert events[-1]["cost"]["usd"] == "0"


def test_a_failure_is_an_event_too(home: Path) -> None:
    ran = routerterm("ask", "-m", "demo/down", "--json", "x")
    last = json.loads(ran.out.splitlines()[-1])
    assert ran.code == 1
    assert last["event"] == "failed"
    assert last["error"]["message"]


def test_without_streaming_the_answer_comes_at_once(home: Path) -> None:
    held, begun = Event(), Event()

    def wait() -> None:
        begun.set()
        held.wait(60)

    with serving(streaming("one ", "two", wait=wait)) as url:
        house(home, url)
        command = [*PROGRAM, "ask", "-m", "house/x", "--no-stream", "count"]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert begun.wait(60)
            assert select.select([process.stdout], [], [], 0.5)[0] == []
            held.set()
            assert process.stdout.read() == "one two\n"


def test_the_answer_streams_while_it_comes(home: Path) -> None:
    held = Event()
    with serving(streaming("one ", "two", wait=held.wait)) as url:
        house(home, url)
        command = [*PROGRAM, "ask", "-m", "house/x", "count"]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.read(4) == "one "
            held.set()
            assert process.stdout.read() == "two\n"
            assert process.wait(30) == 0


def test_files_are_attached_as_text_and_pictures(home: Path, tmp_path: Path) -> None:
    asked: list[dict[str, object]] = []

    def answer(handler: object) -> None:
        asked.append(json.loads(handler.body))  # type: ignore[attr-defined]
        streaming("seen")(handler)  # type: ignore[arg-type]

    (tmp_path / "notes.txt").write_text("remember ``` this")
    (tmp_path / "dot.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    with serving(answer) as url:
        house(home, url, '[models."house/x"]\nvision = true')
        files = ("-a", tmp_path / "notes.txt", "-a", tmp_path / "dot.png")
        ran = routerterm("ask", "-m", "house/x", *files, "-s", "Be brief.", "What is this?")
    assert (ran.code, ran.out) == (0, "seen\n"), ran.err
    body = json.dumps(asked[0])
    assert "Be brief." in body
    assert "notes.txt:\\n````\\nremember ``` this\\n````" in body
    assert "data:image/png;base64,iVBORw0KGgo" in body


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot be read: No such file"),
        (b"\xff\xfe\x00", "is neither text nor an image"),
        (b"x" * 2_000_001, "too large"),
    ],
    ids=["missing", "binary", "large"],
)
def test_a_file_that_cannot_be_attached_is_a_sentence(
    home: Path, tmp_path: Path, content: bytes | None, sentence: str
) -> None:
    file = tmp_path / "file.bin"
    if content is not None:
        file.write_bytes(content)
    ran = routerterm("ask", "-m", "demo/echo", "-a", file, "x")
    assert ran.code == 1
    assert sentence in ran.err
    assert not (home / "history.db").exists()


def test_a_reader_that_leaves_early_is_no_error(home: Path) -> None:
    held = Event()
    with serving(streaming(*["word "] * 1000, wait=lambda: held.wait(0.01))) as url:
        house(home, url)
        command = [*PROGRAM, "ask", "-m", "house/x", "go on"]
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.read(5)
            process.stdout.close()
            assert process.wait(30) == 141
            assert process.stderr.read() == ""
    *_, (role, text, status) = messages(home)
    assert (role, status) == ("assistant", "stopped")
    assert text.startswith("word ")


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupting_keeps_what_was_said(home: Path, end: signal.Signals) -> None:
    held = Event()
    with serving(streaming("so far", wait=lambda: held.wait(60))) as url:
        house(home, url)
        command = [*PROGRAM, "ask", "-m", "house/x", "go on"]
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stdout.read(6) == "so far"
            process.send_signal(end)
            assert process.wait(60) == 128 + end
            assert process.stderr.read().strip() == ""
        held.set()
    assert messages(home)[-1] == ("assistant", "so far", "stopped")
    with closing(sqlite3.connect(home / "history.db")) as db:
        assert db.execute("SELECT outcome FROM attempt").fetchall() == [("cancelled",)]


def test_what_is_to_outlive_its_terminal_does(home: Path) -> None:
    held = Event()
    with serving(streaming("so far", wait=lambda: held.wait(60))) as url:
        house(home, url)
        command = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", *PROGRAM, "ask", "-m", "house/x", "go on"]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.read(6) == "so far"
            process.send_signal(signal.SIGHUP)
            held.set()
            assert process.wait(60) == 0
    assert messages(home)[-1] == ("assistant", "so far", "done")


def test_killed_in_mid_answer_nothing_but_the_last_second_is_lost(home: Path) -> None:
    held = Event()
    with serving(streaming("early ", "later ", wait=lambda: held.wait(2))) as url:
        house(home, url)
        command = [*PROGRAM, "ask", "-m", "house/x", "go on"]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.read(12) == "early later "
            process.kill()
        held.set()
        assert messages(home) == [("user", "go on", "done"), ("assistant", "early ", "streaming")]
        assert routerterm("ask", "-m", "demo/echo", "anew").code == 0
    assert ("assistant", "early ", "interrupted") in messages(home)


def test_nothing_hostile_reaches_a_terminal(home: Path) -> None:
    import pty

    evil = "before\x1b]0;owned\x07\x1b[2Jafter"
    with serving(streaming(evil)) as url:
        house(home, url)
        assert evil in routerterm("ask", "-m", "house/x", "x").out  # a pipe gets every byte
        main, terminal = pty.openpty()
        command = [*PROGRAM, "ask", "-m", "house/x", "x"]
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=terminal, stderr=subprocess.DEVNULL, timeout=60)
        os.close(terminal)
        shown = os.read(main, 65536).decode()
        os.close(main)
    assert "before" in shown
    assert "\x1b" not in shown
    assert "\x07" not in shown


def test_the_environments_key_is_used_and_never_shown(home: Path) -> None:
    seen: list[str] = []

    def answer(handler: object) -> None:
        seen.append(handler.headers["Authorization"])  # type: ignore[attr-defined]
        streaming("ok")(handler)  # type: ignore[arg-type]

    with serving(answer) as url:
        house(home, url, 'keys = ["env:HOUSE_SECRET"]')
        ran = routerterm("ask", "-m", "house/x", "--json", "x", env={"HOUSE_SECRET": "sk-house-0123456789abcdef"})
    assert ran.code == 0, ran.err
    assert seen == ["Bearer sk-house-0123456789abcdef"]
    assert "0123456789ab" not in ran.out + ran.err
