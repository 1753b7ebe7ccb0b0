"""What the status line says: a frozen view of the moment, and the fields that follow from it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from routerterm.core.counting import alarm
from routerterm.core.money import show_range, show_usd, with_unknown
from routerterm.tui.widgets.fields import Field, Span, Tone

if TYPE_CHECKING:
    from routerterm.core.targets import Forecast
    from routerterm.tui.themes.values import Glyphs

Activity: TypeAlias = Literal["idle", "waiting", "answering"]
ProviderStatus: TypeAlias = Literal["on", "half", "off"]


class StatusView(Struct, frozen=True):
    """Everything that the line can show; None is not known (yet) and not shown."""

    activity: Activity = "idle"
    tick: int = 0
    """Counts up while something happens: it turns the spinner."""
    note: str = ""
    """What is happening, in a few words: "groq 429, openai next"."""
    rate: float | None = None
    """Tokens per second of the answer that is coming in."""
    queued: int = 0
    forecast: Forecast | None = None
    """Of the next message, or where nothing is written, of the conversation as it is."""
    reported: int | None = None
    """Tokens of the conversation by the provider's own count; None where only an estimate is had."""
    writes: bool = True
    """Whether a message is being written: then what it would cost is worth knowing."""
    cache: str = ""
    """How long the provider likely still holds the prompt: ``3:12``, or ``until 14:32`` where nobody looks."""
    cache_saves: str = ""
    """What sending now saves by that: ``~$0.041``."""
    today: Decimal | None = None
    today_unknown: bool = False
    """Whether the price of a part of that is not known."""
    today_cap: Decimal | None = None
    providers: tuple[tuple[str, ProviderStatus], ...] = ()
    bytes_per_second: float | None = None
    private: bool = False
    offline: bool = False
    in_force: tuple[str, ...] = ()
    """What changes every answer and is not the default: a system prompt, a temperature, an edit under way."""
    mode: str = ""
    """Where the keyboard is: ``WRITE``, ``MESSAGES`` or ``CHATS``."""


def status_fields(view: StatusView, glyphs: Glyphs) -> tuple[Field, ...]:
    """The fields of a moment, in their order on the line."""
    return tuple(_fields(view, glyphs))


def meter(share: float, glyphs: Glyphs, cells: int = 5) -> str:
    """A little bar, full at 1."""
    full = max(0, min(cells, round(share * cells)))
    return glyphs.full * full + glyphs.empty * (cells - full)


def share_words(share: float) -> str:
    """``31%``; ``<1%`` where that would be nothing, and is not."""
    return "<1%" if 0 < share < 0.005 else f"{share:.0%}"


def tone_of_share(share: float) -> Tone:
    """Yellow from a half, red from four fifths."""
    if share >= 0.8:
        return "error"
    if share >= 0.5:
        return "warning"
    return "text"


def mode_field(mode: str, rank: int = -1) -> Field:
    """The mode, in reverse video."""
    return Field((Span(f" {mode} ", "key"),), rank=rank)


def _fields(view: StatusView, glyphs: Glyphs) -> Iterator[Field]:
    if view.mode:
        yield mode_field(view.mode)
    if view.activity != "idle" or view.note:
        action = "app.command('stop')" if view.activity != "idle" else ""
        spans = _activity(view, glyphs)
        short = _activity(replace(view, rate=None), glyphs) if view.rate else ()
        yield Field(spans, rank=0, action=action, short=short)
    if view.offline:
        yield Field((Span("! offline", "error"),), rank=0)
    if view.private:
        yield Field((Span("private", "warning"),), rank=1)
    for rank, words in enumerate(view.in_force, 1):
        yield Field((Span(words, "accent"),), rank=min(rank, 3))
    forecast = view.forecast
    if forecast and forecast.context:
        share = (view.reported if view.reported is not None else forecast.prompt_tokens) / forecast.context
        tone, about = tone_of_share(share), "" if view.reported is not None or share < 0.005 else "~"
        bar = Span(meter(share, glyphs), tone)
        yield Field((Span("context ", "dim"), bar, Span(f" {about}{share_words(share)}{alarm(share)}", tone)), rank=2)
    if forecast and forecast.prompt_tokens and view.writes:
        yield Field((Span("next ", "dim"), Span(cost_range(forecast))), rank=1)
    if view.cache:
        yield Field((Span("cache warm ", "dim"), Span(view.cache, "success")), rank=4)
    if view.cache and view.cache_saves:
        yield Field((Span("sending now saves ", "dim"), Span(view.cache_saves, "success")), rank=4)
    if view.today is not None:
        yield Field(_today(view.today, view.today_cap, unknown=view.today_unknown), rank=1, action="app.open('stats')")
    for name, lamp in view.providers:
        sign = {"on": glyphs.on, "half": glyphs.half, "off": glyphs.off}[lamp]
        if lamp == "on":
            tone = "text"
        elif lamp == "half":
            tone = "warning"
        else:
            tone = "dim"
        yield Field((Span(f"{name} ", "dim"), Span(sign, tone)), rank=5, action="app.open('route')")
    if view.bytes_per_second is not None:
        yield Field((Span(f"{view.bytes_per_second:,.0f} B/s", "dim"),), rank=6, right=True)


def _activity(view: StatusView, glyphs: Glyphs) -> tuple[Span, ...]:
    if view.activity == "idle":
        return (Span(view.note, "dim"),)
    sign = glyphs.spinner[view.tick % len(glyphs.spinner)] if view.activity == "waiting" else glyphs.cursor
    words = view.note or ("waiting" if view.activity == "waiting" else "answering")
    rate = f" {view.rate:3.0f} tok/s" if view.rate else ""
    queued = f" +{view.queued} queued" if view.queued else ""
    return (
        Span(f"{sign} ", "bright"),
        Span(words + rate),
        Span(queued, "warning"),
        Span(" Esc stops", "dim"),
    )


def _today(today: Decimal, cap: Decimal | None, *, unknown: bool) -> tuple[Span, ...]:
    spent = with_unknown(today, unknown)
    if not cap:
        return (Span("today ", "dim"), Span(spent))
    share = float(today / cap)
    words = f"{spent}/{show_usd(cap).removeprefix('$')}{alarm(share)}"
    return (Span("today ", "dim"), Span(words, tone_of_share(share)))


def cost_range(forecast: Forecast) -> str:
    """``$0.002–0.011``, ``$0``, ``?``."""
    return show_range(forecast.low, forecast.high)
