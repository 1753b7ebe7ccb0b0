"""A program to be killed: it chats, edits, regenerates, clones, imports and backs up, and says what it has done.

It prints a line the moment a promise is made: ``asked ID TEXT TIME`` when a question was sent, ``imported ID TEXT
TIME`` when a conversation was, ``grown ID LENGTH TIME`` when a piece of an answer came, ``finished ID
TEXT TIME`` when an answer's end was passed on and the disk had taken it.

    python -m tests.store.killed FILE SEED [full|read-only|bad]

``full`` and ``read-only`` let the disk refuse now and then, by a layer under SQLite's files; with ``bad`` somebody
else sees to that.  What the disk refuses is tried again, as the interface does.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import sqlite3
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager, aclosing, nullcontext, suppress
from pathlib import Path

from routerterm.core.errors import StoreError
from routerterm.core.events import Event, Finished, TextDelta
from routerterm.core.messages import Message
from routerterm.engine.chat.reply import RunningReply
from routerterm.engine.chat.session import Session
from routerterm.engine.transfer import native_format
from routerterm.store.database import Store, milliseconds
from routerterm.store.maintenance import back_up, backups
from tests.engine.fakes import Script, answer
from tests.store.shim import Disk, worn

TROUBLED = sys.argv[3] if len(sys.argv) > 3 else ""
DISK = Disk()


def refused() -> AbstractContextManager[object]:
    """What a disk that is in trouble may refuse."""
    return suppress(StoreError) if TROUBLED else nullcontext()


def tell(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def refused_by_the_system() -> AbstractContextManager[object]:
    return suppress(sqlite3.Error, OSError, StoreError) if TROUBLED else nullcontext()


async def turn(session: Session, chance: random.Random, number: int) -> None:
    pieces = [f"w{number}-{n} " for n in range(chance.randint(1, 60))]
    script: list[object] = list(answer(*pieces))
    for at in sorted(chance.sample(range(2, len(script)), k=min(6, len(script) - 2)), reverse=True):
        script.insert(at, chance.random() * 0.02)
    session._router.scripts.append(script)  # type: ignore[attr-defined]
    text = f"question-{number}"
    page = await session.page()
    way = chance.random()
    questions = [m for m in page.messages if m.role == "user"]
    if way < 0.2 and questions:
        events, asked = session.edit(chance.choice(questions).id, text), True
    elif way < 0.4 and questions:
        events, asked = session.regenerate(chance.choice(questions).id), False
    else:
        events, asked = session.send(text), True
    try:
        await follow(session, events, asked, text)
    except StoreError:
        if not TROUBLED:
            raise
        while session.unsaved:
            await asyncio.sleep(0.02)
            with suppress(StoreError):
                await session.save_again()
                reply = session.reply
                assert reply is not None
                told_finished(reply)


async def follow(session: Session, events: AsyncGenerator[Event], asked: bool, text: str) -> None:
    told = False
    length = 0
    async with aclosing(events):
        async for event in events:
            reply = session.reply
            assert reply is not None
            if asked and not told:
                tell("asked", reply.turn.question_id, text, time.time())
                told = True
            if isinstance(event, TextDelta):
                length += len(event.text)
                tell("grown", reply.turn.reply_id, length, time.time())
            if isinstance(event, Finished) and reply.saved:
                told_finished(reply)


def told_finished(reply: RunningReply) -> None:
    text = Message("assistant", reply.builder.parts()).text
    tell("finished", reply.turn.reply_id, text.strip().replace(" ", "_"), time.time())


async def chat(store: Store, seed: int) -> None:
    chance = random.Random(seed)
    session = Session(store, Script(), checkpoint_every=0.05)
    number = seed * 1000
    while True:
        number += 1
        await turn(session, chance, number)
        if chance.random() < 0.2:
            conversation = session.conversation
            with refused():
                if conversation is not None:
                    await store.conversations.change(
                        conversation.id, title=f"title {number}", pinned=chance.random() < 0.5
                    )
        if chance.random() < 0.1 and session.conversation is not None:
            with refused():
                session = Session(store, session._router, (await session.clone()).id, checkpoint_every=0.05)


async def keep_backing_up(store: Store) -> None:
    while True:
        with refused_by_the_system():
            for old in backups(store.path):
                old.unlink()
        with refused_by_the_system():
            await asyncio.to_thread(back_up, store.path, milliseconds(), lambda: False)
        await asyncio.sleep(0.05)


async def keep_importing(store: Store, seed: int) -> None:
    for n in itertools.count():
        id = f"I{seed}-{n}"
        messages = [
            {"id": f"{id}-{m}", "role": "user", "created_at": m, "parent_id": f"{id}-{m - 1}" if m else None}
            | {"parts": [{"type": "text", "text": f"imported {m} " * 20}]}
            for m in range(200)
        ]
        body = {"id": id, "title": id, "created_at": 1, "updated_at": 2, "messages": messages}
        with refused():
            await store.transfer.import_conversation(native_format.from_json(body))
            tell("imported", f"{id}-199", f"{'imported_199_' * 20}", time.time())
        await asyncio.sleep(0.1)


async def spoil(disk: Disk, seed: int) -> None:
    """A disk that is full, or may only be read, now and then."""
    chance = random.Random(seed)
    while True:
        await asyncio.sleep(chance.random() * 0.1)
        disk.room, disk.read_only = (chance.randint(0, 30_000), False) if TROUBLED == "full" else (None, True)
        await asyncio.sleep(chance.random() * 0.1)
        disk.room, disk.read_only = None, False


async def main() -> None:
    store = Store.open(Path(sys.argv[1]))
    seed = int(sys.argv[2])
    await store.start()
    tell("open")
    work = [chat(store, seed), chat(store, seed + 500), keep_backing_up(store), keep_importing(store, seed)]
    await asyncio.gather(*work, *([spoil(DISK, seed)] if TROUBLED in ("full", "read-only") else []))


if __name__ == "__main__":
    with worn(DISK) if TROUBLED in ("full", "read-only") else nullcontext():
        asyncio.run(main())
