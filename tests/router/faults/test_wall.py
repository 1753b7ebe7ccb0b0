"""Every fault ends in the whole answer or in one clear error."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from tests.router.faults.wall import WALL, Row, lay_all, wrong

SCALE = float(os.environ.get("ROUTERTERM_FAULT_SCALE", "0.05"))
"""1 for the waits as they are in use: some minutes."""


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    laid = asyncio.run(lay_all(SCALE))
    if SCALE < 0.2 and any(wrong(row) for row in laid):
        # a busy machine takes longer for a word than the shortened waits allow: what counts is said with longer ones
        laid = asyncio.run(lay_all(4 * SCALE))
    return laid


@pytest.mark.parametrize("behind", ["backed", "alone"])
@pytest.mark.parametrize("place", range(len(WALL)), ids=[brick.title for brick in WALL])
def test_fault(rows: list[Row], place: int, behind: str) -> None:
    row = rows[2 * place + (behind == "alone")]
    assert row.brick == WALL[place]
    assert wrong(row) == []


def test_a_missing_usage_is_estimated_and_says_so(rows: list[Row]) -> None:
    for row in rows:
        if row.brick.fault == "no_usage":
            assert row.usage_source == "estimated"
            assert row.ledger[0].usage_source == "estimated"
            assert (row.ledger[0].output_tokens or 0) > 20
        elif row.brick.fault == "ok":
            assert row.usage_source == "reported"


def test_the_rows_that_the_page_names_are_laid() -> None:
    page = (Path(__file__).parents[3] / "docs" / "wall-of-faults.md").read_text("utf-8")
    table = page.partition("| what | rows |")[2].partition("\n\n")[0].splitlines()[2:]
    named = {row.strip() for line in table for row in line.split("|")[2].split(";")}
    beside = {"twenty requests during one of 20 s (below the table)"}
    assert len(table) == 9
    assert named - beside <= {brick.title for brick in WALL}


def test_no_message_holds_a_key(rows: list[Row]) -> None:
    assert not any("sk-test" in row.message for row in rows)


def test_refused_attempts_cost_nothing_and_silent_ones_are_not_said_to(rows: list[Row]) -> None:
    by_class = {record.error_class: record for row in rows for record in row.ledger}
    assert by_class["bad_credential"].input_tokens == 0
    assert (by_class["silent"].input_tokens or 0) > 0
