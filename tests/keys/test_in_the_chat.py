"""Keys in the running chat: a locked place is opened before a message leaves, and a mistake shows no key."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from routerterm.config.keys.key_manager import KeyManager
from routerterm.config.keys.values import KeyLocation
from routerterm.config.paths import Paths
from routerterm.core.secret import Secret
from routerterm.tui.dialogs.unlock import UnlockScreen
from tests.keys.parts import GROQ, OPENAI, PASSPHRASE, Forgetful, opened
from tests.keys.terminal import Terminal, provider
from tests.tui.chat.program import answered, running, say, screen_text, shown, until


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Paths]:
    """A person with a vault and a provider on this machine."""
    monkeypatch.setenv("ROUTERTERM_HOME", str(tmp_path))
    monkeypatch.setattr("routerterm.config.keys.key_store.KernelKeyring", lambda seconds: Forgetful())
    paths = Paths.find()
    paths.make()
    with provider(OPENAI) as url:
        paths.config_file.write_text(
            f'[router]\ndefault = "openai/small"\n[keys]\norder = ["vault"]\n[providers.openai]\nbase_url = "{url}"\n'
        )
        yield paths


async def test_the_vault_is_opened_before_a_message_is_sent(home: Paths) -> None:
    await (await opened(home.data)).add("openai", Secret(OPENAI), place=KeyLocation.VAULT)
    async with running(home) as (app, pilot):
        await say(pilot, "hello")
        await until(pilot, lambda: isinstance(app.screen, UnlockScreen))
        await pilot.press("escape")
        await answered(app, pilot)
        assert "locked" in screen_text(app)
        await say(pilot, "hello again")  # it failed for want of the key, so we are asked once more
        await until(pilot, lambda: isinstance(app.screen, UnlockScreen))
        await pilot.press(*(letter if letter != " " else "space" for letter in PASSPHRASE), "enter")
        await until(pilot, lambda: "Good day." in shown(app))
        await say(pilot, "and again")
        await until(pilot, lambda: shown(app).count("Good day.") == 2)


async def test_a_lock_from_outside_reaches_the_chat(home: Paths) -> None:
    outside = await opened(home.data)
    await outside.add("openai", Secret(OPENAI), place=KeyLocation.VAULT)
    async with running(home) as (app, pilot):
        assert app.services is not None
        await KeyManager(app.services.keys).unlock(KeyLocation.VAULT, PASSPHRASE)
        await say(pilot, "hello")
        await until(pilot, lambda: "Good day." in shown(app))
        await outside.lock()
        await say(pilot, "hello again")
        await until(pilot, lambda: isinstance(app.screen, UnlockScreen))
        await pilot.press("escape")
        await answered(app, pilot)


async def test_a_damaged_list_of_keys_is_said_and_the_rest_goes_on(home: Paths) -> None:
    home.config_file.write_text('[router]\ndefault = "demo/echo"\n')
    (home.data / "keys.json").write_text("{half")
    async with running(home) as (app, pilot):
        await until(pilot, lambda: any("is damaged" in notice.message for notice in app._notifications))
        await say(pilot, "hello")
        await until(pilot, lambda: shown(app).count("hello") == 2)


def test_a_mistake_of_ours_ends_on_a_sentence(tmp_path: Path) -> None:
    program = f"""
from routerterm.cli.main import main
from routerterm.tui.chat.screen import ChatScreen
def broken(screen, event=None):
    api_key = "{GROQ}"
    raise RuntimeError("this cannot be: " + api_key)
ChatScreen.on_key = broken
main()
"""
    environ = {name: os.environ[name] for name in ("PATH",)} | {
        "HOME": str(tmp_path), "ROUTERTERM_HOME": str(tmp_path / "rt"), "TERM": "xterm-256color", "LANG": "C.UTF-8",
    }  # fmt: skip
    terminal = Terminal([sys.executable, "-c", program], environ)
    terminal.wait_for("demo")
    terminal.type("\x1b[23~")  # F11, which nothing takes
    assert terminal.end() == 1
    said = terminal.said.decode("utf-8", "replace")
    assert "routerterm crashed (RuntimeError)." in said
    assert "Traceback" not in said
    report = (tmp_path / "rt" / "state" / "crash.txt").read_text()
    assert "RuntimeError" in report
    assert "broken" in report
    for text in (said, report):
        assert GROQ not in text
