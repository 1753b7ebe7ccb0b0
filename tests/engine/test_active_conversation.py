"""The draft of the conversation on show: what is kept last is what was written last, however slow the disk is."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from routerterm.core.files import Draft
from routerterm.engine.chat.active_conversation import ActiveConversation


class SlowDrafts:
    """Writes in the order in which it is asked to, each once it is let go."""

    def __init__(self) -> None:
        self.kept = Draft()
        self.lets_go = asyncio.Semaphore(0)
        self.fails = False

    async def save(self, id: str | None, draft: Draft) -> None:
        await self.lets_go.acquire()
        if self.fails:
            raise OSError("the disk is full")
        self.kept = draft


@pytest.fixture
def drafts() -> SlowDrafts:
    return SlowDrafts()


@pytest.fixture
def active(drafts: SlowDrafts) -> ActiveConversation:
    session = SimpleNamespace(conversation=None)
    services: Any = SimpleNamespace(store=SimpleNamespace(drafts=drafts), session=lambda *_, **__: session)
    made = ActiveConversation(lambda: services)
    assert made.session is session
    return made


async def save_all(active: ActiveConversation, drafts: SlowDrafts, *texts: str) -> None:
    tasks = [asyncio.create_task(active.save_draft(lambda text=text: Draft(text))) for text in texts]
    await asyncio.sleep(0)
    for _ in texts:
        drafts.lets_go.release()
    await asyncio.gather(*tasks)


async def test_what_comes_back_while_the_disk_is_slow_is_kept(active: ActiveConversation, drafts: SlowDrafts) -> None:
    await save_all(active, drafts, "written")
    await save_all(active, drafts, "", "written")  # sent, and given back before it was off the disk
    assert drafts.kept.text == "written"


async def test_what_could_not_be_kept_is_kept_later(active: ActiveConversation, drafts: SlowDrafts) -> None:
    drafts.fails = True
    with pytest.raises(OSError, match="full"):
        await save_all(active, drafts, "written")
    drafts.fails = False
    await save_all(active, drafts, "written")
    assert drafts.kept.text == "written"


async def test_what_is_called_off_is_kept_later(active: ActiveConversation, drafts: SlowDrafts) -> None:
    task = asyncio.create_task(active.save_draft(lambda: Draft("written")))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await save_all(active, drafts, "written")
    assert drafts.kept.text == "written"
