"""Nothing typed or attached is ever lost, whatever is slow and however quick the hands are."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from sqlite3 import Connection
from typing import Any

import pytest

from routerterm.config.paths import Paths
from routerterm.store.turns import Turns
from routerterm.store.worker import Worker
from routerterm.tui.chat import attachments, sidebar
from tests.driver import HeadlessDriver, in_process
from tests.driver.homes import PRICED, configure, priced
from tests.driver.provider import Answer, serving


@asynccontextmanager
async def slow_disk(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[asyncio.Event]:
    """Questions reach the disk once the event is set."""
    quick, there = Turns.begin, asyncio.Event()

    async def begin(self: Turns, *arguments: Any, **more: Any) -> None:
        await there.wait()
        await quick(self, *arguments, **more)

    with monkeypatch.context() as patch:
        patch.setattr(Turns, "begin", begin)
        try:
            yield there
        finally:
            there.set()


@contextmanager
def slow_files(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Files are read once the event is set."""
    quick, read = attachments.load, threading.Event()

    def load(*arguments: Any, **more: Any) -> Any:
        read.wait(60)
        return quick(*arguments, **more)

    with monkeypatch.context() as patch:
        patch.setattr(attachments, "load", load)
        patch.setattr("routerterm.tui.chat.references.load", load)
        try:
            yield read
        finally:
            read.set()


def a_file(folder: Path, name: str = "q.txt") -> Path:
    path = folder / name
    path.write_text("what stands in it")
    return path


def files_of(it: HeadlessDriver, place: int) -> list[str]:
    return [part["name"] for part in it.history.branch()[place].parts if "name" in part]


async def test_a_file_attached_before_the_first_question_is_on_disk_stays_with_its_conversation(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(paths, default="demo/slow")
    path = a_file(tmp_path)
    async with in_process(paths, (160, 30)) as it:
        async with slow_disk(monkeypatch) as written:
            await it.say("go")
            await it.until(lambda: it.busy)
            await it.say(f"/attach {path}")
            await it.until(lambda: "q.txt" in it.composer)
            written.set()
            await it.until(lambda: it.open_id is not None)
        await it.say("next")
        await it.status_shows("1 queued")
        await it.until(lambda: "q.txt" not in it.composer)
        await it.press("escape")
        await it.rests()
        await it.until(lambda: "q.txt" in it.composer and "next" in it.composer)
        await it.press("f2")
        await it.until(lambda: it.open_id is None)
        assert "q.txt" not in it.picture().text


async def test_a_file_dropped_right_before_enter_goes_with_the_question(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(paths)
    path = a_file(tmp_path)
    async with in_process(paths) as it:
        with slow_files(monkeypatch) as read:
            await it.paste(f"{path} ")
            threading.Timer(0.3, read.set).start()
            await it.burst("what is it\rtyped behind it")
            await it.until(lambda: len(it.shown()) == 2)
        assert it.history.branch()[0].parts[0]["text"] == "what is it"
        assert files_of(it, 0) == ["q.txt"]
        await it.composer_is("typed behind it")


async def test_a_reference_taken_by_tab_and_sent_at_once_is_attached_once(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(paths)
    a_file(tmp_path)
    monkeypatch.chdir(tmp_path)
    async with in_process(paths) as it:
        with slow_files(monkeypatch) as read:
            await it.type("@q.t")
            await it.screen_shows("17 B")
            await it.press("tab")
            threading.Timer(0.3, read.set).start()
            await it.burst("what is it\r")
            await it.until(lambda: len(it.shown()) == 2)
        assert files_of(it, 0) == ["q.txt"]
        assert not it.app.unsent.parts


async def test_a_file_that_was_read_slowly_lands_where_it_was_attached(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(paths)
    path = a_file(tmp_path)
    async with in_process(paths, (160, 30)) as it:
        await it.ask("here it belongs")
        with slow_files(monkeypatch) as read:
            await it.paste(f"{path} ")
            await it.press("f2")
            await it.until(lambda: it.open_id is None)
            read.set()
        await it.press("alt+down")
        await it.until(lambda: it.open_id is not None)
        await it.until(lambda: "q.txt" in it.composer)
        await it.press("f2")
        await it.until(lambda: it.open_id is None)
        assert "q.txt" not in it.picture().text


async def test_what_is_set_while_the_first_question_is_written_holds(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(paths, default="demo/slow")
    async with in_process(paths) as it:
        async with slow_disk(monkeypatch) as written:
            await it.say("go")
            await it.until(lambda: it.busy)
            await it.say("/temp 0.5")
            await it.say("/model demo/echo")
            await it.top_shows("demo/echo")
            written.set()
            await it.until(lambda: it.open_id is not None)
        assert it.busy, "its answer is the one on show"
        await it.until(lambda: it.history.conversations()[0].params.get("temperature") == 0.5)
        assert it.history.conversations()[0].model == "demo/echo"


async def test_what_waits_in_the_queue_is_the_draft_after_quitting(paths: Paths) -> None:
    with serving(Answer("word " * 1_000, pause=0.3)) as provider:  # still running when it is left
        configure(paths, priced(provider), PRICED)
        await _queue_and_quit(paths)


async def _queue_and_quit(paths: Paths) -> None:
    async with in_process(paths) as it:
        await it.say("one")
        await it.until(lambda: it.busy and it.open_id is not None)
        await it.say("waits elsewhere")
        await it.status_shows("1 queued")
        await it.press("f2")
        await it.until(lambda: it.open_id is None)
        await it.say("two")
        await it.until(lambda: it.busy and it.open_id is not None)
        await it.say("waits here")
        await it.status_shows("1 queued")
        await it.type("and this is written")
        await it.press("ctrl+q")
        await it.ended()
    drafts = {chat.title: chat.draft for chat in it.history.conversations()}
    assert drafts == {"One": "waits elsewhere", "Two": "waits here\n\nand this is written"}


async def test_what_is_written_while_the_queue_goes_on_is_the_draft(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(paths, default="demo/slow")
    monkeypatch.setattr(sidebar, "TENDED", 0.1)
    async with in_process(paths) as it:
        await it.say("one")
        await it.until(lambda: it.busy and it.open_id is not None)
        await it.say("two")
        await it.type("not to be lost")
        await it.until(lambda: it.history.conversations()[0].draft == "two\n\nnot to be lost")
        await it.until(lambda: len(it.shown()) == 4)
        await it.until(lambda: it.history.conversations()[0].draft == "not to be lost")
        await it.rests()


async def test_another_programs_question_leaves_the_draft(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.ask("one")
        await it.type("half a thought")
        await it.press("ctrl+q")
        await it.ended()
    async with in_process(paths) as it:
        services = it.app.services
        assert services is not None
        session = services.session(it.history.conversations()[0].id)
        async for _ in session.send("from elsewhere", model="demo/echo"):
            pass
        assert it.history.conversations()[0].draft == "half a thought"


async def test_letters_behind_enter_in_the_list_are_text(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths, (120, 30)) as it:
        await it.ask("alpha")
        await it.press("f2")
        await it.until(lambda: it.open_id is None)
        await it.ask("bravo")
        await it.go_to("chats")
        await it.press("end")
        await it.burst("\rdear alpha")
        await it.until(lambda: it.title == "Alpha")
        await it.composer_is("dear alpha")
        assert len(it.history.conversations()) == 2


async def test_undo_and_edit_give_back_what_was_being_written(paths: Paths, tmp_path: Path) -> None:
    configure(paths)
    path = a_file(tmp_path)
    async with in_process(paths, (160, 30)) as it:
        await it.paste(f"{path} ")
        await it.until(lambda: "q.txt" in it.composer)
        await it.ask("first")
        await it.paste(f"{a_file(tmp_path, 'mine.txt')} ")
        await it.until(lambda: "mine.txt" in it.composer)
        await it.type("being written")
        await it.go_to("messages")
        await it.press("home", "e")
        await it.until(lambda: "q.txt" in it.composer and "mine.txt" not in it.composer)
        await it.press("escape")
        await it.until(lambda: "mine.txt" in it.composer and "q.txt" not in it.composer)
        assert "being written" in it.composer
        await it.go_to("messages")
        await it.app.action_command("undo")
        await it.until(lambda: "first" in it.composer)
        await it.go_to("composer")
        await it.press("ctrl+z")
        await it.until(lambda: "being written" in it.composer)


async def test_what_is_sent_while_a_stopped_answer_is_saved_is_asked(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(paths, default="demo/slow")
    write, saved = Worker.write, threading.Event()

    def slowly(self: Worker, job: Callable[[Connection], Any], **more: Any) -> Any:
        def slow(connection: Connection) -> Any:
            saved.wait(60)
            return job(connection)

        return write(self, slow, **more)

    async with in_process(paths) as it:
        await it.say("one")
        await it.until(lambda: it.busy and it.open_id is not None)
        with monkeypatch.context() as patch:
            patch.setattr(Worker, "write", slowly)
            await it.press("escape")
            await it.burst("two\r")
            await it.composer_is("")
            saved.set()
        await it.until(lambda: len(it.shown()) == 4)
        assert it.history.branch()[2].text == "two"


async def test_what_waits_for_its_file_is_the_draft_after_quitting(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.ask("one")
        with slow_files(monkeypatch) as read:
            await it.paste(f"{a_file(tmp_path)} ")
            await it.burst("what is it\r")
            await it.composer_is("")
            await it.press("ctrl+q")
            read.set()
            await it.ended()
    (chat,) = it.history.conversations()
    assert "what is it" in chat.draft
    assert len(it.history.rows("SELECT id FROM message")) == 2
