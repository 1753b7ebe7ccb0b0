"""A person's history and books, always the same: for pictures of the screens, and for homes that are full."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

from routerterm.config.paths import Paths
from routerterm.core.ids import ulid
from routerterm.store.database import Store

NOW = 1_795_262_400_000
"""21 November 2026, 12:00 UTC, in milliseconds."""
HOUR = 3_600_000
TITLES = (
    "SQLite WAL checkpoints",
    "Pi cluster: fan curve",
    "Letter to the landlord",
    "Why is the sky dark at night",
    "Refactor the parser",
    "Bread at 80 % hydration",
    "tmux copy mode",
    "Tax on royalties",
    "Names for a cat",
    "Regex for ISO dates",
)
MODELS = (
    ("openai", "gpt-4o-mini", 9),
    ("anthropic", "claude-sonnet-4-6", 6),
    ("groq", "openai/gpt-oss-120b", 5),
    ("gemini", "gemini-2.5-flash", 4),
    ("deepseek", "deepseek-v4-flash", 2),
)
COLUMNS = [
    "id",
    "message_id",
    "conversation_id",
    "n",
    "client",
    "route",
    "provider",
    "model",
    "key_label",
    "outcome",
    "error_class",
    "http_status",
    "started_at",
    "ttft_ms",
    "duration_ms",
    "input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
    "usage_source",
    "cost_nanousd",
    "cost_source",
    "price_date",
    "saved_nanousd",
]


async def fill(paths: Paths, conversations: int = 40, attempts: int = 600, now: int = NOW) -> None:
    """Write that many of each, the newest an hour before ``now``."""
    paths.make()
    store = Store.open(paths.database)
    await store.start()

    def job(connection: Any) -> None:
        ids = list(_conversations(connection, conversations, now))
        connection.executemany(
            f"INSERT INTO attempt ({', '.join(COLUMNS)}) VALUES ({','.join('?' * len(COLUMNS))})",
            _attempts(attempts, ids, now),
        )

    await store.writer.write(job)
    await store.close()


def _conversations(connection: Any, count: int, now: int) -> Iterator[tuple[str, str]]:
    """Conversations of a question and an answer each: their ids, and those of the answers."""
    chance = random.Random(7)
    for n in range(count):
        at = now - HOUR - n * 5 * HOUR
        title = TITLES[n % len(TITLES)] + (f" {n // len(TITLES) + 1}" if n >= len(TITLES) else "")
        id, question, answer = (ulid(at, f"{kind}{n:09}".encode()) for kind in "CQA")
        provider, model, _ = MODELS[n % len(MODELS)]
        connection.execute(
            "INSERT INTO conversation (id, title, model, created_at, updated_at, head_id, pinned)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (id, title, f"{provider}/{model}", at, at, answer, n in (3, 8)),
        )
        said = (f"What do I have to know about this: {title}?", "Three things. " + "Word by word it goes on. " * 8)
        for role, message, parent, text in (
            ("user", question, None, said[0]),
            ("assistant", answer, question, said[1]),
        ):
            connection.execute(
                "INSERT INTO message (id, conversation_id, parent_id, role, parts, text, status, model, created_at,"
                " finished_at) VALUES (?, ?, ?, ?, ?, ?, 'done', ?, ?, ?)",
                (
                    *(message, id, parent, role, json.dumps([{"type": "text", "text": text}]), text),
                    *(None if role == "user" else f"{provider}/{model}", at + chance.randrange(999), at + 4000),
                ),
            )
        yield id, answer


def _attempts(count: int, ids: list[tuple[str, str]], now: int) -> Iterator[tuple[object, ...]]:
    """Requests over ninety days, more of them on some days than on others; one in twelve fails."""
    chance = random.Random(11)
    weights = [weight for *_, weight in MODELS]
    for n in range(count):
        provider, model, weight = chance.choices(MODELS, weights)[0]
        day = min(89.0, chance.expovariate(1 / 24)) + chance.random()
        at = now - HOUR - int(day * 24 * HOUR)
        failed = n % 12 == 5
        fresh, cached, out = chance.randrange(80, 5200), chance.choice((0, 0, 1800)), chance.randrange(40, 1900)
        cost = (fresh * 3 + out * 15) * weight * 40
        conversation, message = ids[n % len(ids)] if ids else (None, None)
        yield (
            *(ulid(at, f"T{n:09}".encode()), message, conversation, 1 + (n % 12 == 6), "tui"),
            *(("smart", "smart", "fast", "cheap")[n % 4], provider, model, ("main", "work")[n % 5 == 0]),
            *(("failed", "rate_limited", 429) if failed else ("done", None, 200)),
            *(at, None if failed else chance.randrange(180, 2600), chance.randrange(3000, 16000)),
            *((fresh, 0, 0, 0, 0) if failed else (fresh, cached, 0, out, 0)),
            *("estimated" if n % 7 == 0 else "reported", 0 if failed else cost, "computed", "2026-11-21"),
            None if failed else cached * 2400,
        )
