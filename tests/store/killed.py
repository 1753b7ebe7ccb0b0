"""A program to be killed: it chats, edits, regenerates, clones, imports and backs up, and says what it has done.

It prints a line the moment a promise is made: ``asked ID TEXT`` when a question is on disk, ``grown ID LENGTH TIME``
when a piece of an answer came, ``finished ID TEXT`` when an answer's end was passed on.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import sys
import time
from contextlib import aclosing
from pathlib import Path

from routerterm.core.events import Finished, TextDelta
from routerterm.engine.session import Session
from routerterm.engine.transfer import own
from routerterm.store.database import Store, milliseconds
from routerterm.store.upkeep import back_up, backups
from tests.engine.fakes import Script, answer


def tell(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


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
    told = False
    length = 0
    async with aclosing(events):
        async for event in events:
            reply = session.reply
            assert reply is not None
            if asked and not told:
                tell("asked", reply.turn.question_id, text)
                told = True
            if isinstance(event, TextDelta):
                length += len(event.text)
                tell("grown", reply.turn.reply_id, length, time.time())
            if isinstance(event, Finished):
                tell("finished", reply.turn.reply_id, "".join(pieces).strip().replace(" ", "_"))


async def chat(store: Store, seed: int) -> None:
    chance = random.Random(seed)
    session = Session(store, Script(), checkpoint_every=0.05)
    number = seed * 1000
    while True:
        number += 1
        await turn(session, chance, number)
        if chance.random() < 0.2:
            conversation = session.conversation
            assert conversation is not None
            await store.conversations.change(conversation.id, title=f"title {number}", pinned=chance.random() < 0.5)
        if chance.random() < 0.1:
            session = Session(store, session._router, (await session.clone()).id, checkpoint_every=0.05)


async def keep_backing_up(store: Store) -> None:
    while True:
        for old in backups(store.path):
            old.unlink()
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
        await store.transfer.carry_in(own.from_json(body))
        tell("asked", f"{id}-199", f"{'imported_199_' * 20}")
        await asyncio.sleep(0.1)


async def main() -> None:
    store = Store.open(Path(sys.argv[1]))
    seed = int(sys.argv[2])
    await store.start()
    tell("open")
    await asyncio.gather(
        chat(store, seed), chat(store, seed + 500), keep_backing_up(store), keep_importing(store, seed)
    )


if __name__ == "__main__":
    asyncio.run(main())
