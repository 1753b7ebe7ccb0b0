"""Every command does what it says: by its key (or its letter after the leader), and by its name or from the palette."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from routerterm.config.paths import Paths
from routerterm.tui.commands.registry import COMMANDS
from routerterm.tui.keymap import letters
from tests.driver import HeadlessDriver, in_process
from tests.driver.history import Chat
from tests.driver.homes import configure


@dataclass
class Try:
    """A command about to be tried, on a conversation of two questions and their answers."""

    it: HeadlessDriver
    way: str
    tmp: Path
    seen: list[str] = field(default_factory=list)
    """What was asked of the terminal, which a test has none of."""
    before: Any = None
    title: str = ""
    """The conversation's own."""

    def stored(self) -> Chat:
        """The conversation as it is on disk."""
        found = self.it.history.latest(self.title)
        assert found is not None
        return found

    def reads(self, *words: str) -> bool:
        """Whether the screen shows all of these words now."""
        return all(map(self.it.picture().shows, words))

    @property
    def versions(self) -> tuple[str, int]:
        """The message at the end of the branch, and how many stand in its place."""
        last = self.it.history.branch(self.title)[-1]
        return last.id, last.siblings


Prepare = Callable[[Try], Awaitable[None]]
Holds = Callable[[Try], bool]


async def nothing(_: Try) -> None:
    pass


def opens(*words: str) -> tuple[Prepare, Holds]:
    return nothing, lambda t: not t.it.in_chat and t.reads(*words)


def tells(words: str) -> tuple[Prepare, Holds]:
    return nothing, lambda t: t.reads(words)


def remembers(what: Callable[[Try], Any]) -> Prepare:
    async def prepare(t: Try) -> None:
        t.before = what(t)

    return prepare


def changes(what: Callable[[Try], Any]) -> tuple[Prepare, Holds]:
    return remembers(what), lambda t: what(t) != t.before


async def slow_answer(t: Try) -> None:
    await t.it.say("/model demo/slow")
    await t.it.top_shows("demo/slow")
    await t.it.say("slowly")
    await t.it.until(lambda: t.it.busy)


async def again(t: Try) -> None:
    await t.it.say("/retry demo/echo")
    await t.it.until(lambda: t.versions[1] == 2)
    await t.it.rests()
    t.before = t.versions


async def earlier(t: Try) -> None:
    await again(t)
    await t.it.say("/previous")
    await t.it.until(lambda: t.versions != t.before)
    t.before = t.versions


async def at_first(t: Try) -> None:
    await t.it.go_to("messages")
    await t.it.press("home", "down")


async def deleted(t: Try) -> None:
    t.before = t.it.title
    await t.it.say("/delete")
    await t.it.until(lambda: not t.it.title)


async def undone(t: Try) -> None:
    await t.it.say("/undo")
    await t.it.composer_is("two")
    await t.it.clear()


async def attached(t: Try) -> None:
    file = t.tmp / "note.txt"
    file.write_text("a note")
    await t.it.paste(str(file))
    await t.it.screen_shows("note.txt text 6 B")


async def written(t: Try) -> None:
    await t.it.type("for later")
    if t.way == "words":  # its name takes the place of what is written: it brings back
        await t.it.press("alt+s")
        await t.it.composer_is("")


async def recent(t: Try) -> None:
    t.it.app.recent = ("demo/echo", "demo/table")


def doubled(t: Try) -> bool:
    return not t.it.busy and t.versions[1] == 2


async def below(t: Try) -> None:
    await t.it.press("alt+down")
    await t.it.until(lambda: t.it.title and t.it.title != t.title)
    t.before = t.it.title


TRIED: dict[str, tuple[Prepare, Holds]] = {
    "help": opens("Help ─"),
    "models": opens("Model ─"),
    "stats": opens("STATS ─"),
    "find": opens("Find in all conversations"),
    "tools": opens("Tools ─"),
    "leaves": opens("What leaves with the next message"),
    "web": (nothing, lambda t: t.stored().params.get("web") is True),  # its notice may be gone on a busy machine
    "later": opens("Send later"),
    "outbox": opens("Outbox"),
    "keys": opens("KEYS ─"),
    "route": opens("ROUTES ─"),
    "themes": opens("Theme ─"),
    "settings": opens("ettings"),
    "gateway": opens(),
    "sidebar": changes(lambda t: bool(t.it.picture().chats)),
    "leader": opens("Press a letter"),
    "palette": opens("Commands"),
    "notices": opens("otices"),
    "redraw": (nothing, lambda t: "refresh" in t.seen),
    "suspend": (nothing, lambda t: "suspend" in t.seen),
    "quit": (nothing, lambda t: t.it.app._exit),
    "welcome": (nothing, lambda t: t.it.offers_ways),
    "boot": opens(),
    "new": (nothing, lambda t: not t.it.title),
    "model": opens("Model ─"),
    "next-model": (recent, lambda t: t.it.model == "demo/table"),
    "system": opens("System prompt"),
    "private": changes(lambda t: "private" in t.it.picture().status),
    "next-conversation": changes(lambda t: t.it.title),
    "previous-conversation": (below, lambda t: t.it.title != t.before),
    "switch": opens("Switch conversation"),
    "rename": opens("Rename ─"),
    "look": opens("Find here"),
    "start": (nothing, lambda t: t.reads("one")),
    "pin": (nothing, lambda t: t.stored().pinned),
    "tag": opens("Tags ─"),
    "tags": opens(),
    "project": tells("Project: none, all conversations are listed"),
    "archive": (nothing, lambda t: t.reads("Archived.") and not t.it.title),
    "archived": opens("Archived conversations"),
    "clone": changes(lambda t: len(t.it.history.conversations())),
    "delete": (nothing, lambda t: not t.it.title and t.reads("Deleted")),
    "undelete": (deleted, lambda t: t.it.title == t.before),
    "bin": opens("Deleted"),
    "tree": opens(),
    "export": opens(),
    "import": opens(),
    "temperature": tells("The temperature is"),
    "reasoning": tells("Reasoning is"),
    "length": tells("The maximum answer length"),
    "summary": (at_first, lambda t: t.reads("sent as a summary")),
    "edit": (nothing, lambda t: t.it.composer == "two"),
    "retry": (nothing, doubled),
    "retry_with": opens("Ask again with"),
    "fork": (at_first, lambda t: len(t.it.shown()) == 2),
    "previous": (again, lambda t: t.versions != t.before),
    "next": (earlier, lambda t: t.versions != t.before),
    "continue": tells("This answer is complete"),
    "leave_out": tells("There is no image"),
    "keep": tells("always sent now"),
    "menu": opens("This message"),
    "why": opens("demo/echo"),
    "undo": (nothing, lambda t: len(t.it.shown()) == 2 and t.it.composer == "two"),
    "redo": (undone, lambda t: len(t.it.shown()) == 4),
    "compare": opens(),
    "stop": (slow_answer, lambda t: not t.it.busy),
    "attach": (nothing, lambda t: t.it.composer == "/attach"),
    "drop": opens("Drop files"),
    "detach": (attached, lambda t: not t.reads("note.txt text 6 B")),
    "editor": (nothing, lambda t: t.it.composer == "from the editor"),
    "stash": (written, lambda t: t.it.composer == ("for later" if t.way == "words" else "")),
    "prompts": opens(),
}

WITH_WORDS: dict[str, tuple[str, Holds]] = {
    "find": ("two", lambda t: not t.it.in_chat and t.reads("two")),
    "themes": ("amber", lambda t: t.it.app.active_theme.name == "amber"),
    "model": ("demo/table", lambda t: t.it.model == "demo/table"),
    "system": ("Be brief.", lambda t: t.stored().system == "Be brief."),
    "rename": ("Another name", lambda t: t.it.title == "Another name"),
    "look": ("one", lambda t: t.it.focus() == "messages"),
    "tags": ("work", lambda t: t.reads("Tagged work")),
    "temperature": ("0.7", lambda t: t.stored().params.get("temperature") == 0.7),
    "reasoning": ("low", lambda t: t.stored().params.get("effort") == "low"),
    "length": ("500", lambda t: t.stored().params.get("max_output") == 500),
    "retry": ("demo/echo", doubled),
    "retry_with": ("demo/echo", doubled),
    "compare": ("demo/echo demo/table", lambda t: t.it.model == "demo/echo | demo/table"),
}


def a_few(names: Iterable[str], most: int = 6) -> list[tuple[str, ...]]:
    """The names in runs that one start of the program pays for: a test of all of them takes minutes."""
    every = tuple(names)
    return [every[at : at + most] for at in range(0, len(every), most)]


def test_every_command_is_tried() -> None:
    assert list(TRIED.keys() ^ COMMANDS.keys()) == []


@asynccontextmanager
async def talking(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> AsyncIterator[Callable[[], Awaitable[Try]]]:
    """The program; what is given makes it stand at the end of a conversation of two questions, as if just opened."""
    configure(paths)

    async def edited(text: str, **_: object) -> str:
        return "from the editor"

    monkeypatch.setattr("routerterm.tui.dialogs.open_editor.open_editor", edited)
    async with in_process(paths) as it:
        app = it.app
        seen: list[str] = []
        monkeypatch.setattr(app, "suspend", nullcontext)
        monkeypatch.setattr(app, "action_suspend_process", lambda: seen.append("suspend"))
        refresh = app.refresh
        monkeypatch.setattr(app, "refresh", lambda *a, **k: (seen.append("refresh"), refresh(*a, **k))[1])
        for words in ("one", "two"):
            await it.ask(words)
        talk = it.history.conversations()[0].id
        numbers = count(1)

        async def fresh() -> Try:
            assert app.services is not None
            copy = await app.services.session(talk).clone()
            title = f"Try {next(numbers):03}"
            await app.services.store.conversations.change(copy.id, title=title)
            await it.clear()
            await it.open_chat(title)
            if it.model != "demo/echo":
                await it.say("/model demo/echo")
                await it.top_shows("demo/echo")
            seen.clear()
            return Try(it, way, tmp_path, seen, title=title)

        yield fresh


async def perform(t: Try, name: str, words: str = "") -> None:
    """The command, in the way that is tried."""
    command = COMMANDS[name]
    if t.way == "key":
        letter = {name: letter for letter, name in letters(COMMANDS.values()).items()}
        await t.it.press(*(command.keys[:1] or ("ctrl+x", letter[name])))
    elif command.slash:
        await t.it.go_to("composer")
        await t.it.clear()
        await t.it.paste(f"/{command.slash} {words}".strip())
        await t.it.press("escape", "enter")
    else:
        await by_palette(t.it, command.title)


async def by_palette(it: HeadlessDriver, title: str) -> None:
    """Run the command of this title from the palette."""
    await it.press("ctrl+p")
    await it.until(lambda: not it.in_chat)
    await it.paste(title)
    await it.sees(lambda seen: seen.find(f">{title}"), f"{title} was not offered")
    await it.press("enter")


async def ends(t: Try, holds: Holds, name: str) -> None:
    """It has the effect, and everything can be left again."""
    await t.it.until(lambda: holds(t), f"{name} did nothing by {t.way}")
    await t.it.leave()
    if "|" in t.it.model or t.it.busy:
        await t.it.press("escape")
    await t.it.rests()
    await t.it.go_to("composer")


@pytest.mark.parametrize("way", ["key", "words"])
@pytest.mark.parametrize("names", a_few(name for name in COMMANDS if name != "quit"), ids=" ".join)
async def test_a_command_does_what_it_says(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...], way: str
) -> None:
    async with talking(paths, tmp_path, monkeypatch, way) as fresh:
        for name in names:
            if name == "palette" and way == "words":
                continue  # it has no name with a slash, and does not list itself
            prepare, holds = TRIED[name]
            t = await fresh()
            await prepare(t)
            await perform(t, name)
            await ends(t, holds, name)


@pytest.mark.parametrize("way", ["key", "words"])
async def test_quitting_ends_it(paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    async with talking(paths, tmp_path, monkeypatch, way) as fresh:
        t = await fresh()
        await perform(t, "quit")
        await t.it.ended()


async def test_a_notice_takes_the_place_of_the_one_before(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.ask("hello")
        for words, told in 2 * [("/noimages", "There is no image"), ("/continue", "This answer is complete")]:
            await it.say(words)
            await it.screen_shows(told)
            other = {"There is no image": "answer is complete"}.get(told, "is no image")
            await it.screen_lacks(other)


@pytest.mark.parametrize("names", a_few(WITH_WORDS), ids=" ".join)
async def test_a_name_with_words_does_it_at_once(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...]
) -> None:
    async with talking(paths, tmp_path, monkeypatch, "words") as fresh:
        for name in names:
            words, holds = WITH_WORDS[name]
            t = await fresh()
            await perform(t, name, words)
            await ends(t, holds, f"{name} {words}")


@pytest.mark.parametrize("names", a_few((name for name in COMMANDS if name != "palette"), 20), ids=lambda n: n[0])
async def test_the_palette_offers_every_command_and_does_it(paths: Paths, names: tuple[str, ...]) -> None:
    configure(paths)
    async with in_process(paths) as it:
        for title in (COMMANDS[name].title for name in names):
            await it.press("ctrl+p")
            await it.until(lambda: not it.in_chat)
            await it.paste(title)
            await it.sees(lambda seen, title=title: seen.find(f">{title}"), f"no {title}")
            await it.press("escape")
            await it.chat_is_open()
        await by_palette(it, "Stats")
        await it.dialog_is("STATS")
