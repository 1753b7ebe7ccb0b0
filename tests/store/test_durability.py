"""The disk at its worst, by a layer under SQLite's files: power cuts, slow syncs, no room, no right to write."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from routerterm.core.errors import StoreError
from routerterm.core.events import Event, Finished, TextDelta
from routerterm.core.request import ChatRequest
from routerterm.engine.chat.session import Session
from routerterm.store.database import Store
from tests.engine.fakes import Script, answer, said
from tests.store.seeds import sound
from tests.store.shim import Disk, worn

CUTS = int(os.environ.get("ROUTERTERM_POWER_CUTS", "25"))
"""How many power cuts are tried; a long run takes thousands."""


@pytest.fixture
def disk() -> Iterator[Disk]:
    disk = Disk()
    with worn(disk) as fits:
        if not fits:
            pytest.skip("this Python carries an SQLite of its own, which cannot be reached from outside")
        yield disk


class Watched(Script):
    """Notes how much the disk had been asked to do when each question was sent."""

    def __init__(self, disk: Disk) -> None:
        super().__init__()
        self.disk = disk
        self.sent: list[tuple[int, str]] = []

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Event]:
        self.sent.append((len(self.disk.log), request.messages[-1].text))
        async with aclosing(super().stream(request)) as events:
            async for event in events:
                yield event


async def test_questions_that_were_sent_and_finished_turns_survive_a_power_cut(disk: Disk, tmp_path: Path) -> None:
    disk.logging = True
    store = Store.open(tmp_path / "real" / "history.db")
    router = Watched(disk)
    session = Session(store, router, checkpoint_every=0.005)
    finished: list[tuple[int, str]] = []
    for n in range(30):
        words = [f"word{n}-{m} " * 40 for m in range(5)]
        script: list[object] = answer(*words)
        script[4:4] = [0.01]
        router.scripts.append(script)
        await said(session, f"question {n}")
        finished.append((len(disk.log), "".join(words)))
    await store.close()
    disk.logging = False

    chance = random.Random(7)
    for cut in sorted(chance.choices(range(1, len(disk.log) + 1), k=CUTS)):
        folder = tmp_path / f"cut{cut}-{chance.random()}"
        folder.mkdir()
        disk.image(cut, chance, folder)
        again = Store.open(folder / "history.db")
        opening = await again.start()
        assert opening.rescue is None, f"cut at {cut} of {len(disk.log)} damaged the file"
        expected = [text for at, text in finished if at <= cut]
        conversation = await again.conversations.latest()
        found = (await again.messages.page(conversation.id, 1000)).messages if conversation else ()
        kept = {m.text for m in found if m.status == "done"}
        assert set(expected) <= kept, f"cut at {cut}: {len(expected)} answers were finished, {len(kept)} are left"
        lost = {text for at, text in router.sent if at <= cut} - kept
        assert not lost, f"cut at {cut}: these had been sent, and are lost: {lost}"
        await again.close()
        sound(folder / "history.db")


async def test_a_slow_disk_is_never_felt(disk: Disk, tmp_path: Path) -> None:
    """Every sync takes 300 ms; the loop turns, pieces arrive and lists are read in the middle of each.

    How long its pauses are is measured by benchmarks/slow_disk.py.
    """
    store = Store.open(tmp_path / "history.db")
    await store.start()
    session = Session(store, Script(), checkpoint_every=0.05)
    session._router.scripts.append(  # type: ignore[attr-defined]
        [step for n in range(100) for step in (0.01, TextDelta(f"piece {n} "))] + answer()[-1:]
    )
    disk.sync_delay = 0.3
    turns: list[float] = []
    arrived: list[float] = []

    async def watch() -> None:
        while True:
            turns.append(time.perf_counter())
            await asyncio.sleep(0.005)

    watcher = asyncio.create_task(watch())
    async with aclosing(session.send("hello")) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                await store.conversations.page()
                arrived.append(time.perf_counter())
                if len(arrived) == 20:  # something else is written for good meanwhile
                    settling = asyncio.create_task(store.flush())
    watcher.cancel()
    await settling
    assert len(arrived) == 100
    assert len(disk.waits) >= 2, "the disk was never asked to sync: nothing was tried"
    for begin, end in disk.waits:
        assert sum(begin < at < end for at in turns) >= 3, "the loop stood still while the disk was syncing"
    assert any(begin < at < end for at in arrived for begin, end in disk.waits), "no piece came during a sync"
    disk.sync_delay = 0.0
    await store.close()


async def test_a_full_disk_is_said_and_the_answer_is_saved_when_there_is_room(disk: Disk, tmp_path: Path) -> None:
    store = Store.open(tmp_path / "history.db")
    await store.start()
    session = Session(store, Script(answer("A1")))
    await said(session, "Q1")

    disk.room = 0
    with pytest.raises(StoreError) as caught:
        await said(session, "Q2 " * 3000)
    assert "full" in caught.value.message
    assert caught.value.hint
    assert session._router.requests[1:] == []  # type: ignore[attr-defined]  # nothing left, nothing was paid
    disk.room = None
    assert [m.text for m in (await session.page()).messages] == ["Q1", "A1"]

    long = "x" * 50_000
    script = answer(long)
    session._router.scripts.append(script)  # type: ignore[attr-defined]
    seen: list[object] = []

    async def ask() -> None:
        async with aclosing(session.send("Q3")) as events:
            async for event in events:
                seen.append(event)
                if isinstance(event, TextDelta):
                    disk.room = 0

    with pytest.raises(StoreError):
        await ask()
    assert isinstance(seen[-1], Finished)
    assert session.unsaved
    disk.room = None
    await session.save_again()
    assert (await session.page()).messages[-1].text == long
    await store.close()
    sound(store.path)


async def test_a_file_system_that_turns_read_only_is_said(disk: Disk, tmp_path: Path) -> None:
    store = Store.open(tmp_path / "history.db")
    session = Session(store, Script(answer("A1"), [*answer("half ")[:-1], 0.05, *answer("whole")[2:]], answer("A3")))
    await said(session, "Q1")
    disk_turns = []

    async def ask() -> None:
        async with aclosing(session.send("Q2")) as events:
            async for event in events:
                disk_turns.append(event)
                disk.read_only = True

    with pytest.raises(StoreError) as caught:
        await ask()
    assert "read-only" in caught.value.message
    assert isinstance(disk_turns[-1], Finished)
    assert [m.text for m in (await session.page()).messages][:3] == ["Q1", "A1", "Q2"]
    disk.read_only = False
    await session.save_again()
    await said(session, "Q3")
    assert [m.text for m in (await session.page()).messages] == ["Q1", "A1", "Q2", "half whole", "Q3", "A3"]
    await store.close()
    sound(store.path)
