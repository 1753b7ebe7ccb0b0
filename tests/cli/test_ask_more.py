"""`routerterm ask` with a limit on its cost, without a trace, and for one code block."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from tests.cli.program import PROGRAM, routerterm
from tests.cli.server import house, plain, serving, streaming

from routerterm.cli.ask_printer import first_code_block
from routerterm.cli.completion_command import VARIABLE
from routerterm.cli.root import root

PRICED = '[models."house/m"]\ncontext = 100000\nprice_in = 10\nprice_out = 10\n'


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Here:\n\n```sh\nls -l\n```\n\nand\n\n```\nrm x\n```\n", "ls -l\n"),
        ("~~~~\na\n~~~\nb\n~~~~\n", "a\n~~~\nb\n"),
        ("- a list\n\n  ```python\n  x = 1\n  ```\n", "x = 1\n"),
        ("```sh\nnever closed\n", "never closed\n"),
        ("no block at all", "no block at all"),
        ("```\n```\n", ""),
    ],
)
def test_the_first_code_block(text: str, code: str) -> None:
    assert first_code_block(text) == code


def test_only_the_code(home: Path) -> None:
    with serving(streaming("Try:\n\n``", "`sh\necho hi\n``", "`\nIt greets.")) as url:
        house(home, url)
        ran = routerterm("ask", "-m", "house/m", "-x", "A greeting")
    assert (ran.code, ran.out) == (0, "echo hi\n")


def test_an_answer_that_is_all_thinking_is_no_success(home: Path) -> None:
    body = {"choices": [{"message": {"content": "", "reasoning_content": "hm"}, "finish_reason": "length"}]}
    with serving(plain(200, "application/json", json.dumps(body))) as url:
        house(home, url)
        ran = routerterm("ask", "-m", "house/m", "Hi")
    assert ran.code == 1
    assert "before any text" in ran.err


def test_a_limit_on_the_cost_refuses_before_anything_is_spent(home: Path) -> None:
    with serving(streaming("Hello")) as url:
        house(home, url, PRICED)
        refused = routerterm("ask", "-m", "house/m", "--max-cost", "0.000001", "Hi")
        assert refused.code == 3
        assert "would exceed the budget per request" in refused.err
        assert refused.out == ""
        assert routerterm("ask", "-m", "house/m", "--max-cost", "1", "Hi").out == "Hello\n"
        assert routerterm("ask", "-m", "house/m", "--max-cost", "nothing", "Hi").code == 2


def test_a_limit_holds_for_all_attempts_together(home: Path) -> None:
    """The first answer breaks off after most of the money: nobody is asked for the rest."""
    asked: list[str] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        asked.append(json.loads(handler.body)["model"])  # type: ignore[attr-defined]
        streaming("word " * 1500, finish=asked[-1] == "b")(handler)

    route = '[models."house/{0}"]\ncontext = 100000\nprice_in = 10\nprice_out = 10\n'
    routes = '[routes.pair]\nmodels = ["house/a", "house/b"]\n'
    with serving(answer) as url:
        house(home, url, route.format("a") + route.format("b") + routes)
        ran = routerterm("ask", "-m", "pair", "--max-cost", "0.03", "Hi")
        assert (ran.code, asked) == (1, ["a"]), ran.err
        asked.clear()
        assert routerterm("ask", "-m", "pair", "--max-cost", "0.3", "Hi").code == 0
    assert asked == ["a", "b"]


def test_a_limit_leaves_free_models_usable(home: Path) -> None:
    assert routerterm("ask", "-m", "demo/echo", "--max-cost", "0", "Hi").out == "Hi\n"


def test_nothing_is_kept_but_the_cost(home: Path) -> None:
    ran = routerterm("ask", "-m", "demo/echo", "--no-save", "-s", "Be brief.", "a secret question")
    assert ran.out == "a secret question\n"
    assert routerterm("ask", "-c", "last", "Hi").code == 2  # there is no conversation
    assert "secret" not in "".join(
        file.read_bytes().decode("latin-1") for file in home.rglob("*") if file.is_file() and "history" in file.name
    )
    stats = json.loads(routerterm("stats", "--by", "model", "--json").out)
    assert "demo" in json.dumps(stats)


def test_options_that_contradict_each_other(home: Path) -> None:
    assert routerterm("ask", "--no-save", "-c", "last", "Hi").code == 2
    assert routerterm("ask", "--json", "-x", "Hi").code == 2


class TestCompletion:
    @pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
    def test_a_script_for_every_shell(self, home: Path, shell: str) -> None:
        ran = routerterm("completion", shell)
        assert ran.code == 0
        assert "_ROUTERTERM_COMPLETE" in ran.out

    @pytest.mark.parametrize(
        ("shell", "present", "said"),
        [("bash", "1", "plain,serve"), ("zsh", "1", "plain\nserve\n"), ("fish", "ser", "plain,serve\t")],
    )
    def test_what_each_shell_s_script_asks_for(self, home: Path, shell: str, present: str, said: str) -> None:
        """The very call that the script makes, in a program of its own."""
        asked = {VARIABLE: f"{shell}_complete", "COMP_WORDS": "routerterm ser", "COMP_CWORD": present}
        ran = subprocess.run(PROGRAM, env=os.environ | asked, capture_output=True, text=True, timeout=60, check=False)
        assert said in ran.stdout, ran.stderr

    def test_bash_itself_completes(self, home: Path, tmp_path: Path) -> None:
        if shutil.which("bash") is None:
            pytest.skip("there is no bash here")
        program = tmp_path / "bin" / "routerterm"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec {shlex.join(PROGRAM)} "$@"\n', encoding="utf-8")
        program.chmod(0o755)
        lines = [
            'eval "$(routerterm completion bash)"',
            "COMP_WORDS=(routerterm ask -m demo/ec); COMP_CWORD=3",
            "_routerterm_completion routerterm",
            'printf "%s\\n" "${COMPREPLY[@]}"',
        ]
        env = os.environ | {"PATH": f"{program.parent}:{os.environ['PATH']}"}
        ran = subprocess.run(
            ["bash", "-c", "\n".join(lines)], env=env, capture_output=True, text=True, timeout=60, check=False
        )
        assert "demo/echo" in ran.stdout.split(), ran.stderr

    def complete(self, *words: str) -> list[str]:
        completing = ShellComplete(root, {}, "routerterm", VARIABLE)
        return [item.value for item in completing.get_completions(list(words[:-1]), words[-1])]

    def test_commands_models_and_conversations(self, home: Path) -> None:
        routerterm("ask", "-m", "demo/echo", "Hello")
        assert {"serve", "stats"} == set(self.complete("s"))
        assert {"smart", "cheap", "openai/"} <= set(self.complete("ask", "-m", ""))
        assert "demo/echo" in self.complete("ask", "-m", "demo/e")
        assert len(self.complete("ask", "-c", "")) == 2
