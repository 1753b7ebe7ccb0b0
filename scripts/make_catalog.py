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
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from routerterm.catalog.litellm_list import FLAGS, NAMES, NOT_CHAT, is_unfilled, price_text, provider_rows, trimmed
from routerterm.catalog.rows import UNKNOWN_ABILITIES

DATA = Path(__file__).parent.parent / "src/routerterm/catalog/data/models"
GENAI = {
    "gemini": "google",
    "xai": "x-ai",
    "moonshot": "moonshotai",
    **{name: name for name in ("openai", "anthropic", "groq", "mistral", "deepseek", "openrouter", "together")},
    **{name: name for name in ("fireworks", "cerebras", "perplexity", "zai", "cohere", "minimax", "novita")},
}
"""Our provider: its name in genai-prices, where it is known there."""
GENAI_KEYS = (
    "input_mtok",
    "output_mtok",
    "cache_read_mtok",
    "cache_write_mtok",
    "cache_write_1h_mtok",
    "output_reasoning_mtok",
)
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


def genai_models(sources: Sources, name: str) -> Iterator[tuple[str, Any, Any]]:
    """Chat models of one provider in genai-prices with the prices of now."""
    for model in sources.genai[name].models if name else ():
        if not NOT_CHAT.search(model.id):
            yield model.id, model, model.get_prices(datetime.now(UTC))


def from_genai(provider: str, id: str, model: Any, price: Any) -> Row:
    """One of our rows, where litellm has none: no capabilities are known there."""
    values = [getattr(price, key) for key in GENAI_KEYS]
    starts = sorted({tier.start for value in values if hasattr(value, "tiers") for tier in value.tiers})
    base = trimmed([price_text(getattr(value, "base", value)) for value in values])
    tiers = [[start, trimmed([price_text(at(value, start)) for value in values])] for start in starts]
    row: Row = {"context": model.context_window, "flags": UNKNOWN_ABILITIES, "prices": base, "tiers": tiers}
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
    base = [price_text(getattr(getattr(price, key), "base", getattr(price, key))) for key in GENAI_KEYS]
    prices = row.get("prices", [])
    if prices[:2] == base[:2] and not row.get("tiers"):
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
    return UNKNOWN_ABILITIES


def make(sources: Sources, provider: str) -> dict[str, Row]:
    """All rows of one provider."""
    genai = GENAI.get(provider, "")
    rows = provider_rows(sources.litellm, provider)
    if genai:
        for id, row in rows.items():
            if (model := sources.genai[genai].find_model(id)) is not None:
                fill(row, model, model.get_prices(datetime.now(UTC)))
    for id, model, price in genai_models(sources, genai):
        if id not in rows and not (provider == "gemini" and id.startswith("claude")):
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
    for provider in NAMES:
        rows = make(sources, provider)
        write(provider, rows, arguments.date, sources.versions)
        priced = sum(bool(row.get("prices")) for row in rows.values())
        print(f"{provider:12} {len(rows):4} models, {priced:4} with a price")


if __name__ == "__main__":
    main()
