"""`routerterm bill`: every form is read, what agrees is no gap, and each gap is named with its cause."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.money.test_commands import ROW, fill

from routerterm.cli import bill_command
from routerterm.engine.billing.causes import ELSEWHERE, MIDNIGHT, NOT_BILLED
from routerterm.engine.billing.check import CLASSES, BillCheck, check, model_key
from routerterm.engine.billing.read import read_bill
from routerterm.engine.billing.values import BadBill, Bill, BillLine
from routerterm.store.recorded import Recorded

DAY = date(2026, 11, 21)
HOUR = round(datetime(2026, 11, 21, 12, tzinfo=ZoneInfo("UTC")).timestamp()) // 3600
KEPT = Recorded(HOUR, "gpt-5.6", 2, 800, 200, 0, 500, 3_000_000_000, 0, 0, 0)

OPENAI = (
    "start_time,end_time,start_time_iso,end_time_iso,project_id,num_model_requests,user_id,api_key_id,model,batch,"
    "input_tokens,output_tokens,input_cached_tokens\n"
    "1795219200,1795305600,2026-11-21T00:00:00+00:00,2026-11-22T00:00:00+00:00,p,2,,k,gpt-5.6-2026-08-01,False,"
    "1000,500,200\n"
    "1795305600,1795392000,2026-11-22T00:00:00+00:00,2026-11-23T00:00:00+00:00,,,,,,,,,\n"
)
OPENAI_COSTS = (
    "start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,line_item,organization_id\n"
    '1795219200,1795305600,2026-11-21T00:00:00+00:00,2026-11-22T00:00:00+00:00,1.75,usd,"gpt-5.6, input",org\n'
    '1795219200,1795305600,2026-11-21T00:00:00+00:00,2026-11-22T00:00:00+00:00,1.25,usd,"gpt-5.6, output",org\n'
)
ANTHROPIC = (
    "usage_date_utc,model_version,api_key,workspace,usage_type,context_window,usage_input_tokens_no_cache,"
    "usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,"
    "usage_output_tokens,web_search_count\n"
    '2026-11-21,claude-haiku-4-5-20251001,"Key, mine",Default,standard,≤ 200k,800,30,10,200,500,0\n'
)
ANTHROPIC_COSTS = (
    "usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,list_price_usd,cost_type\n"
    "2026-11-21,Claude Haiku 4.5,Default,k,message,≤ 200k,input_no_cache,1.00,1.00,token\n"
    "2026-11-21,Claude Haiku 4.5,Default,k,batch,≤ 200k,output,0.50,1.00,token\n"
)
OPENROUTER = (
    "generation_id,created_at,cost_total,cost_web_search,tokens_prompt,tokens_completion,tokens_reasoning,"
    "tokens_cached,model_permaslug,provider_name\n"
    "gen-1,2026-11-21 02:37:51.271,1.5,0,1000,500,0,200,anthropic/claude-4.5-sonnet-20250929,Anthropic\n"
)
OPENROUTER_DAYS = (
    "Date,Slug,Usage,BYOK Usage,Requests,Prompt Tokens,Completion Tokens,Reasoning Tokens\n"
    "2026-11-21,openai/gpt-5.6,0.015,0,5,1000,500,25\n"
)
GOOGLE = (
    "Date,Service description,Service ID,SKU description,SKU ID,Usage amount,Usage unit,List cost ($),"
    "Other savings ($),Unrounded subtotal ($),Subtotal ($)\n"
    "2026-11-21,Gemini API,AEFD,Generate content output token count gemini 3.8 flash short input text,911A,"
    '"500",count,1.56,0.00,1.555990,1.56\n'
    '2026-11-21,Gemini API,AEFD,Generate content input token count gemini 3.8 flash text,911B,"1,800",count,'
    "0.20,0.00,0.200000,0.20\n"
    "2026-11-21,Cloud Storage,S2,Standard,K2,10,gibibyte,40.00,0,40.00,40.00\n"
)
GOOGLE_TABLE = (
    "Invoice number,1\nCurrency,EUR\n"
    "Billing account name,Billing account ID,Service description,Service ID,SKU description,SKU ID,Credit type,"
    "Cost type,Usage start date,Usage end date,Usage amount,Usage unit,Unrounded Cost ($),Cost ($)\n"
    "a,0,Gemini API,S1,Generate content cached input token count gemini 3.8 flash lite,K1,,Usage,2026-11-01,"
    "2026-11-30,300,count,0.5,0.50\n"
)
MISTRAL = json.dumps(
    {
        "currency": "EUR",
        "prices": [
            {"billing_metric": "mistral-large-2512", "billing_group": "input", "price": "0.000002"},
            {"billing_metric": "mistral-large-2512", "billing_group": "output", "price": "0.000006"},
        ],
        "completion": {
            "models": {
                "mistral-large-latest::mistral-large-2512": {
                    "input": [{"timestamp": "2026-11-21", "billing_metric": "mistral-large-2512", "value": 800}],
                    "output": [{"timestamp": "2026-11-21", "billing_metric": "mistral-large-2512", "value": 500}],
                }
            }
        },
        "ocr": {"models": {"mistral-ocr": {"input": [{"timestamp": "2026-11-21", "value": 3}]}}},
    }
)


def tokens(bill: Bill) -> dict[tuple[str, str | None], int]:
    return {(line.model, line.kind): line.tokens for line in bill.lines if line.tokens}


def cost(bill: Bill) -> Decimal:
    return sum((line.cost or Decimal(0) for line in bill.lines), Decimal(0))


@pytest.mark.parametrize(
    ("text", "form", "model", "counts", "money"),
    [
        (OPENAI, "OpenAI usage export", "gpt-5.6-2026-08-01", (800, 200, 0, 500), "0"),
        (OPENAI_COSTS, "OpenAI cost export", "", (0, 0, 0, 0), "3.00"),
        (ANTHROPIC, "Anthropic usage export", "claude-haiku-4-5-20251001", (800, 200, 40, 500), "0"),
        (ANTHROPIC_COSTS, "Anthropic cost export", "", (0, 0, 0, 0), "1.50"),
        (OPENROUTER, "OpenRouter activity export", "anthropic/claude-4.5-sonnet-20250929", (800, 200, 0, 500), "1.5"),
        (OPENROUTER_DAYS, "OpenRouter activity by day", "openai/gpt-5.6", (0, 0, 0, 500), "0.015"),
        (GOOGLE, "Google Cloud billing report", "gemini-3.8-flash", (1800, 0, 0, 500), "1.755990"),
        (GOOGLE_TABLE, "Google Cloud cost table", "gemini-3.8-flash-lite", (0, 300, 0, 0), "0.5"),
        (MISTRAL, "Mistral usage", "mistral-large-latest", (800, 0, 0, 500), "0.0046"),
    ],
)
def test_every_form_is_read(text: str, form: str, model: str, counts: tuple[int, ...], money: str) -> None:
    bill = read_bill(("\ufeff" + text).encode())
    assert bill.form == form
    assert tokens(bill) == {(model, kind): count for kind, count in zip(CLASSES, counts, strict=True) if count}
    assert cost(bill) == Decimal(money)


def test_what_is_beside_the_lines_is_read_too() -> None:
    assert read_bill(GOOGLE.encode()).zone == "America/Los_Angeles"
    table = read_bill(GOOGLE_TABLE.encode())
    assert (table.currency, table.lines[0].first, table.lines[0].last) == ("EUR", date(2026, 11, 1), date(2026, 11, 30))
    assert "ocr" in read_bill(MISTRAL.encode()).notes[0]
    assert [line.batch for line in read_bill(ANTHROPIC_COSTS.encode()).lines] == [False, True]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b,c\n1,2,3\n", "no export that routerterm knows"),
        ("", "no export that routerterm knows"),
        ("{}", "not Mistral's usage"),
        ("{broken", "neither CSV nor JSON"),
        (OPENAI.replace(",1000,500,", ",1e99,500,"), "Line 2: '1e99' is too large"),
        (OPENAI.replace(",1000,500,", ",NaN,500,"), "Line 2: 'NaN' is not a number"),
        (OPENAI.replace(",1000,500,", ",-5,500,"), "never below zero"),
        (OPENAI_COSTS.replace("1.75", "9" * 400), "not a number"),
        (OPENAI_COSTS.replace("1.75", "1000001"), "too large"),
        (OPENAI_COSTS.replace("1.25,usd", "1.25,eur"), "mixes currencies"),
        (ANTHROPIC.replace("2026-11-21", "yesterday"), "'yesterday' is not a day"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_sentence(text: str, said: str) -> None:
    with pytest.raises(BadBill, match="(?s).*" + said.replace("(", r"\(")):
        read_bill(text.encode())


@settings(max_examples=50)
@given(st.binary(max_size=300), st.sampled_from([OPENAI, ANTHROPIC_COSTS, OPENROUTER, GOOGLE_TABLE, MISTRAL, ""]))
def test_no_file_makes_it_fall(noise: bytes, form: str) -> None:
    try:
        bill = read_bill(form.encode() + noise)
    except BadBill:
        return
    assert all(line.tokens is None or 0 <= line.tokens <= 10**15 for line in bill.lines)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("claude-haiku-4-5-20251001", "Claude Haiku 4.5"),
        ("gpt-5.6-2026-08-01", "gpt-5.6"),
        ("anthropic/claude-4.5-sonnet-20250929", "anthropic/claude-sonnet-4.5"),
        ("openai/gpt-oss-120b:free", "openai/gpt-oss-120b"),
        ("mistral-large-2512", "mistral-large-latest"),
    ],
)
def test_two_names_of_one_model(one: str, other: str) -> None:
    assert model_key(one) == model_key(other)
    assert model_key("gpt-5.6") != model_key("gpt-5.7")


def billed(*lines: BillLine, **fields: str) -> Bill:
    return Bill("openai", "test", lines, **fields)


def said(found: BillCheck) -> dict[str, str]:
    return {gap.what: gap.cause for gap in found.gaps}


LINES = tuple(
    BillLine(DAY, DAY, "gpt-5.6", kind, count)
    for kind, count in zip(CLASSES, (800, 200, 0, 500), strict=True)  # as `KEPT` has them
)
PAID = BillLine(DAY, DAY, "gpt-5.6", cost=Decimal(3))


def test_a_bill_that_agrees_has_no_gap() -> None:
    found = check(billed(*LINES, PAID), [KEPT])
    assert (found.gaps, found.agreed, found.billed, found.recorded) == ((), 1, Decimal(3), Decimal(3))


def test_causes() -> None:
    more = (*LINES, BillLine(DAY, DAY, "gpt-5.6", "output", 100))
    assert said(check(billed(*more), [KEPT])) == {"output": ELSEWHERE}
    assert "estimated" in said(check(billed(*more), [replace(KEPT, estimated=1)]))["output"]
    assert "stopped or cut off" in said(check(billed(*more), [replace(KEPT, broken=1)]))["output"]
    assert said(check(billed(*LINES), [replace(KEPT, output=600)])) == {"output": NOT_BILLED}
    other = [replace(KEPT, input=1000, cache_read=0)]
    assert set(said(check(billed(*LINES), other)).values()) == {
        "the same prompts, with cached tokens counted in another class"
    }
    assert said(check(billed(*LINES, PAID), [replace(KEPT, cost=6 * 10**9)])) == {
        "cost": "half price: a batch or the flex tier"
    }
    assert "free quota" in said(check(billed(*LINES, replace(PAID, cost=Decimal(0))), [KEPT]))["cost"]
    assert "no price was known for 1 of 2" in said(check(billed(*LINES, PAID), [replace(KEPT, unpriced=1)]))["cost"]
    assert "higher prices" in said(check(billed(*LINES, replace(PAID, cost=Decimal(4))), [KEPT]))["cost"]
    assert "lower prices" in said(check(billed(*LINES, replace(PAID, cost=Decimal("2.5"))), [KEPT]))["cost"]
    assert said(check(billed(*more, replace(PAID, cost=Decimal(4))), [KEPT]))["cost"] == "follows from the tokens above"


def test_one_side_alone() -> None:
    other = replace(LINES[3], model="gpt-4")
    found = check(billed(*LINES, other, PAID), [KEPT, replace(KEPT, model="unbilled")])
    assert {(gap.model, gap.cause) for gap in found.gaps} == {("gpt-4", ELSEWHERE), ("unbilled", NOT_BILLED)}
    nothing = replace(KEPT, model="failed", input=0, cache_read=0, output=0, cost=0)
    assert not check(billed(*LINES, PAID), [KEPT, nothing]).gaps, "what failed and cost nothing is on no bill"


def test_what_moved_over_midnight_is_known_on_both_days() -> None:
    after = tuple(replace(line, first=DAY + timedelta(days=1), last=DAY + timedelta(days=1)) for line in LINES)
    found = check(billed(*LINES, *after), [KEPT, replace(KEPT, hour=HOUR + 1)])
    assert {gap.cause for gap in found.gaps} == {MIDNIGHT}


def test_days_are_those_of_the_bill() -> None:
    early = replace(KEPT, hour=HOUR - 6)  # 06:00 UTC is still the 20th in California
    lines = tuple(replace(line, first=DAY - timedelta(days=1), last=DAY - timedelta(days=1)) for line in LINES)
    assert not check(billed(*lines, zone="America/Los_Angeles"), [early]).gaps
    long = tuple(replace(line, first=date(2026, 11, 1), last=date(2026, 11, 30)) for line in LINES)
    assert not check(
        billed(*long), [replace(KEPT, requests=1, input=0), replace(KEPT, hour=HOUR + 99, cache_read=0, output=0)]
    ).gaps


def test_other_currencies_and_bills_without_models() -> None:
    found = check(billed(*LINES, PAID, currency="EUR"), [KEPT])
    assert (found.gaps, found.billed, "EUR" in found.notes[0]) == ((), None, True)
    assert not check(billed(replace(PAID, model="", cost=Decimal(6))), [KEPT, replace(KEPT, model="other")]).gaps


counts = st.integers(0, 10**6)
rows = st.lists(
    st.builds(
        Recorded,
        hour=st.integers(HOUR - 40, HOUR + 40),
        model=st.sampled_from(["gpt-5.6", "gpt-5.7-mini"]),
        requests=st.just(1),
        input=counts,
        cache_read=counts,
        cache_write=counts,
        output=counts,
        cost=st.integers(0, 10**10),
        unpriced=st.just(0),
        estimated=st.just(0),
        broken=st.just(0),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=30)
@given(rows, st.integers(1, 1000), st.sampled_from(["UTC", "America/Los_Angeles"]))
def test_the_ledger_agrees_with_a_bill_of_its_own_rows(rows: list[Recorded], more: int, zone: str) -> None:
    lines = []
    for row in rows:
        day = datetime.fromtimestamp(row.hour * 3600, ZoneInfo(zone)).date()
        classes = zip(CLASSES, (row.input, row.cache_read, row.cache_write, row.output), strict=True)
        lines += [BillLine(day, day, row.model, kind, count) for kind, count in classes]
        lines.append(BillLine(day, day, row.model, cost=Decimal(row.cost) / 10**9))
    found = check(billed(*lines, zone=zone), rows)
    assert not found.gaps
    assert found.billed == found.recorded
    changed = check(billed(*lines, replace(lines[0], tokens=more), zone=zone), rows)
    assert changed.gaps
    assert {gap.billed - gap.recorded for gap in changed.gaps if gap.what in ("input", "tokens")} in ({more}, set())


def test_the_command_tells_gaps_and_ends_with_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUTERTERM_HOME", str(tmp_path))
    at = round(datetime(2026, 11, 21, 12, tzinfo=ZoneInfo("UTC")).timestamp() * 1000)
    kept = replace(ROW, model="gpt-5.6", started_at=at, input_tokens=800, cache_read_tokens=200, output_tokens=500)
    fill(tmp_path, kept, replace(kept, cached=True), replace(kept, provider="groq"))
    file = tmp_path / "usage.csv"
    file.write_text(OPENAI)
    ran = CliRunner().invoke(bill_command.command, [str(file)])
    assert (ran.exit_code, "No gap: 1 day of a model agree" in ran.output) == (0, True), ran.output
    file.write_text(OPENAI.replace(",1000,500,", ",1500,500,"))
    ran = CliRunner().invoke(bill_command.command, [str(file)])
    assert ran.exit_code == 1
    for words in ("OpenAI usage export", "2026-11-21", "input", "1,300", "800", "+500", ELSEWHERE):
        assert words in ran.output
    ran = CliRunner().invoke(bill_command.command, [str(file), "--json"])
    assert json.loads(ran.output)["gaps"][0] == {
        "when": "2026-11-21", "model": "gpt-5.6-2026-08-01", "what": "input", "billed": 1300, "recorded": 800,
        "cause": ELSEWHERE,
    }  # fmt: skip
