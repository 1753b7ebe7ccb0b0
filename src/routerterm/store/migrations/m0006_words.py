"""An index of words that the tokenizer does not see: see `routerterm.store.words`.

Triggers note which rows it lacks, in plain SQL, so that any program may write to the file; it is filled before a
search.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

_ADD = "INSERT OR IGNORE INTO word_due (number) VALUES ({new});"
_TAKE = "DELETE FROM word_fts WHERE rowid = {old}; DELETE FROM word_due WHERE number = {old};"
_CHANGED = "new.status <> 'streaming' AND (old.status = 'streaming' OR new.text <> old.text)"
# Titles stand under negative numbers, as in ``message_fts``.
_TRIGGERS = (
    ("message_inserted", "INSERT ON message WHEN new.status <> 'streaming'", _ADD, ""),
    ("message_deleted", "DELETE ON message", _TAKE, ""),
    ("message_changed", f"UPDATE OF text, status ON message WHEN {_CHANGED}", _TAKE + _ADD, ""),
    ("title_inserted", "INSERT ON conversation", _ADD, "-"),
    ("title_deleted", "DELETE ON conversation", _TAKE, "-"),
    ("title_changed", "UPDATE OF title ON conversation WHEN new.title IS NOT old.title", _TAKE + _ADD, "-"),
)


def words(db: Database) -> None:
    """Make the index, what notes the rows it lacks, and note all that are there."""
    db.execute("CREATE VIRTUAL TABLE word_fts USING fts5(words, tokenize = 'unicode61 remove_diacritics 2')")
    db.execute("CREATE TABLE word_due (number INTEGER PRIMARY KEY)")
    for name, when, statement, sign in _TRIGGERS:
        body = statement.format(old=f"{sign}old.rowid", new=f"{sign}new.rowid")
        db.execute(f"CREATE TRIGGER word_{name} AFTER {when} BEGIN {body} END")
    db.execute("INSERT INTO word_due (number) SELECT rowid FROM message WHERE status <> 'streaming'")
    db.execute("INSERT INTO word_due (number) SELECT -rowid FROM conversation")
