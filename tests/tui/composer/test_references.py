"""``@`` and ``!`` in the composer: files, folders, pages and what commands print go along, and are seen first."""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from routerterm.config.paths import Paths
from routerterm.core.errors import RoutertermError
from routerterm.engine.chat.references import reads_as_file
from routerterm.tui.chat.attachment_files import load
from tests.driver import Driver, in_process
from tests.driver.homes import configure


async def sent_part(it: Driver, name: str, words: str) -> str:
    """Wait until a question was sent with a part of that name that has these words; the part's text."""

    def found() -> list[str]:
        parts = (part for said in it.history.branch() if said.role == "user" for part in said.parts)
        return [part["text"] for part in parts if name in (part.get("name") or "") and words in part["text"]]

    await it.until(found, f"no part {name!r} with {words!r} was sent")
    return found()[0]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with an ignored file, where the program is started."""
    work = tmp_path / "work"
    (work / "src").mkdir(parents=True)
    (work / "src" / "engine.py").write_text("def spin() -> None: ...\n")
    (work / "src" / "wheel.py").write_text("ROUND = True\n")
    (work / "notes.md").write_text("# Notes\nThe engine spins.\n")
    (work / "secret.env").write_text("never\n")
    (work / ".gitignore").write_text("*.env\n")
    subprocess.run(["git", "init", "-q", str(work)], check=True)
    monkeypatch.chdir(work)
    return work


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (45, 20)])
async def test_a_file_is_found_by_some_of_its_letters_and_goes_along(
    paths: Paths, folder: Path, size: tuple[int, int]
) -> None:
    configure(paths)
    async with in_process(paths, size) as it:
        await it.type("what does @")
        await it.screen_shows("notes.md", "src/")
        await it.screen_lacks("secret.env")
        await it.type("eng")
        await it.screen_lacks("notes.md")
        await it.press("enter")
        await it.screen_shows("what does @src/engine.py")
        await it.screen_shows("24 B")
        await it.type("do?")
        await it.press("enter")
        await sent_part(it, "src/engine.py", "def spin() -> None: ...")


async def test_enter_at_once_means_what_it_means_with_the_list_on_show(paths: Paths, folder: Path) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.press(*"@notes", "enter")  # in one burst: no list was seen
        await it.screen_shows("@notes.md", "notes.md text")
        await it.press("enter")
        await sent_part(it, "notes.md", "The engine spins.")
        await it.say("hi @stranger")  # no file is like it
        await it.answered()
        assert it.history.branch()[-2].text == "hi @stranger"


async def test_a_folder_is_entered_by_tab_and_attached_by_enter(paths: Paths, folder: Path) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.type("@sr")
        await it.screen_shows("folder")
        await it.press("tab")
        await it.composer_is("@src/")
        await it.screen_shows("src/wheel.py")
        await it.press("escape")
        await it.screen_lacks("src/wheel.py")
        await it.clear()
        await it.type("@sr")
        await it.screen_shows("folder")
        await it.press("enter")
        await it.screen_shows("src/ folder")
        await it.type("sum it up")
        await it.press("enter")
        await sent_part(it, "src/", "ROUND = True")


async def test_a_reference_that_is_typed_and_sent_at_once_goes_along_and_other_signs_are_text(
    paths: Paths, folder: Path
) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.say("mail me@example.org about @nobody and @notes.md.")
        await sent_part(it, "notes.md", "The engine spins.")
        assert it.history.branch()[0].text.startswith("mail me@example.org about @nobody and @notes.md.")


@pytest.mark.parametrize("size", [(120, 40), (45, 20)])
async def test_a_file_that_is_not_there_is_said_before_anything_goes(
    paths: Paths, folder: Path, size: tuple[int, int]
) -> None:
    configure(paths)
    async with in_process(paths, size) as it:
        await it.say("read @nofile.txt and @notes.md")
        await it.sees(lambda seen: "No file nofile.txt" in seen.status and "sends as text" in seen.status)
        await it.composer_is("read @nofile.txt and @notes.md")
        await it.press("escape")
        await it.composer_is("read @nofile.txt and @notes.md")
        assert it.history.conversations() == []
        await it.press("enter")
        await it.sees(lambda seen: "No file nofile.txt" in seen.status and "sends as text" in seen.status)
        await it.press("enter")
        await sent_part(it, "notes.md", "The engine spins.")
        assert it.history.branch()[0].text.startswith("read @nofile.txt and @notes.md")
        await it.paste(f"read @{'x' * 300}.txt")  # no system has so long a name
        await it.press("enter")
        await it.sees(lambda seen: "No file …xx" in seen.status)
        await it.press("escape")
        await it.clear()
        await it.say("of @src what is it")
        await it.status_shows("@src/ attaches this folder")


def test_a_name_that_no_system_has_is_an_error_of_ours() -> None:
    with pytest.raises(RoutertermError, match="too long"):
        load("x" * 300)


@pytest.mark.parametrize(
    ("target", "is_file"),
    [
        ("nofile.txt", True), ("src/nofile.PY", True), ("./x", True), ("~/x", True), ("/etc/x", True), (".env", True),
        ("nobody", False), ("types/node", False), ("app.route", False), ("pytest.mark.skip", False), ("1.2", False),
    ],
)  # fmt: skip
def test_what_reads_as_a_file(target: str, is_file: bool) -> None:
    assert reads_as_file(target) is is_file


async def test_what_is_large_is_seen_before_it_goes(paths: Paths, folder: Path) -> None:
    (folder / "long.txt").write_text("words and words\n" * 8000)
    configure(paths)
    async with in_process(paths) as it:
        await it.say("read @long.txt please")
        await it.screen_shows("128 kB", "Enter sends it")
        await it.screen_shows("read @long.txt please")
        assert it.history.conversations() == []
        await it.press("enter")
        await sent_part(it, "long.txt", "words and words")


async def test_a_chip_that_is_taken_off_is_no_reference_any_more(paths: Paths, folder: Path) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.type("@notes")
        await it.screen_shows("notes.md")
        await it.press("enter")
        await it.screen_shows("@notes.md", "notes.md text")
        await it.click("notes.md", right=0)
        await it.composer_is("notes.md ")


async def test_what_is_neither_text_nor_picture_is_said_and_nothing_is_lost(paths: Paths, folder: Path) -> None:
    (folder / "blob.bin").write_bytes(b"\0\1\2\3" * 10)
    configure(paths)
    async with in_process(paths) as it:
        await it.say("look at @blob.bin")
        await it.screen_shows("neither text nor an image")
        await it.composer_is("look at @blob.bin")


# -- pages ---------------------------------------------------------------------------------------------


class _Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"<html><script>evil()</script><h1>Wheels</h1><p>They turn &amp; turn.</p></html>"
        self.send_response(200)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def page() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Pages)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/wheels"
    server.shutdown()
    server.server_close()
    thread.join()


async def test_a_page_at_home_is_asked_for_then_its_size_is_seen_then_it_goes(paths: Paths, page: str) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.say(f"what is on @{page} ?")
        await it.screen_shows("127.0.0.1 is on this machine or its network.")
        await it.press("enter")
        await it.sees(lambda seen: re.search(r"page \d+ B", seen.text))
        await it.screen_shows(f"what is on @{page} ?")
        await it.press("enter")
        part = await sent_part(it, "/wheels", "They turn & turn.")
        assert "evil" not in part
        assert "# Wheels" in part


# -- commands ------------------------------------------------------------------------------------------


async def test_a_command_runs_when_it_is_confirmed_without_our_keys_and_what_it_prints_goes_along(
    paths: Paths, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-notforothers-0123456789")
    configure(paths)
    async with in_process(paths) as it:
        await it.say("!ls; echo key=$OPENAI_API_KEY; exit 3")
        seen = await it.screen_shows("Run ls", "runs it")
        assert "Send" not in seen.keys
        await it.press("escape")
        await it.keys_show("Send")
        await it.composer_is("!ls; echo key=$OPENAI_API_KEY; exit 3")
        await it.press("enter")
        await it.screen_shows("runs it")
        await it.press("enter")
        await it.screen_shows("exit status 3")
        await it.say("what is this?")
        part = await sent_part(it, "$ ls", "notes.md")
        assert "key=\n" in part
        assert "[exit status 3]" in part


async def test_a_command_that_runs_is_stopped_by_esc_and_signs_alone_are_text(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.say("!sleep 60")
        await it.screen_shows("runs it")
        await it.press("enter")
        await it.screen_shows("Press Esc to stop it")
        await it.press("escape")
        await it.screen_shows("Stopped")
        await it.say("!!!")
        await it.until(lambda: "!!!" in it.history.texts(role="user"))
