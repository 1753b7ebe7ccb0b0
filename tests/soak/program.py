"""A program of the soak test: it chats, and says on a line of its own what it was promised the moment it was.

    python -m tests.soak.program SEED

``asked TEXT`` when a question is on disk, ``finished TEXT``, ``failed TEXT CLASS`` and ``stopped TEXT`` when an
answer's end is, ``jumped SECONDS`` when its clock was moved.  It ends when the file ``stop`` lies in its home.
"""

from __future__ import annotations

import random
import sys
import time

OFFSET = [0.0]
_true_time = time.time
time.time = lambda: _true_time() + OFFSET[0]  # before anything of ours reads a clock
time.time_ns = lambda: int(time.time() * 1e9)

import asyncio  # noqa: E402
from contextlib import aclosing  # noqa: E402

from routerterm.core.errors import RoutertermError  # noqa: E402
from routerterm.core.events import Failed, Finished, TextDelta  # noqa: E402
from routerterm.wiring import Services, open_app  # noqa: E402
from tests.soak.faults import FAULTS  # noqa: E402

DAY = 86_400
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
        conversation, turns, number = None, 0, 0
        while not stop.exists():
            number += 1
            if turns >= TURNS or chance.random() < 0.1:
                conversation, turns = None, 0
            if chance.random() < 0.05:
                OFFSET[0] += chance.choice((-1, 1)) * chance.uniform(1, 2 * DAY)
                tell("jumped", round(OFFSET[0]))
            fault = chance.choice(FAULTS)
            model = f"{fault}/model" if chance.random() < 0.3 else f"to-{fault}"
            conversation = await ask(services, conversation, f"q-{seed}-{number}", model, chance)
            turns += 1


async def ask(services: Services, conversation: str | None, text: str, model: str, chance: random.Random) -> str | None:
    """One question; the conversation to go on in."""
    session = services.session(conversation)
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
    if end is not None:
        tell(*end)
    return session.conversation.id if session.conversation else conversation


if __name__ == "__main__":
    asyncio.run(chat(sys.argv[1]))
