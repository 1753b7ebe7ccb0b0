"""What must hold when the soak test is over: nothing lost, nothing twice, the money as it was charged, memory flat."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from statistics import fmean
from typing import TypeAlias

from tests.router.faults.provider import ANSWER, COMPLETION
from tests.soak.faults import PRICE_IN, PRICE_OUT
from tests.soak.programs import Told
from tests.soak.provider import Line

Held: TypeAlias = tuple[str, int, str]
"""What must hold, how often it does not, and the figures."""
WARM = 0.25
"""The share of a program's life after which its memory is taken as what it holds at rest."""
GROWTH = 1.10
"""How much more it may hold in the last quarter than in the second."""


def lost(told: Told, line: Line, database: Path, written: Path | None = None) -> Iterator[Held]:
    """Each promise."""
    with closing(sqlite3.connect(database)) as db:
        yield from _history(told, db)
        yield from _imports(told, db)
        yield from money(line, db)
    if written is not None and written.exists():
        calls = Counter(json.loads(row)["n"] for row in written.read_text().splitlines())
        yield "no call of a tool was carried out twice", sum(calls.values()) - len(calls), f"{len(calls)} calls"
    for name, megabytes in told.memory.items():
        yield f"memory of {name} is flat", *flat(megabytes)
    yield "no program ended, hung or crashed by itself", len(told.wrong), "; ".join(told.wrong)[:3000]


def flat(megabytes: list[float]) -> tuple[int, str]:
    """Whether it grows no more once it is warm; 1 where it does."""
    quarter = max(1, len(megabytes) // 4)
    first, last = fmean(megabytes[quarter : 2 * quarter] or megabytes), fmean(megabytes[-quarter:])
    figures = f"second quarter {first:.1f} MB, last {last:.1f}, most {max(megabytes):.1f} ({len(megabytes)} looks)"
    return int(last > first * GROWTH), figures


def _history(told: Told, db: sqlite3.Connection) -> Iterator[Held]:
    rows = db.execute("SELECT id, parent_id, role, text, status FROM message").fetchall()
    asked = {id: text for id, _, role, text, _ in rows if role == "user" and not text.startswith("i-")}
    questions = {text: id for id, text in asked.items()}
    answers: dict[str, list[tuple[str, str]]] = {}
    for _, parent, role, text, status in rows:
        if role == "assistant":
            answers.setdefault(parent, []).append((text, status))
    ours = [answer for id in asked for answer in answers.get(id, ())]
    yield "questions that were on disk are there", len(told.asked - questions.keys()), f"{len(told.asked)} asked"
    twice = len(asked) - len(questions)
    yield "no question is there twice", twice, f"{len(questions)} questions"
    finished = [text for text, end in told.ends.items() if end == "finished"]
    kept = {text for text, id in questions.items() if any(status == "done" for _, status in answers.get(id, ()))}
    gone = [text for text in finished if text not in kept]
    yield "finished answers are there, and done", len(gone), f"{len(finished)} finished {gone[:5]}"
    torn = sum(status == "done" and text != ANSWER for text, status in ours)
    whole = sum(status == "done" for _, status in ours)
    yield "no cut answer passes for a whole one", torn, f"{whole} whole"
    statuses = Counter(status for _, status in ours)
    figures = ", ".join(f"{n} {what}" for what, n in statuses.most_common())
    yield "no answer hangs in mid-air", statuses["streaming"], figures
    orphans = sum(id not in answers for id in asked)
    yield "every question has its answer's row", orphans, f"{len(asked)} questions"
    broken = [row[0] for row in db.execute("PRAGMA integrity_check") if row[0] != "ok"]
    broken += [str(row) for row in db.execute("PRAGMA foreign_key_check")]
    yield "the database is sound", len(broken), "integrity and foreign keys"


def _imports(told: Told, db: sqlite3.Connection) -> Iterator[Held]:
    texts = Counter(row[0] for row in db.execute("SELECT text FROM message WHERE text LIKE 'i-%'"))
    missing = told.imported - texts.keys()
    yield "what was imported is there", len(missing), f"{len(told.imported)} messages"
    yield "no imported message is there twice", sum(texts.values()) - len(texts), f"{len(texts)} messages"


def money(line: Line, db: sqlite3.Connection) -> Iterator[Held]:
    """The ledger against what the provider saw and charged: each request was charged for a number of its own."""
    rows = db.execute(
        "SELECT provider, outcome, usage_source, input_tokens, output_tokens, cost_nanousd, held_nanousd FROM attempt"
    ).fetchall()
    outcomes = Counter(row[1] for row in rows)
    figures = ", ".join(f"{n} {what}" for what, n in outcomes.most_common())
    arrived = line.provider.counts
    # what meets a reset on a kept connection is sent once more on a new one, and that is still one attempt
    more = {
        fault: number // (1 + (fault == "reset_before_headers")) - sum(row[0] == fault for row in rows)
        for fault, number in arrived.items()
    }
    unbooked = sum(number for number in more.values() if number > 0)
    figures += "".join(f"; {fault} {number} too many" for fault, number in more.items() if number > 0)
    yield "every request that arrived is in the ledger", unbooked, f"{arrived.total()} arrived; {figures}"
    yield "no attempt is still running", outcomes["running"], ""
    billed = line.provider.billed or {}
    reported = [row for row in rows if row[2] == "reported"]
    booked = Counter(row[3] for row in reported)
    wrong = [row for row in reported if billed.get(row[3]) != row[0] or row[4] != COMPLETION or row[5] != price(row[3])]
    yield (
        "what is booked as reported was charged so",
        len(wrong),
        _dollars(sum(row[5] or 0 for row in reported), len(reported)),
    )
    yield "nothing is booked twice", booked.total() - len(booked), f"{len(booked)} charges"
    missing = [tokens for tokens in billed if tokens not in booked]
    unsure = Counter(row[0] for row in rows if row[2] != "reported" and (row[5] or row[6] or row[5] is None))
    unknown = Counter(billed[tokens] for tokens in missing)
    unexplained = sum(max(0, number - unsure[fault]) for fault, number in unknown.items())
    charged = _dollars(sum(map(price, billed)), len(billed))
    away = _dollars(sum(map(price, missing)), len(missing))
    figures = f"{charged} charged, of it {away} while none listened: {dict(unknown)}"
    yield "a charge nobody took note of has a row", unexplained, figures
    estimated = _dollars(sum(row[5] or 0 for row in rows if row[2] != "reported"), sum(unsure.values()))
    free = sum(row[1] in ("lost", "cut", "cancelled") and not row[5] and row[5] is not None for row in rows)
    yield "what was cut off is never free", free, f"{estimated} counted for them"


def price(tokens: int) -> int:
    """Nano-dollars of a request."""
    return tokens * PRICE_IN * 1_000 + COMPLETION * PRICE_OUT * 1_000


def _dollars(nano: int, times: int) -> str:
    return f"${nano / 1e9:.6f} ({times} ×)"
