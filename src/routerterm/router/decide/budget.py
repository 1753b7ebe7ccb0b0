"""The person's caps: which of them a request is held against, what is left, and when to warn.

Pure but for one question to the ledger.  Days and months are the person's own: they begin at midnight in their
time zone, whatever the length of the day.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Literal, TypeAlias

from msgspec import Struct, field

from routerterm.catalog.pricing import is_declared_free
from routerterm.catalog.values import ModelInfo
from routerterm.core.errors import OverBudget
from routerterm.core.ledger import ONE_ANSWER, Cap, CapScope
from routerterm.core.money import from_nano, show_usd, to_nano
from routerterm.core.request import ChatRequest
from routerterm.core.targets import Forecast, Target
from routerterm.router.ports import OnCap

Every: TypeAlias = Literal["", "day", "month"]
"""When a cap begins from nothing again; never, where it is empty."""
Used = Callable[[Sequence[Cap]], Awaitable[Sequence[int]]]
"""What is used of each cap, reservations included: the ledger's answer."""


class Limits(Struct, frozen=True):
    """Caps in US dollars; None is no cap."""

    request: Decimal | None = None
    day: Decimal | None = None
    month: Decimal | None = None


class BudgetRules(Struct, frozen=True):
    """All that a person says about spending."""

    limits: Limits = Limits()
    conversation: Decimal | None = None
    requests_per_day: int | None = None
    tokens_per_day: int | None = None
    routes: Mapping[str, Limits] = field(default_factory=dict)
    providers: Mapping[str, Limits] = field(default_factory=dict)
    models: Mapping[str, Limits] = field(default_factory=dict)
    """By ``provider/model``."""
    on_cap: OnCap = "ask"
    warn_at: tuple[int, ...] = (50, 80)
    """Percentages of a cap."""
    zone: tzinfo | None = None
    """Whose days count; None is this machine's."""


class Gauge(Struct, frozen=True):
    """A cap and how full it is.  Amounts are in the cap's unit: nano-USD, requests or tokens."""

    cap: Cap
    used: int
    warned: int | None
    """The highest percentage of `BudgetRules.warn_at` that is reached."""
    every: Every = ""

    @property
    def left(self) -> int:
        """What may still be used."""
        return max(0, self.cap.limit - self.used)

    @property
    def share(self) -> float:
        """Of the cap that is used; a cap of nothing is full."""
        return self.used / self.cap.limit if self.cap.limit else 1.0

    @property
    def words(self) -> str:
        """For a person: ``today $0.41 of $2.00``."""
        return (
            f"{scope_words(self.cap)} {amount_words(self.cap, self.used)} of {amount_words(self.cap, self.cap.limit)}"
        )


class PersonalBudget:
    """The router's `Budget`.  ``model`` looks a target up in the catalogue."""

    def __init__(
        self,
        rules: BudgetRules,
        model: Callable[[Target], ModelInfo | None],
        used: Used,
        shown: Used | None = None,
    ) -> None:
        """``shown`` answers instead of ``used`` where nothing depends on it but a figure on a screen."""
        self._rules = rules
        self._model = model
        self._used = used
        self._shown = shown or used
        self._allowed: set[str | None] = set()

    @property
    def on_cap(self) -> OnCap:
        """See `BudgetRules.on_cap`."""
        return self._rules.on_cap

    def allow(self, id: str) -> None:
        """The person was asked: send this message, or what comes in this conversation, whatever the caps say."""
        self._allowed.add(id)

    def revoke_override(self, id: str) -> None:
        """That was it: from now on the caps hold again."""
        self._allowed.discard(id)

    def caps(self, request: ChatRequest, target: Target, route: str, now_ms: int) -> Sequence[Cap]:
        """The caps that an attempt is held against; none for a free or local model, or what the person allowed.

        The request's own caps hold even then: they are somebody else's, or were said for this request alone.  Those of
        its project and of an answer with tools are the person's.
        """
        if self._is_free(target):
            return ()
        if not self._allowed.isdisjoint((request.message_id, request.conversation_id)):
            return tuple(cap for cap in request.caps if cap.scope != "project" and cap.value != ONE_ANSWER)
        return (*caps_of(self._rules, request, target, route, now_ms), *request.caps)

    async def rejection(
        self, request: ChatRequest, target: Target, route: str, forecast: Forecast, now_ms: int
    ) -> str | None:
        """Why this would break a cap, in words, or None.  Reserves nothing.

        An unknown price cannot be held against a cap in dollars, so such a model is objected to.
        """
        caps = self.caps(request, target, route, now_ms)
        return objection(caps, await self._used(caps), forecast) if caps else None

    async def gauges(self, now_ms: int) -> tuple[Gauge, ...]:
        """How full the caps of today and this month are: for the status line and the stats screen."""
        caps = standing_caps(self._rules, now_ms)
        used = await self._shown([cap for cap, _ in caps])
        return tuple(
            Gauge(cap, n, warned(n, cap.limit, self._rules.warn_at), every)
            for (cap, every), n in zip(caps, used, strict=True)
        )

    def _is_free(self, target: Target) -> bool:
        model = self._model(target)
        return model is not None and is_free(model)


def is_free(model: ModelInfo) -> bool:
    """Whether no cap holds for it: it runs here, or costs nothing."""
    return model.local or is_declared_free(model) or _costs_nothing(model)


def objection(caps: Sequence[Cap], used: Sequence[int], forecast: Forecast) -> str | None:
    """Why what a forecast may come to would break one of the caps, of which so much is used; or None."""
    if forecast.high is None and any(cap.unit == "usd" for cap in caps):
        return UNPRICED
    for cap, so_far in zip(caps, used, strict=True):
        wants = _wanted(cap, forecast)
        if so_far + wants > cap.limit:
            left = amount_words(cap, max(0, cap.limit - so_far))
            return f"would exceed {cap_words(cap)} (up to {amount_words(cap, wants)}, {left} left)"
    return None


def caps_of(rules: BudgetRules, request: ChatRequest, target: Target, route: str, now_ms: int) -> tuple[Cap, ...]:
    """The caps of the rules that hold for this request."""
    about = (None, ("route", route), ("provider", target.provider), ("model", str(target)))
    caps = [cap for owner, cap, _ in _all_caps(rules, now_ms) if owner in about]
    if rules.conversation is not None and request.conversation_id is not None:
        caps.append(Cap("conversation", "usd", to_nano(rules.conversation), 0, request.conversation_id))
    return tuple(caps)


def standing_caps(rules: BudgetRules, now_ms: int) -> tuple[tuple[Cap, Every], ...]:
    """All caps that fill up with time, and when they begin again: of days and months, routes, providers and models."""
    return tuple((cap, every) for _, cap, every in _all_caps(rules, now_ms) if cap.scope != "request")


def _all_caps(rules: BudgetRules, now_ms: int) -> Iterator[tuple[tuple[CapScope, str] | None, Cap, Every]]:
    """Every cap but those of conversations, with whom it is about; None is everybody."""
    day, month = day_start(now_ms, rules.zone), month_start(now_ms, rules.zone)
    yield from (
        (None, cap, every) for cap, every in _caps_in(rules.limits, "day", "month", value=None, day=day, month=month)
    )
    named: tuple[tuple[CapScope, Mapping[str, Limits]], ...] = (
        ("route", rules.routes),
        ("provider", rules.providers),
        ("model", rules.models),
    )
    for scope, table in named:
        for name, limits in table.items():
            caps = _caps_in(limits, scope, scope, value=name, day=day, month=month)
            yield from (((scope, name), cap, every) for cap, every in caps)
    if rules.requests_per_day is not None:
        yield None, Cap("day", "requests", rules.requests_per_day, day), "day"
    if rules.tokens_per_day is not None:
        yield None, Cap("day", "tokens", rules.tokens_per_day, day), "day"


def _caps_in(
    limits: Limits, by_day: CapScope, by_month: CapScope, value: str | None, day: int, month: int
) -> Iterator[tuple[Cap, Every]]:
    if limits.request is not None:
        yield Cap("request", "usd", to_nano(limits.request)), ""
    if limits.day is not None:
        yield Cap(by_day, "usd", to_nano(limits.day), day, value), "day"
    if limits.month is not None:
        yield Cap(by_month, "usd", to_nano(limits.month), month, value), "month"


def day_start(now_ms: int, zone: tzinfo | None) -> int:
    """Midnight of the day of a moment, in milliseconds since the epoch."""
    return _ms(_local(now_ms, zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0))


def month_start(now_ms: int, zone: tzinfo | None) -> int:
    """Midnight of the first of the month of a moment."""
    return _ms(_local(now_ms, zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0, fold=0))


def next_month_start(now_ms: int, zone: tzinfo | None) -> int:
    """Midnight of the first of the month after."""
    first = _local(now_ms, zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0, fold=0)
    return _ms((first + timedelta(days=32)).replace(day=1))


def warned(used: int, limit: int, warn_at: Sequence[int]) -> int | None:
    """The highest percentage that is reached."""
    return max((percent for percent in warn_at if used * 100 >= limit * percent), default=None)


def crossed(before: Sequence[Gauge], after: Sequence[Gauge]) -> tuple[Gauge, ...]:
    """The caps of which a higher percentage is reached than before: what the person is to be told now."""
    reached = {(gauge.cap.scope, gauge.cap.unit, gauge.cap.value, gauge.cap.since): gauge.warned for gauge in before}
    names = ((gauge, (gauge.cap.scope, gauge.cap.unit, gauge.cap.value, gauge.cap.since)) for gauge in after)
    return tuple(gauge for gauge, name in names if (gauge.warned or 0) > (reached.get(name) or 0))


def scope_words(cap: Cap) -> str:
    """What a cap is about: ``today``, ``this month``, ``route smart``."""
    match cap.scope:
        case "request":
            return "one request"
        case "day":
            return "today"
        case "month":
            return "this month"
        case "project":
            return f"project {_last_folder(cap)}"
        case scope:
            return f"{scope} {cap.value}"


def _last_folder(cap: Cap) -> str:
    return (cap.value or "").rstrip("/").rpartition("/")[2] or "/"


UNPRICED = "cannot be budgeted: its price is unknown"
_WITH_TOOLS = "the limit of one answer with tools"


def over_budget(target: Target, reason: str) -> OverBudget:
    """The error for a cap in the way: the ``reason`` says which, the hint where it can be raised."""
    if reason == UNPRICED:  # no limit is high enough for it
        remedy = f'Set its price under [models."{target}"]'
    elif "the budget of the project" in reason:
        remedy = "Raise budget in .routerterm/project.toml"
    else:
        remedy = f"Raise {'`usd` of [tools]' if _WITH_TOOLS in reason else 'the limit in [budget]'}"
    return OverBudget(f"{target} {reason}.", f"{remedy}, or choose a free or local model.")


def cap_words(cap: Cap) -> str:
    """Which cap it is, within a sentence: ``today's budget``."""
    match cap.scope:
        case "request":
            return _WITH_TOOLS if cap.value == ONE_ANSWER else "the budget per request"
        case "day":
            return "today's budget" if cap.unit == "usd" else f"today's limit of {cap.unit}"
        case "month":
            return "this month's budget"
        case "conversation":
            return "this conversation's budget"
        case "project":
            return f"the budget of the project {_last_folder(cap)}"
        case scope:
            return f"the budget of {scope} {cap.value}"


def _wanted(cap: Cap, forecast: Forecast) -> int:
    match cap.unit:
        case "usd":
            return to_nano(forecast.high or Decimal(0))
        case "requests":
            return 1
        case "tokens":
            return forecast.prompt_tokens


def amount_words(cap: Cap, amount: int) -> str:
    """An amount in the cap's unit, for a person."""
    return show_usd(from_nano(amount)) if cap.unit == "usd" else f"{amount:,} {cap.unit}"


def _costs_nothing(model: ModelInfo) -> bool:
    return model.prices.input == 0 and model.prices.output == 0


def _local(now_ms: int, zone: tzinfo | None) -> datetime:
    """A moment on the person's clock; without a zone a naive one, which Python reads by the machine's rules."""
    return datetime.fromtimestamp(now_ms / 1000, zone)


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
