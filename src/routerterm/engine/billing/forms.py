"""The forms in which providers export usage and costs.

Each form is known by columns that no other has.  Sources: OpenAI's dashboard export (help.openai.com 8554956;
columns as in its Usage and Costs API), Anthropic's Console (support.claude.com 9534590), OpenRouter's activity export
(openrouter.ai/docs, `activity` and `generation`), Google's billing reports and cost table
(cloud.google.com/billing/docs/how-to/cost-table).  Mistral documents no file of columns: see `mistral`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from msgspec import Struct

from routerterm.engine.billing.numbers import Row
from routerterm.engine.billing.values import BillLine, TokenClass


class Form(Struct, frozen=True):
    """A form of export: how it is known, and how a line of it is read."""

    provider: str
    name: str
    columns: frozenset[str]
    """Names (in small letters) that must all be there."""
    read: Callable[[Row], Iterator[BillLine]]
    zone: str = "UTC"
    currency: tuple[str, ...] = ()
    """Columns that may name a currency; without one amounts are US dollars."""


def _openai_usage(row: Row) -> Iterator[BillLine]:
    """Input includes what came from the cache.  Lines of empty stretches of time have no model."""
    day, model, batch = row.day("start_time_iso", "start_time"), row.text("model"), row.text("batch").lower() == "true"
    cached = row.tokens("input_cached_tokens")
    fresh = max(0, row.tokens("input_tokens") - cached)
    yield from _classes(BillLine(day, day, model, batch=batch), fresh, cached, 0, row.tokens("output_tokens"))


def _openai_costs(row: Row) -> Iterator[BillLine]:
    """A line item reads ``gpt-5.6-terra, input``; where costs are not grouped there is none."""
    day, cost = row.day("start_time_iso", "start_time"), row.money("amount_value")
    if cost is not None:
        yield BillLine(day, day, row.text("line_item").partition(",")[0].strip(), cost=cost)


def _anthropic_usage(row: Row) -> Iterator[BillLine]:
    day, batch = row.day("usage_date_utc"), "batch" in row.text("usage_type").lower()
    written = row.tokens("usage_input_tokens_cache_write_5m") + row.tokens("usage_input_tokens_cache_write_1h")
    yield from _classes(
        BillLine(day, day, row.text("model_version"), batch=batch),
        row.tokens("usage_input_tokens_no_cache"),
        row.tokens("usage_input_tokens_cache_read"),
        written,
        row.tokens("usage_output_tokens"),
    )


def _anthropic_costs(row: Row) -> Iterator[BillLine]:
    """Models by their names for people (``Claude Haiku 4.5``), in whole cents."""
    day, batch = row.day("usage_date_utc"), "batch" in row.text("usage_type").lower()
    yield BillLine(day, day, row.text("model"), cost=row.money("cost_usd"), batch=batch)


def _openrouter_requests(row: Row) -> Iterator[BillLine]:
    day, cached = row.day("created_at"), row.tokens("tokens_cached")
    line = BillLine(day, day, row.text("model_permaslug"))
    fresh = max(0, row.tokens("tokens_prompt") - cached)
    yield from _classes(line, fresh, cached, 0, row.tokens("tokens_completion"))
    yield BillLine(day, day, line.model, cost=row.money("cost_total"))


def _openrouter_days(row: Row) -> Iterator[BillLine]:
    """Prompt tokens are not told apart by cache here, so only answers are held against the ledger's."""
    day, model = row.day("date"), row.text("slug", "model")
    yield BillLine(day, day, model, "output", row.tokens("completion tokens", "completion_tokens"))
    yield BillLine(day, day, model, cost=row.money("usage"))


_GOOGLE_MODEL = re.compile(r"gemini \d+(?:\.\d+)? (?:pro|flash|ultra|nano)(?: lite)?", re.IGNORECASE)
_GOOGLE_CHAT = ("gemini api", "generative language api", "vertex ai")


def _google(row: Row) -> Iterator[BillLine]:
    """Google names models and classes in the words of a SKU: ``Generate content output token count gemini 3.8 flash``.

    A line without a day and a sum at the end belong to no service.
    """
    service, sku = row.text("service description").lower(), row.text("sku description")
    if service not in _GOOGLE_CHAT:
        return
    first = row.day("usage start date", "date")
    last = row.day("usage end date", "date")
    words = sku.replace("_", " ").replace("-", " ").lower()
    found = _GOOGLE_MODEL.search(words)
    cost = row.money("unrounded subtotal ($)", "unrounded cost ($)", "subtotal ($)", "cost ($)")
    batch = "batch" in words
    model = found.group().replace(" ", "-") if found else sku
    kind = _google_class(words) if found and not row.text("credit type") else None
    amount = row.tokens("usage amount") if kind is not None else None
    yield BillLine(first, last, model, kind=kind, tokens=amount, cost=cost, batch=batch)


def _google_class(words: str) -> TokenClass | None:
    if "token count" not in words or any(other in words for other in ("image output", "audio", "storage", "video")):
        return None
    if "output" in words:
        return "output"
    return "cache read" if "cach" in words else "input"


def _classes(line: BillLine, fresh: int, read: int, written: int, output: int) -> Iterator[BillLine]:
    counts: tuple[tuple[TokenClass, int], ...] = (
        ("input", fresh),
        ("cache read", read),
        ("cache write", written),
        ("output", output),
    )
    for kind, tokens in counts:
        if tokens:
            yield BillLine(line.first, line.last, line.model, kind, tokens, batch=line.batch)


FORMS = (
    Form("openai", "OpenAI usage export", frozenset({"start_time", "input_tokens", "output_tokens"}), _openai_usage),
    Form(
        "openai",
        "OpenAI cost export",
        frozenset({"start_time", "amount_value"}),
        _openai_costs,
        currency=("amount_currency",),
    ),
    Form(
        "anthropic",
        "Anthropic usage export",
        frozenset({"usage_date_utc", "model_version", "usage_output_tokens"}),
        _anthropic_usage,
    ),
    Form("anthropic", "Anthropic cost export", frozenset({"usage_date_utc", "model", "cost_usd"}), _anthropic_costs),
    Form(
        "openrouter",
        "OpenRouter activity export",
        frozenset({"created_at", "cost_total", "model_permaslug"}),
        _openrouter_requests,
    ),
    Form(
        "openrouter",
        "OpenRouter activity by day",
        frozenset({"date", "usage", "requests"}),
        _openrouter_days,
    ),
    Form(
        "gemini",
        "Google Cloud billing report",
        frozenset({"date", "service description", "sku description"}),
        _google,
        zone="America/Los_Angeles",
    ),
    Form(
        "gemini",
        "Google Cloud cost table",
        frozenset({"usage start date", "service description", "sku description"}),
        _google,
        zone="America/Los_Angeles",
    ),
)
"""In the order in which they are tried."""
