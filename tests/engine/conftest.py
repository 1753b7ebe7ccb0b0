from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from routerterm.store.database import Store
from tests.engine.fakes import store_in


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = store_in(tmp_path)
    yield store
    await store.close()
