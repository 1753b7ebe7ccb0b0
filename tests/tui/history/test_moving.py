"""Export and import from within the chat: what is written, what a dry run says, what is there afterwards."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from routerterm.config.paths import Paths
from routerterm.core.errors import RoutertermError
from routerterm.tui.chat.import_export import _said
from tests.driver import in_process
from tests.driver.homes import configure


async def test_a_conversation_is_written_and_read_again_elsewhere(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    configure(paths)
    async with in_process(paths) as it:
        await it.say("carry me over")
        await it.answered()
        for words in ("md a.md", "html b.html", "json c.json"):
            await it.say(f"/export {words}")
            name = words.split()[1]
            await it.until(lambda name=name: (tmp_path / name).exists())
        await it.say("/export md a.md")
        await it.screen_shows("already exists")
        await it.clear()
        await it.say("/export")
        await it.until(lambda: not it.in_chat)
        await it.press(*"completeonefile", "enter")
        await it.screen_shows("routerterm-history.json")
        await it.press("enter")
        await it.until(lambda: (tmp_path / "routerterm-history.json").exists() and it.in_chat)
    assert "carry me over" in (tmp_path / "a.md").read_text()
    assert it.app.active_theme.colours.background.lower() in (tmp_path / "b.html").read_text().lower()
    assert "<script" not in (tmp_path / "b.html").read_text()
    assert (tmp_path / "c.json").stat().st_mode & 0o077 == 0
    assert len(json.loads((tmp_path / "routerterm-history.json").read_text())["conversations"]) == 1

    paths.database.unlink()
    for left_over in paths.database.parent.glob("history.db-*"):
        if left_over.is_file():
            left_over.unlink()
    async with in_process(paths) as it:
        await it.say("/import c.json")
        await it.screen_shows("would be imported")
        assert it.history.conversations() == [], "a dry run wrote something"
        await it.press("y")
        await it.chats_are("Carry me over")
        await it.say("/import c.json")
        await it.screen_shows("existed already")
        await it.say("/import nowhere.json")
        await it.screen_shows("cannot be read")


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("", ("branch", None, "")),
        ("md", ("branch", "md", "")),
        ("html my page.html", ("branch", "html", "my page.html")),
        ("json", ("conversation", "json", "")),
        ("branch json x.json", ("branch", "json", "x.json")),
        ("all json", ("all", "json", "")),
        ("notes.md", ("branch", "md", "notes.md")),
    ],
)
def test_what_is_exported(words: str, meant: tuple[str, str | None, str]) -> None:
    assert _said(words) == meant


def test_an_unknown_form_is_named() -> None:
    with pytest.raises(RoutertermError, match="not an export format"):
        _said("pdf")
