"""The soak test sees what it is there to see: each kind of loss, made on purpose, is counted."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.router.faults.provider import ANSWER
from tests.soak.__main__ import Line, Told, lost

SOUND = [("q", None, "user", "q-1", "done"), ("a", "q", "assistant", ANSWER, "done")]


def seen(tmp_path: Path, rows: list[tuple[object, ...]], outcomes: list[str], arrived: int = 1) -> dict[str, int]:
    told, line = Told(), Line()
    told.take("asked q-1")
    told.take("finished q-1")
    line.provider.counts["ok"] = arrived
    with closing(sqlite3.connect(tmp_path / "history.db")) as db:
        db.execute("CREATE TABLE message (id, parent_id, role, text, status)")
        db.execute("CREATE TABLE attempt (outcome)")
        db.executemany("INSERT INTO message VALUES (?, ?, ?, ?, ?)", rows)
        db.executemany("INSERT INTO attempt VALUES (?)", [(outcome,) for outcome in outcomes])
        db.commit()
    return {what: count for what, count, _ in lost(told, line, tmp_path / "history.db") if count}


def test_nothing_is_lost_where_all_is_there(tmp_path: Path) -> None:
    assert seen(tmp_path, list(SOUND), ["done"]) == {}


@pytest.mark.parametrize(
    ("rows", "outcomes", "arrived", "word"),
    [
        ([], ["done"], 1, "questions that were on disk"),
        ([SOUND[0], ("a", "q", "assistant", ANSWER, "interrupted")], ["done"], 1, "finished answers"),
        ([SOUND[0], ("a", "q", "assistant", ANSWER[:40], "done")], ["done"], 1, "no cut answer"),
        ([SOUND[0], ("a", "q", "assistant", "", "streaming")], ["done"], 1, "mid-air"),
        ([SOUND[0]], ["done"], 1, "answer's row"),
        (SOUND, ["running"], 1, "still running"),
        (SOUND, ["done"], 2, "in the ledger"),
    ],
)
def test_every_loss_is_seen(
    tmp_path: Path, rows: list[tuple[object, ...]], outcomes: list[str], arrived: int, word: str
) -> None:
    assert any(word in what for what in seen(tmp_path, rows, outcomes, arrived))
