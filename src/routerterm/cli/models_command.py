"""`routerterm models`: the models with their prices and abilities, and newer lists of them."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from routerterm.cli.output import print_json, print_line, width

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from routerterm.catalog import Catalog
    from routerterm.catalog.values import ModelInfo
    from routerterm.config.paths import Paths

SOON = timedelta(days=90)
"""So long before a model is switched off it is said."""


@click.command("models")
@click.argument("words", nargs=-1, metavar="[FILTER]...")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per model, for other programs.")
@click.option("--from", "source", metavar="FILE|URL", help="With update: read this list instead of the providers' own.")
def command(words: tuple[str, ...], as_json: bool, source: str | None) -> None:
    """List models with prices (US dollars per million tokens) and capabilities.

    FILTER: words that must all be in the name, or +vision, +tools, +reasoning, +local, +free.

    `routerterm models update` fetches the model list of every provider that has a key; with --from it
    reads litellm's model_prices_and_context_window.json from a file or a URL.

    \b
      routerterm models sonnet +vision
      routerterm models update
    """
    if words == ("update",):
        asyncio.run(_update(source))
        return
    if source is not None:
        raise click.UsageError("--from belongs to `routerterm models update`.")
    found = list(matching(_catalog().models(), words))
    if as_json:
        for model in found:
            print_json(as_object(model))
        return
    if not found:
        print_line("No model matches.", err=True)
        return
    for line in table(found, width(otherwise=120), date.today()):  # noqa: DTZ011  # the person's own day
        print_line(line)


def _catalog() -> Catalog:
    from routerterm.catalog import Catalog
    from routerterm.config.model_list_cache import read_kept
    from routerterm.config.paths import Paths
    from routerterm.config.settings import load_settings
    from routerterm.wiring.settings_mapping import catalog_of

    paths = Paths.find()
    return catalog_of(load_settings(paths), Catalog.builtin().merged(fresh=read_kept(paths)))


def matching(models: Sequence[ModelInfo], words: Sequence[str]) -> Iterator[ModelInfo]:
    """The models that all words fit."""
    abilities = {
        "+vision": lambda model: model.vision,
        "+tools": lambda model: model.tools,
        "+reasoning": lambda model: model.reasoning,
        "+local": lambda model: model.local,
        "+free": lambda model: model.prices.input == 0 and model.prices.output == 0,
    }
    for model in models:
        name = str(model.target).casefold()
        if all(abilities[word](model) if word in abilities else word.casefold() in name for word in words):
            yield model


def table(models: Sequence[ModelInfo], width: int, today: date) -> Iterator[str]:
    """A line each; what is about to be switched off is said."""
    from routerterm.core.sanitise import one_line

    names = [one_line(str(model.target)) for model in models]
    room = min(max(map(len, names)), max(20, width - 52))
    yield f"{'':{room}}  {'context':>7}  {'in':>8}  {'out':>8}  {'cached':>8}  can"
    for name, model in zip(names, models, strict=True):
        shown = name if len(name) <= room else f"{name[: room - 1]}…"
        prices = model.prices
        columns = "  ".join(f"{price(value):>8}" for value in (prices.input, prices.output, prices.cache_read))
        line = f"{shown:{room}}  {size(model.context):>7}  {columns}  {abilities_of(model)}"
        notes = [f"higher price above {size(tier.above)}" for tier in model.tiers[:1]]
        notes += ["cheaper off-peak"] if model.off_peak else []
        if (off := switched_off(model, today)) is not None:
            notes.append(off)
        yield f"{line.rstrip()}  ({', '.join(notes)})" if notes else line.rstrip()


def price(per_token: Decimal | None) -> str:
    """US dollars per million tokens; ``?`` where it is unknown."""
    if per_token is None:
        return "?"
    dollars = per_token * 1_000_000
    text = format(dollars.normalize(), "f")
    return text if "." not in text or len(text.partition(".")[2]) >= 2 else f"{text}0"


def size(tokens: int | None) -> str:
    """``128k``, ``1.05M``."""
    if tokens is None:
        return "?"
    if tokens < 1_000:
        return str(tokens)
    return f"{tokens / 1_000_000:.3g}M" if tokens >= 999_500 else f"{tokens / 1000:.3g}k"


def abilities_of(model: ModelInfo) -> str:
    """In words; a question mark where nobody said."""
    names = [name for name in ("vision", "tools", "reasoning", "prefill", "local") if getattr(model, name)]
    return " ".join(names) or ("" if model.abilities_known else "?")


def switched_off(model: ModelInfo, today: date) -> str | None:
    """``switched off on 2026-12-11``, from some months before."""
    if model.switched_off is None:
        return None
    try:
        day = date.fromisoformat(model.switched_off)
    except ValueError:
        return None
    if day <= today:
        return f"retired since {day}"
    return f"retires on {day}" if day - today <= SOON else None


def as_object(model: ModelInfo) -> dict[str, Any]:
    """All that is known of a model; prices as text in US dollars per token, so that no digit is lost."""
    from msgspec import Struct
    from msgspec.structs import asdict

    def plain(value: Any) -> Any:
        if isinstance(value, Decimal):
            return format(value, "f")
        if isinstance(value, Struct):
            return plain(asdict(value))
        if isinstance(value, dict):
            return {name: plain(inner) for name, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return [plain(inner) for inner in value]
        return sorted(value) if isinstance(value, frozenset) else value

    return {"name": str(model.target), **plain(asdict(model))}


async def _update(source: str | None) -> None:
    from routerterm.config.model_list_cache import keep
    from routerterm.config.paths import Paths

    paths = Paths.find()
    today = date.today().isoformat()  # noqa: DTZ011  # the person's own day
    if source is None:
        await _ask_providers(paths, today)
        return
    fresh = dict(await _read(source, today, paths))
    keep(paths, fresh)
    for name, listing in sorted(fresh.items()):
        print_line(f"{name}: {len(listing.models)} models")


async def _read(source: str, today: str, paths: Paths) -> Any:
    from routerterm.config.settings import load_settings
    from routerterm.engine.discovery.price_lists import fetch, read_file, read_lists
    from routerterm.protocols.base import HttpRequest
    from routerterm.router.transports.http import HttpTransport

    if not source.startswith(("https://", "http://")):
        return read_file(Path(source), today)
    transport = HttpTransport(load_settings(paths).router.proxy)
    try:
        return read_lists(await fetch(HttpRequest("GET", source), transport), today, source)
    finally:
        await transport.aclose()


async def _ask_providers(paths: Paths, today: str) -> None:
    from routerterm.cli.keys_prompts import open_locked
    from routerterm.config.model_list_cache import keep
    from routerterm.core.redact import secret_redactor
    from routerterm.core.sanitise import one_line
    from routerterm.engine.discovery.price_lists import refresh
    from routerterm.wiring.keys import ProbeTransports
    from routerterm.wiring.services import open_app

    asked = 0
    async with open_app(paths, loading="never") as app, aclosing(ProbeTransports(app.settings, app.catalog)) as line:
        await open_locked(app.keys, "")
        providers = [info for info in app.catalog.providers() if not info.local and info.base_url]
        async with aclosing(refresh(providers, app.keys, line.transport, today)) as answers:
            async for answer in answers:
                asked += 1
                if answer.listing is None:
                    print_line(f"{answer.provider}: {secret_redactor(one_line(answer.problem))}", err=True)
                else:
                    keep(paths, {answer.provider: answer.listing})
                    print_line(f"{answer.provider}: {len(answer.listing.models)} models")
    if not asked:
        print_line("No provider has a key yet: add one with `routerterm keys add`, or use --from.", err=True)
