"""First run, key, chat, model, stats, find, quit in a real terminal: by keys alone, and by mouse alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tmux import terminal
from tests.tui.walks.walking import ANSWER, KEY, click, paste, provider, settings

pytestmark = pytest.mark.tmux

CALM = {"DBUS_SESSION_BUS_ADDRESS": "disabled:"}


def test_by_keyboard_alone(home: Path) -> None:
    with provider() as url:
        settings(home, url)
        with terminal(home=home, size=(100, 32), environment=CALM) as it:
            it.wait("Choose how to start")
            it.press("3")
            it.wait("Your key")
            it.type(KEY)
            it.wait("A key of Groq")
            assert KEY not in it.screen()
            it.press("Enter")
            it.wait("Repeat the passphrase")
            it.type("open sesame")
            it.press("Enter")
            it.type("open sesame")
            it.press("Enter")
            it.wait("Stored in")
            it.press("Escape")
            it.wait("LINE OPEN")
            it.type("which mineral is it")
            it.press("Enter")
            it.wait(ANSWER)
            it.wait("groq/")
            it.press("C-n")
            it.wait("LINE OPEN")
            it.press("C-o")
            it.wait("Model ──")
            it.type("demo/echo")
            it.wait("demo/echo: says what you say")
            it.press("Enter")
            it.gone("Model ──")
            it.type("a second conversation")
            it.press("Enter")
            it.wait("demo/echo · ")
            it.press("C-t")
            it.wait("STATS")
            it.press("Escape")
            it.gone("STATS")
            it.press("C-f")
            it.wait("Find in all")
            it.type("mineral")
            it.wait("which mineral")
            it.press("Enter")
            it.wait(ANSWER)
            it.press("C-q")
            assert it.ended() == 0


def test_by_mouse_alone(home: Path) -> None:
    """Letters are typed and the key is pasted; everything else is a click."""
    with provider() as url:
        settings(home, url)
        with terminal(home=home, size=(120, 36), environment=CALM) as it:
            click(it, "Paste a key")
            it.wait("Your key")
            paste(it, KEY)
            it.wait("A key of Groq")
            click(it, "Test and store")
            it.wait("Repeat the passphrase")
            it.type("open sesame")
            it.wait("•" * 11)
            click(it, "Repeat the passphrase", below=1)
            it.type("open sesame")
            click(it, "Create", last=True)
            it.wait("Stored in")
            click(it, "Back", last=True)
            it.wait("LINE OPEN")
            it.type("which mineral is it")
            click(it, "> which")
            it.wait(ANSWER)
            click(it, "F2")
            it.wait("LINE OPEN")
            click(it, "F3")
            it.wait("Model ──")
            it.type("demo/echo")
            it.wait("demo/echo: says what you say")
            click(it, "●  demo/echo")
            it.gone("Model ──")
            it.type("a second conversation")
            click(it, "> a second")
            it.wait("demo/echo · ")
            click(it, "F4")
            it.wait("STATS")
            click(it, "Back", last=True)
            it.gone("STATS")
            click(it, "F5")
            it.wait("Find in all")
            it.type("mineral")
            click(it, "which mineral", last=True)
            it.wait(ANSWER)
            click(it, "F10")
            assert it.ended() == 0


def test_the_own_editor_gets_the_terminal_and_gives_it_back(home: Path, tmp_path: Path) -> None:
    home.mkdir()
    (home / "config.toml").write_text('[router]\ndefault = "demo/echo"\n')
    editor = tmp_path / "ed"
    editor.write_text('#!/bin/sh\nprintf "IN THE EDITOR"\nread line\nprintf " and more" >> "$1"\n')
    editor.chmod(0o700)
    with terminal(home=home, environment=CALM | {"EDITOR": str(editor), "VISUAL": ""}) as it:
        it.wait("demo/echo")
        it.type("a letter")
        it.wait("> a letter")
        it.press("M-e")
        it.wait("IN THE EDITOR")
        it.press("Enter")
        it.wait("> a letter and more")
        it.press("Enter")
        it.wait("demo/echo · ")
        it.press("C-c", "C-c")
        assert it.ended() == 0


def test_a_megabyte_is_pasted_through_a_real_terminal(home: Path) -> None:
    home.mkdir()
    (home / "config.toml").write_text('[router]\ndefault = "demo/echo"\n')
    with terminal(home=home, environment=CALM) as it:
        it.wait("demo/echo")
        it.paste("sixteen letters.\n" * 65_000)
        it.type("still here")
        it.wait("1.1 MB ~")
        it.wait("still here")


@pytest.mark.parametrize("mouse", [True, False])
def test_the_mouse_is_the_terminals_own_where_the_settings_leave_it(home: Path, mouse: bool) -> None:
    home.mkdir()
    (home / "config.toml").write_text(f'[router]\ndefault = "demo/echo"\n[ui]\nmouse = {str(mouse).lower()}\n')
    with terminal(home=home, size=(80, 24), environment=CALM) as it:
        it.wait("LINE OPEN")
        assert it.wants_mouse() is mouse
        it.press("C-q")
        assert it.ended() == 0
