"""What is attached and not sent is kept as what is written is: over quitting, kill -9 and other conversations."""

from __future__ import annotations

import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from routerterm.config.paths import Paths
from routerterm.wiring import Services
from tests.driver import Driver, in_process, in_terminal
from tests.driver.homes import PRICED, configure, priced
from tests.driver.provider import Answer, Provider, serving

SIZES = [(120, 40), (80, 24), (45, 20)]


@pytest.fixture
def endless() -> Iterator[Provider]:
    """A provider whose answers are still running when the test is over."""
    with serving(Answer("word " * 1_000, pause=0.3)) as provider:
        yield provider


def a_file(folder: Path, name: str = "notes.txt", text: str = "milk, bread") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def kept(it: Driver) -> int:
    """How many files of drafts are in the history."""
    return len(it.history.rows("SELECT number FROM draft_file"))


async def with_a_file_kept(it: Driver, folder: Path) -> tuple[Services, str]:
    """A conversation with a file that is attached and not sent: the program's services, and its id."""
    await it.ask("alpha")
    await it.say(f"/attach {a_file(folder)}")
    await it.until(lambda: kept(it) == 1)
    assert it.app.services is not None
    return it.app.services, it.history.conversations()[0].id


@pytest.mark.parametrize("size", SIZES)
async def test_files_and_long_pastes_come_back_after_quitting(
    paths: Paths, tmp_path: Path, size: tuple[int, int]
) -> None:
    configure(paths)
    path = a_file(tmp_path)
    long = "\n".join(f"line {number}" for number in range(400))
    async with in_process(paths, size) as it:
        await it.say(f"/attach {path}")
        await it.screen_shows("notes.txt")
        await it.paste(long)
        await it.screen_shows("pasted text")
        await it.type("sum it up")
        await it.press("ctrl+q")
        await it.ended()
    path.unlink()  # what was attached is what it was then
    async with in_process(paths, size) as it:
        await it.screen_shows("notes.txt", "pasted text", "sum it up")
        before = it.history.count()
        await it.press("enter")
        await it.until(lambda: it.history.count() > before)
        await it.rests()
        assert [part.get("name") for part in it.history.branch()[0].parts] == [None, "notes.txt", "pasted text"]
        assert "milk, bread" in it.history.branch()[0].parts[1]["text"]
        assert "line 399" in it.history.branch()[0].parts[2]["text"]
        assert not kept(it)
        await it.screen_lacks("notes.txt 11 B x")
        await it.press("ctrl+q")
        await it.ended()
    async with in_process(paths, size) as it:
        assert not it.app.unsent.parts


async def test_files_survive_a_kill(paths: Paths, tmp_path: Path) -> None:
    configure(paths)
    path = a_file(tmp_path)
    async with in_terminal(paths) as it:
        await it.ready()
        await it.say(f"/attach {path}")
        await it.screen_shows("notes.txt")
        await it.until(lambda: kept(it) == 1, "the file was never kept")
        os.kill(it.pid, signal.SIGKILL)
        await it.ended()
    for file in filter(Path.is_file, paths.database.parent.glob("history.db*")):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    async with in_terminal(paths) as it:
        await it.screen_shows("notes.txt")
        await it.press("backspace")  # in the empty composer it takes the file off
        await it.screen_lacks("notes.txt")
        await it.until(lambda: kept(it) == 0, "a file that was taken off is kept")


async def test_each_conversation_has_its_own_files(paths: Paths, tmp_path: Path) -> None:
    configure(paths)
    async with in_process(paths, (120, 30)) as it:
        await it.ask("alpha")
        await it.say(f"/attach {a_file(tmp_path, 'of-alpha.txt')}")
        await it.screen_shows("of-alpha.txt")
        await it.press("f2")
        await it.until(lambda: it.open_id is None)
        await it.screen_lacks("of-alpha.txt")
        await it.say(f"/attach {a_file(tmp_path, 'of-new.txt')}")
        await it.screen_shows("of-new.txt")
        await it.press("alt+down")
        await it.until(lambda: it.title == "Alpha")
        await it.screen_shows("of-alpha.txt")
        assert "of-new.txt" not in it.picture().text
        await it.press("ctrl+q")
        await it.ended()
    async with in_process(paths, (120, 30)) as it:
        await it.screen_shows("of-new.txt")
        await it.press("alt+down")
        await it.until(lambda: it.title == "Alpha")
        await it.screen_shows("of-alpha.txt")
        assert "of-new.txt" not in it.picture().text


async def test_files_of_a_queued_question_are_kept_with_it(paths: Paths, tmp_path: Path, endless: Provider) -> None:
    configure(paths, priced(endless), PRICED)
    async with in_process(paths, (120, 30)) as it:
        await it.say("one")
        await it.until(lambda: it.busy and it.open_id is not None)
        await it.say(f"/attach {a_file(tmp_path)}")
        await it.screen_shows("notes.txt")
        await it.say("waits")
        await it.status_shows("1 queued")
        await it.until(lambda: kept(it) == 1, "the queue's file was never kept")
        await it.press("f2")
        await it.until(lambda: it.open_id is None)
        await it.press("ctrl+q")
        await it.ended()
    async with in_process(paths, (120, 30)) as it:
        await it.press("alt+down")
        await it.until(lambda: it.title == "One")
        await it.screen_shows("waits", "notes.txt")


async def test_a_deleted_conversations_files_go_with_it(paths: Paths, tmp_path: Path) -> None:
    configure(paths)
    async with in_process(paths) as it:
        services, conversation = await with_a_file_kept(it, tmp_path)
        await it.press("f2")
        await it.until(lambda: it.open_id is None)
        await services.store.conversations.delete(conversation)
        await services.store.conversations.purge(0)
        await it.until(lambda: kept(it) == 0, "files of a conversation that is gone are kept")


async def test_another_programs_question_leaves_the_files(paths: Paths, tmp_path: Path) -> None:
    configure(paths)
    async with in_process(paths) as it:
        services, conversation = await with_a_file_kept(it, tmp_path)
        session = services.session(conversation)
        async for _ in session.send("from elsewhere", model="demo/echo"):
            pass
        assert kept(it) == 1


@pytest.mark.parametrize("size", SIZES)
async def test_a_question_given_back_is_still_for_whom_it_was(
    paths: Paths, tmp_path: Path, size: tuple[int, int], endless: Provider
) -> None:
    prompts = paths.config_file.parent / "prompts"
    configure(paths, priced(endless), PRICED)
    prompts.mkdir()
    (prompts / "loud.md").write_text("---\nmodel: demo/echo\ntemperature: 0.3\n---\nSay it loud: {{args}}")
    async with in_process(paths, size) as it:
        await it.say("one")
        await it.until(lambda: it.busy and it.open_id is not None)
        await it.say(f"/attach {a_file(tmp_path)}")
        await it.screen_shows("notes.txt")
        await it.say("/loud hello")
        await it.status_shows("+1 queued")
        await it.press("escape")
        await it.rests()
        await it.screen_shows("asks demo/echo · temp 0.3", "notes.txt", "Say it loud: hello")
        await it.press("ctrl+q")
        await it.ended()
    async with in_process(paths, size) as it:
        await it.press("alt+down")
        await it.until(lambda: it.open_id is not None)
        await it.screen_shows("asks demo/echo · temp 0.3", "notes.txt")
        await it.press("enter")
        await it.until(lambda: len(it.shown()) == 4)
        await it.rests()
        assert it.history.branch()[3].model == "demo/echo"
        await it.screen_lacks("asks demo/echo")
        assert it.history.conversations()[0].model == PRICED
        await it.press("ctrl+q")
        await it.ended()
    async with in_process(paths, size) as it:
        await it.press("alt+down")
        await it.until(lambda: it.open_id is not None)
        assert "asks demo/echo" not in it.picture().text


async def test_who_answers_can_be_taken_off(paths: Paths, endless: Provider) -> None:
    configure(paths, priced(endless), PRICED)
    async with in_process(paths, (120, 30)) as it:
        await it.say("one")
        await it.until(lambda: it.busy and it.open_id is not None)
        await it.say("/web what is new")
        await it.status_shows("1 queued")
        await it.press("escape")
        await it.rests()
        await it.screen_shows("asks shop/dear · web search x", "what is new")
        await it.click("web search x", right=11)
        await it.screen_lacks("web search x")
        await it.screen_shows("what is new")
