"""The first tables: conversations as trees of messages, the ledger, the router's memory, the search index."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

# Every column but the keys and times has a default, so that a row needs to say only what it knows.
# A parent is checked at commit, not at once: an import may bring the child first.
# ``head_id`` is no foreign key, because a conversation is written before its first message; nor is what the
# ledger says of a message, because the book outlives the conversation.
_STATEMENTS = (
    """
    CREATE TABLE conversation (
        id TEXT PRIMARY KEY NOT NULL,
        title TEXT DEFAULT '',
        model TEXT,
        system TEXT,
        params TEXT NOT NULL DEFAULT '{}',
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        head_id TEXT,
        pinned INTEGER NOT NULL DEFAULT 0,
        archived INTEGER NOT NULL DEFAULT 0,
        private INTEGER NOT NULL DEFAULT 0,
        draft TEXT NOT NULL DEFAULT '',
        tags TEXT NOT NULL DEFAULT '[]',
        deleted_at INTEGER
    )
    """,
    """
    CREATE TABLE message (
        id TEXT PRIMARY KEY NOT NULL,
        conversation_id TEXT NOT NULL REFERENCES conversation(id) ON DELETE CASCADE,
        parent_id TEXT REFERENCES message(id) DEFERRABLE INITIALLY DEFERRED,
        role TEXT NOT NULL,
        parts TEXT NOT NULL DEFAULT '[]',
        text TEXT NOT NULL DEFAULT '',
        status TEXT NOT NULL DEFAULT 'done',
        model TEXT,
        params TEXT NOT NULL DEFAULT '{}',
        created_at INTEGER NOT NULL,
        finished_at INTEGER,
        pinned INTEGER NOT NULL DEFAULT 0
    )
    """,
    """
    CREATE TABLE attempt (
        id TEXT PRIMARY KEY NOT NULL,
        message_id TEXT,
        conversation_id TEXT,
        n INTEGER NOT NULL DEFAULT 1,
        client TEXT NOT NULL DEFAULT 'tui',
        route TEXT,
        provider TEXT NOT NULL,
        model TEXT NOT NULL,
        key_label TEXT,
        outcome TEXT NOT NULL DEFAULT 'running',
        error_class TEXT,
        http_status INTEGER,
        started_at INTEGER NOT NULL,
        ttft_ms INTEGER,
        duration_ms INTEGER,
        input_tokens INTEGER,
        cache_read_tokens INTEGER,
        cache_write_tokens INTEGER,
        output_tokens INTEGER,
        reasoning_tokens INTEGER,
        usage_source TEXT NOT NULL DEFAULT 'estimated',
        cost_nanousd INTEGER,
        cost_source TEXT,
        price_date TEXT,
        program TEXT
    )
    """,
    "CREATE TABLE memory (name TEXT PRIMARY KEY NOT NULL, state TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE meta (name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE prompt (name TEXT PRIMARY KEY NOT NULL, kind TEXT NOT NULL DEFAULT 'system', text TEXT NOT NULL,"
    " updated_at INTEGER NOT NULL) WITHOUT ROWID",
    # Which program is writing a streaming message: alive as long as it holds its lock file.
    "CREATE TABLE streaming (message_id TEXT PRIMARY KEY NOT NULL REFERENCES message(id) ON DELETE CASCADE,"
    " program TEXT NOT NULL) WITHOUT ROWID",
    "CREATE INDEX conversation_recent ON conversation (archived, pinned DESC, updated_at DESC, id DESC)"
    " WHERE deleted_at IS NULL",
    "CREATE INDEX conversation_deleted ON conversation (deleted_at) WHERE deleted_at IS NOT NULL",
    "CREATE INDEX message_conversation ON message (conversation_id, parent_id)",
    "CREATE INDEX message_parent ON message (parent_id)",
    "CREATE INDEX message_streaming ON message (status) WHERE status = 'streaming'",
    "CREATE INDEX message_pinned ON message (conversation_id) WHERE pinned",
    "CREATE INDEX attempt_started ON attempt (started_at)",
    "CREATE INDEX attempt_message ON attempt (message_id)",
    "CREATE INDEX attempt_conversation ON attempt (conversation_id)",
    "CREATE INDEX attempt_running ON attempt (outcome) WHERE outcome = 'running'",
    # What is searched.  Titles stand under negative numbers.  An answer is indexed when it stops growing.
    """
    CREATE VIEW searchable AS
        SELECT rowid AS number, text AS text, '' AS title FROM message WHERE status <> 'streaming'
        UNION ALL
        SELECT -rowid, '', coalesce(title, '') FROM conversation
    """,
    """
    CREATE VIRTUAL TABLE message_fts USING fts5(
        text, title, content = 'searchable', content_rowid = 'number',
        tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3 4'
    )
    """,
    # Titles once more, alone: they are few, and found without asking the large index.
    """
    CREATE VIRTUAL TABLE conversation_fts USING fts5(
        title, content = 'conversation', content_rowid = 'rowid', tokenize = 'unicode61 remove_diacritics 2'
    )
    """,
    """
    CREATE TRIGGER message_inserted AFTER INSERT ON message WHEN new.status <> 'streaming' BEGIN
        INSERT INTO message_fts (rowid, text, title) VALUES (new.rowid, new.text, '');
    END
    """,
    """
    CREATE TRIGGER message_deleted AFTER DELETE ON message WHEN old.status <> 'streaming' BEGIN
        INSERT INTO message_fts (message_fts, rowid, text, title) VALUES ('delete', old.rowid, old.text, '');
    END
    """,
    """
    CREATE TRIGGER message_left AFTER UPDATE OF text, status ON message
    WHEN old.status <> 'streaming' AND (new.status = 'streaming' OR new.text <> old.text) BEGIN
        INSERT INTO message_fts (message_fts, rowid, text, title) VALUES ('delete', old.rowid, old.text, '');
    END
    """,
    """
    CREATE TRIGGER message_entered AFTER UPDATE OF text, status ON message
    WHEN new.status <> 'streaming' AND (old.status = 'streaming' OR new.text <> old.text) BEGIN
        INSERT INTO message_fts (rowid, text, title) VALUES (new.rowid, new.text, '');
    END
    """,
    """
    CREATE TRIGGER conversation_inserted AFTER INSERT ON conversation BEGIN
        INSERT INTO message_fts (rowid, text, title) VALUES (-new.rowid, '', coalesce(new.title, ''));
        INSERT INTO conversation_fts (rowid, title) VALUES (new.rowid, new.title);
    END
    """,
    """
    CREATE TRIGGER conversation_deleted AFTER DELETE ON conversation BEGIN
        INSERT INTO message_fts (message_fts, rowid, text, title)
            VALUES ('delete', -old.rowid, '', coalesce(old.title, ''));
        INSERT INTO conversation_fts (conversation_fts, rowid, title) VALUES ('delete', old.rowid, old.title);
    END
    """,
    """
    CREATE TRIGGER conversation_renamed AFTER UPDATE OF title ON conversation WHEN new.title IS NOT old.title BEGIN
        INSERT INTO message_fts (message_fts, rowid, text, title)
            VALUES ('delete', -old.rowid, '', coalesce(old.title, ''));
        INSERT INTO conversation_fts (conversation_fts, rowid, title) VALUES ('delete', old.rowid, old.title);
        INSERT INTO message_fts (rowid, text, title) VALUES (-new.rowid, '', coalesce(new.title, ''));
        INSERT INTO conversation_fts (rowid, title) VALUES (new.rowid, new.title);
    END
    """,
)


def tables(db: Database) -> None:
    """Make them all."""
    for statement in _STATEMENTS:
        db.execute(statement)
