"""Every command does what it says: by its key (or its letter after the leader), and by its name or from the palette."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from inspect import isawaitable
from pathlib import Path
from typing import Any, get_args

import pytest
from textual.pilot import Pilot

from routerterm.config.paths import Paths
from routerterm.tui.app import RoutertermApp
from routerterm.tui.commands.base import Group
from routerterm.tui.commands.registry import COMMANDS
from routerterm.tui.keymap import letters
from tests.tui.chat.program import answered, configure, running, say, screen_text, shown, until


@dataclass
class Try:
    """A command about to be tried, on a conversation of two questions and their answers."""

    app: RoutertermApp
    pilot: Pilot[int]
    way: str
    tmp: Path
    seen: list[str] = field(default_factory=list)
    """What was asked of the terminal, which a test has none of."""
    before: Any = None

    @property
    def told(self) -> str:
        return "\n".join(notice.message for notice in self.app._notifications)


Prepare = Callable[[Try], Awaitable[None]]
Holds = Callable[[Try], "bool | Awaitable[bool]"]


async def nothing(_: Try) -> None:
    pass


def opens(screen: str, words: str = "") -> tuple[Prepare, Holds]:
    return nothing, lambda t: type(t.app.screen).__name__ == screen and words in screen_text(t.app)


def tells(words: str) -> tuple[Prepare, Holds]:
    return nothing, lambda t: words in t.told


def remembers(what: Callable[[Try], Any]) -> Prepare:
    async def prepare(t: Try) -> None:
        t.before = what(t)

    return prepare


def changes(what: Callable[[Try], Any]) -> tuple[Prepare, Holds]:
    return remembers(what), lambda t: what(t) != t.before


async def slow_answer(t: Try) -> None:
    await t.app.chat.stage.use_model("demo/slow")
    t.app.chat.composer.put("slowly")
    await t.pilot.press("enter")
    await until(t.pilot, lambda: t.app.chat.turns.any)


async def again(t: Try) -> None:
    await t.app.action_command("retry")
    await until(t.pilot, lambda: t.app.chat.turns.any or len(shown(t.app)) == 4)
    await until(t.pilot, lambda: not t.app.chat.turns.any)
    t.before = t.app.chat.stage.session.head


async def earlier(t: Try) -> None:
    await again(t)
    await t.app.action_command("previous")
    t.before = t.app.chat.stage.session.head


async def at_first(t: Try) -> None:
    t.app.chat.chosen = t.app.chat.transcript.shelf.slots[1].entry.id


async def deleted(t: Try) -> None:
    t.before = t.app.chat.stage.id
    await t.app.action_command("delete")


async def undone(t: Try) -> None:
    await t.app.action_command("undo")
    t.app.chat.composer.put("")


async def attached(t: Try) -> None:
    file = t.tmp / "note.txt"
    file.write_text("a note")
    await t.app.chat.tray.attach(str(file))


async def written(t: Try) -> None:
    t.app.chat.composer.put("for later")
    if t.way == "words":  # its name takes the place of what is written: it brings back
        await t.app.action_command("stash")


async def recent(t: Try) -> None:
    t.app.recent = ("demo/echo", "demo/table")


async def doubled(t: Try) -> bool:
    page = await t.app.chat.stage.session.page()
    return not t.app.chat.turns.any and page.messages[-1].siblings == 2


async def pinned(t: Try) -> bool:
    assert t.app.services is not None
    found = await t.app.services.store.conversations.get(t.app.chat.stage.id or "")
    return found is not None and found.pinned


TRIED: dict[str, tuple[Prepare, Holds]] = {
    "help": opens("Picker", "What can I do?"),
    "models": opens("Picker", "Which model answers?"),
    "stats": opens("StatsScreen", "STATS"),
    "find": opens("Picker", "Find in all conversations"),
    "keys": opens("KeysScreen", "KEYS"),
    "route": opens("RouteScreen", "ROUTES"),
    "themes": opens("Picker", "Which machine?"),
    "settings": opens("Picker", "ettings"),
    "gateway": opens("GatewayScreen"),
    "sidebar": changes(lambda t: t.app.chat.sidebar.display),
    "leader": opens("WhichKey", "one letter"),
    "palette": opens("CommandPalette"),
    "redraw": (nothing, lambda t: "refresh" in t.seen),
    "suspend": (nothing, lambda t: "suspend" in t.seen),
    "quit": (nothing, lambda t: t.app._exit),
    "welcome": (nothing, lambda t: t.app.chat.first_run.open),
    "boot": opens("BootScreen"),
    "new": (nothing, lambda t: t.app.chat.stage.id is None and not shown(t.app)),
    "model": opens("Picker", "Which model answers?"),
    "next-model": (recent, lambda t: t.app.chat.stage.model == "demo/table"),
    "system": opens("EditText", "System prompt"),
    "private": changes(lambda t: t.app.chat.stage.private),
    "rename": opens("PromptDialog", "Rename"),
    "look": opens("PromptDialog", "Find here"),
    "pin": (nothing, pinned),
    "tag": opens("PromptDialog", "Tags"),
    "tags": opens("Picker"),
    "archive": (nothing, lambda t: "In the archive" in t.told and t.app.chat.stage.id is None),
    "archived": opens("Picker", "The archive"),
    "clone": changes(lambda t: t.app.chat.stage.id),
    "delete": (nothing, lambda t: t.app.chat.stage.id is None and "Deleted" in t.told),
    "undelete": (deleted, lambda t: t.app.chat.stage.id == t.before),
    "bin": opens("Picker", "Deleted"),
    "tree": opens("TreeScreen"),
    "export": opens("Picker"),
    "import": opens("PromptDialog"),
    "temperature": tells("The temperature is"),
    "reasoning": tells("Reasoning is"),
    "length": tells("An answer may have"),
    "summary": (at_first, lambda t: "go as a summary" in t.told),
    "edit": (nothing, lambda t: t.app.chat.composer.text == "two" and t.app.chat.stage.editing is not None),
    "retry": (nothing, doubled),
    "retry_with": opens("Picker", "Who else shall answer this?"),
    "fork": (at_first, lambda t: len(shown(t.app)) == 2),
    "previous": (again, lambda t: t.app.chat.stage.session.head != t.before),
    "next": (earlier, lambda t: t.app.chat.stage.session.head != t.before),
    "keep": tells("It goes to the model always"),
    "menu": opens("Picker", "This message"),
    "why": opens("WhyScreen", "demo/echo"),
    "undo": (nothing, lambda t: len(shown(t.app)) == 2 and t.app.chat.composer.text == "two"),
    "redo": (undone, lambda t: len(shown(t.app)) == 4),
    "compare": opens("Picker"),
    "stop": (slow_answer, lambda t: not t.app.chat.turns.any),
    "attach": (nothing, lambda t: t.app.chat.composer.text == "/attach "),
    "detach": (attached, lambda t: not t.app.chat.tray.items),
    "editor": (nothing, lambda t: t.app.chat.composer.text == "from the editor"),
    "stash": (written, lambda t: t.app.chat.composer.text == ("for later" if t.way == "words" else "")),
    "prompts": opens("PromptsScreen"),
}

WITH_WORDS: dict[str, tuple[str, Holds]] = {
    "find": ("two", lambda t: type(t.app.screen).__name__ == "Picker" and "two" in screen_text(t.app)),
    "themes": ("amber", lambda t: t.app.machine.name == "amber"),
    "model": ("demo/table", lambda t: t.app.chat.stage.model == "demo/table"),
    "system": ("Be brief.", lambda t: t.app.chat.stage.system == "Be brief."),
    "rename": ("Another name", lambda t: t.app.chat.stage.title == "Another name"),
    "look": ("one", lambda t: t.app.focused is t.app.chat.transcript),
    "tags": ("work", lambda t: "Tagged work" in screen_text(t.app)),
    "temperature": ("0.7", lambda t: t.app.chat.stage.params.temperature == 0.7),
    "reasoning": ("low", lambda t: t.app.chat.stage.params.effort == "low"),
    "length": ("500", lambda t: t.app.chat.stage.params.max_output == 500),
    "retry": ("demo/echo", doubled),
    "retry_with": ("demo/echo", doubled),
    "compare": ("demo/echo demo/table", lambda t: t.app.chat.comparing.models == ("demo/echo", "demo/table")),
}


def test_every_command_is_tried() -> None:
    assert list(TRIED.keys() ^ COMMANDS.keys()) == []


@asynccontextmanager
async def talking(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> AsyncIterator[Callable[[], Awaitable[Try]]]:
    """The program; what is given makes it stand at the end of a conversation of two questions, as if just opened."""
    configure(paths)
    monkeypatch.setattr("routerterm.tui.dialogs.open_editor.edit", lambda _: "from the editor")
    async with running(paths, (100, 30)) as (app, pilot):
        seen: list[str] = []
        monkeypatch.setattr(app, "suspend", nullcontext)
        monkeypatch.setattr(app, "action_suspend_process", lambda: seen.append("suspend"))
        refresh = app.refresh
        monkeypatch.setattr(app, "refresh", lambda *a, **k: (seen.append("refresh"), refresh(*a, **k))[1])
        for words in ("one", "two"):
            await say(pilot, words)
            await answered(app, pilot)
        await until(pilot, lambda: len(shown(app)) == 4 and not app.chat.turns.any)
        talk = app.chat.stage.id
        assert talk is not None

        async def fresh() -> Try:
            app.chat.chosen = None
            app.clear_notifications()
            assert app.services is not None
            copy = await app.services.session(talk).clone()
            await app.chat.stage.open(copy.id)
            await app.chat.stage.use_model("demo/echo")
            app.chat.composer.put("")
            app.chat.composer.focus()
            seen.clear()
            return Try(app, pilot, way, tmp_path, seen)

        yield fresh


async def perform(t: Try, name: str, words: str = "") -> None:
    """The command, in the way that is tried."""
    command, chat = COMMANDS[name], t.app.chat
    if t.way == "key":
        letter = {name: letter for letter, name in letters(COMMANDS.values()).items()}
        keys = command.keys[:1] or ("ctrl+x", letter[name])
        for key in keys:
            await t.pilot.press(key)
    elif command.slash:
        chat.composer.put(f"/{command.slash} {words}".strip())
        chat.suggestions.offer(())
        await t.pilot.press("enter")
    else:
        offered = {each.title: each.callback for each in t.app.get_system_commands(t.app.screen)}
        await offered[command.title]()


async def ends(t: Try, holds: Holds, name: str) -> None:
    """It has the effect, and everything can be left again."""

    async def done() -> bool:
        found = holds(t)
        return bool(await found if isawaitable(found) else found)

    for _ in range(400):
        if await done():
            break
        await t.pilot.pause(0.02)
    else:
        raise AssertionError(f"{name} did nothing by {t.way}; told: {t.told}\n{screen_text(t.app)}")
    while len(t.app.screen_stack) > 1:
        await t.pilot.press("escape")
    if t.app.chat.comparing.models:
        await t.app.action_command("stop")
    await until(t.pilot, lambda: not t.app.chat.turns.any)


@pytest.mark.parametrize("way", ["key", "words"])
@pytest.mark.parametrize("group", get_args(Group))
async def test_a_command_does_what_it_says(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, group: str, way: str
) -> None:
    names = [name for name, command in COMMANDS.items() if command.group == group and name != "quit"]
    async with talking(paths, tmp_path, monkeypatch, way) as fresh:
        for name in [*names, "quit"] if group == "Program" else names:
            prepare, holds = TRIED[name]
            t = await fresh()
            await prepare(t)
            await perform(t, name)
            if name == "quit":
                await until(t.pilot, lambda t=t: t.app._exit)
                return
            await ends(t, holds, name)


async def test_a_name_with_words_does_it_at_once(paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with talking(paths, tmp_path, monkeypatch, "words") as fresh:
        for name, (words, holds) in WITH_WORDS.items():
            t = await fresh()
            await perform(t, name, words)
            await ends(t, holds, f"{name} {words}")


async def test_the_palette_offers_every_command_and_does_it(paths: Paths) -> None:
    configure(paths)
    async with running(paths) as (app, pilot):
        offered = {each.title: each.help for each in app.get_system_commands(app.screen)}
        assert offered == {command.title: command.help() for command in COMMANDS.values()}
        await pilot.press("ctrl+p")
        await until(pilot, lambda: type(app.screen).__name__ == "CommandPalette")
        await pilot.press(*"Stats")
        await until(pilot, lambda: "What was used" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: type(app.screen).__name__ == "StatsScreen")
