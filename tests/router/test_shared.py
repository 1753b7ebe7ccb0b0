"""Two programs of one person share health and cooldowns through the store."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from tests.router.faults.provider import running


async def program(database: Path, base: str, times: int) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.router._program", str(database), base, str(times),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, errors.decode()
    found: dict[str, Any] = json.loads(out)
    return found


async def test_what_one_program_learned_the_next_one_knows(tmp_path: Path) -> None:
    async with running() as server:
        base = f"http://127.0.0.1:{server.port}"
        first = await program(tmp_path / "history.db", base, 3)
        assert "primary/model" in first["asked"]
        before = server.counts["down"]
        second = await program(tmp_path / "history.db", base, 1)
        assert second["asked"] == ["backup/model"], "the breaker that the first program opened is open"
        assert server.counts["down"] == before
        assert "retried in" in second["reasons"]["primary/model"]
        assert "cools" in second["reasons"]["third/model"]


async def test_two_programs_at_once_leave_a_sick_model_alone(tmp_path: Path) -> None:
    async with running() as server:
        base = f"http://127.0.0.1:{server.port}"
        await asyncio.gather(*(program(tmp_path / "history.db", base, 8) for _ in range(2)))
        assert server.counts["down"] <= 8, "five open it; what was under way in the other may be added"
        assert server.counts["rate_forever"] <= 4
