"""Who uses no tools pays nothing for them, and a server that is in the settings is not started before it is needed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import ROOT

pytestmark = pytest.mark.usefixtures("unmeasured")

CHAT = """
import asyncio, sys
from pathlib import Path
from routerterm.config.paths import Paths
from tests.driver.headless import in_process
from tests.driver.homes import configure

async def main():
    paths = Paths.find({"ROUTERTERM_HOME": sys.argv[1]})
    configure(paths, sys.argv[2])
    async with in_process(paths, (100, 30)) as it:
        await it.screen_shows("demo/echo")
        if sys.argv[3]:
            await it.say(sys.argv[3])
            await it.screen_shows("quartz")
            await it.rests()
        await it.breathe()

asyncio.run(main())
print(sorted(name for name in sys.modules if name.startswith(("routerterm.engine.tools.", "routerterm.protocols.mcp"))))
"""
LIGHT = ["routerterm.engine.tools.pictures"]
"""What the transcript needs, whether there are tools or not."""


def chat(home: Path, settings: str, question: str) -> str:
    """A chat in a fresh Python; the modules of tools that it loaded, as printed."""
    command = [sys.executable, "-c", CHAT, str(home), settings, question]
    ran = subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()[-1]


def test_a_chat_without_tools_loads_nothing_of_them(tmp_path: Path) -> None:
    loaded = chat(tmp_path, "", "quartz")
    assert loaded in (str(LIGHT), "[]")


def test_a_server_in_the_settings_is_not_started_with_the_chat(tmp_path: Path) -> None:
    counter = tmp_path / "starts"
    command = [sys.executable, str(ROOT / "tests/engine/tools/old_server.py"), "stubborn", str(counter)]
    chat(tmp_path / "home", f"[mcp.pad]\ncommand = {command}\n", "")
    assert not counter.exists()
    chat(tmp_path / "home", f"[mcp.pad]\ncommand = {command}\n", "quartz")
    assert counter.exists()  # the question needs its tools
