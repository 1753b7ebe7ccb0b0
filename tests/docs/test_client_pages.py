"""docs/clients/: each page's settings are well formed, and each address answers what that page's client asks of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from tests.docs.test_readme import ROOT, Block, blocks
from tests.docs.test_readme_gateway import MADE_UP, Gateway, gateway

__all__ = ["gateway"]
FOLDER = ROOT / "docs" / "clients"
ASKED = [{"role": "user", "content": "Hello"}]
CHAT: dict[str, Any] = {"model": "smart", "messages": ASKED}
REQUESTS: dict[str, tuple[str, dict[str, Any]]] = {
    "codex": ("/responses", {"model": "smart", "input": "Hello"}),
    "claude-code": ("/v1/messages?beta=true", CHAT | {"max_tokens": 50}),
}
"""What a client adds to the address on its page, and what it sends there; of all others it is Chat Completions."""
PAGES = sorted(page.stem for page in FOLDER.glob("*.md"))
EXPORT = re.compile(r"^export (\w+)=(.+)$", re.M)


def own_blocks(kind: str) -> list[Block]:
    return [block for block in blocks(kind) if block.page.startswith("clients/")]


def test_the_overview_and_the_menu_name_every_page() -> None:
    overview = (ROOT / "docs/gateway-clients.md").read_text("utf-8")
    menu = (ROOT / "mkdocs.yml").read_text("utf-8")
    assert {"codex", "claude-code", "opencode", "qwen-code", "aider", "cline"} < set(PAGES)
    assert {"continue", "zed", "jetbrains", "llm", "sdks"} < set(PAGES)
    for page in PAGES:
        assert f"(clients/{page}.md)" in overview
        assert f"clients/{page}.md" in menu


@pytest.mark.parametrize("block", own_blocks("toml") + own_blocks("json") + own_blocks("yaml"), ids=str)
def test_its_settings_are_well_formed_and_name_routes_that_are_there(block: Block) -> None:
    if block.kind == "yaml":
        read = pytest.importorskip("yaml").safe_load(block.body)
    else:
        read = tomllib.loads(block.body) if block.kind == "toml" else json.loads(block.body)
    models = {value.rpartition("/")[2] for key, value in leaves(read) if key in MODEL_KEYS}
    assert models & {"smart", "fast"}, "a model is named"
    assert models <= {"smart", "fast", "routerterm", "ROUTERTERM_KEY"}


MODEL_KEYS = {"model", "small_model", "weak-model", "model_name", "id", "ANTHROPIC_MODEL"}


def leaves(value: Any, key: str = "") -> list[tuple[str, str]]:
    """Every text in a tree, with the key it stands under."""
    match value:
        case dict():
            return [leaf for name, each in value.items() for leaf in leaves(each, name)]
        case list():
            return [leaf for each in value for leaf in leaves(each, key)]
        case str():
            return [(key, value)]
    return []


@pytest.mark.parametrize("page", [page for page in PAGES if page != "sdks"])
def test_its_addresses_answer_what_the_client_asks(page: str, gateway: Gateway) -> None:
    text = (FOLDER / f"{page}.md").read_text("utf-8")
    path, body = REQUESTS.get(page, ("/chat/completions", CHAT))
    addresses = set(re.findall(r"http://127\.0\.0\.1:8484[/\w]*", text))
    assert addresses
    for address in addresses:
        here = address.replace("8484", str(gateway.port))
        sent = Request(f"{here}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
        sent.add_header("Authorization", f"Bearer {gateway.key}")
        with urlopen(sent, timeout=60) as answer:
            assert b"Hello" in answer.read()
        if not path.startswith("/v1"):  # those that offer a list of models ask for it beside
            with urlopen(Request(f"{here}/models", headers={"Authorization": f"Bearer {gateway.key}"})) as listed:
                assert {row["id"] for row in json.load(listed)["data"]} == {"smart", "fast"}


SECTIONS = re.findall(
    r"^## (\w+)\n+```sh\n(.*?)```\n+```python\n(.*?)```", (FOLDER / "sdks.md").read_text("utf-8"), re.M | re.S
)


@pytest.mark.sdk
@pytest.mark.parametrize(("name", "shell", "program"), SECTIONS, ids=[section[0] for section in SECTIONS])
def test_the_programs_of_the_sdks_run_as_written(name: str, shell: str, program: str, gateway: Gateway) -> None:
    pytest.importorskip({"Google": "google.genai"}.get(name, name.lower()))
    given = {
        key: value.replace(MADE_UP, gateway.key).replace("8484", str(gateway.port))
        for key, value in EXPORT.findall(shell)
    }
    kept = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
    ran = subprocess.run([sys.executable, "-c", program], env=kept | given, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    assert set(ran.stdout.split()) == {"Hello"}


@pytest.mark.sdk
def test_llm_answers_with_the_settings_of_its_page(gateway: Gateway) -> None:
    pytest.importorskip("llm")
    folder = gateway.folder / "llm-page"
    folder.mkdir()
    (settings,) = [block.body for block in own_blocks("yaml") if block.page == "clients/llm.md"]
    (folder / "extra-openai-models.yaml").write_text(settings.replace("8484", str(gateway.port)))
    (typed,) = [block.body for block in own_blocks("sh") if block.page == "clients/llm.md"]
    ran = gateway.typed(typed, LLM_USER_PATH=str(folder))
    assert (ran.returncode, ran.stdout.strip().splitlines()[-1:]) == (0, ["Hello"]), ran.stderr


def test_every_export_is_understood_by_a_shell(tmp_path: Path) -> None:
    for block in own_blocks("sh"):
        ran = subprocess.run(["sh", "-n"], input=block.body, text=True, capture_output=True)
        assert ran.returncode == 0, (str(block), ran.stderr)
