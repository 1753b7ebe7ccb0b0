"""The composer: completion, files, pastes of any size, history without keys, the editor, the stash, the forecast."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routerterm.config.paths import Paths
from routerterm.core.errors import RoutertermError
from routerterm.core.messages import Image, Text, parts_from_json, parts_to_json
from routerterm.core.sanitise import tidied
from routerterm.tui.chat.attachment_files import from_paste, load, named, paths_in
from routerterm.tui.chat.completion import files, names
from routerterm.tui.commands.registry import COMMANDS
from routerterm.tui.dialogs.open_editor import editor_of, open_editor
from tests.driver import in_process
from tests.driver.homes import configure

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


def told_all_slashes() -> set[str]:
    return {command.slash for command in COMMANDS.values() if command.slash}


# -- slash commands ------------------------------------------------------------------------------------


def test_every_slash_command_that_is_promised_is_there() -> None:
    promised = "model system temp reasoning attach private retry fork compare find why stats export theme help stash"
    assert set(promised.split()) <= told_all_slashes()


def test_names_are_suggested_by_beginning_then_by_part_then_by_meaning() -> None:
    rows = [row.label.split()[0] for row in names("/co", COMMANDS.values())]
    assert rows[:2] == ["/compare", "/continue"]
    assert [row.label.split()[0] for row in names("/passphr", COMMANDS.values())] == []
    assert len(names("/", COMMANDS.values())) == len(told_all_slashes())
    assert names("/model x", COMMANDS.values()) == ()


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (45, 20)])
async def test_suggestions_are_moved_in_and_taken(paths: Paths, size: tuple[int, int]) -> None:
    configure(paths)
    async with in_process(paths, size) as it:
        await it.press("slash", "r", "e", "a")
        await it.until(lambda: "/reasoning" in it.picture().text)
        await it.press("tab")
        await it.composer_is("/reasoning ")
        await it.until(lambda: "medium" in it.picture().text)
        await it.press("down", "down", "enter")
        await it.screen_shows("does not reason")  # said at once, not when it is sent
        assert it.history.conversations() == []  # a wish saves no empty chat
        await it.clear()
        await it.say("/reasoning")
        await it.screen_shows("high")


async def test_an_unfinished_name_is_completed_by_enter_and_an_unknown_one_is_said(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.say("/temper")
        await it.composer_is("/temp ")
        await it.screen_shows("the most likely words")  # it waits for an argument
        await it.clear()
        await it.say("/nonsense")
        await it.screen_shows("There is no command /nonsense")
        await it.composer_is("/nonsense")  # nothing typed is lost
        await it.clear()
        await it.say("/etc/hosts what is it")
        await it.until(lambda: bool(it.shown()))
        assert it.shown()[0] == "/etc/hosts what is it"


async def test_models_are_completed_with_their_prices(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        for key in ("slash", *"model", "space", *"gpt"):
            await it.press(key)
        await it.until(lambda: "$/M" in it.picture().text)
        assert "no key yet" in it.picture().text
        await it.press("escape")
        await it.screen_lacks("$/M")
        await it.composer_is("/model gpt")


async def test_the_mouse_takes_a_suggestion(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.press("slash", *"boo")
        await it.sees(lambda seen: seen.composer.strip() == "/boo" and "/stop" not in seen.text)
        await it.pilot.pause()  # until the list is where it is drawn
        await it.click("/boot")
        await it.until(lambda: not it.in_chat)


# -- files ---------------------------------------------------------------------------------------------


def pdf(words: str) -> bytes:
    """A whole PDF of one page with these words on it, made by hand."""
    drawn = f"BT /F1 12 Tf 20 100 Td ({words}) Tj ET".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawn), drawn),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    body, places = b"%PDF-1.4\n", []
    for number, each in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer << /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(body)
    return body + b"xref\n0 6\n0000000000 65535 f \n" + table + end


def test_a_real_pdf_is_attached_as_its_text(tmp_path: Path) -> None:
    pytest.importorskip("pypdf")
    file = tmp_path / "report.pdf"
    file.write_bytes(pdf("The quartz oscillates."))
    item = load(str(file))
    assert isinstance(item.part, Text)
    assert "[page 1]\nThe quartz oscillates." in item.part.text
    assert item.kind == "PDF"
    assert item.kind_and_size == f"PDF {item.shown_size}"
    assert item.text_tokens > 0
    file.write_bytes(pdf(""))
    with pytest.raises(RoutertermError, match=r"report\.pdf has no text in it"):
        load(str(file))
    file.write_bytes(b"%PDF-1.4\nnothing of the kind")
    with pytest.raises(RoutertermError, match=r"report\.pdf cannot be read as a PDF"):
        load(str(file))


def test_a_long_paste_is_named_once() -> None:
    assert from_paste("x" * 12_000, 1).kind_and_size == "12 kB"
    assert from_paste("x" * 12_000, 2).name == "pasted text 2"


@pytest.mark.parametrize(
    ("dropped", "paths"),
    [
        ("/home/me/a.txt", ("/home/me/a.txt",)),
        ("'/home/me/a b.txt' ", ("/home/me/a b.txt",)),
        (r"/home/me/a\ b.txt /x/c.png", ("/home/me/a b.txt", "/x/c.png")),
        ("file:///home/me/a%20b.txt", ("/home/me/a b.txt",)),
        ("/home/me/my notes.txt", ("/home/me/my notes.txt",)),
        ("/a/x.txt\n/b/y.txt", ("/a/x.txt", "/b/y.txt")),
        ("what is /home/me/a.txt", ()),
        ("'/unclosed", ()),
        ("", ()),
    ],
)
def test_dropped_files_are_recognised(dropped: str, paths: tuple[str, ...]) -> None:
    assert paths_in(dropped) == paths


@given(st.text(max_size=200))
def test_nothing_that_is_pasted_breaks_the_recognition(text: str) -> None:
    paths_in(text)
    assert not any(c in tidied(text) for c in "\x1b\x00\r\x7f\x9b")


def test_files_are_checked_before_they_are_attached(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    (tmp_path / "b.bin").write_bytes(b"\0\1\2")
    (tmp_path / "c.png").write_bytes(PNG)
    (tmp_path / "d.txt").write_bytes(b"x" * 2_000_001)
    assert load(str(tmp_path / "a.txt")).size == 1
    assert load(str(tmp_path / "c.png")).is_picture
    for name, words in (("b.bin", "neither text nor"), ("d.txt", "too large"), ("none", "cannot be read")):
        with pytest.raises(RoutertermError, match=words):
            load(str(tmp_path / name))
    with pytest.raises(RoutertermError, match="is a folder"):
        load(str(tmp_path))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RoutertermError, match="not a regular file"):
        load(str(tmp_path / "pipe"))
    with pytest.raises(RoutertermError, match="quotation mark"):
        named("'unclosed")


def test_a_file_keeps_its_name_on_disk() -> None:
    parts = (Text("hi"), Text("content", "a.txt"), Image("image/png", b"x", name="p.png"))
    assert parts_from_json(parts_to_json(parts)) == parts


def test_paths_are_completed(tmp_path: Path) -> None:
    (tmp_path / "one two.txt").write_text("x")
    (tmp_path / "sub").mkdir()
    (tmp_path / ".hidden").write_text("x")
    found = {choice.value for choice in files(f"{tmp_path}/")}
    assert found == {f"{tmp_path}/one\\ two.txt", f"{tmp_path}/sub/"}
    assert named(f"{tmp_path}/one\\ two.txt") == (f"{tmp_path}/one two.txt",)
    assert files(f"{tmp_path}/none/") == []


async def test_a_file_is_attached_shown_taken_off_and_sent(paths: Paths, tmp_path: Path) -> None:
    configure(paths)
    (tmp_path / "notes.txt").write_text("the garden is behind the wall\n" * 3)
    async with in_process(paths) as it:
        await it.app.action_command("attach", str(tmp_path / "notes.txt"))
        await it.until(lambda: "notes.txt" in it.picture().text)
        await it.press("backspace")
        await it.screen_lacks("notes.txt")
        await it.app.action_command("attach", str(tmp_path / "notes.txt"))
        await it.say("what is it")
        await it.answered()
        sent = it.history.branch()[0].parts
        assert [part.get("name") for part in sent] == [None, "notes.txt"]
        assert sent[0]["text"] == "what is it"
        assert "behind the wall" in it.shown()[1]  # the model was sent it
        await it.until(lambda: "notes.txt" in it.picture().text)
        assert it.title.lower().startswith("what is it")
        await it.say("/edit")
        await it.until(lambda: "notes.txt" in it.composer and "what is it" in it.composer)


async def test_a_dropped_file_becomes_a_chip_and_other_paths_stay_text(paths: Paths, tmp_path: Path) -> None:
    configure(paths)
    file = tmp_path / "dropped.txt"
    file.write_text("x")
    async with in_process(paths, (160, 30)) as it:  # a temporary path is long, and must not be wrapped
        await it.paste(f"{file} ")
        await it.until(lambda: "dropped.txt" in it.composer and str(file) not in it.composer)
        await it.press("backspace")
        await it.composer_is(str(file))  # taken off, the path is text again
        await it.clear()
        await it.paste(f"{tmp_path}/not-there.txt")
        await it.composer_is(f"{tmp_path}/not-there.txt")


async def test_a_picture_for_a_model_that_does_not_see_is_said_at_once(paths: Paths, tmp_path: Path) -> None:
    configure(paths, default="demo/code")
    (tmp_path / "p.png").write_bytes(PNG)
    async with in_process(paths) as it:
        await it.app.action_command("attach", str(tmp_path / "p.png"))
        await it.screen_shows("can't read images")


async def test_what_is_queued_keeps_its_files(paths: Paths, tmp_path: Path) -> None:
    configure(paths, default="demo/slow")
    (tmp_path / "q.txt").write_text("x")
    async with in_process(paths) as it:
        await it.say("go")
        await it.until(lambda: it.busy)
        await it.app.action_command("attach", str(tmp_path / "q.txt"))
        await it.say("next")
        await it.status_shows("1 queued")
        await it.until(lambda: "q.txt" not in it.composer)
        await it.press("escape")
        await it.rests()
        await it.until(lambda: "q.txt" in it.composer and "next" in it.composer)


# -- pastes --------------------------------------------------------------------------------------------


async def test_a_megabyte_is_pasted_as_a_chip_and_typing_goes_on(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        text = "a line of a long log that somebody pasted\n" * 25_000
        await it.paste(text)
        await it.burst("explain")
        await it.screen_shows("1.1 MB ~", "explain")
        await it.press("enter")
        await it.until(lambda: bool(it.shown()))
        sent = it.history.branch()[0].parts
        assert sent[0]["text"] == "explain"
        assert text.strip() in sent[1]["text"]


async def test_a_pasted_key_goes_to_the_keys_and_never_into_the_text(paths: Paths) -> None:
    configure(paths)
    key = "sk-ant-api03-" + "Z9" * 22
    async with in_process(paths) as it:
        await it.paste(key)
        await it.dialog_is("Your key")
        assert key not in it.picture().text
        await it.press("escape", "escape")
        await it.chat_is_open()
        await it.composer_is("")


@pytest.mark.parametrize("before", ["", "ANTHROPIC_API_KEY="])
async def test_a_key_that_is_typed_and_sent_is_no_question(paths: Paths, before: str) -> None:
    configure(paths)
    key = "sk-ant-api03-" + "Y8" * 22
    async with in_process(paths) as it:
        await it.type(before + key)
        await it.press("enter")
        await it.dialog_is("Your key")
        assert key not in it.picture().text
        await it.press("escape", "escape")
        await it.chat_is_open()
        await it.press("up")
        await it.composer_is("")
        assert not it.history.conversations()


async def test_a_key_among_words_is_not_in_the_title(paths: Paths) -> None:
    configure(paths)
    key = "gsk_" + "W7" * 12
    async with in_process(paths) as it:
        await it.ask(f"{key} is that a key")
        await it.top_shows("…W7W7 is that a key")
        assert key.lower() not in it.title.lower()
        assert key.lower() not in it.history.conversations()[0].title.lower()


# -- history, stash, editor ----------------------------------------------------------------------------


async def test_history_comes_back_over_sessions_but_never_a_key(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.say("remember me")
        await it.answered()
    async with in_process(paths) as it:
        await it.chats_are("Remember me")
        while not it.composer:  # the history is read after the first paint
            await it.press("up")
        await it.composer_is("remember me")
        await it.clear()
        await it.ask("my key is sk-ant-api03-" + "A1" * 40)
        await it.press("up")
        await it.composer_is("remember me")


async def test_the_stash_survives_the_program(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.press(*"later", "alt+s")
        await it.composer_is("")
    async with in_process(paths) as it:
        await it.press("alt+s")
        await it.composer_is("later")
        await it.clear()
        await it.press("alt+s")
        await it.screen_shows("Nothing is stashed")


async def test_the_editor_gets_the_text_and_no_secret(tmp_path: Path) -> None:
    script = tmp_path / "ed"
    script.write_text('#!/bin/sh\nenv > "$OUT"\nstat -c %a "$1" >> "$OUT"\nprintf " edited" >> "$1"\n')
    script.chmod(0o700)
    environ = {"PATH": os.environ["PATH"], "EDITOR": f"{script}", "OUT": str(tmp_path / "out")}
    secrets = {"OPENAI_API_KEY": "a", "GITHUB_TOKEN": "b", "DB_PASSWORD": "c"}
    assert await open_editor("text", environ | secrets) == "text edited"
    seen = (tmp_path / "out").read_text()
    assert "EDITOR=" in seen
    assert not any(name in seen for name in secrets)
    assert {"PATH", "OUT"} <= {line.partition("=")[0] for line in seen.splitlines()}
    with pytest.raises(RoutertermError, match="unchanged"):
        await open_editor("text", environ | {"EDITOR": "false"})
    with pytest.raises(RoutertermError, match="cannot be started"):
        await open_editor("text", environ | {"EDITOR": "/nowhere/ed"})
    assert editor_of({"VISUAL": "code --wait", "EDITOR": "vi"}) == ["code", "--wait"]


# -- the forecast --------------------------------------------------------------------------------------

SHOP = """
[providers.shop]
protocol = "openai-chat"
base_url = "http://127.0.0.1:9/v1"
needs_key = false
[models."shop/dear"]
price_in = 10
price_out = 30
context = 4000
[models."shop/cheap"]
price_in = 0.01
price_out = 0.02
context = 100000
[routes.mine]
models = ["shop/dear", "shop/cheap"]
"""


async def test_the_forecast_stands_under_the_composer(paths: Paths) -> None:
    configure(paths, SHOP, default="mine")
    async with in_process(paths, (120, 40)) as it:
        await it.press(*"hello")
        await it.until(lambda: "tok ·" in it.picture().text)
        text = it.picture().text
        assert "of context" in text
        assert "cheaper: shop/cheap" in text
        assert "$" in text
        line = next(line for line in text.splitlines() if "tok ·" in line)
        assert "─" in line  # it stands in the frame, so that nothing jumps
        await it.clear()
        await it.until(lambda: "tok ·" not in it.picture().text)
