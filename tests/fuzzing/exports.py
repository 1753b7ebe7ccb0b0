"""Exports of other programs with something odd in some of their places: JSON, lines, databases, zips, folders."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import random
import sqlite3
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from shutil import rmtree
from typing import Any

from routerterm.engine.transfer.importing import open_archive
from routerterm.engine.transfer.problems import Skipped
from tests.engine.fuzz_imports import bent
from tests.engine.transfer.test_foreign import chatgpt, claude, node
from tests.fuzzing.bodies import ODD, twisted

_CITED = {"matched_text": "\ue200cite\ue201", "items": [{"title": "A page", "url": "https://example.org/"}]}
_VOICE = {"content_type": "audio_transcription", "text": "Spoken?", "direction": "in"}
_PICTURE = {"content_type": "image_asset_pointer", "asset_pointer": "file-service://file-AbCdEfGh12345678"}
_TALK = {
    "id": "X", "title": "All", "create_time": 1_700_000_000, "current_node": "b",
    "mapping": {
        "q": node("q", None, "user", _VOICE, _PICTURE),
        "c": node("c", "q", "assistant", '{"name": "Plan", "type": "document", "content": "# A plan"}'),
        "a": node("a", "c", "assistant", "See\ue200cite\ue201.", metadata={"content_references": [_CITED]}),
        "b": node("b", "a", "tool", "out"),
    },
}  # fmt: skip
_WEB = {
    "1": {"id": "1", "role": "user", "content": "Q", "timestamp": 1_700_000_000},
    "2": {"id": "2", "parentId": "1", "role": "assistant", "content": "A", "model": "l", "files": [{"name": "f"}]},
}
_TOOL = {"type": "tool", "tool": "bash", "state": {"input": {"command": "ls"}, "output": "a.py"}}
_CODE = {
    "info": {"id": "s", "title": "t", "time": {"created": 1, "updated": 2}},
    "messages": [
        {"info": {"id": "1", "role": "user", "time": {"created": 1}}, "parts": [{"type": "text", "text": "fix"}]},
        {"info": {"id": "2", "role": "assistant"}, "parts": [{"type": "reasoning", "text": "hm"}, _TOOL]},
    ],
}
_LIBRE = {
    "conversationId": "l", "title": "L", "endpoint": "e",
    "messages": [{"messageId": "a", "parentMessageId": "0", "isCreatedByUser": True, "text": "LQ", "children": [
        {"messageId": "b", "isCreatedByUser": False, "content": [{"type": "text", "text": {"value": "LA"}}]}]}],
}  # fmt: skip
_MESSAGE = {"id": "M", "role": "user", "parts": [{"type": "text", "text": "x"}], "created_at": 1, "attempts": []}
_OWN = {
    "format": "routerterm",
    "version": 1,
    "conversations": [{"id": "C", "title": "t", "created_at": 1, "updated_at": 2, "messages": [_MESSAGE]}],
}
_ROWS = [{"role": "user", "content": "x", "timestamp": "2025-01-02T03:04:05"}, {"role": "assistant", "content": "y"}]
SEEDS: tuple[Any, ...] = (
    chatgpt(), [_TALK], claude(), _OWN, _CODE, _LIBRE,
    [{"id": "w", "title": "W", "chat": {"history": {"messages": _WEB, "currentId": "2"}, "models": ["x"]}}],
    {"title": "p", "messages": _ROWS}, {"export": {"threads": [_TALK, *claude()]}},
)  # fmt: skip
_PARTS = '[{"type":"text","data":{"text":"says"}},{"type":"tool_call","data":{"name":"n","input":"i"}}]'
_TABLES: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE sessions (id, title, created_at, updated_at)",
        "CREATE TABLE messages (id, session_id, role, parts, model, provider, created_at)",
        "INSERT INTO sessions VALUES ('s', 'Crush', 1700000000, 1700000001)",
        f"INSERT INTO messages VALUES ('m', 's', 'assistant', '{_PARTS}', 'm1', 'p', 1700000000)",
    ),
    (
        "CREATE TABLE chat (id, name, model)",
        "CREATE TABLE message (id, chat_id, author, text, images)",
        "INSERT INTO chat VALUES (1, NULL, 'm')",
        "INSERT INTO message VALUES (1, 1, 'user', 'words', '[\"iVBORw0KGgo=\"]')",
    ),
    (
        "CREATE TABLE chat (id TEXT, user_id, title, chat, created_at, updated_at, archived)",
        "INSERT INTO chat VALUES ('w', 'u', 't', '" + json.dumps(SEEDS[6][0]["chat"]) + "', 1, 2, 0)",
    ),
    (
        "CREATE TABLE session (id, title, data, time_created, time_updated)",
        "CREATE TABLE message (id, session_id, data, time_created)",
        "CREATE TABLE part (id, message_id, session_id, data)",
        "INSERT INTO session VALUES ('s', 't', '{}', 1, 2)",
        "INSERT INTO message VALUES ('m', 's', '{\"role\":\"user\"}', 1)",
        "INSERT INTO part VALUES ('p', 'm', 's', '{\"type\":\"text\",\"text\":\"x\"}')",
    ),
)


def _read(path: Path) -> Callable[[], object]:
    return lambda: open_archive(path, Skipped()).conversations


def _json(chance: random.Random) -> bytes:
    body = twisted(chance.choice(SEEDS), chance, chance.choice((0.0, 0.01, 0.03, 0.1)))
    if chance.random() < 0.15 and isinstance(body, list):
        return "\n".join(json.dumps(each) for each in body).encode()
    text = json.dumps(body, indent=chance.choice((None, None, 1)), ensure_ascii=chance.random() < 0.5)
    return text.encode(
        *chance.choice((("utf-8", "surrogatepass"), ("utf-16", "surrogatepass"), ("utf-8-sig", "replace")))
    )


def one(chance: random.Random, folder: Path) -> tuple[str, Callable[[], object]]:
    """An export of the right form whose values are odd, packed in one way or another."""
    match chance.randrange(7):
        case 6:
            return _packed(chance, folder)
        case 0:
            return _tables(chance, folder)
        case 1:
            return _zips(chance, folder)
        case 2:
            place = folder / "many"
            rmtree(place, ignore_errors=True)
            (place / "sub").mkdir(parents=True)
            for number in range(chance.randint(1, 4)):
                inside = place / chance.choice((".", "sub"))
                (inside / chance.choice((f"{number}.json", "conversation.jsonl", f"{number}.txt"))).write_bytes(
                    _json(chance)
                )
            return "folder", _read(place)
        case _:
            path = folder / chance.choice(("o.json", "o.jsonl", "conversations.json"))
            path.write_bytes(_json(chance))
            return "odd JSON", _read(path)


_NAMES = ("conversations.json", "a/b.json", "é\\y.jsonl", " ", "a/z.yaml", "in.zip", "a/x.zip")


def _zips(chance: random.Random, folder: Path) -> tuple[str, Callable[[], object]]:
    data = _json(chance)
    for level in range(chance.choice((1, 1, 2, 3, 6))):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", chance.choice((0, 8, 12, 14))) as archive:
            names = _NAMES if chance.random() < 0.1 else _NAMES[-2:] if level else _NAMES[:-2]
            for name in chance.sample(names, chance.choice((1, 1, 2))):
                archive.writestr(name if chance.random() < 0.95 else f"../{name}", data)
        data = packed.getvalue()
    path = folder / "o.zip"
    path.write_bytes(data)
    return "odd zip", _read(path)


def _packed(chance: random.Random, folder: Path) -> tuple[str, Callable[[], object]]:
    data = _json(chance)
    if chance.random() < 0.6:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            for name in chance.sample(_NAMES, chance.choice((1, 1, 2))):
                about = tarfile.TarInfo(name)
                about.size = len(data)
                about.type = chance.choice(
                    (tarfile.REGTYPE,) * 9 + (tarfile.SYMTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE)
                )
                archive.addfile(about, io.BytesIO(data))
        data = packed.getvalue()
    data = chance.choice((gzip.compress, bz2.compress, lzma.compress, bytes))(data)
    path = folder / chance.choice(("o.json.gz", "o.tgz", "o.tar"))
    path.write_bytes(bent(chance, data) if chance.random() < 0.3 else data)
    return "packed", _read(path)


def _tables(chance: random.Random, folder: Path) -> tuple[str, Callable[[], object]]:
    path = folder / "o.db"
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as db:
        for statement in chance.choice(_TABLES):
            db.execute(statement)
        db.commit()
        tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master")]
        for _ in range(chance.randint(0, 4)):
            table = chance.choice(tables)
            column = chance.choice([row[1] for row in db.execute(f"PRAGMA table_info({table})")])
            if chance.random() < 0.1:
                db.execute(f"ALTER TABLE {table} RENAME COLUMN {column} TO other{chance.randrange(1000)}")
                continue
            value = chance.choice((*_SQL, *(json.dumps(odd) for odd in ODD)))
            db.execute(f"UPDATE {table} SET {column} = ?", (value,))
        db.commit()
    return "odd database", _read(path)


_SQL: tuple[Any, ...] = (None, -1, 2**62, 1e300, float("inf"), b"\xff\0", "", "x" * 50_000, "[" * 40_000, "9" * 5_000)
