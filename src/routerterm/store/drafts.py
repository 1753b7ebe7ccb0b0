"""What is written and attached and not sent yet: the text, its files as they were attached, and who is to answer.

The text is in ``conversation.draft``, that of the next new conversation in ``meta``; files are in ``draft_file``, with
their content: by the time they are sent, what they were read from may be another, or gone.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any

from routerterm.core.files import Attached, Draft
from routerterm.core.messages import Part, part_to_json, parts_from_json
from routerterm.store.values import json_object, replace_surrogates, to_json
from routerterm.store.worker import Worker

_NEW = "draft"
"""The row of ``meta`` with the text of the next new conversation."""
_FACTS = ("name", "size", "pasted", "kind", "reference", "text_tokens")


class Drafts:
    """The drafts; ``id`` is that of a conversation, or None for the next new one."""

    def __init__(self, writer: Worker, reader: Worker) -> None:
        self._writer = writer
        self._reader = reader

    async def read(self, id: str | None = None) -> Draft:
        """What is kept there."""
        return await self._reader.read(lambda connection: _read(connection, id))

    async def save(self, id: str | None, draft: Draft) -> None:
        """Keep this in place of what is there; files that are there already are not written again."""

        def job(connection: sqlite3.Connection) -> None:
            _write_text(connection, id, draft.text)
            _write_files(connection, id, draft.files)
            _write_answerer(connection, id, draft)

        await self._writer.write(job)

    async def add(self, id: str | None, draft: Draft) -> None:
        """Put this before what is there; who answers it stays where somebody was named."""

        def job(connection: sqlite3.Connection) -> None:
            now = _read(connection, id)
            text = "\n\n".join(filter(None, (draft.text, now.text)))
            who = now if now.model or now.params is not None else draft
            _write_text(connection, id, text)
            _write_files(connection, id, (*draft.files, *now.files))
            _write_answerer(connection, id, who)

        await self._writer.write(job)

    async def forget(self, id: str | None, draft: Draft) -> None:
        """It is kept elsewhere now: take away what is still there of it."""

        def job(connection: sqlite3.Connection) -> None:
            if _text(connection, id) == replace_surrogates(draft.text):
                _write_text(connection, id, "")
                _write_answerer(connection, id, Draft())
            drop_sent(connection, id, [file.part for file in draft.files])

        await self._writer.write(job)


def drop_sent(connection: sqlite3.Connection, id: str | None, parts: Iterable[Part]) -> None:
    """These parts were sent from there: they wait no more."""
    key = id or ""
    if not connection.execute("SELECT 1 FROM draft_file WHERE conversation_id = ?", (key,)).fetchone():
        return
    for part in parts:
        connection.execute(
            "DELETE FROM draft_file WHERE number = (SELECT number FROM draft_file WHERE conversation_id = ?"
            " AND digest = ? ORDER BY place LIMIT 1)",
            (key, _digest(_json(part))),
        )


def drop_answerer(connection: sqlite3.Connection, id: str | None) -> None:
    """Nobody is to answer a text that is not there any more."""
    if not _text(connection, id):
        connection.execute("DELETE FROM draft_for WHERE conversation_id = ?", (id or "",))


def _read(connection: sqlite3.Connection, id: str | None) -> Draft:
    rows = connection.execute(
        "SELECT facts, part FROM draft_file WHERE conversation_id = ? ORDER BY place", (id or "",)
    )
    files = tuple(file for row in rows.fetchall() if (file := _file(row["facts"], row["part"])) is not None)
    who = connection.execute("SELECT model, params FROM draft_for WHERE conversation_id = ?", (id or "",)).fetchone()
    if who is None:
        return Draft(_text(connection, id), files)
    return Draft(_text(connection, id), files, who["model"], json_object(who["params"]) if who["params"] else None)


def _text(connection: sqlite3.Connection, id: str | None) -> str:
    sql = "SELECT value FROM meta WHERE name = ?" if id is None else "SELECT draft FROM conversation WHERE id = ?"
    row = connection.execute(sql, (_NEW if id is None else id,)).fetchone()
    return (row[0] or "") if row else ""


def _write_text(connection: sqlite3.Connection, id: str | None, text: str) -> None:
    if id is not None:
        connection.execute("UPDATE conversation SET draft = ? WHERE id = ?", (replace_surrogates(text), id))
    else:
        sql = "INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)"
        connection.execute(sql, (_NEW, replace_surrogates(text)))


def _write_files(connection: sqlite3.Connection, id: str | None, files: Sequence[Attached]) -> None:
    key = id or ""
    there: dict[str, list[int]] = {}
    for number, digest in connection.execute(
        "SELECT number, digest FROM draft_file WHERE conversation_id = ? ORDER BY place", (key,)
    ):
        there.setdefault(digest, []).append(number)
    for place, file in enumerate(files):
        body = _json(file.part)
        digest = _digest(body)
        if numbers := there.get(digest):
            connection.execute("UPDATE draft_file SET place = ? WHERE number = ?", (place, numbers.pop(0)))
        else:
            facts = to_json({name: getattr(file, name) for name in _FACTS})
            sql = "INSERT INTO draft_file (conversation_id, place, digest, facts, part) VALUES (?, ?, ?, ?, ?)"
            connection.execute(sql, (key, place, digest, facts, body))
    left = [(number,) for numbers in there.values() for number in numbers]
    connection.executemany("DELETE FROM draft_file WHERE number = ?", left)


def _write_answerer(connection: sqlite3.Connection, id: str | None, draft: Draft) -> None:
    key = id or ""
    if draft.model or draft.params is not None:
        params = to_json(dict(draft.params)) if draft.params is not None else None
        sql = "INSERT OR REPLACE INTO draft_for (conversation_id, model, params) VALUES (?, ?, ?)"
        connection.execute(sql, (key, draft.model, params))
    else:
        connection.execute("DELETE FROM draft_for WHERE conversation_id = ?", (key,))


def _json(part: Part) -> str:
    return replace_surrogates(json.dumps([part_to_json(part)], ensure_ascii=False, separators=(",", ":")))


def _digest(body: str) -> str:
    return sha256(body.encode()).hexdigest()


def _file(facts: str, part: str) -> Attached | None:
    """A row; None for one that a hand has broken."""
    known: dict[str, Any] = {name: value for name, value in json_object(facts).items() if name in _FACTS}
    try:
        return Attached(part=parts_from_json(part)[0], **known)
    except (ValueError, TypeError, IndexError):
        return None
