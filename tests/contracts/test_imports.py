"""The contracts' runtime twin: a fresh Python imports a room, and we look at what came with it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from pkgutil import walk_packages

import pytest

import routerterm

pytestmark = pytest.mark.usefixtures("unmeasured")

NEVER_AT_START = {
    "keyring",
    "secretstorage",
    "cryptography",
    "tiktoken",
    "starlette",
    "uvicorn",
    "wsproto",
    "openai",
    "anthropic",
    "google.genai",
    "mistralai",
    "ollama",
    "xllamacpp",
    "tomlkit",
}
"""Heavy or rarely needed: each loads with its first use."""
HEAVY = NEVER_AT_START | {"textual", "httpx", "pydantic", "sqlite3", "sqlite_utils", "asyncio", "rich", "platformdirs"}


def loaded_by(program: str) -> set[str]:
    """The names of all modules, and of the packages that they are in, after a program in a fresh Python."""
    program += "\nimport json, sys; print(json.dumps(sorted(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    return set(json.loads(result.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("routerterm", HEAVY | {"routerterm.core", "click"}),
        ("routerterm.cli.main", HEAVY),
        ("routerterm.core.events", HEAVY | {"socket", "threading", "random"}),
        ("routerterm.protocols", HEAVY),
        ("routerterm.catalog", HEAVY),
        ("routerterm.tokens", HEAVY),
        ("routerterm.config.early_settings", HEAVY),
        ("routerterm.router", HEAVY - {"asyncio", "httpx"}),
        ("routerterm.store.database", HEAVY - {"asyncio", "sqlite3", "sqlite_utils"}),
        ("routerterm.engine.chat.session", HEAVY - {"asyncio", "sqlite3", "sqlite_utils"}),
        ("routerterm.config.settings", HEAVY - {"asyncio"}),
        ("routerterm.gateway.server", NEVER_AT_START - {"starlette", "uvicorn"}),
        ("routerterm.tui.app", NEVER_AT_START | {"httpx", "pydantic", "sqlite_utils", "pygments.lexers._mapping"}),
    ],
)
def test_a_room_brings_only_what_it_needs(module: str, forbidden: set[str]) -> None:
    assert loaded_by(f"import {module}") & forbidden == set()


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["config", "path"]])
def test_a_small_command_stays_small(arguments: list[str]) -> None:
    program = f"""
import sys
from routerterm.cli.main import main
sys.argv[1:] = {arguments!r}
try: main()
except SystemExit: pass"""
    assert loaded_by(program) & (HEAVY - {"platformdirs"}) == set()


NOT_FOR_A_QUESTION = {
    *("typing_extensions", "tomllib", "shutil", "httpx", "pydantic", "sqlite_utils"),
    *("routerterm.store.migrations.steps", "routerterm.engine.keys.service", "routerterm.engine.chat.attachments"),
    *("routerterm.router.transports.http", "routerterm.tui"),
}
"""What no question needs that goes to a provider inside the program, once there is a history."""


def test_a_question_loads_no_more_than_it_needs(tmp_path: Path) -> None:
    program = f"""
import os, sys
os.environ["ROUTERTERM_HOME"] = {str(tmp_path)!r}
from routerterm.cli.main import main
sys.argv[1:] = ["ask", "-m", "demo/echo", "hi"]
try: main()
except SystemExit as end: assert not end.code"""
    loaded_by(program)  # makes the history
    assert loaded_by(program) & NOT_FOR_A_QUESTION == set()


SELDOM = (
    "routerterm.engine.tools.",
    "routerterm.protocols.mcp",
    "routerterm.engine.billing",
    "routerterm.engine.replay",
    "routerterm.engine.outbox",
    "routerterm.engine.rating",
    "routerterm.engine.chat.leaves",
    "routerterm.store.outbox",
)
"""What many sessions never use: it loads with its first use."""


def test_what_is_seldom_used_is_not_loaded_at_the_start() -> None:
    """Pages and pictures that are attached are no tools, though they lie beside them."""
    loaded = loaded_by("import routerterm.tui.app, routerterm.wiring.services, routerterm.cli.ask_command")
    seldom = {name for name in loaded if name.startswith(SELDOM)}
    assert seldom <= {"routerterm.engine.tools.pictures", "routerterm.engine.tools.web_page"}


ANSWERS = ("routerterm.wiring", "routerterm.router", "routerterm.protocols", "routerterm.catalog", "routerterm.tokens")
"""What answers a question: it loads while the first picture is on the screen already."""


def test_nothing_that_answers_is_loaded_before_the_first_picture() -> None:
    loaded = loaded_by("import routerterm.cli.gateway_factory, routerterm.tui.terminal, routerterm.tui.app")
    assert {name for name in loaded if name.startswith(ANSWERS)} == set()


def test_the_looking_itself_works() -> None:
    assert {"sqlite3", "tomlkit"} <= loaded_by("import sqlite3, tomlkit")


def test_every_module_can_be_imported_on_its_own() -> None:
    names = [
        module.name for module in walk_packages(routerterm.__path__, "routerterm.") if "__main__" not in module.name
    ]
    program = f"""
import importlib, sys
for name in {names!r}:
    # arrows point down, so what fails on its own fails by its own room: the rooms beneath may stay
    for loaded in [each for each in sys.modules if each.split(".")[:2] == name.split(".")[:2]]:
        del sys.modules[loaded]
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        # an extra that is not installed
        if (error.name or "").split(".")[0] not in ("xllamacpp", "textual_image", "starlette", "uvicorn", "wsproto"):
            raise
"""
    loaded_by(program)
