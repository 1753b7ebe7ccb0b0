"""`routerterm mcp`: from adding a server to calling its tools, and what other clients' files give."""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.cli.program import routerterm
from tests.engine.tools.boxes import HERE

from routerterm.cli.main import main as _main  # noqa: F401 - that the command is known is part of the test
from routerterm.cli.mcp_command import command
from routerterm.engine.tools.import_servers import imported


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ROUTERTERM_HOME", str(tmp_path))
    return tmp_path


def mcp(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, standalone_mode=False)


def test_a_server_is_added_tested_called_and_accepted_again(home: Path) -> None:
    server = [sys.executable, str(HERE / "old_server.py"), "changes", str(home / "starts")]
    assert "There is no MCP server yet" in mcp("list").stderr
    assert "Try it: routerterm mcp test pad" in mcp("add", "pad", "--env", "MODE=text:quiet", "--", *server).output
    assert 'MODE = "text:quiet"' in (home / "config.toml").read_text()
    assert "already an MCP server 'pad'" in str(mcp("add", "pad", "--url", "https://example.org/mcp").exception)
    assert mcp("list").output.startswith(f"pad  {sys.executable}")
    shown = mcp("test", "pad")
    assert "note  [asks you]  Takes a note." in shown.output
    assert "speaks MCP 2024-11-05" in shown.stderr
    changed = mcp("run", "pad", "note", "n=1")
    assert "has changed since you accepted it" in str(changed.exception)
    assert "send all keys" in mcp("test", "pad", "--accept").output
    (home / "starts").write_text(".")  # the next start describes it in the same way
    ran = mcp("run", "pad", "note", '{"n": 1}')
    assert ran.output == "noted ␛]0;owned␇\n"  # what would have changed the terminal's title is only shown
    assert "Did you mean note?" in getattr(mcp("run", "pad", "nota").exception, "hint", "")


LEAVES_A_CHILD = """
import os, subprocess, sys
child = subprocess.Popen(["sleep", "90"], start_new_session=True)
open(sys.argv[1], "w").write(str(child.pid))
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""


def test_a_process_that_a_server_leaves_behind_with_its_pipes_is_no_crash(home: Path) -> None:
    server = [str(HERE / "old_server.py"), "none"]
    words = ["add", "pad", "--", sys.executable, "-c", LEAVES_A_CHILD, str(home / "pid"), *server]
    assert "pad is added" in mcp(*words).output
    try:
        ran = routerterm("mcp", "run", "pad", "note", "n=1", env={"ROUTERTERM_HOME": str(home)})
    finally:
        with suppress(ProcessLookupError):  # on Linux it has been ended already
            os.kill(int((home / "pid").read_text()), signal.SIGKILL)
    assert (ran.code, ran.err) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("add", "x"), "Give a program (after --) or --url."),
        (("add", "x", "--url", "ftp://a"), "url"),
        (("add", "x", "--header", "a=env:B", "--", "true"), "has headers, which are for a url"),
        (("add", "x", "--env", "TOKEN", "--", "true"), "TOKEN needs a value, as in TOKEN=env:TOKEN."),
        (("add", "x", "--env", "TOKEN=abc", "--", "true"), "must be env:NAME or cmd:COMMAND"),
        (("add", "x", "--env", "A=text:sk-proj-aaaaaaaaaaaaaaaaaaaaaaaa", "--", "true"), "looks like a secret"),
        (("test", "x"), "There is no MCP server 'x'."),
        (("run", "x", "t", "a"), "'a' is not NAME=VALUE."),
        (("run", "x", "t", "{"), "The arguments are not valid JSON."),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(home: Path, arguments: tuple[str, ...], says: str) -> None:
    error = mcp(*arguments).exception
    assert says in getattr(error, "message", str(error))
    assert not (home / "config.toml").exists()


def test_files_of_other_clients_are_read_without_their_secrets(home: Path) -> None:
    file = home / "claude.json"
    servers: dict[str, Any] = {
        "files": {"command": "npx", "args": ["-y", "server", "/tmp"], "env": {"MODE": "ro", "GITHUB_TOKEN": "ghp_x"}},
        "wiki": {"url": "https://example.org/mcp", "headers": {"Authorization": "Bearer ${WIKI}"}, "disabled": True},
        "old": {"type": "sse", "url": "https://example.org/sse"},
        "none": {},
    }
    file.write_text(json.dumps({"mcpServers": servers}))
    assert "would be added" in mcp("import", str(file), "--dry-run").output
    assert not (home / "config.toml").exists()
    done = mcp("import", str(file))
    assert "old: left out, it speaks the older HTTP with SSE" in done.stderr
    assert "Set the variable FILES_GITHUB_TOKEN" in done.stderr
    written = (home / "config.toml").read_text()
    assert "ghp_x" not in written
    assert 'MODE = "text:ro"' in written
    assert "enabled = false" in written
    file.write_text("no json")
    assert "is not a JSON file" in str(mcp("import", str(file)).exception)


@pytest.mark.parametrize("body", [None, [], 7, {"mcpServers": []}, {"mcp": {"a": 1}}, {"a": {"command": [1]}, "": {}}])
def test_files_that_are_something_else_give_nothing_strange(body: object) -> None:
    assert all(isinstance(word, str) for entry in imported(body).entries.values() for word in entry["command"])
