"""Exports of other programs: branches kept, twice is once, what is left out is told; hostile files end in words."""

from __future__ import annotations

import gzip
import json
import os
import sqlite3
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routerterm.core.messages import Image
from routerterm.engine.chat.session import Session
from routerterm.engine.transfer import sources
from routerterm.engine.transfer.common import Skipped
from routerterm.engine.transfer.importing import Report, import_file, open_archive
from routerterm.engine.transfer.problems import BadArchive
from routerterm.store.database import Store
from tests.engine.fakes import Script
from tests.store.seeds import sound


def node(id: str, parent: str | None, role: str, *pieces: object, **about: object) -> dict[str, object]:
    content = {"content_type": "text", "parts": list(pieces)}
    message = {
        "id": id,
        "author": {"role": role},
        "create_time": 1_700_000_000.5,
        "content": content,
        "metadata": about,
    }
    return {"id": id, "parent": parent, "children": [], "message": message}


def chatgpt() -> list[dict[str, object]]:
    mapping = {
        "root": {"id": "root", "parent": None, "message": None, "children": ["s"]},
        "s": node("s", "root", "system", "", is_visually_hidden_from_conversation=True),
        "q": node("q", "s", "user", "Hello?"),
        "a1": node("a1", "q", "assistant", "First answer", model_slug="gpt-4o"),
        "a2": node("a2", "q", "assistant", "Second answer", model_slug="o3"),
        "q2": node("q2", "a2", "user", {"content_type": "image_asset_pointer"}, "what is this?"),
    }
    talk = {"id": "T1", "title": "Greeting", "create_time": 1_700_000_000, "update_time": 1_700_000_100}
    return [talk | {"mapping": mapping, "current_node": "q2", "default_model_slug": "o3"}]


def claude() -> list[dict[str, object]]:
    def said(uuid: str, sender: str, text: str, parent: str | None = None) -> dict[str, object]:
        body: dict[str, object] = {
            "uuid": uuid, "sender": sender, "text": text, "created_at": "2025-01-02T03:04:05Z", "attachments": [],
            "content": [{"type": "text", "text": text}],
        }  # fmt: skip
        return body | ({"parent_message_uuid": parent} if parent else {})

    root = "00000000-0000-4000-8000-000000000000"
    messages = [
        said("1", "human", "Hi", root),
        said("2", "assistant", "Hello", "1"),
        said("3", "assistant", "Hey", "1"),
    ]
    messages[1]["content"] = [{"type": "thinking", "thinking": "hm"}, {"type": "tool_use"}, *messages[1]["content"]]  # type: ignore[misc]
    talk = {"uuid": "U", "name": "", "created_at": "2025-01-02T03:04:05Z", "updated_at": "2025-01-02T03:05:05Z"}
    return [talk | {"chat_messages": messages}, talk | {"uuid": "E", "chat_messages": []}]


def database(path: Path, *statements: str) -> Path:
    connection = sqlite3.connect(path)
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()
    return path


async def twice(store: Store, path: Path) -> Report:
    """Dry, in earnest, and again."""
    dry = await import_file(store, path, dry=True)
    assert await store.conversations.count() == 0
    report = await import_file(store, path)
    assert (dry.new, dry.messages, dry.kind) == (report.new, report.messages, report.kind)
    again = await import_file(store, path)
    assert (again.new, again.grown, again.known, again.messages) == (0, 0, report.new, 0)
    sound(store.path)
    return report


async def shown(store: Store) -> list[tuple[str, str]]:
    conversation = (await store.conversations.page())[0]
    return [(m.role, m.text) for m in (await Session(store, Script(), conversation.id).page()).messages]


async def test_chatgpt_with_its_branches(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("user.json", "{}")
        archive.writestr("conversations.json", json.dumps(chatgpt()))
    report = await twice(store, path)
    assert (report.kind, report.new, report.messages) == ("ChatGPT", 1, 4)
    assert report.skipped.examples["files that hold no conversations"] == ["user.json"]
    assert sum(report.skipped.reasons.values()) == 2
    conversation = (await store.conversations.page())[0]
    assert (conversation.title, conversation.model, conversation.created_at) == (
        "Greeting",
        "openai/o3",
        1_700_000_000_000,
    )
    assert await shown(store) == [("user", "Hello?"), ("assistant", "Second answer"), ("user", "what is this?")]
    answer = (await store.messages.page(conversation.id)).messages[1]
    assert (answer.siblings, answer.model) == (2, "openai/o3")


async def test_claude(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "conversations.json"
    path.write_text(json.dumps(claude()))
    report = await twice(store, path)
    assert (report.kind, report.new, report.empty, report.messages) == ("Claude", 1, 1, 3)
    assert report.skipped.reasons == {"tool calls and results": 1}
    conversation = (await store.conversations.page())[0]
    assert conversation.title == "Hi"
    assert (await store.messages.page(conversation.id)).messages[-1].siblings == 2


async def test_llm(store: Store, tmp_path: Path) -> None:
    path = database(
        tmp_path / "logs.db",
        "CREATE TABLE conversations (id TEXT PRIMARY KEY, name TEXT, model TEXT)",
        "CREATE TABLE responses (id TEXT PRIMARY KEY, model TEXT, prompt TEXT, system TEXT, prompt_json TEXT,"
        " options_json TEXT, response TEXT, response_json TEXT, conversation_id TEXT, duration_ms INTEGER,"
        " datetime_utc TEXT)",
        "INSERT INTO conversations VALUES ('c1', 'Pelicans', 'gpt-4o')",
        "INSERT INTO responses VALUES ('r1','gpt-4o','Q1','Be brief',NULL,NULL,'A1',NULL,'c1',5,'2024-05-06T07:08:09')",
        "INSERT INTO responses VALUES ('r2','gpt-4o','Q2',NULL,NULL,NULL,'A2',NULL,'c1',5,'2024-05-06T07:09:09.1')",
        "INSERT INTO responses VALUES ('r3','gpt-4o','alone',NULL,NULL,NULL,'yes',NULL,NULL,5,'2024-05-05T07:09:09.1')",
    )
    report = await twice(store, path)
    assert (report.kind, report.new, report.messages) == ("llm", 2, 6)
    assert await shown(store) == [("user", "Q1"), ("assistant", "A1"), ("user", "Q2"), ("assistant", "A2")]
    assert (await store.conversations.page())[0].system == "Be brief"


async def test_elia(store: Store, tmp_path: Path) -> None:
    path = database(
        tmp_path / "elia.sqlite",
        "CREATE TABLE chat (id INTEGER PRIMARY KEY, model TEXT, title TEXT, started_at DATETIME, archived BOOLEAN)",
        "CREATE TABLE message (id INTEGER PRIMARY KEY, chat_id INTEGER, role TEXT, content TEXT, timestamp DATETIME,"
        " meta JSON, parent_id INTEGER, model TEXT)",
        "INSERT INTO chat VALUES (1, 'gpt-4o', NULL, '2024-05-06 07:08:09.123456', 0)",
        "INSERT INTO message VALUES (1, 1, 'system', 'Be kind', '2024-05-06 07:08:09', '{}', NULL, NULL)",
        "INSERT INTO message VALUES (2, 1, 'user', 'Q', '2024-05-06 07:08:09', '{}', NULL, NULL)",
        "INSERT INTO message VALUES (3, 1, 'assistant', 'A', '2024-05-06 07:08:19', '{}', NULL, 'gpt-4o')",
    )
    report = await twice(store, path)
    assert (report.kind, report.messages) == ("elia", 2)
    assert await shown(store) == [("user", "Q"), ("assistant", "A")]


async def test_oterm(store: Store, tmp_path: Path) -> None:
    path = database(
        tmp_path / "store.db",
        'CREATE TABLE chat (id INTEGER, name TEXT, model TEXT NOT NULL, system TEXT, provider TEXT DEFAULT "ollama",'
        " PRIMARY KEY (id AUTOINCREMENT))",
        'CREATE TABLE message (id INTEGER, chat_id INTEGER NOT NULL, author TEXT NOT NULL, text TEXT NOT NULL,'
        ' images TEXT DEFAULT "[]", PRIMARY KEY (id AUTOINCREMENT))',
        "INSERT INTO chat VALUES (1, 'Pictures', 'llava', NULL, 'ollama')",
        "INSERT INTO message VALUES (1, 1, 'user', 'Look', '[\"iVBORw0K\"]')",
        "INSERT INTO message VALUES (2, 1, 'assistant', 'I see', '[]')",
    )  # fmt: skip
    report = await twice(store, path)
    assert (report.kind, report.messages) == ("oterm", 2)
    conversation = (await store.conversations.page())[0]
    assert conversation.model == "ollama/llava"
    assert isinstance((await store.messages.page(conversation.id)).messages[0].parts[1], Image)


PEERS = Path(__file__).parent / "peers"
"""Databases that these programs made themselves, of the versions in their names."""


def made_by(name: str, folder: Path) -> Path:
    path = folder / f"{name}.db"
    path.write_bytes(gzip.decompress((PEERS / f"{name}.db.gz").read_bytes()))
    return path


async def test_a_database_that_llm_made(store: Store, tmp_path: Path) -> None:
    report = await twice(store, made_by("llm-0.36", tmp_path))
    assert (report.kind, report.new, report.messages, report.failed) == ("llm", 2, 10, [])
    talk = next(c for c in await store.conversations.page() if c.system)
    assert (talk.system, talk.model, talk.title) == ("Be brief", "echo-model", "What is WAL?")
    said = (await store.messages.page(talk.id)).messages
    assert [m.role for m in said] == ["user", "assistant"] * 4
    assert said[0].text == "What is WAL?"
    assert isinstance(said[4].parts[1], Image)
    assert said[6].text == "A long document text\nwith fragment"


async def test_a_database_that_elia_made(store: Store, tmp_path: Path) -> None:
    report = await twice(store, made_by("elia-1.10", tmp_path))
    assert (report.kind, report.new, report.failed) == ("elia", 1, [])
    assert await shown(store) == [("user", "What is WAL?"), ("assistant", "A log.")]
    assert (await store.conversations.page())[0].system == "You are helpful"


async def test_a_database_that_oterm_made(store: Store, tmp_path: Path) -> None:
    report = await twice(store, made_by("oterm-0.26", tmp_path))
    assert (report.kind, report.new, report.messages, report.failed) == ("oterm", 2, 3, [])
    assert {c.model for c in await store.conversations.page()} == {"ollama/llava", "openai/gpt-4o"}


def refused(path: Path) -> str:
    try:
        found = list(open_archive(path, Skipped()).conversations)
    except BadArchive as error:
        return error.message
    return next(one.message for one in found if isinstance(one, BadArchive))


def zipped(path: Path, **files: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            archive.writestr(name.replace("_SLASH_", "/").replace("_DOT_", "."), body)
    return path


def test_hostile_files_end_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MOST", 1_000_000)
    bomb = zipped(tmp_path / "bomb.zip", conversations_DOT_json=b"[" + b" " * 50_000_000 + b"]")
    assert "no conversations" in refused(bomb)
    assert "point outside" in refused(zipped(tmp_path / "t.zip", _DOT__DOT__SLASH_conversations_DOT_json=b"[]"))
    assert "no conversations" in refused(zipped(tmp_path / "n.zip", other_DOT_json=b"[]"))
    for name, body, word in (
        ("deep.json", b"[" * 500_000, "nested"),
        ("half.json", b'[{"mapping":', "Not a JSON"),
        ("latin.json", b"\xff\xfe\x00", "Not a JSON"),
        ("empty.json", b"", "Not a JSON"),
        ("number.json", b"[" + b"9" * 10_000 + b"]", "no conversations"),
        ("lists.json", b"[" + b"[]," * 3_000_000 + b"[]]", "not of conversations"),
        ("objects.json", b'{"a":[' + b"{}," * 3_000_000 + b"{}]}", "more parts"),
        ("other.json", b'{"a": 1}', "no conversations"),
        ("cut.zip", b"PK\x03\x04half", "not a readable archive"),
        ("future.json", b'{"format": "routerterm", "version": 9, "conversations": []}', "later version"),
        ("index.json", b'{"data_files": [{"filename": "conversations-0.zip"}]}', "index of an export"),
    ):
        (tmp_path / name).write_bytes(body)
        assert word in refused(tmp_path / name), name
    assert "cannot be read" in refused(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.json")
    assert "not a regular file" in refused(tmp_path / "pipe.json")
    assert "not a regular file" in refused(Path("/dev/zero"))
    assert "not of llm" in refused(database(tmp_path / "x.db", "CREATE TABLE t (a)"))
    endless = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r)"
    views = (
        f"CREATE VIEW conversations AS {endless} SELECT n AS id, n AS name, n AS model FROM r",
        "CREATE TABLE responses (id, model, prompt, response, conversation_id, datetime_utc)",
    )
    assert "no conversations" in refused(database(tmp_path / "v.db", *views))


async def test_one_bad_conversation_does_not_stop_the_others(store: Store, tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text(json.dumps([{"mapping": {"a": 1, "b": {"message": 7}}}, 4, *chatgpt()]))
    report = await import_file(store, tmp_path / "c.json")
    assert report.new == 1
    assert report.empty == 1
    assert report.skipped.reasons["entries that are not conversations"] == 1


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@st.composite
def bent(draw: st.DrawFn) -> object:
    """An export in which some value is something else."""
    body = draw(st.sampled_from([chatgpt(), claude()]))
    at: object = body
    while True:
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))  # type: ignore[arg-type]
        key = draw(st.sampled_from(keys))
        below = at[key]  # type: ignore[index]
        if not isinstance(below, dict | list) or not below or draw(st.booleans()):
            at[key] = draw(anything)  # type: ignore[index]
            return body
        at = below


@settings(max_examples=150)
@given(bent())
def test_wrong_types_anywhere_never_break_the_import(body: object) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.json"
        path.write_text(json.dumps(body))
        try:
            found = list(open_archive(path, Skipped()).conversations)
        except BadArchive:
            return
    for one in found:
        assert one is None or isinstance(one, BadArchive) or one.messages
