"""The gateway's page, typed as it stands there: the key, the server, llm, the SDKs and curl."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.docs.test_machines import free_port, serving
from tests.docs.test_readme import blocks

MADE_UP = "rt-…"
"""What stands on the page where the person's key goes."""
DEMO = '[routes.smart]\nmodels = ["demo/echo"]\n[routes.fast]\nmodels = ["demo/echo"]\n'


@dataclass(frozen=True)
class Gateway:
    """A gateway that runs, and the shell of a person who uses it."""

    port: int
    key: str
    folder: Path

    def typed(self, script: str, **own: str) -> subprocess.CompletedProcess[str]:
        """Lines of the page in a shell, with this gateway's port and key in them."""
        script = script.replace("8484", str(self.port)).replace(MADE_UP, self.key)
        environ = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
        environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environ['PATH']}"
        return subprocess.run(
            ["sh", "-ec", script],
            env=environ | own,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )


def block(part: str) -> str:
    """The one block of shell of the page that holds this."""
    (found,) = [each.body for each in blocks("sh") if each.page == "gateway.md" and part in each.body]
    return found


def paragraph(title: str) -> str:
    """The lines under a comment of the block of tools."""
    (found,) = re.findall(rf"^# {title}.*?\n(.*?)(?:\n\n|\Z)", block("curl -s"), re.M | re.S)
    return str(found)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder, port = tmp_path_factory.mktemp("gateway"), free_port()
    home = folder / "home"
    home.mkdir()
    (home / "config.toml").write_text(DEMO)
    making, starting = block("routerterm gateway key add").strip().splitlines()[:2]
    assert starting == "routerterm serve"
    program = folder / "bin" / "routerterm"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nROUTERTERM_HOME="{home}" exec "{sys.executable}" -m routerterm "$@"\n')
    program.chmod(0o755)
    made = subprocess.run(
        ["sh", "-ec", making],
        env=os.environ | {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert made.returncode == 0, made.stderr
    (key,) = set(re.findall(r"\brt-[\w-]+", made.stdout))
    with serving(home, port):
        yield Gateway(port, key, folder)


def test_curl(gateway: Gateway) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    ran = gateway.typed(paragraph("curl"))
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["choices"][0]["message"]["content"] == "Hello"


@pytest.mark.sdk
def test_llm(gateway: Gateway) -> None:
    pytest.importorskip("llm")
    lines = paragraph("llm")
    ((model, rest),) = re.findall(r"^# in extra-openai-models.yaml: \{(model_id: \w+), (.*)\}$", lines, re.M)
    own = gateway.folder / "llm"
    own.mkdir()
    (own / "extra-openai-models.yaml").write_text(f"- {{{model}, {rest}}}\n".replace("8484", str(gateway.port)))
    asked = lines.replace("llm keys set routerterm", f"llm keys set routerterm --value {gateway.key}")
    assert asked != lines, "the key is typed in where llm asks for it; here it is given"
    ran = gateway.typed(asked, LLM_USER_PATH=str(own))
    assert (ran.returncode, ran.stdout.strip().splitlines()[-1:]) == (0, ["Hello"]), ran.stderr


@pytest.mark.sdk
@pytest.mark.parametrize(
    ("sdk", "program"),
    [
        (
            "openai",
            "from openai import OpenAI\n"
            "asked = [{'role': 'user', 'content': 'Hello'}]\n"
            "answer = OpenAI().chat.completions.create(model='smart', messages=asked)\n"
            "print(answer.choices[0].message.content)",
        ),
        (
            "anthropic",
            "from anthropic import Anthropic\n"
            "asked = [{'role': 'user', 'content': 'Hello'}]\n"
            "answer = Anthropic().messages.create(model='smart', max_tokens=50, messages=asked)\n"
            "print(answer.content[0].text)",
        ),
    ],
)
def test_the_sdks_find_it_by_the_variables(gateway: Gateway, sdk: str, program: str) -> None:
    pytest.importorskip(sdk)
    ran = gateway.typed(f'{paragraph("anything on the openai")}\npython -c "{program}"')
    assert (ran.returncode, ran.stdout.strip()) == (0, "Hello"), ran.stderr


def test_a_model_that_the_key_does_not_allow_is_refused(gateway: Gateway) -> None:
    """The key of the page is for two routes, and for no more."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    ran = gateway.typed(paragraph("curl").replace('"model":"smart"', '"model":"demo/markdown"'))
    assert "error" in json.loads(ran.stdout)
