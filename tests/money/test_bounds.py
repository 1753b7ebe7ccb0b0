"""Numbers that others bring cannot move money: not a request's, not a provider's report, not what an import says."""

from __future__ import annotations

import json
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routerterm.catalog.values import ModelInfo, Prices
from routerterm.core.errors import BadRequest
from routerterm.core.ledger import AttemptRecord, Cap, CapReached
from routerterm.core.messages import Message
from routerterm.core.money import MOST_NANO
from routerterm.core.request import ChatRequest, Params
from routerterm.core.usage import MOST_TOKENS
from routerterm.engine.transfer.importing import import_file
from routerterm.protocols.anthropic_messages.decode import read_usage as read_messages
from routerterm.protocols.gemini.decode import read_usage as read_gemini
from routerterm.protocols.openai_chat.usage import read_usage as read_chat
from routerterm.router.accounting.rows import reservation_row
from routerterm.router.decide.attempts import Attempt
from routerterm.router.decide.forecast import AnswerLengths, HistoryForecaster
from routerterm.router.decide.output_limit import allowed, tightened
from routerterm.router.decide.ranking import RankedCandidate
from routerterm.router.ports import RoughEstimator
from routerterm.store.database import Store
from routerterm.store.ledger import wanted

PRICES = Prices(Decimal("0.000002"), Decimal("0.00001"))
FORECASTER = HistoryForecaster(RoughEstimator(), AnswerLengths())
WILD = st.one_of(st.none(), st.integers(-(10**30), 10**30), st.floats(), st.text(max_size=5), st.booleans())
COUNTS = (
    "prompt_tokens", "completion_tokens", "total_tokens", "input_tokens", "output_tokens", "reasoning_tokens",
    "cached_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "promptTokenCount",
    "candidatesTokenCount", "thoughtsTokenCount", "cachedContentTokenCount", "cost", "cost_in_usd_ticks",
    "estimated_cost",
)  # fmt: skip


def candidate(context: int | None, most: int | None, request: ChatRequest) -> RankedCandidate:
    model = ModelInfo("p", "m", context, most, PRICES)
    return RankedCandidate(model.target, model, "chosen", (), False, FORECASTER.forecast(request, model))


@given(
    st.one_of(st.none(), st.integers(-(10**12), 10**12)),
    st.one_of(st.none(), st.integers(1_000, 10**7)),
    st.one_of(st.none(), st.integers(1, 10**6)),
    st.sampled_from(["usd", "tokens"]),
    st.integers(0, 10**10),
    st.integers(0, 10**10),
)
def test_a_reservation_is_never_below_nought_and_fits_its_cap_or_is_refused(
    length: int | None, context: int | None, most: int | None, unit: Any, limit: int, used: int
) -> None:
    try:
        params = Params(max_output=length)
    except BadRequest:
        assert length is not None
        assert not 1 <= length <= MOST_TOKENS
        return
    request = ChatRequest("p/m", (Message.of("user", "hello"),), params=params)
    option, cap = candidate(context, most, request), Cap("day", unit, limit)
    sent = allowed(request, option, (cap,), FORECASTER)
    for _ in range(10):
        assert sent.forecast is not None
        assert sent.forecast.high is not None
        record = reservation_row(
            "id", sent.request, Attempt(1, option, None, ""), "r", 0, sent.forecast, sent.forecast.answer or 0
        )
        assert (record.cost_nanousd or 0) >= 0
        assert wanted(record, unit) >= 0
        if used + wanted(record, unit) <= limit:
            return
        tighter = tightened(sent, option, CapReached(cap, used, wanted(record, unit)), FORECASTER)
        if tighter is None:
            return
        assert tighter.clipped is not None
        assert option.forecast is not None
        assert tighter.clipped >= (option.forecast.answer or 0), "never shorter than answers of this model are"
        sent = tighter
    raise AssertionError("it goes on without end")


@pytest.mark.parametrize("left", [Decimal("0.05"), Decimal(100)])
def test_an_answer_is_only_kept_short_where_the_cap_leaves_less(left: Decimal) -> None:
    request = ChatRequest("p/m", (Message.of("user", "an essay"),))
    option = candidate(200_000, 60_000, request)
    cap = Cap("day", "usd", int(left * 10**9))
    sent = allowed(request, option, (cap,), FORECASTER)
    assert sent.request.params.max_output is None
    assert sent.forecast is not None
    assert sent.forecast.answer == 60_000, "all that the model may write is held back"
    tighter = tightened(sent, option, CapReached(cap, 0, 0), FORECASTER)
    if left < 1:
        assert tighter is not None
        assert tighter.clipped is not None
        assert 4_000 < tighter.clipped < 5_000


@given(st.dictionaries(st.sampled_from(COUNTS), WILD))
def test_no_report_of_a_provider_is_below_nought_or_beyond_bounds(usage: dict[str, Any]) -> None:
    for read in (read_chat, read_messages, read_gemini):
        found = read(usage)
        for tokens in (found.fresh, found.cache_read, found.cache_write, found.cache_write_1h, found.output):
            assert 0 <= tokens <= 3 * MOST_TOKENS
        assert 0 <= found.reasoning <= found.output
        assert found.cost is None or 0 <= found.cost <= 1_000_000


@settings(max_examples=15, deadline=None)
@given(st.dictionaries(st.sampled_from([*AttemptRecord.__struct_fields__]), WILD, max_size=8))
async def test_nothing_imported_moves_a_sum(said: dict[str, Any]) -> None:
    fields = {name: value for name, value in said.items() if name not in ("id", "provider", "model")}
    base = {"id": "01A", "n": 1, "client": "tui", "route": "r", "provider": "p", "model": "m", "started_at": 1}
    attempt = base | {"outcome": "done", "cost_nanousd": 5 * MOST_NANO} | fields
    message = {"id": "01B", "role": "user", "created_at": 1, "parts": [{"type": "text", "text": "hello"}]}
    talk = {"id": "01C", "title": "t", "created_at": 1, "updated_at": 1, "messages": [message], "attempts": [attempt]}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export.json"
        body = {"format": "routerterm", "version": 1, "conversations": [talk]}
        path.write_text(json.dumps(body, allow_nan=True))
        store = Store.open(Path(folder) / "history.db")
        await import_file(store, path)
        caps = [
            Cap("day", "usd", 1),
            Cap("day", "tokens", 1),
            Cap("day", "requests", 1),
            Cap("model", "usd", 1, 0, "p/m"),
        ]
        assert await store.ledger.used(caps) == (0, 0, 0, 0)
        tally = await store.reader.read(lambda db: db.execute("SELECT count(*) FROM tally").fetchone()[0])
        assert tally == 0
        await store.close()
