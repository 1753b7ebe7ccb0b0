"""A program in a terminal that answers slowly, and lives on when the terminal goes away."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from pathlib import Path

from routerterm.core.events import TextDelta
from routerterm.engine.chat.detached import DetachedReplies, detach_terminal, on_hangup
from routerterm.engine.chat.session import Session
from routerterm.store.database import Store
from tests.engine.fakes import Script, answer


async def main() -> None:
    store = Store.open(Path(sys.argv[1]))
    pieces = [f"piece {n} " for n in range(40)]
    script: list[object] = []
    for step in answer(*pieces):
        script += [step, 0.05] if isinstance(step, TextDelta) else [step]
    detached = DetachedReplies()
    session = Session(store, Script(script), detached=detached, checkpoint_every=0.1)
    hung_up = asyncio.Event()
    on_hangup(asyncio.get_running_loop(), hung_up.set)

    async def chat() -> None:
        async for event in session.send("tell me a long story"):
            if isinstance(event, TextDelta):
                with suppress(OSError):  # the terminal may be gone before the signal that says so
                    print(event.text, flush=True)

    chatting = asyncio.create_task(chat())
    await hung_up.wait()
    detach_terminal()
    finished = await detached.wait_for_replies(float(sys.argv[2]))
    if not finished:
        chatting.cancel()
    await asyncio.gather(chatting, return_exceptions=True)
    await store.close()


if __name__ == "__main__":
    asyncio.run(main())
