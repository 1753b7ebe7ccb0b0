"""`routerterm stats` and `routerterm guard`, as a person calls them."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from routerterm.cli import guard_command, stats_command
from routerterm.core.errors import GuardBlocked
from routerterm.core.ledger import AttemptRecord
from routerterm.engine.usage.plot import bar, short
from routerterm.store.database import Store
from routerterm.store.guard_hits import GuardHit, GuardHits

NOW = time.time_ns() // 1_000_000
ROW = AttemptRecord(
    "a", 1, "tui", "smart", "openai", "gpt", NOW, outcome="done", ttft_ms=500, duration_ms=1500, input_tokens=1000,
    output_tokens=101, usage_source="reported", cost_nanousd=1_230_000_000, conversation_id="C",
)  # fmt: skip


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ROUTERTERM_HOME", str(tmp_path))
    return tmp_path


def fill(home: Path, *rows: AttemptRecord) -> None:
    async def write() -> None:
        store = Store.open(home / "history.db")
        for n, row in enumerate(rows):
            await store.ledger.settle(replace(row, id=f"{n}"))
        await store.close()

    asyncio.run(write())


def stats(*words: str) -> str:
    result = CliRunner().invoke(stats_command.command, words)
    assert result.exit_code == 0, result.output
    return result.output


def test_an_empty_book_is_said_to_be_empty(home: Path) -> None:
    assert stats() == "No requests in this period.\n"


def test_the_table_tells_costs_and_draws_them(home: Path) -> None:
    fill(home, ROW, replace(ROW, model="cheap", cost_nanousd=0), replace(ROW, model="mystery", cost_nanousd=None))
    shown = stats("--by", "model")
    lines = {line.split()[0]: line for line in shown.splitlines() if line}
    assert "$1.23" in lines["openai/gpt"]
    assert lines["openai/gpt"].endswith("█" * 24)
    assert " $0 " in lines["openai/cheap"]
    assert " ? " in lines["openai/mystery"]
    assert "$1.23+?" in lines["total"]
    assert "This month $1.23+? so far; projected this month: after 3 days with requests" in shown
    assert "3 requests" in shown
    assert "retries" in shown
    assert "cost by day" in shown


def test_one_of_a_thing_is_said_as_one(home: Path) -> None:
    fill(home, ROW)
    shown = stats()
    assert ", 1 request, " in shown
    assert "0 errors, 0 retries, 0 failovers" in shown


def test_plain_text_draws_what_the_screen_draws(home: Path) -> None:
    (home / "config.toml").write_text("[budget]\nday = 2\n")
    fill(home, *(replace(ROW, started_at=NOW - n * 86_400_000) for n in range(4)))
    shown = stats()
    assert "today  $1.23 of $2.00  62%" in shown
    assert "$0.77 left, resets in" in shown
    assert "projected this month ~$" in shown
    assert "today" in shown.partition("cost by day")[2]
    for words in ("cost by hour of the week", "Mon ", "time to first token, answers  p50 0.5 s", "4 requests"):
        assert words in shown


def test_a_narrow_terminal_keeps_what_matters(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(home, ROW)
    monkeypatch.setattr(stats_command, "width", lambda **_: 40)
    table = stats("--by", "model").rpartition("\n\n")[2].splitlines()
    assert all(len(line) <= 40 for line in table)
    assert "$1.23" in table[1]


def test_hostile_names_do_no_harm(home: Path) -> None:
    fill(home, replace(ROW, model="\x1b[31mred\n=cmd"), replace(ROW, route="=1+1"))
    assert "\x1b" not in stats("--by", "model")
    rows = list(csv.DictReader(io.StringIO(stats("--by", "route", "--csv"))))
    assert {row["name"] for row in rows} == {"smart", "'=1+1"}


def test_json_and_csv_lose_no_digit(home: Path) -> None:
    fill(home, replace(ROW, cost_nanousd=1_234_567_891))
    found = json.loads(stats("--json", "--days", "1"))
    assert found["total"]["cost"] == "1.234567891"
    assert len(found["lines"]) == 1
    assert found["month"]["expected"] is None
    assert (found["sampled_since"], found["reserved"]) == (None, "0.000000000")
    assert sum(float(day["cost"]) for day in found["calendar"]) == 1.234567891
    (row,) = csv.DictReader(io.StringIO(stats("--csv", "--by", "provider", "--all")))
    assert (row["name"], row["cost"], row["ttft_ms_p50"]) == ("openai", "1.234567891", "500")


def test_numbers_are_short_and_bars_in_proportion() -> None:
    assert [short(n) for n in (0, 999, 1_234, 12_345, 999_999, 4_560_000)] == [
        "0",
        "999",
        "1.23k",
        "12.3k",
        "1.00M",
        "4.56M",
    ]
    assert [bar(n / 8, 24) for n in (0, 8, 4)] == ["", "█" * 24, "█" * 12]
    assert bar(0.0001, 24) == "▏"


def guard(text: str, *words: str, home: Path, settings: str = "") -> tuple[int, str]:
    (home / "config.toml").write_text(settings)
    result = CliRunner().invoke(guard_command.command, ["test", text, *words])
    if isinstance(result.exception, GuardBlocked):
        return result.exception.exit_code, result.output
    assert result.exit_code == 0, result.output
    return 0, result.output


def test_the_guard_can_be_tried(home: Path) -> None:
    key = "sk-" + "x1" * 20
    code, shown = guard(f"key {key}", home=home)
    assert code == 0
    assert "api_key: redact, 1 found" in shown
    assert "[API_KEY_1]" in shown
    assert key not in shown


def test_a_refusal_is_exit_code_3(home: Path) -> None:
    rule = '[[guard.rules]]\nname = "plan"\naction = "block"\ncontains_any = ["plan"]\n'
    assert guard("the plan", home=home, settings=rule)[0] == 3
    assert guard("the idea", home=home, settings=rule) == (0, "Nothing found.\nIt would be sent as:\nthe idea\n")


def test_an_answer_can_be_tried_too(home: Path) -> None:
    rule = '[[guard.rules]]\nname = "x"\naction = "redact"\nregex = "h.t"\nroles = ["assistant"]\n'
    assert "a ███ cat" in guard("a hot cat", "--role", "assistant", home=home, settings=rule)[1]


async def test_hits_are_on_record_without_the_text(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "history.db")
    hits = GuardHits(store.writer, store.reader)
    for hit in (GuardHit(1, "a", "warn", "user"), GuardHit(2, "b", "block", "tool", 3, True, "C")):
        await hits.add(hit)
    assert list(await hits.newest()) == [
        GuardHit(2, "b", "block", "tool", 3, True, "C"),
        GuardHit(1, "a", "warn", "user"),
    ]
    await store.close()
