"""The line under the composer: what the message that is being written would cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routerterm.core.money import show_usd
from routerterm.tui.widgets.fields import Field, Span
from routerterm.tui.widgets.status import cost_range, share_words, tone_of_share

if TYPE_CHECKING:
    from routerterm.wiring.preview import Preview


def forecast_fields(found: Preview, compared: int = 0) -> tuple[Field, ...]:
    """``~4.1k tok · $0.012 · 31% of context · cheaper: groq/x $0.001``; the last is left out first."""
    forecast = found.forecast
    fields = [Field((Span(f" ~{tokens(forecast.prompt_tokens)} tok", "text"),), rank=1)]
    price = "free" if forecast.high == 0 else cost_range(forecast)
    times = f" × {compared} models" if compared > 1 else ""
    fields.append(Field((Span(" · ", "faint"), Span(f"{price}{times}", "bright")), rank=0))
    if forecast.context:
        share = forecast.prompt_tokens / forecast.context
        fields.append(Field((Span(" · ", "faint"), Span(percent(share), tone_of_share(share))), rank=2))
    if found.cheaper is not None and compared < 2:
        name = str(found.cheaper)
        price = f" {show_usd(found.cheaper_at_most)}"
        cheaper = (Span(" · cheaper: ", "dim"), Span(name, "accent"), Span(price, "dim"))
        action = f"app.command('model', {name!r})" if name.isprintable() and "'" not in name else ""
        fields.append(Field(cheaper, rank=3, action=action))
    fields.append(Field((Span(" ", "text"),), rank=0))
    return tuple(fields)


def percent(share: float) -> str:
    """``31% of context``, with a sign where it gets tight: colour alone says nothing."""
    return f"{share_words(share)} of context{'!' if share >= 0.8 else ''}"


def tokens(count: int) -> str:
    """``812``, ``4.1k``, ``1.2M``."""
    if count < 1_000:
        return str(count)
    return f"{count / 1000:.1f}k" if count < 999_950 else f"{count / 1e6:.1f}M"
