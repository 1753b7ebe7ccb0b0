"""Export and import from within the chat: what is written, what a dry run says, what is there afterwards."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from routerterm.config.paths import Paths
from routerterm.core.errors import RoutertermError
from routerterm.tui.app import RoutertermApp
from routerterm.tui.chat.import_export import _said
from tests.tui.chat.program import answered, configure, running, say, screen_text, until


def notices(app: RoutertermApp) -> str:
    return "\n".join(notice.message for notice in app._notifications)


async def test_a_conversation_is_written_and_read_again_elsewhere(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    configure(paths)
    async with running(paths) as (app, pilot):
        await say(pilot, "carry me over")
        await answered(app, pilot)
        for words in ("md a.md", "html b.html", "json c.json"):
            app.chat.composer.put(f"/export {words}")
            await pilot.press("enter")
            name = words.split()[1]
            await until(pilot, lambda name=name: (tmp_path / name).exists())
        app.chat.composer.put("/export md a.md")
        await pilot.press("enter")
        await until(pilot, lambda: "is there already" in notices(app))
        await app.action_command("export", "")
        await until(pilot, lambda: type(app.screen).__name__ == "Picker")
        await pilot.press(*"every", "enter")
        await until(pilot, lambda: type(app.screen).__name__ == "PromptDialog")
        await pilot.press("enter")
        await until(pilot, lambda: (tmp_path / "routerterm-history.json").exists() and app.screen is app.chat)
    assert "carry me over" in (tmp_path / "a.md").read_text()
    assert app.machine.colours.background.lower() in (tmp_path / "b.html").read_text().lower()
    assert "<script" not in (tmp_path / "b.html").read_text()
    assert (tmp_path / "c.json").stat().st_mode & 0o077 == 0
    assert len(json.loads((tmp_path / "routerterm-history.json").read_text())["conversations"]) == 1

    paths.database.unlink()
    for left_over in paths.database.parent.glob("history.db-*"):
        if left_over.is_file():
            left_over.unlink()
    async with running(paths) as (app, pilot):
        app.chat.composer.put("/import c.json")
        await pilot.press("enter")
        await until(pilot, lambda: type(app.screen).__name__ == "Confirm" and "would be imported" in screen_text(app))
        assert app.services is not None
        assert await app.services.store.conversations.count() == 0, "a dry run wrote something"
        await pilot.press("y")
        await until(pilot, lambda: [item.title for item in app.chat.sidebar._items] == ["Carry me over"])
        app.chat.composer.put("/import c.json")
        await pilot.press("enter")
        await until(pilot, lambda: "were there already" in notices(app))
        app.chat.composer.put("/import nowhere.json")
        await pilot.press("enter")
        await until(pilot, lambda: "cannot be read" in notices(app))


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
    with pytest.raises(RoutertermError, match="no form of export"):
        _said("pdf")
