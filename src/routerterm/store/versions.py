"""Questions that several models answered, with what became of each answer."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import groupby

from msgspec import Struct

CHOSEN = "chosen"
"""Where an answer's ``params`` say that it was chosen in compare."""
MOST_QUESTIONS = 2_000
"""The newest of them are looked at."""


class AnswerRow(Struct, frozen=True):
    """One answer.  Times are milliseconds since the epoch."""

    question_id: str
    text: str
    """The question's."""
    images: bool
    """The question has one."""
    model: str
    created_at: int
    finished_at: int
    chosen: bool
    continued: bool
    shown: bool


_SQL = """
WITH asked AS (
    SELECT parent_id AS id, max(created_at) AS newest FROM message
    WHERE role = 'assistant' AND status = 'done' AND model IS NOT NULL AND parent_id IS NOT NULL
        AND json_extract(params, '$.edited') IS NULL
    GROUP BY parent_id HAVING count(DISTINCT model) > 1 ORDER BY newest DESC LIMIT ?
)
SELECT q.id, q.text, instr(q.parts, '"image"') > 0, m.model, m.created_at, coalesce(m.finished_at, m.created_at),
    json_extract(m.params, '$.chosen') IS NOT NULL, EXISTS (SELECT 1 FROM message n WHERE n.parent_id = m.id),
    c.head_id IS m.id
FROM asked JOIN message q ON q.id = asked.id JOIN message m ON m.parent_id = q.id
    JOIN conversation c ON c.id = m.conversation_id
WHERE m.role = 'assistant' AND m.status = 'done' AND m.model IS NOT NULL AND c.deleted_at IS NULL
    AND json_extract(m.params, '$.edited') IS NULL
ORDER BY asked.newest DESC, q.id, m.created_at, m.id
"""


def answered_by_several(connection: sqlite3.Connection) -> list[tuple[AnswerRow, ...]]:
    """The answers to each question that more than one model answered, newest question first.

    What a person has worded themselves is no model's answer.
    """
    return [tuple(rows) for _, rows in groupby(_rows(connection), key=lambda row: row.question_id)]


def _rows(connection: sqlite3.Connection) -> Iterator[AnswerRow]:
    for row in connection.execute(_SQL, (MOST_QUESTIONS,)):
        id, text, images, model, created_at, finished_at, chosen, continued, shown = row
        became = bool(chosen), bool(continued), bool(shown)
        yield AnswerRow(id, text, bool(images), model, created_at, finished_at, *became)
