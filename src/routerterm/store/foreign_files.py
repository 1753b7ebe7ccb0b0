"""Reads the databases of other programs: llm (``logs.db``), elia, oterm, crush, opencode and Open WebUI.

A foreign database is not trusted: it is opened read-only, only real tables are read (a view or a trigger is code of
whoever made the file), values have a greatest length, and each step has a deadline.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Literal, TypeAlias

from routerterm.core.errors import StoreError
from routerterm.store.llm_threads import llm_responses, llm_threads

Peer: TypeAlias = Literal["llm", "elia", "oterm", "crush", "opencode", "Open WebUI"]
Row: TypeAlias = Mapping[str, Any]
Chat: TypeAlias = "tuple[Row, list[Row]] | StoreError"
"""A conversation's row with those of its messages, or why it could not be read."""

LONGEST_VALUE = 64 << 20
"""Bytes of one value: a picture, a long answer."""
DEADLINE = 5.0
"""Seconds for one conversation: a hundred times what the slowest real one takes."""
_SQL_ERRORS = (sqlite3.Error, UnicodeDecodeError)
"""SQLite's, and what `sqlite3` raises where SQLite's own complaint quotes a damaged name."""
_STEPS = 20_000
"""Instructions of SQLite's machine between two looks at the clock."""
_SIGNS: tuple[tuple[Peer, str, frozenset[str]], ...] = (
    ("llm", "responses", frozenset({"id", "model", "prompt", "response", "conversation_id", "datetime_utc"})),
    ("llm", "log", frozenset({"model", "prompt", "response", "timestamp"})),
    ("elia", "message", frozenset({"id", "chat_id", "role", "content"})),
    ("oterm", "message", frozenset({"id", "chat_id", "author", "text"})),
    ("crush", "messages", frozenset({"id", "session_id", "role", "parts"})),
    ("opencode", "part", frozenset({"id", "message_id", "data"})),
    ("Open WebUI", "chat", frozenset({"id", "user_id", "title", "chat"})),
)
"""A table and the columns by which each program's database is known."""


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """The file, for reading alone.  Raises `StoreError` where it is no sound SQLite database."""
    address = path.absolute().as_uri()
    try:
        try:
            connection = _connection(f"{address}?mode=ro")
            connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone()
        except sqlite3.OperationalError:  # its folder is read-only, and it was in WAL mode
            connection = _connection(f"{address}?mode=ro&immutable=1")
        with closing(connection):
            yield connection
    except _SQL_ERRORS as error:
        raise _problem(path.name, error) from error


def _connection(address: str) -> sqlite3.Connection:
    connection = sqlite3.connect(address, uri=True, check_same_thread=False)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_VALUE)
    connection.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, 1 << 20)
    connection.setlimit(sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH, 1)
    for pragma in ("trusted_schema = OFF", "cell_size_check = ON", "query_only = ON", "temp_store = MEMORY"):
        connection.execute(f"PRAGMA {pragma}")
    connection.row_factory = sqlite3.Row
    connection.text_factory = lambda data: data.decode("utf-8", "replace")
    _start_clock(connection)
    return connection


def _start_clock(connection: sqlite3.Connection) -> None:
    """Give the next step its time."""
    end = time.monotonic() + DEADLINE
    connection.set_progress_handler(lambda: int(time.monotonic() > end), _STEPS)


def _problem(name: str, error: sqlite3.Error | UnicodeDecodeError) -> StoreError:
    if isinstance(error, UnicodeDecodeError):
        return StoreError(f"{name} could not be read as a database: it is damaged.")
    if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_INTERRUPT:
        return StoreError(f"{name} takes too long to read: a conversation takes more than {DEADLINE:.0f} s.")
    if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_TOOBIG or isinstance(error, sqlite3.DataError):
        return StoreError(f"A value in {name} is larger than {LONGEST_VALUE >> 20} MB.")
    return StoreError(f"{name} could not be read as a database: {error}.")


def peer_of(path: Path) -> Peer | None:
    """Whose database it is; None where it is none that is known."""
    with opened(path) as connection:
        for peer, table, columns in _SIGNS:
            if columns <= _columns(connection, table):
                return peer
    return None


def chats(path: Path, peer: Peer) -> Iterator[Chat]:
    """Each conversation's row with the rows of its messages, both under that program's own names, oldest first.

    One that cannot be read does not end the rest.
    """
    with opened(path) as connection:
        try:
            yield from _chats(connection, path.name, peer)
        except (IndexError, KeyError) as error:  # what `sqlite3.Row` and a dictionary say of a column that is missing
            raise StoreError(f"{path.name} lacks a column that {peer} has.") from error


def _chats(connection: sqlite3.Connection, name: str, peer: Peer) -> Iterator[Chat]:
    match peer:
        case "llm":
            yield from _llm(connection, name)
        case "elia" | "oterm":
            yield from _each(connection, name, "chat", "message", "chat_id")
        case "crush":
            yield from _each(connection, name, "sessions", of="messages", key="session_id", order="created_at, rowid")
        case "Open WebUI":
            yield from _each(connection, name, "chat", None, "")
        case "opencode":
            for chat in _each(connection, name, "session", of="message", key="session_id", order="time_created, id"):
                yield chat if isinstance(chat, StoreError) else _with_parts(connection, chat, name)


def _llm(connection: sqlite3.Connection, name: str) -> Iterator[Chat]:
    """Threads, which later versions write; then conversations of responses that are no thread yet.

    A response without a conversation is one of its own.  Before version 0.5 there was one table, ``log``.
    """
    if "timestamp" in _columns(connection, "log"):
        for chat in _ids(connection, "SELECT DISTINCT coalesce(chat_id, rowid) AS id FROM log"):
            sql = "SELECT *, rowid AS id, timestamp AS datetime_utc FROM log WHERE coalesce(chat_id, rowid) = ?"
            yield _one(connection, name, {"id": chat, "name": None, "model": None}, sql + " ORDER BY rowid")
    threads = {str(id) for id in _ids(connection, "SELECT id FROM threads")} if _columns(connection, "threads") else ()
    if threads:
        yield from llm_threads(connection)
    if not _columns(connection, "responses"):
        return
    has = {table for table in ("prompt_fragments", "prompt_attachments", "tool_calls") if _columns(connection, table)}
    known = list[Any]()
    if _columns(connection, "conversations"):
        known = _ids(connection, "SELECT id FROM conversations")
        for chat in _each(connection, name, "conversations", "responses", "conversation_id"):
            if isinstance(chat, StoreError) or str(chat[0]["id"]) not in threads:
                yield chat if isinstance(chat, StoreError) else (chat[0], llm_responses(connection, chat[1], has))
    for id, talk in connection.execute("SELECT id, conversation_id FROM responses ORDER BY id").fetchall():
        if talk is None or talk not in known:
            found = _one(
                connection, name, {"id": id, "name": None, "model": None}, "SELECT * FROM responses WHERE id = ?"
            )
            yield found if isinstance(found, StoreError) else (found[0], llm_responses(connection, found[1], has))


def _each(
    connection: sqlite3.Connection, name: str, table: str, of: str | None, key: str, order: str = "id"
) -> Iterator[Chat]:
    """The rows of ``table``, each with those of the table ``of`` whose ``key`` is its id."""
    if not _columns(connection, table) or (of and not _columns(connection, of)):
        raise StoreError(f"{name} has no table {table} in the expected form.")
    for id in _ids(connection, f"SELECT id FROM {table} ORDER BY id"):
        try:
            _start_clock(connection)
            chat = connection.execute(f"SELECT * FROM {table} WHERE id IS ? LIMIT 1", (id,)).fetchone()
        except _SQL_ERRORS as error:
            yield _problem(name, error)
            continue
        if chat is None:  # a damaged index names a row that is not there
            yield StoreError(f"A conversation in {name} cannot be read.")
        elif not of:
            yield dict(chat), []
        else:
            yield _one(connection, name, dict(chat), f"SELECT * FROM {of} WHERE {key} IS ? ORDER BY {order}")


def _one(connection: sqlite3.Connection, name: str, chat: Row, sql: str) -> Chat:
    try:
        _start_clock(connection)
        return chat, [dict(row) for row in connection.execute(sql, (chat["id"],))]
    except _SQL_ERRORS as error:
        return _problem(name, error)


def _ids(connection: sqlite3.Connection, sql: str) -> list[Any]:
    _start_clock(connection)
    return [row[0] for row in connection.execute(sql)]


def _with_parts(connection: sqlite3.Connection, chat: tuple[Row, list[Row]], name: str) -> Chat:
    """Opencode's messages, each with its parts."""
    about, rows = chat
    try:
        _start_clock(connection)
        sql = "SELECT data FROM part WHERE message_id = ? ORDER BY id"
        parts = [[part[0] for part in connection.execute(sql, (row["id"],))] for row in rows]
    except _SQL_ERRORS as error:
        return _problem(name, error)
    return about, [{**row, "parts": found} for row, found in zip(rows, parts, strict=True)]


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    """The columns of a real table; none of a view or a virtual table, which would run code of the file's."""
    row = connection.execute("SELECT type, sql FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
    if row is None or row["type"] != "table" or str(row["sql"] or "").upper().startswith("CREATE VIRTUAL"):
        return set()
    return {each["name"] for each in connection.execute("SELECT name FROM pragma_table_info(?)", (table,))}
