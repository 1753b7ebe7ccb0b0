"""kill -9 at random moments while it streams, edits, clones, imports and backs up; the count is printed.

``ROUTERTERM_KILLS=300`` is the long run.  An answer is checkpointed here every 0.05 s instead of every second, so
that what may be missing is about a twentieth of what a person may miss.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from routerterm.store.database import Store
from routerterm.store.upkeep import backups
from tests.store.seeds import sound

KILLS = int(os.environ.get("ROUTERTERM_KILLS", "6"))
MISSING = 1.0
"""Seconds of an answer that may be missing: twenty checkpoints, for a machine that is busy with other tests."""


def killed_after(path: Path, seed: int, seconds: float) -> tuple[list[list[str]], float]:
    """Run the program, kill it, and what it had promised by then, and when it died."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.store.killed", str(path), str(seed)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    opened = process.stdout.readline()
    assert opened == "open\n", "it did not open"
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    at = time.time()
    lines = process.stdout.read().splitlines(keepends=True)
    process.wait()
    return [line.split() for line in lines if line.endswith("\n")], at


async def test_no_kill_loses_a_question_or_a_finished_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "history.db"
    chance = random.Random(11)
    asked: dict[str, str] = {}
    finished: dict[str, str] = {}
    partial = 0
    for n in range(KILLS):
        promises, died = killed_after(path, n + 1, chance.uniform(0.0, 0.8))
        grown: dict[str, list[tuple[int, float]]] = {}
        for word, id, *rest in promises:
            if word == "asked":
                asked[id] = rest[0]
            elif word == "finished":
                finished[id] = rest[0].replace("_", " ")
            else:
                grown.setdefault(id, []).append((int(rest[0]), float(rest[1])))
        if n % 2:  # sometimes the next program opens it first, sometimes a look from outside
            store = Store.open(path)
            assert (await store.start()).rescue is None
            await store.close()
        sound(path)
        rows = {row[0]: row[1:] for row in _rows(path)}
        assert all(rows[id][0].replace(" ", "_") == text for id, text in asked.items())
        assert all(rows[id][0].strip() == text for id, text in finished.items())
        assert all(rows[id][1] == "done" for id in finished)
        for id, steps in grown.items():
            if id not in finished:
                partial += 1
                due = max((length for length, at in steps if at < died - MISSING), default=0)
                assert len(rows[id][0]) >= due
        for backup in backups(path):
            sound(backup)
    store = Store.open(path)
    await store.start()
    assert (
        await store.reader.read(
            lambda connection: connection.execute("SELECT count(*) FROM message WHERE status = 'streaming'").fetchone()[
                0
            ]
        )
        == 0
    )
    await store.close()
    with capsys.disabled():
        print(
            f"\n{KILLS} kills: {len(asked)} questions and {len(finished)} finished answers kept,"
            f" {partial} answers were cut short"
        )


def _rows(path: Path) -> list[tuple[str, str, str]]:
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT id, text, status FROM message").fetchall()
    connection.close()
    return rows
