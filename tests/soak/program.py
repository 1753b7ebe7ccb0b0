"""A program of the soak test: it chats, and says on a line of its own what it was promised the moment it was.

    python -m tests.soak.program SEED

``asked TEXT`` when a question is on disk, ``finished TEXT``, ``failed TEXT CLASS`` and ``stopped TEXT`` when an
answer's end is, ``unsaved TEXT`` when the disk did not take it yet.  It ends when the file ``stop`` lies in its home.
"""

from __future__ import annotations

from tests.soak import trouble  # before anything of ours reads a clock  # isort: skip

import asyncio
import random
import sys
from contextlib import aclosing

from routerterm.core.errors import RoutertermError, StoreError
from routerterm.core.events import Failed, Finished, TextDelta
from routerterm.engine.chat.session import Session
from routerterm.wiring import open_app
from tests.soak.faults import FAULTS

TURNS = 12
"""Questions in one conversation."""


def tell(*words: object) -> None:
    """Say it at once: what was said before a kill counts."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


async def chat(seed: str) -> None:
    """Ask until told to stop."""
    chance = random.Random(seed)
    async with open_app() as services:
        stop = services.paths.data / "stop"
        session, turns, number = services.session(), 0, 0
        while not stop.exists():
            number += 1
            if turns >= TURNS or chance.random() < 0.1:
                session, turns = services.session(), 0
            fault = chance.choice(FAULTS)
            model = f"{fault}/model" if chance.random() < 0.3 else f"to-{fault}"
            await ask(session, f"q-{seed}-{number}", model, chance)
            turns += 1


async def ask(session: Session, text: str, model: str, chance: random.Random) -> None:
    """One question."""
    stop_after = chance.randrange(1, 20) if chance.random() < 0.08 else None
    told, pieces, end = False, 0, None
    try:
        async with aclosing(session.send(text, model=model)) as events:
            async for event in events:
                if not told:
                    told = True
                    tell("asked", text)
                if isinstance(event, TextDelta):
                    pieces += 1
                    if pieces == stop_after:
                        end = ("stopped", text)
                        break
                elif isinstance(event, Finished):
                    end = ("finished", text)
                elif isinstance(event, Failed):
                    end = ("failed", text, type(event.error).__name__)
    except RoutertermError as error:
        end = ("failed" if told else "refused", text, type(error).__name__)
    if session.unsaved:
        tell("unsaved", text)
        await _saved(session)
    if end is not None:
        tell(*end)


async def _saved(session: Session) -> None:
    """When the disk has taken what it did not take before."""
    while session.unsaved:
        await asyncio.sleep(0.2)
        try:
            await session.save_again()
        except StoreError:
            continue


if __name__ == "__main__":
    trouble.expose(sys.argv[1], tell)
    asyncio.run(chat(sys.argv[1]))
