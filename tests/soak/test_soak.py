"""The soak test sees what it is there to see: each kind of loss, made on purpose, is counted."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.router.faults.provider import ANSWER
from tests.soak.checks import flat, lost, price
from tests.soak.programs import Told
from tests.soak.provider import Line

SOUND = [
    ("q", None, "user", "q-1", "done"),
    ("a", "q", "assistant", ANSWER, "done"),
    ("i", None, "user", "i-1", "done"),
]
BOOKED = ("ok", "done", "reported", 1001, 70, price(1001), None)
CALLS = '{"n": 1}\n{"n": 2}\n'


def seen(
    tmp_path: Path,
    rows: list[tuple[object, ...]],
    attempts: list[tuple[object, ...]],
    calls: str = CALLS,
    **more: object,
) -> set[str]:
    told, line = Told(), Line()
    told.take("asked q-1")
    told.take("finished q-1")
    told.imported.add("i-1")
    told.wrong += more.get("wrong", [])  # type: ignore[arg-type, call-overload]
    line.provider.counts["ok"] = 1
    line.provider.billed = {1001: "ok"}
    (tmp_path / "written").write_text(calls)
    with closing(sqlite3.connect(tmp_path / "history.db")) as db:
        db.execute("CREATE TABLE message (id, parent_id, role, text, status)")
        db.execute(
            "CREATE TABLE attempt (provider, outcome, usage_source, input_tokens, output_tokens, cost_nanousd,"
            " held_nanousd)"
        )
        db.executemany("INSERT INTO message VALUES (?, ?, ?, ?, ?)", rows)
        db.executemany("INSERT INTO attempt VALUES (?, ?, ?, ?, ?, ?, ?)", attempts)
        db.commit()
    return {what for what, count, _ in lost(told, line, tmp_path / "history.db", tmp_path / "written") if count}


def test_nothing_is_lost_where_all_is_there(tmp_path: Path) -> None:
    assert seen(tmp_path, list(SOUND), [BOOKED]) == set()


@pytest.mark.parametrize(
    ("rows", "attempts", "word"),
    [
        (SOUND[1:], [BOOKED], "questions that were on disk"),
        ([*SOUND, ("q2", None, "user", "q-1", "done")], [BOOKED], "no question is there twice"),
        ([SOUND[0], ("a", "q", "assistant", ANSWER, "interrupted"), SOUND[2]], [BOOKED], "finished answers"),
        ([SOUND[0], ("a", "q", "assistant", ANSWER[:40], "done"), SOUND[2]], [BOOKED], "no cut answer"),
        ([SOUND[0], ("a", "q", "assistant", "", "streaming"), SOUND[2]], [BOOKED], "mid-air"),
        ([SOUND[0], SOUND[2]], [BOOKED], "answer's row"),
        (SOUND[:2], [BOOKED], "what was imported is there"),
        ([*SOUND, SOUND[2]], [BOOKED], "no imported message is there twice"),
        (SOUND, [BOOKED, ("ok", "running", "reserved", None, None, 5, None)], "still running"),
        (SOUND, [], "in the ledger"),
        (SOUND, [BOOKED, BOOKED], "booked twice"),
        (SOUND, [(*BOOKED[:5], 1, None)], "charged so"),
        (SOUND, [("ok", "done", "reported", 1002, 70, price(1002), None)], "charged so"),
        (SOUND, [("ok", "failed", "estimated", None, None, 0, None)], "has a row"),
        (SOUND, [BOOKED, ("ok", "lost", "reserved", None, None, 0, None)], "never free"),
    ],
)
def test_every_loss_is_seen(
    tmp_path: Path, rows: list[tuple[object, ...]], attempts: list[tuple[object, ...]], word: str
) -> None:
    assert any(word in what for what in seen(tmp_path, rows, attempts))


def test_calls_twice_and_ends_of_programs_are_seen(tmp_path: Path) -> None:
    found = seen(tmp_path, list(SOUND), [BOOKED], calls=CALLS * 2, wrong=["it crashed"])
    assert found == {"no call of a tool was carried out twice", "no program ended, hung or crashed by itself"}


def test_memory_that_grows_is_seen() -> None:
    assert flat([30.0, 40, 41, 40, 41, 40, 42, 41])[0] == 0
    assert flat([40.0 + number for number in range(40)])[0] == 1
