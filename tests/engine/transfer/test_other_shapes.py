"""Exports as they reach a person by other ways: packed by other programs, re-encoded, of older versions, as logs."""

from __future__ import annotations

import base64
import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from routerterm.core.messages import Image, Reasoning
from routerterm.engine.transfer.importing import import_file, lines_of
from routerterm.engine.transfer.problems import BadArchive
from routerterm.store.database import Store
from routerterm.store.transfer import ConversationBundle
from tests.engine.transfer.test_foreign import chatgpt, claude, database, node
from tests.engine.transfer.test_shapes import written

TALKS = json.dumps(chatgpt()).encode()
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 30
DATA = "data:image/png;base64," + base64.b64encode(PNG).decode()


async def bundles(store: Store) -> list[ConversationBundle]:
    found = [await store.transfer.carry_out(id) for id in await store.transfer.ids()]
    return [bundle for bundle in found if bundle is not None]


async def only(store: Store) -> ConversationBundle:
    (bundle,) = await bundles(store)
    return bundle


def tarred(mode: str, **files: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            about = tarfile.TarInfo(name.replace("__", "/").replace("_json", ".json"))
            about.size = len(data)
            archive.addfile(about, io.BytesIO(data))
    return packed.getvalue()


def zipped(how: int, before: bytes = b"") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", how) as archive:
        archive.writestr("a/conversations.json", TALKS)
    return before + packed.getvalue()


@pytest.mark.parametrize(
    ("name", "packed"),
    [
        ("a.json.gz", lambda: gzip.compress(TALKS)),
        ("a.tar", lambda: tarred("w", all__conversations_json=TALKS)),
        ("a.tgz", lambda: tarred("w:gz", all__conversations_json=TALKS)),
        ("a.tar.bz2", lambda: tarred("w:bz2", all__conversations_json=TALKS)),
        ("a.tar.xz", lambda: tarred("w:xz", all__conversations_json=TALKS)),
        ("bzip2.zip", lambda: zipped(zipfile.ZIP_BZIP2)),
        ("lzma.zip", lambda: zipped(zipfile.ZIP_LZMA)),
        ("unpacks-itself.exe", lambda: zipped(zipfile.ZIP_DEFLATED, b"MZ" + bytes(500))),
        ("powershell.json", lambda: TALKS.decode().encode("utf-16")),
        ("no-mark.json", lambda: TALKS.decode().encode("utf-16-be")),
        ("no-ending", lambda: TALKS),
    ],
)
@pytest.mark.parametrize("in_folder", [False, True])
async def test_packed_by_other_programs(
    store: Store, tmp_path: Path, name: str, packed: Callable[[], bytes], in_folder: bool
) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / name).write_bytes(packed())
    if in_folder and name.endswith((".exe", "no-ending")):
        written(folder / "more.json", chatgpt())
        report = await import_file(store, folder)
        assert f"files of other kinds ({name})" in "\n".join(lines_of(report, dry=False))
        return
    report = await import_file(store, folder if in_folder else folder / name)
    assert (report.kind, report.new) == ("ChatGPT", 1)
    assert not report.failed
    if name == "powershell.json":
        assert "Hello" in (await only(store)).messages[0].text


async def test_damaged_and_endless_packings_end_in_words(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, data in (
        ("cut.json.gz", gzip.compress(TALKS)[:-20]),
        ("cut.tar.xz", tarred("w:xz", a_json=TALKS)[:-40]),
        ("bent.tgz", gzip.compress(tarred("w", a_json=TALKS)[:600] + b"\xff" * 2000)),
        ("empty.gz", gzip.compress(b"")),
    ):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(BadArchive):
            await import_file(store, tmp_path / name)
    bent = bytearray(zipped(zipfile.ZIP_STORED))
    bent[60] ^= 1  # a letter of the text: the sum is wrong
    (tmp_path / "bent.zip").write_bytes(bent)
    with pytest.raises(BadArchive, match="CRC"):
        await import_file(store, tmp_path / "bent.zip")
    monkeypatch.setattr("routerterm.engine.transfer.sources.MOST", 1_000_000)
    (tmp_path / "bomb.json.gz").write_bytes(gzip.compress(b"[" + b" " * 3_000_000 + b"{}]"))
    with pytest.raises(BadArchive, match="larger than"):
        await import_file(store, tmp_path / "bomb.json.gz")


async def test_a_zip_without_files_is_no_broken_json(store: Store, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    with pytest.raises(BadArchive, match="holds no conversations"):
        await import_file(store, tmp_path / "empty.zip")


async def test_what_lies_beside_is_named(store: Store, tmp_path: Path) -> None:
    packed = tmp_path / "x.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for name in ("conversations.json", "chat.html", "a.7z", "logs.db", "cat.png"):
            archive.writestr(name, TALKS)
    said = "\n".join(lines_of(await import_file(store, packed), dry=False))
    assert "files of other kinds (a.7z)." in said
    assert "databases inside an archive, which must be unpacked first (logs.db)" in said


async def test_chatgpts_attachments_names_and_new_kinds(store: Store, tmp_path: Path) -> None:
    name = '\ue200entity\ue202["city","Paris","the capital"]\ue201'
    mapping = {
        "q": node("q", None, "user", "Read it", attachments=[{"name": "a.pdf", "mimeType": "application/pdf"}]),
        "a": node("a", "q", "assistant", f"It is {name}. \ue200odd\ue201"),
        "b": node("b", "a", "assistant"),
    }
    mapping["b"]["message"]["content"] = {"content_type": "of_next_year", "text": "one", "parts": ["two"]}  # type: ignore[index]
    talk = {"id": "X", "title": "New", "create_time": 1_700_000_000, "mapping": mapping, "current_node": "b"}
    report = await import_file(store, written(tmp_path / "x.json", [talk]))
    assert [message.text for message in (await only(store)).messages] == ["Read it", "It is Paris. ", "one\ntwo"]
    assert "attached files (a.pdf)" in "\n".join(lines_of(report, dry=False))


async def test_claudes_pictures_and_the_words_behind_a_fence(store: Store, tmp_path: Path) -> None:
    (talk,) = claude()[:1]
    picture = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(PNG).decode()}
    blocks: list[dict[str, Any]] = [
        {"type": "tool_use", "name": "artifacts", "input": {"language": "python", "content": "print(1)"}},
        {"type": "text", "text": "There it is."},
        {"type": "image", "source": picture},
    ]
    talk["chat_messages"] = [{"uuid": "u", "sender": "assistant", "content": blocks}]
    await import_file(store, written(tmp_path / "x.json", [talk]))
    (message,) = (await only(store)).messages
    assert message.text.endswith("```python\nprint(1)\n```\n\nThere it is.")
    assert Image("image/png", PNG) in message.parts


async def test_open_webuis_thoughts_pictures_and_errors(store: Store, tmp_path: Path) -> None:
    thought = '<details type="reasoning" done="true">\n<summary>Thought</summary>\n&gt; hm &amp; so\n</details>\nA'
    messages = {
        "1": {"id": "1", "parentId": None, "role": "user", "content": "Q", "files": [{"type": "image", "url": DATA}]},
        "2": {"id": "2", "parentId": "1", "role": "assistant", "content": thought},
        "3": {"id": "3", "parentId": "1", "role": "assistant", "content": "", "error": {"content": "it failed"}},
    }
    chat = {"id": "w", "title": "Web", "history": {"messages": messages, "currentId": "2"}, "messages": []}
    await import_file(store, written(tmp_path / "x.json", chat))
    asked, answer, failed = (await only(store)).messages
    assert Image("image/png", PNG) in asked.parts
    assert (answer.parts[0], answer.text) == (Reasoning("hm & so"), "A")
    assert "it failed" in failed.text


async def test_what_llm_logs_prints(store: Store, tmp_path: Path) -> None:
    common = {"model": "m", "conversation_id": "c", "conversation_name": "Named", "conversation_model": "m"}
    rows = [
        common | {"id": "2", "prompt": "Q2", "response": "A2", "datetime_utc": "2025-01-01T00:01:00"},
        common | {"id": "1", "prompt": "Q1", "response": "A1", "datetime_utc": "2025-01-01T00:00:00", "system": "S",
                  "prompt_fragments": [{"hash": "x", "content": "F"}]},
        {"id": "3", "model": "m", "prompt": "alone", "response": "yes", "datetime_utc": "2025-01-02T00:00:00",
         "conversation_id": "d"},
    ]  # fmt: skip
    report = await import_file(store, written(tmp_path / "logs.json", rows))
    assert (report.kind, report.new) == ("llm", 2)
    talk = next(bundle for bundle in await bundles(store) if bundle.conversation.title == "Named")
    assert [message.text.split() for message in talk.messages] == [["F", "Q1"], ["A1"], ["Q2"], ["A2"]]
    assert talk.conversation.system == "S"


@pytest.mark.parametrize("layout", ["first", "second", "by project", "third"])
async def test_the_folders_of_every_opencode(store: Store, tmp_path: Path, layout: str) -> None:
    storage = tmp_path / "opencode" / ("project/abc/storage" if layout == "by project" else "storage")
    message: dict[str, Any] = {"id": "msg_1", "role": "user", "time": {"created": 1_750_000_000_000}}
    part = {"id": "prt_1", "type": "text", "text": "words"}
    files: dict[str, object] = {"session/info/ses_1.json": {"id": "ses_1", "title": "Old"}}
    if layout == "first":
        files["session/message/ses_1/msg_1.json"] = message | {"parts": [part]}
    elif layout == "third":
        files = {
            "session/abc/ses_1.json": {"id": "ses_1", "title": "Old"},
            "message/ses_1/msg_1.json": message,
            "part/msg_1/prt_1.json": part,
        }
    else:
        files["session/message/ses_1/msg_1.json"] = message
        files["session/part/ses_1/msg_1/prt_1.json"] = part
    for name, body in files.items():
        (storage / name).parent.mkdir(parents=True, exist_ok=True)
        written(storage / name, body)
    report = await import_file(store, tmp_path / "opencode")
    assert (report.kind, report.messages) == ("opencode", 1)
    assert (await only(store)).messages[0].text == "words"


async def test_crushs_pictures_lie_in_its_database(store: Store, tmp_path: Path) -> None:
    parts = json.dumps([{"type": "binary", "data": {"MIMEType": "image/png", "Data": base64.b64encode(PNG).decode()}}])
    path = database(
        tmp_path / "crush.db",
        "CREATE TABLE sessions (id TEXT, title TEXT, created_at INTEGER, updated_at INTEGER)",
        "CREATE TABLE messages (id TEXT, session_id TEXT, role TEXT, parts TEXT, model TEXT, created_at INTEGER)",
        "INSERT INTO sessions VALUES ('s', 'C', 1, 1)",
        f"INSERT INTO messages VALUES ('m', 's', 'user', '{parts}', 'm1', 1)",
    )
    await import_file(store, path)
    assert (await only(store)).messages[0].parts == (Image("image/png", PNG),)


async def test_lists_of_lists_are_a_conversation_each_and_what_stands_beside_is_named(
    store: Store, tmp_path: Path
) -> None:
    call = {"id": "1", "function": {"name": "look", "arguments": "{}"}}
    one = [{"role": "user", "content": "q1"}, {"role": "assistant", "content": None, "tool_calls": [call]}]
    two = [{"role": "user", "content": "q2", "files": ["a.png"]}, {"role": "assistant", "content": "<think>t</think>a"}]
    report = await import_file(store, written(tmp_path / "x.json", [one, two]))
    said = sorted([message.text for message in bundle.messages] for bundle in await bundles(store))
    assert said == [["q1"], ["q2", "a"]]
    lines = "\n".join(lines_of(report, dry=False))
    assert "tool calls and results (look)" in lines
    assert "attached files (a.png)" in lines


async def test_aichats_roles_and_answers_that_called_tools(store: Store, tmp_path: Path) -> None:
    session = (
        "model: openai:m\nrole_prompt: |-\n  Be\n  kind\nmessages:\n- role: user\n  content: q\n- role: assistant\n"
        "  content:\n    text: said\n    tool_results:\n    - call:\n        name: f\n      output: done\n"
    )
    report = await import_file(store, written(tmp_path / "s.yaml", session))
    bundle = await only(store)
    assert [message.text for message in bundle.messages] == ["q", "said"]
    assert bundle.conversation.system == "Be\nkind"
    assert "1 tool calls and results" in "\n".join(lines_of(report, dry=False))
