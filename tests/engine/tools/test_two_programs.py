"""Two programs whose answers call tools at the same time: the caps hold over both, to the nano-dollar."""

from __future__ import annotations

import json
import os
import subprocess
from decimal import Decimal
from pathlib import Path

from routerterm.config.paths import Paths
from routerterm.core.ledger import AttemptRecord
from routerterm.wiring import open_services
from tests.cli.program import PROGRAM
from tests.driver.homes import PRICED, configure, priced
from tests.driver.provider import Answer, Provider, serving

WRITTEN = 300
"""Tokens of each step: $0.30."""
STEP = 100 * 1_000_000 + WRITTEN * 1_000_000
"""Nano-dollars of one step, at $1,000 a million tokens."""


def steps(notes: Path, count: int) -> list[Answer]:
    return [
        Answer(
            "",
            call=("read_file", json.dumps({"path": "notes.txt", "first_line": n + 1, "lines": 1})),
            tokens=(100, WRITTEN),
            pause=0.05,
            obeys=True,
        )
        for n in range(count)
    ]


def both(environ: dict[str, str], *arguments: str) -> list[int]:
    """Two of them at once; the codes they end with."""
    command = [*PROGRAM, "ask", "--tool", "read_file", "--no-stream", *arguments, "Read my notes."]
    running = [
        subprocess.Popen(command, env=os.environ | environ, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(2)
    ]
    return [process.wait(timeout=240) for process in running]


async def ledger(paths: Paths, environ: dict[str, str]) -> list[list[AttemptRecord]]:
    """The rows of each answer, by their steps."""
    services = await open_services(paths, environ, loading="never")
    try:
        found = []
        for conversation in await services.store.conversations.beginning(""):
            reply = (await services.session(conversation.id).page()).messages[-1]
            rows = await services.store.ledger.rows(reply.id)
            found.append(sorted(rows, key=lambda row: row.step or 0))
        return found
    finally:
        await services.close()


def home(tmp_path: Path, provider: Provider, more: str) -> tuple[Paths, dict[str, str]]:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "notes.txt").write_text("".join(f"line {n}\n" for n in range(1, 90)))
    environ = {"ROUTERTERM_HOME": str(tmp_path / "home")}
    paths = Paths.find(environ)
    tools = f'[tools]\nfetch = "off"\nfolders = ["{notes}"]\n'
    configure(paths, priced(provider, 1000, 1000) + tools + more, default=PRICED)
    return paths, environ


async def test_dollars_of_a_day_hold_over_both_and_each_step_was_reserved(tmp_path: Path) -> None:
    day = Decimal("7.00")
    with serving(*steps(tmp_path, 60)) as provider:
        more = f"steps = 40\nusd = 1000\n[budget]\nday = {day}\non_cap = 'block'\n"
        paths, environ = home(tmp_path, provider, more)
        assert both(environ) == [3, 3]
        rows = [row for answer in await ledger(paths, environ) for row in answer]
        asked = [row for row in rows if row.outcome == "done"]
        assert len(asked) == len(provider.asked)
        assert all(row.cost_nanousd is not None and row.cost_nanousd <= STEP for row in asked)
        spent = sum(row.cost_nanousd or 0 for row in rows)
        assert spent <= int(day * 10**9)
        assert spent > int(day * 10**9) * 3 // 4  # and nothing of it was held back for good


async def test_steps_and_dollars_of_one_answer_are_counted_in_each_by_itself(tmp_path: Path) -> None:
    with serving(*steps(tmp_path, 60)) as provider:
        paths, environ = home(tmp_path, provider, "steps = 4\nusd = 1000\n")
        both(environ, "--approve", "all")
        answers = await ledger(paths, environ)
        assert [[row.step for row in rows if row.outcome == "done"] for rows in answers] == [[1, 2, 3, 4]] * 2
        assert len(provider.asked) == 8
        assert ["tool_choice" in body and body["tool_choice"] == "none" for body in provider.asked].count(True) == 2
        paths.config_file.write_text(paths.config_file.read_text().replace("usd = 1000", "usd = 1.00"))
        assert both(environ) == [3, 3]
        spent = [sum(row.cost_nanousd or 0 for row in rows) for rows in await ledger(paths, environ)]
        assert len(spent) == 4
        assert sorted(spent)[2:] == [4 * STEP] * 2
        assert all(STEP <= each <= 10**9 for each in sorted(spent)[:2])
