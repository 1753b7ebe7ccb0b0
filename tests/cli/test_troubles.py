"""When something is wrong around the program: a clear sentence, a hint, the right exit code, and the prompt is kept."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest
from tests.cli.program import routerterm
from tests.cli.server import house, plain, serving, streaming
from tests.engine.transfer.test_foreign import node

PROMPT = "a question that must not be lost"


def kept(home: Path) -> list[str]:
    """The questions in the history."""
    connection = sqlite3.connect(home / "history.db")
    try:
        return [text for (text,) in connection.execute("SELECT text FROM message WHERE role = 'user'")]
    finally:
        connection.close()


def has_a_hint(err: str) -> bool:
    lines = err.strip().splitlines()
    return len(lines) == 2 and lines[0].startswith("routerterm: ") and lines[1].startswith("  hint: ")


def namespaces_work() -> bool:
    if not shutil.which("unshare"):
        return False
    command = ["unshare", "-rmn", "sh", "-c", "mount -t tmpfs none /mnt"]
    return subprocess.run(command, capture_output=True).returncode == 0


needs_namespaces = pytest.mark.skipif(
    not namespaces_work(), reason="this machine allows no user namespaces (unshare -rmn)"
)


@needs_namespaces
def test_no_network(home: Path) -> None:
    ran = routerterm(
        "ask",
        "-m",
        "openai/gpt-5",
        PROMPT,
        env={"OPENAI_API_KEY": "sk-test-0123456789abcdef"},
        wrapper=("unshare", "-rn"),
    )
    assert ran.code == 1
    assert has_a_hint(ran.err), ran.err
    assert "offline" in ran.err.lower() or "reach" in ran.err.lower()
    assert kept(home) == [PROMPT]


def test_no_key(home: Path) -> None:
    ran = routerterm("ask", "-m", "openai/gpt-5", PROMPT)
    assert ran.code == 4
    assert has_a_hint(ran.err), ran.err
    assert "key" in ran.err
    assert kept(home) == [PROMPT]


def test_no_such_model_or_route(home: Path) -> None:
    ran = routerterm("ask", "-m", "smrt", PROMPT)
    assert ran.code == 4
    assert has_a_hint(ran.err), ran.err


def test_a_dead_server(home: Path) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        house(home, f"http://127.0.0.1:{reserved.getsockname()[1]}/v1")
        ran = routerterm("ask", "-m", "house/x", PROMPT)
    assert ran.code == 1
    assert has_a_hint(ran.err), ran.err
    assert kept(home) == [PROMPT]


@pytest.mark.parametrize("status", [200, 403, 502])
def test_a_server_that_answers_html(home: Path, status: int) -> None:
    with serving(
        plain(status, "text/html", "<html><head><title>Login</title></head><body>Sign in</body></html>")
    ) as url:
        house(home, url)
        ran = routerterm("ask", "-m", "house/x", PROMPT)
    assert ran.code == 1
    assert ran.out == ""
    assert ran.err.startswith("routerterm: ")
    assert "<html" not in ran.err
    assert kept(home) == [PROMPT]


def test_a_refused_key(home: Path) -> None:
    with serving(
        plain(401, "application/json", '{"error": {"message": "Incorrect API key: sk-house-0123456789abcdef"}}')
    ) as url:
        house(home, url, 'keys = ["env:HOUSE_SECRET"]')
        ran = routerterm("ask", "-m", "house/x", PROMPT, env={"HOUSE_SECRET": "sk-house-0123456789abcdef"})
    assert ran.code in (1, 4)
    assert ran.err.startswith("routerterm: ")
    assert "0123456789ab" not in ran.err
    assert kept(home) == [PROMPT]


def test_an_answer_that_breaks_off_is_not_taken_for_a_whole_one(home: Path) -> None:
    with serving(streaming("half of an ans", finish=False)) as url:
        house(home, url, "[router]\non_cut = 'stop'")
        ran = routerterm("ask", "-m", "house/x", PROMPT)
    assert ran.code == 1
    assert ran.out.startswith("half of an ans")
    assert ran.err.startswith("routerterm: ")


def test_wrong_settings(home: Path) -> None:
    home.mkdir()
    (home / "config.toml").write_text("[router]\ndefalt = 'fast'\n")
    for command in (("ask", PROMPT), ("config", "show"), ("config", "check")):
        ran = routerterm(*command)
        assert ran.code == 2
        assert 'config.toml, line 2: there is no setting "defalt" in [router].' in ran.err
        assert "Did you mean default?" in ran.err


@needs_namespaces
def test_a_full_disk(home: Path) -> None:
    """The home is a disk of 64 KiB: the history does not even fit in empty."""
    home.mkdir()
    script = 'mount -t tmpfs -o size=64k none "$ROUTERTERM_HOME" && exec "$@"'
    ran = routerterm("ask", "-m", "demo/echo", PROMPT, wrapper=("unshare", "-rm", "sh", "-c", script, "sh"))
    assert ran.code == 1
    assert has_a_hint(ran.err), ran.err
    assert "full" in ran.err or "space" in ran.err


@needs_namespaces
def test_a_read_only_home(home: Path) -> None:
    home.mkdir()
    script = 'mount -t tmpfs -o ro none "$ROUTERTERM_HOME" && exec "$@"'
    ran = routerterm("ask", "-m", "demo/echo", PROMPT, wrapper=("unshare", "-rm", "sh", "-c", script, "sh"))
    assert ran.code == 1
    assert has_a_hint(ran.err), ran.err


def test_a_home_that_is_a_file(home: Path) -> None:
    home.write_text("")
    ran = routerterm("ask", "-m", "demo/echo", PROMPT)
    assert ran.code == 2
    assert has_a_hint(ran.err), ran.err
    assert "is not a folder" in ran.err


def test_closed_standard_streams(home: Path) -> None:
    command = 'exec "$@" <&- 2>&-'
    ran = routerterm("ask", "-m", "demo/echo", PROMPT, wrapper=("sh", "-c", command, "sh"))
    assert (ran.code, ran.out) == (0, PROMPT + "\n")


def test_a_terminal_without_utf8(home: Path) -> None:
    ran = routerterm(
        "ask", "-m", "demo/echo", "naïve 日本", env={"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0"}
    )
    assert ran.code == 0
    assert ran.out.startswith("na")


def test_an_unknown_command_gets_the_nearest(home: Path) -> None:
    ran = routerterm("aks", PROMPT)
    assert ran.code == 2
    assert "Did you mean ask?" in ran.err


def test_a_word_that_is_no_command_is_said_how_to_ask_and_a_question_of_one_word_is_one(home: Path) -> None:
    ran = routerterm("wherefore")
    assert ran.code == 2
    assert "If it is a question: routerterm ask" in ran.err
    for question in ("wherefore?", "なぜ空は青いのか"):
        assert "no command" not in routerterm(question).err  # it goes to the chat, which has no terminal here


@pytest.mark.skipif(os.geteuid() != 0 and not os.access("/dev/full", os.W_OK), reason="no /dev/full")
def test_a_full_standard_output(home: Path) -> None:
    ran = routerterm("ask", "-m", "demo/echo", PROMPT, wrapper=("sh", "-c", 'exec "$@" >/dev/full', "sh"))
    assert ran.code == 1
    assert "No space left" in ran.err


def test_an_import_that_is_ended_leaves_whole_conversations_and_goes_on(home: Path, tmp_path: Path) -> None:
    many, file = 600, tmp_path / "export.json"
    file.write_text(
        json.dumps(
            [
                {
                    "id": f"t{n}",
                    "title": f"T{n}",
                    "create_time": 1_700_000_000 + n,
                    "mapping": {
                        "q": node("q", None, "user", f"question {n}"),
                        "a": node("a", "q", "assistant", f"answer {n}"),
                    },
                    "current_node": "a",
                }
                for n in range(many)
            ]
        )
    )
    history = home / "history.db"

    def counted() -> tuple[int, int]:
        with closing(sqlite3.connect(f"file:{history}?mode=ro", uri=True)) as connection:
            found = connection.execute("SELECT (SELECT count(*) FROM conversation), count(*) FROM message").fetchone()
        return found[0], found[1]

    command = [sys.executable, "-m", "routerterm", "import", str(file)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        while running.poll() is None:
            with suppress(sqlite3.Error):
                if counted()[0] > 5:
                    break
            time.sleep(0.02)
        running.terminate()
        assert running.wait(30) in (-signal.SIGTERM, 128 + signal.SIGTERM)
    talks, messages = counted()
    assert 5 < talks < many
    assert messages == 2 * talks
    assert routerterm("import", str(file)).code == 0
    assert counted() == (many, 2 * many)


@pytest.mark.parametrize("place", ["model", "system", "continue"])
def test_an_argument_that_is_no_text_is_named(tmp_path: Path, place: str) -> None:
    """Bytes of another encoding: right as the name of a file, and nowhere else."""
    ran = routerterm(
        "ask", f"--{place}", os.fsdecode(b"demo/\xff"), "hi", env={"ROUTERTERM_HOME": str(tmp_path / "home")}
    )
    assert "crashed" not in ran.err
    assert "�" not in ran.out
    if place != "system":
        assert ran.code != 0
        assert has_a_hint(ran.err), ran.err


@pytest.mark.parametrize("words", [("ask", "-m", "demo/echo", "hi"), ("--plain",)])
def test_a_working_folder_that_was_deleted_is_told(tmp_path: Path, words: tuple[str, ...]) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    there = ("sh", "-c", 'rmdir "$PWD" && exec "$@"', "sh")
    ran = routerterm(*words, cwd=gone, wrapper=there, env={"ROUTERTERM_HOME": str(tmp_path / "home")})
    assert ran.code == 1
    assert "no longer exists" in ran.err
    assert has_a_hint(ran.err), ran.err


@pytest.mark.parametrize(
    "url", ["http://[::1", "http://", "http://a b/", "http://x:99999999", "ftp://x", "http://a:word@x"]
)
def test_an_address_that_cannot_be_asked_is_no_failed_request(tmp_path: Path, url: str) -> None:
    ran = routerterm("loadtest", url, "-n", "1", env={"ROUTERTERM_HOME": str(tmp_path / "home")})
    assert ran.code == 2
    assert "URL" in ran.err
    assert "word@" not in ran.err
