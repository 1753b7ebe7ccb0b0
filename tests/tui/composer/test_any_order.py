"""Whatever the order of quick keys, and however slow the disk: every word and file is kept, nothing is asked twice."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from sqlite3 import Connection
from typing import Any

import pytest

from routerterm.config.paths import Paths
from routerterm.store.worker import Worker
from routerterm.tui.chat import attachments
from tests.driver import in_process
from tests.driver.homes import configure

STEPS = ("word", "word", "word", "enter", "enter", "file", "file", "drop", "escape", "new", "next", "settle")
KEYS = {"escape": "escape", "new": "f2", "next": "alt+down"}
PAUSES = (0, 0, 0.05, 0.2)
"""Seconds that a write takes longer, or the reading of a file."""
SEEDS = int(os.environ.get("ROUTERTERM_ORDERS", "4"))


def hold_up(monkeypatch: pytest.MonkeyPatch, chance: random.Random) -> None:
    """A disk that is slow in no foreseeable way."""
    write, read = Worker.write, attachments.load

    def slowly(self: Worker, job: Callable[[Connection], Any], **more: Any) -> Any:
        def slow(connection: Connection) -> Any:
            time.sleep(chance.choice(PAUSES))
            return job(connection)

        return write(self, slow, **more)

    def load(*arguments: Any, **more: Any) -> Any:
        time.sleep(chance.choice(PAUSES))
        return read(*arguments, **more)

    monkeypatch.setattr(Worker, "write", slowly)
    monkeypatch.setattr(attachments, "load", load)


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_every_word_is_kept_and_nothing_is_asked_twice(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = random.Random(seed)
    configure(paths, default="demo/slow")
    hold_up(monkeypatch, chance)
    words, names = [], []
    async with in_process(paths, (160, 40)) as it:
        for number in range(40):
            match chance.choice(STEPS):
                case "word":
                    words.append(f"w{number:02}x")
                    await it.burst(f"{words[-1]} ")
                case "enter":
                    await it.burst("\r")
                case "file" | "drop" as how:
                    names.append(f"f{number:02}.txt")
                    path = tmp_path / names[-1]
                    path.write_text("what stands in it")
                    if how == "drop":
                        await it.paste(f"{path} ")
                    else:
                        await it.app.action_command("attach", str(path))
                case "settle":
                    await asyncio.sleep(chance.choice((0.02, 0.2)))
                case key:
                    await it.press(KEYS[key])
        await it.press("ctrl+q")
        await it.ended()
    asked = "\n".join(row["parts"] for row in it.history.rows("SELECT parts FROM message WHERE role = 'user'"))
    drafts = it.history.rows("SELECT draft AS text FROM conversation UNION ALL SELECT value FROM meta")
    said = asked + "\n".join(str(row["text"]) for row in drafts)
    attached = said + "\n".join(row["facts"] for row in it.history.rows("SELECT facts FROM draft_file"))
    assert [
        (word, asked.count(word), said.count(word)) for word in words if word not in said or asked.count(word) > 1
    ] == []
    assert [name for name in names if name not in attached] == []
    assert [name for name in names if asked.count(f'"name":"{name}"') > 1] == []
