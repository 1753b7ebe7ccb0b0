"""The person is told when half and when most of a cap is used up: in the chat, once each."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.tui.chat.program import answered, configure, running, say, until

from routerterm.config.paths import Paths
from routerterm.core.ledger import AttemptRecord
from routerterm.store.database import Store, milliseconds


async def test_the_chat_warns_at_half_of_a_cap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUTERTERM_HOME", str(tmp_path))
    paths = Paths.find()
    configure(paths, '[budget]\nday = "2.00"\n')
    row = AttemptRecord(
        "a", 1, "tui", "any", "openai", "gpt", milliseconds(), outcome="done", cost_nanousd=1_100_000_000,
        usage_source="reported", cost_source="computed",
    )  # fmt: skip
    store = Store.open(paths.database)
    await store.ledger.settle(row)
    await store.close()
    async with running(paths) as (app, pilot):
        assert app.services is not None
        await say(pilot, "hello")
        await answered(app, pilot)
        await until(pilot, lambda: any("$1.10 of $2.00, 55%" in notice.message for notice in app._notifications))
        assert await app.services.budget_warnings() == ()
        await app.services.store.ledger.settle(replace(row, id="b", cost_nanousd=600_000_000))
        assert await app.services.budget_warnings() == ("Budget: today $1.70 of $2.00, 85%.",)
