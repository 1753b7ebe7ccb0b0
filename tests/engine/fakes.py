"""A router that says what it is told to say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path

from routerterm.core.events import AttemptStarted, Event, Finished, RouteDecided, TextDelta, Timing
from routerterm.core.money import FREE
from routerterm.core.request import ChatRequest
from routerterm.core.targets import Candidate, Decision, Target
from routerterm.core.usage import Usage
from routerterm.engine.chat.session import Session
from routerterm.store.database import Store

TARGET = Target("demo", "echo")
DECISION = Decision("any", "priority", (Candidate(TARGET, "first of any"),))


def answer(*pieces: str, target: Target = TARGET) -> list[Event]:
    """The events of an answer that goes well."""
    usage = Usage(fresh=3, output=len(pieces))
    return [
        RouteDecided(DECISION),
        AttemptStarted(1, target, None, "first of any"),
        *map(TextDelta, pieces),
        Finished("stop", target, usage, FREE, Timing(5, 9)),
    ]


class Script:
    """Streams one list of events per request; an exception in it is raised, a float is slept, an Event awaited."""

    def __init__(self, *scripts: Sequence[Event | Exception | float | asyncio.Event]) -> None:
        self.scripts = list(scripts)
        self.requests: list[ChatRequest] = []
        self.closed = 0

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Event]:
        self.requests.append(request)
        script = self.scripts.pop(0) if self.scripts else answer(f"you said: {request.messages[-1].text}")
        try:
            for step in script:
                match step:
                    case Exception():
                        raise step
                    case float():
                        await asyncio.sleep(step)
                    case asyncio.Event():
                        await step.wait()
                    case _:
                        yield step
        finally:
            self.closed += 1


async def said(session: Session, text: str, **options: object) -> list[Event]:
    """All events of one turn."""
    async with aclosing(session.send(text, **options)) as events:  # type: ignore[arg-type]
        return [event async for event in events]


def store_in(folder: Path) -> Store:
    """A history in a folder of the test's own."""
    return Store.open(folder / "history.db")
