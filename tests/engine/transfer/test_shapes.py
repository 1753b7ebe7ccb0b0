"""Exports in all their shapes: split, wrapped, packed and packed again; and histories of programs that work on code."""

from __future__ import annotations

import io
import json
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routerterm.core.messages import Image
from routerterm.engine.transfer import aichat, json_stream
from routerterm.engine.transfer.common import fenced, milliseconds
from routerterm.engine.transfer.importing import Report, import_file, lines_of
from routerterm.engine.transfer.json_stream import JsonStream
from routerterm.engine.transfer.markdown import nested
from routerterm.engine.transfer.problems import BadArchive
from routerterm.store.database import Store
from tests.engine.transfer.test_foreign import chatgpt, claude, database, node


async def texts(store: Store) -> list[str]:
    """Every text of every conversation, in order."""
    found = []
    for id in await store.transfer.ids():
        bundle = await store.transfer.carry_out(id)
        assert bundle is not None
        found += [message.text for message in bundle.messages]
    return found


def written(path: Path, body: object) -> Path:
    path.write_text(body if isinstance(body, str) else json.dumps(body))
    return path


@pytest.mark.parametrize("shape", ["list", "object", "wrapped", "deep", "lines", "nested lists", "bom"])
async def test_wrappings(store: Store, tmp_path: Path, shape: str) -> None:
    (talk,) = chatgpt()
    body = {
        "list": json.dumps([talk]),
        "object": json.dumps(talk),
        "wrapped": json.dumps({"user": {"id": 1}, "conversations": [talk], "more": []}),
        "deep": json.dumps({"export": {"threads": [talk]}}),
        "lines": json.dumps(talk) + "\n" + json.dumps(talk | {"id": "T2"}) + "\n",
        "nested lists": json.dumps([[talk]]),
        "bom": "\ufeff" + json.dumps([talk]),
    }[shape]
    report = await import_file(store, written(tmp_path / "export.json", body))
    assert (report.kind, report.new) == ("ChatGPT", 2 if shape == "lines" else 1)


async def test_zips_in_zips_folders_and_what_else_lies_there(store: Store, tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("conversations-001.json", json.dumps(claude()))
        archive.writestr("__MACOSX/._conversations-001.json", b"\0\5\x16\7")
    folder = tmp_path / "all"
    folder.mkdir()
    with zipfile.ZipFile(folder / "outer.zip", "w") as archive:
        archive.writestr("part/inner.zip", inner.getvalue())
        archive.writestr("photo.png", b"\x89PNG")
    written(folder / "conversations-000.json", chatgpt())
    written(folder / "user.json", {"id": "u"})
    (folder / "link.json").symlink_to(folder / "user.json")
    report = await import_file(store, folder)
    assert (report.kind, report.new) == ("ChatGPT, Claude", 2)
    said = "\n".join(lines_of(report, dry=False))
    assert "files that hold no conversations (user.json)" in said
    assert "links, pipes or devices (link.json)" in said


async def test_one_bad_conversation_in_each_place(store: Store, tmp_path: Path) -> None:
    good = chatgpt()[0]
    body = "[" + ",".join(['{"mapping": {"a": ]', json.dumps(good)]) + "]"
    with pytest.raises(BadArchive):  # the file itself is broken, before anything of it could be read
        await import_file(store, written(tmp_path / "broken.json", body))
    cut = json.dumps([good, good | {"id": "T2"}])[:-40]
    report = await import_file(store, written(tmp_path / "cut.json", cut))
    assert report.new == 1
    assert "cut short" in report.failed[0]


def test_a_value_too_large_is_passed_over_and_the_next_one_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "LONGEST", 2_000_000)
    large = json.dumps({"a": ["x" * 100] * 60_000})
    found = list(JsonStream(io.BytesIO(f"[{large},{{}}]".encode())).values())
    assert isinstance(found[0], BadArchive)
    assert found[1] == {}


@given(
    st.lists(st.dictionaries(st.text(max_size=4), st.text(max_size=8) | st.lists(st.integers(), max_size=3))), st.data()
)
def test_values_are_what_json_makes_of_them(values: list[dict[str, object]], data: st.DataObject) -> None:
    text = json.dumps(values, ensure_ascii=data.draw(st.booleans()), indent=data.draw(st.sampled_from([None, 1])))
    assert list(JsonStream(io.BytesIO(text.encode())).values()) == values


async def test_spoken_words_canvas_citations_and_code(store: Store, tmp_path: Path) -> None:
    mapping = {
        "q": node("q", None, "user", {"content_type": "audio_transcription", "text": "Spoken?"}),
        "c": node("c", "q", "assistant", json.dumps({"name": "Plan", "type": "document", "content": "# A plan"})),
        "o": node("o", "c", "tool", "ignored"),
        "a": node("a", "o", "assistant", "See\ue200cite\ue202turn0search1\ue201."),
        "p": node("p", "a", "user", {"content_type": "image_asset_pointer"}),
    }
    mapping["c"]["message"]["recipient"] = "canmore.create_textdoc"  # type: ignore[index]
    mapping["o"]["message"]["content"] = {"content_type": "execution_output", "text": "```\n# not a heading"}  # type: ignore[index]
    reference = {
        "matched_text": "\ue200cite\ue202turn0search1\ue201",
        "items": [{"title": "A page", "url": "https://example.org/"}],
    }
    mapping["a"]["message"]["metadata"]["content_references"] = [reference]  # type: ignore[index]
    talk = {"id": "X", "title": "All", "create_time": 1_700_000_000, "mapping": mapping, "current_node": "p"}
    await import_file(store, written(tmp_path / "x.json", [talk]))
    said = await texts(store)
    assert said[0] == "Spoken?"
    assert "**Plan**" in said[1]
    assert said[2] == "````\n```\n# not a heading\n````"
    assert said[3] == "See ([A page](https://example.org/))."
    assert said[4] == "*[picture, not in the export]*"


PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 30


@pytest.mark.parametrize("packed", ["zip", "zip in zip", "folder"])
async def test_pictures_come_with_chatgpts_export(store: Store, tmp_path: Path, packed: str) -> None:
    pointers = {
        "p": "file-service://file-AbCdEfGh12345678",
        "q": "sediment://file_00000000aabbccdd#page",
        "r": "file-service://file-NotThere00000000",
        "s": "file-service://file-Script0000000000",
        "t": "file-service://../../etc/passwd",
    }
    mapping, above = {}, None
    for id, pointer in pointers.items():
        pieces = ["Look:", {"content_type": "image_asset_pointer", "asset_pointer": pointer}]
        mapping[id] = node(id, above, "user", {"content_type": "multimodal_text", "parts": pieces})
        mapping[id]["message"]["content"] = {"content_type": "multimodal_text", "parts": pieces}  # type: ignore[index]
        above = id
    talk = {"id": "X", "title": "Pictures", "create_time": 1_700_000_000, "mapping": mapping, "current_node": above}
    members = {
        "conversations.json": json.dumps([talk]).encode(),
        "file-AbCdEfGh12345678-cat.png": PNG,
        "user-1/file_00000000aabbccdd-sanitized.dat": PNG + b"2",
        "file-Script0000000000-evil.png": b"<script>",
    }
    place = tmp_path / "export"
    if packed == "folder":
        for name, data in members.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(data)
    else:
        with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in members.items():
                archive.writestr(name, data)
        if packed == "zip in zip":
            inner = place.read_bytes()
            with zipfile.ZipFile(place, "w") as archive:
                archive.writestr("inner.zip", inner)
    report = await import_file(store, place)
    bundle = await store.transfer.carry_out((await store.transfer.ids())[0])
    assert bundle is not None
    images = [[part for part in message.parts if isinstance(part, Image)] for message in bundle.messages]
    assert images == [[Image("image/png", PNG)], [Image("image/png", PNG + b"2")], [], [], []]
    assert any("images and recordings that are not in the export" in line for line in lines_of(report, dry=False))


async def test_a_grown_conversation_shows_what_is_new_unless_one_went_on_here(store: Store, tmp_path: Path) -> None:
    (talk,) = claude()[:1]
    first = talk | {"chat_messages": talk["chat_messages"][:1]}  # type: ignore[index]
    await import_file(store, written(tmp_path / "june.json", [first]))
    report = await import_file(store, written(tmp_path / "july.json", [talk]))
    assert (report.grown, report.messages) == (1, 2)
    conversation = (await store.conversations.page())[0]
    assert (await store.messages.page(conversation.id)).messages[-1].text == "Hey"


async def test_two_databases_that_count_from_one(store: Store, tmp_path: Path) -> None:
    for name in ("laptop", "pi", "pi"):
        path = tmp_path / f"{name}.db"
        if not path.exists():
            database(
                path,
                "CREATE TABLE chat (id INTEGER PRIMARY KEY, name TEXT, model TEXT)",
                "CREATE TABLE message (id INTEGER PRIMARY KEY, chat_id INTEGER, author TEXT, text TEXT, images TEXT)",
                "INSERT INTO chat VALUES (1, NULL, 'm')",
                f"INSERT INTO message VALUES (1, 1, 'user', 'words on the {name}', '[]')",
            )
        await import_file(store, path)
    assert sorted(await texts(store)) == ["words on the laptop", "words on the pi"]
    assert all(row.created_at > 1_600_000_000_000 for row in await store.conversations.page())


async def test_open_webui_and_librechat(store: Store, tmp_path: Path) -> None:
    messages = {
        "1": {"id": "1", "parentId": None, "role": "user", "content": "Q", "timestamp": 1_700_000_000},
        "2": {"id": "2", "parentId": "1", "role": "assistant", "content": "A", "model": "llama3"},
        "3": {"id": "3", "parentId": "1", "role": "assistant", "content": "B", "model": "qwen3"},
    }
    web = {"id": "w", "title": "Web", "chat": {"history": {"messages": messages, "currentId": "2"}, "models": ["x"]}}
    libre = {
        "conversationId": "l",
        "title": "Libre",
        "messages": [
            {"messageId": "a", "parentMessageId": "0", "isCreatedByUser": True, "text": "LQ", "children": [
                {"messageId": "b", "isCreatedByUser": False, "content": [{"type": "text", "text": {"value": "LA"}}]}
            ]}
        ],
    }  # fmt: skip
    reports = [await import_file(store, written(tmp_path / f"{n}.json", body)) for n, body in enumerate(([web], libre))]
    assert [report.kind for report in reports] == ["Open WebUI", "LibreChat"]
    assert sorted(await texts(store)) == ["A", "B", "LA", "LQ", "Q"]
    web_chat = next(row for row in await store.conversations.page() if row.title == "Web")
    assert (await store.messages.page(web_chat.id)).messages[-1].text == "A"


async def test_programs_that_work_on_code(store: Store, tmp_path: Path) -> None:
    exported = {
        "info": {"id": "ses_1", "title": "Code", "time": {"created": 1_700_000_000_000}},
        "messages": [
            {"info": {"id": "m1", "role": "user"}, "parts": [{"type": "text", "text": "fix it"}]},
            {"info": {"id": "m2", "role": "assistant", "modelID": "k2", "providerID": "moonshot"}, "parts": [
                {"type": "reasoning", "text": "hm"},
                {"type": "tool", "tool": "bash", "state": {"input": {"command": "ls"}, "output": "a.py"}},
                {"type": "text", "text": "Fixed."},
            ]},
        ],
    }  # fmt: skip
    parts = json.dumps([{"type": "text", "data": {"text": "crush says"}}, {"type": "finish", "data": {}}])
    crush = database(
        tmp_path / "crush.db",
        "CREATE TABLE sessions (id TEXT PRIMARY KEY, title TEXT, created_at INTEGER, updated_at INTEGER)",
        "CREATE TABLE messages (id TEXT PRIMARY KEY, session_id TEXT, role TEXT, parts TEXT, model TEXT, provider TEXT,"
        " created_at INTEGER)",
        "INSERT INTO sessions VALUES ('s', 'Crush', 1700000000, 1700000001)",
        f"INSERT INTO messages VALUES ('m', 's', 'assistant', '{parts}', 'm1', 'p', 1700000000)",
    )
    log = tmp_path / "2025-my-talk"
    log.mkdir()
    rows = [
        {"role": "system", "content": "You are gptme"},
        {"role": "user", "content": "hello", "timestamp": "2025-01-02T03:04:05"},
        {"role": "assistant", "content": "hi", "timestamp": "2025-01-02T03:04:06"},
    ]
    written(log / "conversation.jsonl", "\n".join(map(json.dumps, rows)))
    session = (
        "model: openai:gpt-4o\nmessages:\n- role: user\n  content: |-\n    two\n    lines\n"
        "- role: assistant\n  content: 'it''s'\n"
    )
    files = (written(tmp_path / "ses.json", exported), crush, log, written(tmp_path / "coder.yaml", session))
    kinds = [(await import_file(store, path)).kind for path in files]
    assert kinds == ["opencode", "crush", "gptme", "aichat"]
    said = await texts(store)
    assert {"fix it", "crush says", "hello", "two\nlines", "it's"} <= set(said)
    assert any('bash({"command": "ls"})\na.py' in text and text.endswith("Fixed.") for text in said)
    titles = {row.title: row for row in await store.conversations.page()}
    assert titles["2025-my-talk"].system == "You are gptme"
    assert titles["coder"].model == "openai/gpt-4o"


@given(st.text(alphabet="abc:-|>'\" \n#[]{}", max_size=80))
def test_yaml_of_any_kind_ends_in_a_value_or_in_words(text: str) -> None:
    with suppress(BadArchive):
        aichat.parse(text)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1_750_000_000, 1_750_000_000_000), (1_750_000_000_000.0, 1_750_000_000_000), ("1750000000", 1_750_000_000_000),
     (1_750_000_000_000_000, 1_750_000_000_000), ("2025-06-15T15:06:40Z", 1_750_000_000_000), ("soon", 0), (None, 0),
     (float("nan"), 0), (-5, 0), (10**40, (1 << 47) - 1), (True, 0)],
)  # fmt: skip
def test_times_in_any_unit(value: object, expected: int) -> None:
    assert milliseconds(value) == expected


@given(st.text(alphabet="a`~\n#", max_size=60))
def test_no_text_ends_its_own_fence(text: str) -> None:
    from markdown_it import MarkdownIt

    tokens = MarkdownIt("commonmark").parse(f"{fenced(text)}\n\nafter")
    assert [token.type for token in tokens] == ["fence", "paragraph_open", "inline", "paragraph_close"]


def test_headings_stand_below_those_of_the_document() -> None:
    text = "# One\n\nTwo\n---\n\n```\n# code\n```\n\n> # quoted\n\n###### Six"
    assert nested(text) == "### One\n\n#### Two\n\n```\n# code\n```\n\n> # quoted\n\n###### Six"


def test_an_empty_report_says_so() -> None:
    assert lines_of(Report(), dry=False) == ["From the file: nothing new."]
