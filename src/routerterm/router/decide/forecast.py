"""What an answer may cost, before it is asked for: from this model's own answers so far, and its prices."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from decimal import Decimal
from math import ceil

from msgspec import Struct

from routerterm.catalog.pricing import (
    SEARCH_TOKENS,
    amount,
    batch_class,
    dearer_class,
    is_declared_free,
    prices_for,
    search_fee,
)
from routerterm.catalog.values import ModelInfo, Prices
from routerterm.core.request import ChatRequest
from routerterm.core.targets import Forecast, Target
from routerterm.core.usage import Usage
from routerterm.protocols.web_search import MOST_SEARCHES
from routerterm.router.ports import Estimator

REMEMBERED = 200
"""Answers of a model that are looked at."""
ENOUGH = 8
"""Answers from which on a model's own lengths are believed."""
SHORT, LONG, LONG_THINKING = 60, 2_000, 8_000
"""Tokens of a short and a long answer of a model that nobody has asked yet."""
MARGIN = Decimal("1.1")
"""Times a counted prompt that the upper end pays for: a count before the provider's own may be too low."""
SMALLEST_CACHED = 1_024
"""Tokens of a prompt below which providers keep nothing in their cache."""


class AnswerLengths:
    """How long models' answers were: the router's own memory of this session, begun from the ledger's."""

    def __init__(self) -> None:
        self._lengths: dict[Target, deque[int]] = defaultdict(lambda: deque(maxlen=REMEMBERED))

    def load(self, target: Target, newest_first: Iterable[int]) -> None:
        """Take up the lengths that the ledger knows."""
        self._lengths[target] = deque(reversed(list(newest_first)), maxlen=REMEMBERED)

    def add(self, target: Target, tokens: int) -> None:
        """One more answer."""
        if tokens > 0:
            self._lengths[target].append(tokens)

    def span(self, model: ModelInfo) -> tuple[int, int]:
        """A short and a long answer of this model: the 10th and the 95th percentile of its own, half as long again."""
        known = sorted(self._lengths[model.target]) if model.target in self._lengths else []
        long = LONG_THINKING if model.reasoning else LONG
        if not known:
            return SHORT, long
        low, high = known[len(known) // 10], known[min(len(known) - 1, len(known) * 95 // 100)] * 3 // 2
        return (low, high) if len(known) >= ENOUGH else (min(low, SHORT), max(high, long))


class HistoryForecaster(Struct, frozen=True):
    """The router's `Forecaster`: cheap enough to ask at every key press."""

    estimator: Estimator
    lengths: AnswerLengths

    def forecast(self, request: ChatRequest, model: ModelInfo) -> Forecast:
        """From a short answer with a warm prompt cache to a long one without.

        A cap on the answer in the request is the upper end, because the provider keeps to it.  Unknown prices
        give an unknown forecast.
        """
        prompt = self.estimator.prompt(request, model)
        short, long = self._answer(request, model)
        if request.batch:
            model = batch_class(model)
        if is_declared_free(model):
            return Forecast(prompt, Decimal(0), Decimal(0), model.context, long)
        prices = prices_for(model, prompt)
        warm = prompt - self._fresh(request, model) if prompt >= SMALLEST_CACHED and prices.cache_read else 0
        low = amount(Usage(fresh=prompt - warm, cache_read=warm, output=short), prices)
        most = ceil(prompt * MARGIN)
        asked = dearer_class(model, request.params.more.get("service_tier"))
        high = amount(Usage(fresh=most, output=long), _dearest(prices_for(asked, most)))
        if request.may_search:
            low, high = _with_searches(low, high, model)
        return Forecast(prompt, low, high, model.context, long)

    def _answer(self, request: ChatRequest, model: ModelInfo) -> tuple[int, int]:
        short, long = self.lengths.span(model)
        if request.params.max_output is not None:
            long = request.params.max_output
        if model.max_output is not None:
            long = min(long, model.max_output)
        return min(short, long), long

    def _fresh(self, request: ChatRequest, model: ModelInfo) -> int:
        """Tokens of the last message, which no cache can hold."""
        last = request.messages[-1].text if request.messages else ""
        return self.estimator.text(last, model)


def _with_searches(
    low: Decimal | None, high: Decimal | None, model: ModelInfo
) -> tuple[Decimal | None, Decimal | None]:
    """With one search at the least, and as many as it may make, whose results are read as well."""
    least, most = search_fee(1, model), search_fee(MOST_SEARCHES, model)
    read = amount(Usage(fresh=MOST_SEARCHES * SEARCH_TOKENS), model.prices)
    if low is None or high is None or least is None or most is None or read is None:
        return None, None
    return low + least, high + most + read


class Outlook(Struct, frozen=True):
    """A model's forecast beside the others': what the composer and the model picker show."""

    target: Target
    forecast: Forecast
    share: float | None
    """Of the model's window that the prompt would fill."""
    fits: bool
    """Whether prompt and a short answer fit the window."""
    cheaper: bool
    """Whether even its high end costs less than the first model's low one."""


def outlooks(forecaster: HistoryForecaster, request: ChatRequest, models: Sequence[ModelInfo]) -> tuple[Outlook, ...]:
    """The forecasts of several models, the first of them the one that would be asked."""
    found: list[Outlook] = []
    for model in models:
        forecast = forecaster.forecast(request, model)
        first = found[0].forecast if found else forecast
        limit = min((size for size in (model.context, model.max_input) if size), default=None)
        found.append(
            Outlook(
                model.target,
                forecast,
                forecast.prompt_tokens / model.context if model.context else None,
                limit is None or forecast.prompt_tokens + SHORT <= limit,
                bool(found) and forecast.high is not None and first.low is not None and forecast.high < first.low,
            )
        )
    return tuple(found)


def _dearest(prices: Prices) -> Prices:
    """With an answer that is all thinking where that costs more, and a prompt written to the cache where that does."""
    written = max((price for price in (prices.input, prices.cache_write) if price is not None), default=None)
    said = max((price for price in (prices.output, prices.reasoning) if price is not None), default=None)
    return Prices(input=written, output=said)
