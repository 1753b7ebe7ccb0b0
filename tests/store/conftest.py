from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from routerterm.store.database import Store


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = Store.open(tmp_path / "history.db")
    yield store
    await store.close()
