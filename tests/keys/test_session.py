"""Whole sessions of the real program in a terminal: three steps to the first key, and no key left anywhere after."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.keys.parts import GROQ, OPENAI, PASSPHRASE
from tests.keys.terminal import Terminal, provider

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks into /proc")]
PROGRAM = [sys.executable, "-m", "routerterm"]
BAD = "gsk_WWWWrrrrOOOOnnnnGGGGkkkk9999"


@pytest.fixture
def person(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of someone over SSH, whose providers are on this machine."""
    home = tmp_path / "person"
    (home / "rt").mkdir(parents=True)
    with provider(GROQ, OPENAI) as url:
        (home / "rt" / "config.toml").write_text(
            f'[providers.groq]\nbase_url = "{url}"\n[providers.openai]\nbase_url = "{url}"\n'
        )
        yield {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "TMPDIR": str(home),
            "ROUTERTERM_HOME": str(home / "rt"),
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            "DBUS_SESSION_BUS_ADDRESS": "disabled:",
            "SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22",
        }


def add_a_key(environ: dict[str, str], key: str) -> Terminal:
    terminal = Terminal([*PROGRAM, "keys", "add"], environ)
    terminal.wait_for("API key: ")
    terminal.type(f"{key}\n")
    terminal.wait_for("New passphrase")
    terminal.type(f"{PASSPHRASE}\n")
    terminal.wait_for("Repeat the passphrase: ")
    terminal.type(f"{PASSPHRASE}\n")
    return terminal


def test_from_nothing_to_a_stored_and_tested_key_in_three_steps(person: dict[str, str]) -> None:
    terminal = add_a_key(person, GROQ)
    assert terminal.end() == 0
    said = terminal.said.decode()
    for words in ("1 of 3.", "2 of 3.", "3 of 3.", "Stored groq/default", "accepts the key: 1 model"):
        assert words in said
    assert GROQ not in said
    assert PASSPHRASE not in said
    listed = subprocess.run(
        [*PROGRAM, "keys", "list", "--json"], env=person, capture_output=True, check=True, timeout=60
    )
    assert [key["masked"] for key in json.loads(listed.stdout)["keys"]] == ["****0003"]


def test_a_refused_key_is_not_stored_and_not_shown(person: dict[str, str]) -> None:
    terminal = add_a_key(person, BAD)
    assert terminal.end() == 4
    assert b"It was not stored." in terminal.said
    assert BAD.encode() not in terminal.said


def test_after_sessions_that_used_keys_no_file_holds_one(person: dict[str, str], tmp_path: Path) -> None:
    seen: list[tuple[bytes, bytes]] = []
    terminal = add_a_key(person, GROQ)
    seen += terminal.family()
    assert terminal.end() == 0
    environ = person | {"OPENAI_API_KEY": OPENAI}
    answered = subprocess.run(
        [*PROGRAM, "ask", "-m", "openai/small", "Hello"], env=environ, capture_output=True, timeout=90
    )
    assert answered.stdout.strip() == b"Good day.", answered.stderr
    refused = subprocess.run(
        [*PROGRAM, "ask", "-m", "openai/small", "Hello"],
        env=person | {"OPENAI_API_KEY": BAD},
        capture_output=True,
        timeout=90,
    )
    assert refused.returncode != 0
    editor = tmp_path / "editor"
    editor.write_text(f"#!/bin/sh\n(env; echo edited) > '{tmp_path / 'seen-by-the-editor'}'\n")
    editor.chmod(0o700)
    chat = Terminal(PROGRAM, environ | {"EDITOR": str(editor)})
    chat.wait_for("smart")
    chat.type("/editor\r")
    await_file(tmp_path / "seen-by-the-editor", "edited")
    chat.type("\x1b[17~")  # F6
    chat.wait_for("****0001")
    seen += chat.family()
    chat.type("q")
    chat.type("\x11")  # Ctrl+Q
    chat.end()
    crashed = Terminal(PROGRAM, environ)
    crashed.wait_for("smart")
    os.kill(crashed.pid, 11)
    crashed.end()
    said = (
        terminal.said + answered.stdout + answered.stderr + refused.stdout + refused.stderr + chat.said + crashed.said
    )
    for key in (GROQ, OPENAI, BAD):
        for form in (key.encode(), base64.b64encode(key.encode())[:-4], key.encode().hex().encode()):
            assert form not in said
            assert [str(file) for file in files(tmp_path) if form in file.read_bytes()] == []
            assert all(form not in line and form not in own for line, own in seen)
    assert any(b"Hello" in file.read_bytes() for file in files(tmp_path)), "what was asked is on the disk, so we looked"


def await_file(file: Path, words: str) -> None:
    deadline = time.monotonic() + 60
    while not (file.exists() and words in file.read_text()):
        assert time.monotonic() < deadline, f"{file.name} was never written"
        time.sleep(0.1)


def files(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file()]
