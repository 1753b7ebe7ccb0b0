"""Reads litellm's ``model_prices_and_context_window`` into rows of ours: for the shipped files, and for updates.

A price of zero is only believed where the provider calls the model free; elsewhere it means that nobody filled it
in, and the price is left unknown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from routerterm.catalog.rows import MILLION, Listing

NAMES: Mapping[str, str] = {
    "openai": "openai",
    "anthropic": "anthropic",
    "gemini": "gemini",
    "groq": "groq",
    "mistral": "mistral",
    "deepseek": "deepseek",
    "openrouter": "openrouter",
    "xai": "xai",
    "together": "together_ai",
    "fireworks": "fireworks_ai",
    "cerebras": "cerebras",
    "perplexity": "perplexity",
    "moonshot": "moonshot",
    "zai": "zai",
    "cohere": "cohere_chat",
    "minimax": "minimax",
    "alibaba": "dashscope",
    "sambanova": "sambanova",
    "deepinfra": "deepinfra",
    "nebius": "nebius",
    "hyperbolic": "hyperbolic",
    "novita": "novita",
    "vercel": "vercel_ai_gateway",
}
"""Our provider: its name in the list."""
PRICE_KEYS = (
    "input_cost_per_token",
    "output_cost_per_token",
    "cache_read_input_token_cost",
    "cache_creation_input_token_cost",
    "cache_creation_input_token_cost_above_1hr",
    "output_cost_per_reasoning_token",
)
"""In the order of `routerterm.catalog.values.Prices`."""
NOT_CHAT = re.compile(
    r"-tts|audio|image|embed|whisper|orpheus|realtime|live|transcribe|moderation|guard|ocr|robotics|imagen|veo|lyria"
    r"|banana|rerank|flux|stable-diffusion|computer-use|omni-flash|omni-1|voxtral-.*tts|\*|dall-e|sora|container"
    r"|diffusion|^(ada|babbage|curie|davinci|text-|code-)|instruct-0914",
    re.IGNORECASE,
)
"""Models that do not chat, by their names."""
FLAGS = {
    "v": "supports_vision",
    "t": "supports_function_calling",
    "r": "supports_reasoning",
    "p": "supports_assistant_prefill",
}
_ABOVE = re.compile(r"_above_(\d+)k_tokens$")
Row = dict[str, Any]


def listings(body: bytes, date: str, source: str) -> dict[str, Listing]:
    """The whole list by our providers.  Raises `ValueError` where it is not such a list."""
    rows = json.loads(body, parse_float=Decimal)
    if not isinstance(rows, dict) or not any(
        "litellm_provider" in row for row in rows.values() if isinstance(row, dict)
    ):
        raise ValueError("it is not litellm's list of models and prices")
    found = {provider: provider_rows(rows, provider) for provider in NAMES}
    return {provider: Listing(date, (source,), models) for provider, models in found.items() if models}


def provider_rows(rows: Mapping[str, Row], provider: str) -> dict[str, Row]:
    """The chat models of one of our providers, by the provider's own ids."""
    name, found = NAMES[provider], {}
    for key, row in rows.items():
        if row.get("litellm_provider") != name or row.get("mode") not in ("chat", "responses"):
            continue
        id = key.removeprefix(f"{name}/").removeprefix("zai/") if "/" in key else key
        if not NOT_CHAT.search(id) and not id.startswith("ft:"):
            made = from_litellm(provider, id, row)
            found[id] = {field: value for field, value in made.items() if value}
    return found


def price_text(price: Decimal | None) -> str | None:
    """A price as the shortest decimal text."""
    if price is None:
        return None
    plain = format(price, "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def prices_of(row: Row, suffix: str = "") -> list[str | None]:
    """A litellm row's prices in US dollars per million tokens."""
    values = [row.get(key + suffix) for key in PRICE_KEYS]
    if suffix:  # the hour's writes put their own mark before the tier's
        values[4] = row.get(f"cache_creation_input_token_cost_above_1hr{suffix}")
    prices = [None if value is None else Decimal(str(value)) * MILLION for value in values]
    for index in (2, 3, 4):  # nobody gives cache tokens away: a zero is an unfilled field
        prices[index] = prices[index] or None
    if prices[5] == prices[1]:
        prices[5] = None
    return trimmed([price_text(price) for price in prices])


def trimmed(prices: list[str | None]) -> list[str | None]:
    """Without the unknown ones at the end."""
    while prices and prices[-1] is None:
        prices.pop()
    return prices


def tiers_of(row: Row) -> list[list[Any]]:
    """Prices above a prompt size: ``[[200000, [input, output, …]], …]``; what a tier does not name stays the base's."""
    sizes = {int(match[1]) for key in row if (match := _ABOVE.search(key)) and row[key] is not None}
    if "tiered_pricing" in row:
        return _ranges(row["tiered_pricing"])
    tiers = []
    for size in sorted(sizes):
        above, base = prices_of(row, f"_above_{size}k_tokens"), prices_of(row)
        width = max(len(above), len(base))
        above += [None] * (width - len(above))
        base += [None] * (width - len(base))
        tiers.append([size * 1000, [high if high is not None else low for high, low in zip(above, base, strict=True)]])
    return tiers


CLASSES: Mapping[str, str] = {"flex": "flex", "priority": "priority", "batch": "batches"}
"""Our name of a class of service, and litellm's."""


def classes_of(row: Row) -> dict[str, Row]:
    """Prices of other classes of service: ``{"flex": {"prices": […], "tiers": […]}, …}``."""
    found: dict[str, Row] = {}
    for name, mark in CLASSES.items():
        prices = prices_of(row, f"_{mark}")
        if len(prices) < 2 or prices[0] is None or prices[1] is None or Decimal(prices[0]) == 0:
            continue
        ending = f"k_tokens_{mark}"
        sizes = {int(match[1]) for key in row if (match := re.search(rf"_above_(\d+){ending}$", key)) and row[key]}
        found[name] = {"prices": prices}
        if tiers := [[size * 1000, prices_of(row, f"_above_{size}{ending}")] for size in sorted(sizes)]:
            found[name]["tiers"] = tiers
    return found


def off_peak_of(row: Row) -> Row | None:
    """Cheaper hours: ``{"prices": […], "windows": [[days, from minute, to minute], …]}`` in UTC."""
    sale = row.get("off_peak_pricing")
    if not sale:
        return None
    windows = []
    for window in sale["windows"]:
        hours = [window["hours_utc"]] if isinstance(window["hours_utc"], str) else window["hours_utc"]
        for span in hours:
            start, end = (int(clock[:2]) * 60 + int(clock[3:]) for clock in span.split("-"))
            windows.append(["".join(map(str, window.get("weekdays", range(1, 8)))), start, end or 1440])
    return {"prices": prices_of(sale), "windows": windows}


def from_litellm(provider: str, id: str, row: Row) -> Row:
    """One of our rows."""
    known: Row = {
        "in": row.get("max_input_tokens"),
        "out": row.get("max_output_tokens"),
        "off": row.get("deprecation_date"),
    }
    known["flags"] = "".join(letter for letter, key in FLAGS.items() if row.get(key))
    ranges = row.get("tiered_pricing")
    known["prices"] = prices_of(ranges[0] if ranges else row)
    if is_unfilled(provider, id, known["prices"]):
        known["prices"] = []
    known["tiers"] = tiers_of(row)
    known["off_peak"] = off_peak_of(row)
    known["classes"] = classes_of(row) if known["prices"] else {}
    return known


def is_unfilled(provider: str, id: str, prices: list[str | None]) -> bool:
    """Whether zeros stand where nobody looked a price up."""
    zero = len(prices) < 2 or any(price is None or Decimal(price) == 0 for price in prices[:2])
    return zero and not (id.endswith(":free") or (provider == "gemini" and id.startswith("gemma")))


def _ranges(ranges: list[Row]) -> list[list[Any]]:
    """Tiers that are written as ranges of prompt sizes; the first is the base."""
    return [[int(tier["range"][0]), prices_of(tier)] for tier in ranges[1:]]
