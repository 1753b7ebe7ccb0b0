"""Make the catalogue's data files from the price lists inside two downloaded wheels.

    pip download --no-deps litellm genai-prices -d WHEELS
    python scripts/make_catalog.py WHEELS --date 2026-11-21

litellm's `model_prices_and_context_window` (MIT) leads; genai-prices (MIT) fills the models and cache prices that it
lacks.  Neither is needed to run the program.  A price of zero is only believed where the provider calls the model
free; elsewhere such a row means that nobody filled it in, and the price is left unknown.
"""

from __future__ import annotations

import argparse
import importlib
import json
import re
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent.parent / "src/routerterm/catalog/data/models"
MILLION = Decimal(1_000_000)
SOURCES: dict[str, tuple[str, str]] = {
    "openai": ("openai", "openai"),
    "anthropic": ("anthropic", "anthropic"),
    "gemini": ("gemini", "google"),
    "groq": ("groq", "groq"),
    "mistral": ("mistral", "mistral"),
    "deepseek": ("deepseek", "deepseek"),
    "openrouter": ("openrouter", "openrouter"),
    "xai": ("xai", "x-ai"),
    "together": ("together_ai", "together"),
    "fireworks": ("fireworks_ai", "fireworks"),
    "cerebras": ("cerebras", "cerebras"),
    "perplexity": ("perplexity", "perplexity"),
    "moonshot": ("moonshot", "moonshotai"),
    "zai": ("zai", "zai"),
    "cohere": ("cohere_chat", "cohere"),
    "minimax": ("minimax", "minimax"),
    "sambanova": ("sambanova", ""),
    "deepinfra": ("deepinfra", ""),
    "nebius": ("nebius", ""),
    "hyperbolic": ("hyperbolic", ""),
    "novita": ("novita", "novita"),
}
"""Our provider: its name in litellm's list, and in genai-prices'."""

BASE = ("input_cost_per_token", "output_cost_per_token", "cache_read_input_token_cost")
WRITE = (
    "cache_creation_input_token_cost",
    "cache_creation_input_token_cost_above_1hr",
    "output_cost_per_reasoning_token",
)
PRICE_KEYS = BASE + WRITE
"""In the order of `routerterm.catalog.values.Prices`."""
GENAI_KEYS = (
    "input_mtok",
    "output_mtok",
    "cache_read_mtok",
    "cache_write_mtok",
    "cache_write_1h_mtok",
    "output_reasoning_mtok",
)
NOT_CHAT = re.compile(
    r"-tts|audio|image|embed|whisper|orpheus|realtime|live|transcribe|moderation|guard|ocr|robotics|imagen|veo|lyria"
    r"|banana|rerank|flux|stable-diffusion|computer-use|omni-flash|omni-1|voxtral-.*tts|\*|dall-e|sora|container|diffusion"
    r"|^(ada|babbage|curie|davinci|text-|code-)|instruct-0914",
    re.IGNORECASE,
)
ABOVE = re.compile(r"_above_(\d+)k_tokens$")
FLAGS = {
    "v": "supports_vision",
    "t": "supports_function_calling",
    "r": "supports_reasoning",
    "p": "supports_assistant_prefill",
}
UNKNOWN = "?"
"""In place of the flags, where no source says what a model can do."""
Row = dict[str, Any]


@dataclass
class Sources:
    """The two price lists as they stand in the wheels."""

    litellm: dict[str, Row]
    genai: dict[str, Any]
    versions: list[str] = field(default_factory=list)


def read_wheels(folder: Path) -> Sources:
    """Open the newest litellm and genai-prices wheels of a folder."""
    litellm, genai = (sorted(folder.glob(pattern))[-1] for pattern in ("litellm-*.whl", "genai_prices-*.whl"))
    with zipfile.ZipFile(litellm) as wheel:
        name = next(name for name in wheel.namelist() if "model_prices_and_context_window" in name)
        rows = json.loads(wheel.read(name), parse_float=Decimal)
    sys.path.insert(0, str(genai))
    providers = importlib.import_module("genai_prices.data").providers
    versions = [" ".join(wheel.name.split("-")[:2]).replace("_", "-") + " (MIT)" for wheel in (litellm, genai)]
    return Sources(rows, {provider.id: provider for provider in providers}, versions)


def litellm_rows(sources: Sources, name: str) -> dict[str, Row]:
    """The chat models of one provider in litellm's list, by the provider's own id."""
    found: dict[str, Row] = {}
    for key, row in sources.litellm.items():
        if row.get("litellm_provider") != name or row.get("mode") not in ("chat", "responses"):
            continue
        id = key.removeprefix(f"{name}/").removeprefix("zai/") if "/" in key else key
        if NOT_CHAT.search(id) or id.startswith("ft:"):
            continue
        found[id] = row
    return found


def text(price: Decimal | None) -> str | None:
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
    return trimmed([text(price) for price in prices])


def trimmed(prices: list[str | None]) -> list[str | None]:
    """Without the unknown ones at the end."""
    while prices and prices[-1] is None:
        prices.pop()
    return prices


def tiers_of(row: Row) -> list[list[Any]]:
    """Prices above a prompt size: ``[[200000, [input, output, …]], …]``; what a tier does not name stays the base's."""
    sizes = {int(match[1]) for key in row if (match := ABOVE.search(key)) and row[key] is not None}
    tiers = []
    for size in sorted(sizes):
        above, base = prices_of(row, f"_above_{size}k_tokens"), prices_of(row)
        width = max(len(above), len(base))
        above += [None] * (width - len(above))
        base += [None] * (width - len(base))
        tiers.append([size * 1000, [high if high is not None else low for high, low in zip(above, base, strict=True)]])
    return tiers


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
    known["prices"] = prices_of(row)
    if is_unfilled(provider, id, known["prices"]):
        known["prices"] = []
    known["tiers"] = tiers_of(row)
    known["off_peak"] = off_peak_of(row)
    return known


def is_unfilled(provider: str, id: str, prices: list[str | None]) -> bool:
    """Whether zeros stand where nobody looked a price up."""
    zero = len(prices) < 2 or any(price is None or Decimal(price) == 0 for price in prices[:2])
    return zero and not (id.endswith(":free") or (provider == "gemini" and id.startswith("gemma")))


def genai_models(sources: Sources, name: str) -> Iterator[tuple[str, Any, Any]]:
    """Chat models of one provider in genai-prices with the prices of now."""
    for model in sources.genai[name].models if name else ():
        if not NOT_CHAT.search(model.id):
            yield model.id, model, model.get_prices(datetime.now(UTC))


def from_genai(provider: str, id: str, model: Any, price: Any) -> Row:
    """One of our rows, where litellm has none: no capabilities are known there."""
    values = [getattr(price, key) for key in GENAI_KEYS]
    starts = sorted({tier.start for value in values if hasattr(value, "tiers") for tier in value.tiers})
    base = trimmed([text(getattr(value, "base", value)) for value in values])
    tiers = [[start, trimmed([text(at(value, start)) for value in values])] for start in starts]
    row: Row = {"context": model.context_window, "flags": UNKNOWN, "prices": base, "tiers": tiers}
    if is_unfilled(provider, id, base):
        row["prices"] = []
    return row


def at(value: Any, start: int) -> Decimal | None:
    """A tiered price just above a size."""
    for tier in reversed(getattr(value, "tiers", [])):
        if start >= tier.start:
            return tier.price  # type: ignore[no-any-return]
    return getattr(value, "base", value)  # type: ignore[no-any-return]


def fill(row: Row, model: Any, price: Any) -> None:
    """Take from genai-prices what litellm leaves open: the whole window, cache prices."""
    window, most_in, most_out = model.context_window, row.get("in"), row.get("out")
    if window and most_in and most_out and window == most_in + most_out:
        row["context"] = window
    base = [text(getattr(getattr(price, key), "base", getattr(price, key))) for key in GENAI_KEYS]
    prices = row["prices"]
    if prices[:2] == base[:2] and not row["tiers"]:
        prices += [None] * (len(base) - len(prices))
        row["prices"] = trimmed([mine or theirs for mine, theirs in zip(prices, base, strict=True)])


def abilities(sources: Sources, id: str) -> str:
    """The flags of an OpenRouter model, taken from its own maker's row or another broker's."""
    plain = id.partition(":")[0]
    maker, _, model = plain.partition("/")
    makers = {"google": "gemini", "x-ai": "xai", "mistralai": "mistral"}
    names = (f"vercel_ai_gateway/{plain}", f"{makers.get(maker, maker)}/{model}", model, model.replace(".", "-"))
    for name in names:
        if name in sources.litellm:
            return "".join(letter for letter, key in FLAGS.items() if sources.litellm[name].get(key))
    return UNKNOWN


def make(sources: Sources, provider: str) -> dict[str, Row]:
    """All rows of one provider."""
    litellm, genai = SOURCES[provider]
    rows = {id: from_litellm(provider, id, row) for id, row in litellm_rows(sources, litellm).items()}
    if genai:
        for id, row in rows.items():
            if (model := sources.genai[genai].find_model(id)) is not None:
                fill(row, model, model.get_prices(datetime.now(UTC)))
    for id, model, price in genai_models(sources, genai):
        if id not in rows:
            rows[id] = from_genai(provider, id, model, price)
            if provider == "openrouter":
                rows[id]["flags"] = abilities(sources, id)
    return {id: {key: value for key, value in rows[id].items() if value} for id in sorted(rows)}


def write(provider: str, rows: dict[str, Row], date: str, versions: list[str]) -> None:
    """One model a line, so that a price change is a change of one line."""
    head = json.dumps({"date": date, "sources": versions})[:-1]
    lines = ",\n".join(f"{json.dumps(id)}: {json.dumps(row, separators=(',', ':'))}" for id, row in rows.items())
    (DATA / f"{provider}.json").write_text(f'{head}, "models": {{\n{lines}\n}}}}\n', encoding="utf-8")


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheels", type=Path, help="folder with the downloaded wheels")
    parser.add_argument("--date", required=True, help="ISO date at which they were downloaded")
    arguments = parser.parse_args()
    sources = read_wheels(arguments.wheels)
    DATA.mkdir(parents=True, exist_ok=True)
    for provider in SOURCES:
        rows = make(sources, provider)
        write(provider, rows, arguments.date, sources.versions)
        priced = sum(bool(row.get("prices")) for row in rows.values())
        print(f"{provider:12} {len(rows):4} models, {priced:4} with a price")


if __name__ == "__main__":
    main()
