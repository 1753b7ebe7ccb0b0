"""Reads the databases of other chat programs: llm (``logs.db``), elia and oterm.  They are opened read-only."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Literal, TypeAlias

from routerterm.core.errors import StoreError
from routerterm.store.llm_threads import llm_threads

Peer: TypeAlias = Literal["llm", "elia", "oterm"]
Row: TypeAlias = Mapping[str, Any]

_SIGNS: Mapping[Peer, tuple[str, frozenset[str]]] = {
    "llm": ("responses", frozenset({"id", "model", "prompt", "response", "conversation_id", "datetime_utc"})),
    "elia": ("message", frozenset({"id", "chat_id", "role", "content"})),
    "oterm": ("message", frozenset({"id", "chat_id", "author", "text"})),
}
"""A table and the columns by which each program's database is known."""


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """The file, for reading alone.  Raises `StoreError` where it is no sound SQLite database."""
    try:
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False)
        ) as connection:
            connection.row_factory = sqlite3.Row
            yield connection
    except sqlite3.Error as error:
        raise StoreError(f"{path.name} could not be read as a database: {error}.") from error


def peer_of(path: Path) -> Peer | None:
    """Whose database it is; None where it is none that is known."""
    with opened(path) as connection:
        for peer, (table, columns) in _SIGNS.items():
            if columns <= _columns(connection, table):
                return peer
    return None


def count(path: Path, peer: Peer) -> int:
    """About how many conversations it holds, for a progress bar."""
    with opened(path) as connection:
        tables = [t for t in ("conversations", "threads") if _columns(connection, t)] if peer == "llm" else ["chat"]
        return sum(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables)


def chats(path: Path, peer: Peer) -> Iterator[tuple[Row, list[Row]]]:
    """Each conversation's row with the rows of its messages, both under that program's own names, oldest first."""
    with opened(path) as connection:
        match peer:
            case "llm":
                yield from _llm(connection)
            case "elia":
                yield from _each(connection, "SELECT * FROM chat ORDER BY id", "message", "chat_id")
            case "oterm":
                yield from _each(connection, "SELECT * FROM chat ORDER BY id", "message", "chat_id")


def _llm(connection: sqlite3.Connection) -> Iterator[tuple[Row, list[Row]]]:
    """Threads, which later versions write; then conversations of responses that are no thread yet.

    A response without a conversation is one of its own.
    """
    threads = "SELECT id FROM threads" if _columns(connection, "threads") else "SELECT NULL WHERE 0"
    if _columns(connection, "threads"):
        yield from llm_threads(connection)
    known = "SELECT NULL WHERE 0"
    if _columns(connection, "conversations"):
        known = "SELECT id FROM conversations"
        sql = f"SELECT * FROM conversations WHERE id NOT IN ({threads}) ORDER BY id"
        yield from _each(connection, sql, "responses", "conversation_id")
    alone = connection.execute(
        f"SELECT * FROM responses WHERE conversation_id IS NULL OR conversation_id NOT IN ({known}) ORDER BY id"
    )
    for row in alone:
        yield {"id": row["id"], "name": None, "model": row["model"]}, [dict(row)]


def _each(connection: sqlite3.Connection, sql: str, table: str, key: str) -> Iterator[tuple[Row, list[Row]]]:
    for chat in connection.execute(sql):
        rows = connection.execute(f"SELECT * FROM {table} WHERE {key} = ? ORDER BY id", (chat["id"],))
        yield dict(chat), [dict(row) for row in rows]


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    return {row["name"] for row in connection.execute("SELECT name FROM pragma_table_info(?)", (table,))}
