"""routerterm itself, fed with attacks from everywhere: the bytes that its terminal is sent hold none."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from tests.driver.driver import PATIENCE
from tests.local_server import LocalHandler, listening
from tests.tui.terminal.sessions import Session, session
from tests.tui.terminal.test_hostile import ATTACKS
from tests.tui.terminal.test_programs import settled
from tests.tui.terminal.test_screens import ENTER, ESC, PAGE_UP, UP, F, program

pytestmark = pytest.mark.slow

# All that the program writes once it has started: drawing, the question how far the line is, whole frames, pointers.
_OURS = re.compile(
    "\x1b\\[[0-9;]*[mHGABCDKXJr]|\x1bM|\x1b\\[5n|\x1b\\[\\?(?:25|7|100[0-6]|101[56]|2004|2026|2048)[hl]"
    "|\x1b\\]2;[^\x00-\x1f]{0,3}routerterm[:a-z ]{0,40}\x1b\\\\"
    "|\x1b\\]22;[a-z-]*(?:\x07|\x1b\\\\)|\x1b\\]8;[^;\x00-\x1f]*;(?:https?:[!-~]*)?\x1b\\\\"
)
_HOSTILE = re.compile(
    "[\x00-\x07\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufeff\U000e0000-\U000e007f\ud800-\udfff]"
)


class Evil(LocalHandler, BaseHTTPRequestHandler):
    """A provider whose every word is an attack: models, headers, and errors in bytes that are no UTF-8 at all."""

    def do_GET(self) -> None:
        self.whole(200, json.dumps({"data": [{"id": f"m{n}{bad}"} for n, bad in enumerate(ATTACKS.values())]}).encode())

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        bad = "".join(ATTACKS.values()).encode("utf-8", "replace")
        overlong = b"\xc0\x9b]0;owned\xc0\x87 \xe0\x80\x9b[2J \xf0\x80\x80\x9bc \x9b2J \xff\xfe \xed\xa0\x80"
        escaped = json.dumps("".join(ATTACKS.values())).encode()[1:-1]
        self.whole(400, b'{"error": {"message": "owned ' + escaped + bad.replace(b'"', b"'") + overlong + b'"}}')


def chatgpt(folder: Path, bad: str) -> Path:
    """An export of ChatGPT's with attacks in title, question, answer, model and name."""
    nodes = {
        f"n{n}": {
            "id": f"n{n}",
            "parent": f"n{n - 1}" if n else None,
            "children": [f"n{n + 1}"] if n == 0 else [],
            "message": {
                "author": {"role": ("user", "assistant")[n]},
                "create_time": 1.7e9 + n,
                "content": {"content_type": "text", "parts": [f"imported {bad}"]},
                "metadata": {"model_slug": f"gpt{bad}"},
            },
        }
        for n in range(2)
    }
    body = [{"title": f"import {bad}", "id": "c1", "create_time": 1.7e9, "current_node": "n1", "mapping": nodes}]
    file = folder / "conversations.json"
    file.write_text(json.dumps(body), encoding="utf-8")
    return file


def test_nothing_hostile_of_an_error_a_model_list_or_an_import_is_written(tmp_path: Path) -> None:
    home = tmp_path / "home"
    command = program(home, "lean")
    bad = "".join(attack for name, attack in ATTACKS.items() if name != "half of a pair")
    with listening(Evil) as address:
        (home / "config.toml").write_text(
            f'[router]\ndefault = "evil/m0"\n[ui]\nmotion = "reduced"\nbell = "off"\n'
            f'[providers.evil]\nprotocol = "openai-chat"\n'
            f'base_url = "{address}/v1"\nkeys = ["env:EVIL_KEY"]\n',
            encoding="utf-8",
        )
        env = {"ROUTERTERM_HOME": str(home), "EVIL_KEY": "sk-evil"}
        done = subprocess.run(
            [*command, "import", str(chatgpt(tmp_path, bad))], env=os.environ | env, check=True, capture_output=True
        )
        with session(command=command, columns=120, rows=40, env=env) as one:
            one.wait("import")
            written = hostile_free(
                one,
                *(("hi" + ENTER, "owned"), ("\x0c", "owned"), (F[3], "m0"), ("\x0c", "m0"), (ESC, "owned")),
                *((F[5], "Find"), ("imported", "imported"), (ENTER, "imported"), "\x0c", UP, UP),
            )
    assert "owned" in written  # the error's own words
    assert "imported" in written
    checked(written)
    checked((done.stdout + done.stderr).decode("utf-8", "strict").replace("\n", ""))


def hostile_free(one: Session, *script: str | tuple[str, str]) -> str:
    """All that was written while this was typed, which must be UTF-8; beside keys stands what they must bring."""
    written = b""
    for step in script:
        keys, brings = (step, "") if isinstance(step, str) else step
        one.send(keys)
        limit = time.monotonic() + PATIENCE
        while True:
            one.read(0.3)
            settled(one, quiet=0.2, patience=0.0)
            written += bytes(one.raw)
            if brings in (shown := one.show()):
                break
            assert time.monotonic() < limit, f"{brings!r} never came:\n{shown}"
    return written.decode("utf-8", "strict")


def checked(text: str) -> None:
    """Nothing is in it but what the program says of itself, and words."""
    rest = _OURS.sub("", text)
    assert "\x1b" not in rest, sorted(set(re.findall("\x1b.{0,12}", rest)))
    assert not _HOSTILE.search(rest), sorted(set(_HOSTILE.findall(rest)))


def test_nothing_hostile_is_written_by_the_whole_program(tmp_path: Path) -> None:
    """Attacks in questions, answers, titles and a file's name; read are the bytes that the terminal is sent."""
    home = tmp_path / "home"
    command = program(home, "lean")
    everything = "".join(f"{name} {attack}\n" for name, attack in ATTACKS.items() if name != "half of a pair")
    file = tmp_path / "a\x1b]52;c;ZXZpbA==\x07\u202egnp.txt"
    file.write_text(everything, encoding="utf-8")
    environ = os.environ | {"ROUTERTERM_HOME": str(home)}
    for text in ("\x1b]0;owned\x07\x9d52;c;QQ==\x9ctitle\u202eeltit", everything):
        ask = [*command, "ask", "-m", "demo/echo", "-a", str(file)]
        subprocess.run(ask, input=text.encode(), env=environ, check=True, capture_output=True)
    with session(command=command, columns=120, rows=40, env={"ROUTERTERM_HOME": str(home)}) as one:
        one.wait("Today", 60)
        found = ((F[5], "Find"), ("evil", "evil"), (ENTER, "owned"))
        script = ("\x0c", *found, "\x0c", "x", UP, UP, PAGE_UP, PAGE_UP, (F[3], "Model"))
        text = hostile_free(one, *script)
    assert "owned" in text  # it was on the screen, as words
    checked(text)
