"""Names for failures, waits in every format, keys out of messages, rate limits as one value."""

from __future__ import annotations

import json
from typing import Any

import pytest

from routerterm.core.errors import ProviderError
from routerterm.protocols import RateLimit, classify, limits
from routerterm.protocols.redact import redact, sentence
from routerterm.protocols.retry_after import duration, moment, prose

NOW = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 GMT


def named(status: int, body: Any = b"", headers: dict[str, str] | None = None, **how: Any) -> ProviderError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return classify(status, headers or {}, raw, now=NOW, **how)


def openai(message: str, code: str | None = None, type: str = "invalid_request_error") -> dict[str, Any]:
    return {"error": {"message": message, "type": type, "param": None, "code": code}}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, openai("Too much.", "context_length_exceeded"), "context_too_long"),
        (413, b"", "context_too_long"),
        (
            400,
            {"type": "error", "error": {"type": "invalid_request_error", "message": "prompt is too long: 9 > 8"}},
            "context_too_long",
        ),
        (
            400,
            {
                "error": {
                    "code": 400,
                    "message": "The input token count (9) exceeds the maximum number of tokens allowed (8).",
                    "status": "INVALID_ARGUMENT",
                }
            },
            "context_too_long",
        ),
        (400, openai("Bad temperature."), "caller_fault"),
        (422, {"detail": [{"loc": ["body", "x"], "msg": "field required", "type": "missing"}]}, "caller_fault"),
        (401, b"", "bad_credential"),
        (403, {"error": "no access"}, "bad_credential"),
        (
            400,
            {"code": "Client specified an invalid argument", "error": "Incorrect API key provided: xa***. Get one."},
            "bad_credential",
        ),
        (
            400,
            {
                "error": {
                    "code": 400,
                    "message": "API key expired. Please renew the API key.",
                    "status": "INVALID_ARGUMENT",
                }
            },
            "bad_credential",
        ),
        (402, b"", "out_of_credit"),
        (429, openai("You exceeded your current quota.", "insufficient_quota", "insufficient_quota"), "out_of_credit"),
        (
            400,
            {"type": "error", "error": {"type": "invalid_request_error", "message": "Your credit balance is too low."}},
            "out_of_credit",
        ),
        (429, {"error": {"message": "Monthly spend reached", "code": "spend_limit_exceeded"}}, "out_of_credit"),
        (429, {"error": {"code": "1113", "message": "Insufficient balance or no resource package."}}, "out_of_credit"),
        (
            403,
            {
                "code": "x",
                "error": "Your team has either used all available credits or reached its monthly spending limit.",
            },
            "out_of_credit",
        ),
        (404, b"", "model_gone"),
        (400, openai("The model `x` has been decommissioned.", "model_decommissioned"), "model_gone"),
        (404, {"error": {"message": "No endpoints found for x/y.", "code": 404}}, "model_gone"),
        (400, {"error": {"message": "Model Not Exist", "type": "invalid_request_error"}}, "model_gone"),
        (
            400,
            openai(
                "The response was filtered due to the prompt triggering content management policy.", "content_filter"
            ),
            "content_blocked",
        ),
        (
            403,
            {
                "error": {
                    "code": 403,
                    "message": "Your input was flagged",
                    "metadata": {"reasons": ["x"], "flagged_input": "y"},
                }
            },
            "content_blocked",
        ),
        (429, openai("Rate limit reached", "rate_limit_exceeded", "tokens"), "rate_limited"),
        (429, b"", "rate_limited"),
        (498, b"", "transient"),
        (408, b"", "transient"),
        (409, b"", "transient"),
        (500, b"", "transient"),
        (502, b"<html><head><title>502 Bad Gateway</title></head></html>", "transient"),
        (529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, "transient"),
        (503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}, "warming"),
        (503, {"error": "Model x/y is currently loading", "estimated_time": 20.5}, "warming"),
        (301, b"", "malformed"),
        (200, {"error": {"message": "Slow down", "code": 429}}, "rate_limited"),
        (200, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, "transient"),
        (200, {"type": "error", "error": {"type": "invalid_request_error", "message": "Bad."}}, "caller_fault"),
        (200, {"error": "an error was encountered while running the model"}, "transient"),
        (
            400,
            [{"error": {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT"}}],
            "bad_credential",
        ),
        (
            400,
            {"object": "error", "message": "This model's maximum context length is 8 tokens.", "code": 400},
            "context_too_long",
        ),
        (
            429,
            {
                "error": {
                    "code": 429,
                    "message": "Quota exceeded for metric: x, limit: 0, model: gemini-3-pro",
                    "status": "RESOURCE_EXHAUSTED",
                }
            },
            "model_gone",
        ),
        (400, b'data: {"error":{"message":"prompt is too long"}}\n\n', "context_too_long"),
    ],
)
def test_classes(status: int, body: Any, kind: str) -> None:
    assert named(status, body).kind == kind


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"Retry-After": "7"}, b"", 7.0),
        ({"retry-after": "1.5"}, b"", 1.5),
        ({"retry-after": "Tue, 14 Nov 2023 22:14:20 GMT"}, b"", 60.0),
        ({"retry-after": "Tue, 14 Nov 2023 22:00:00 GMT"}, b"", 0.0),
        ({"retry-after-ms": "1500", "retry-after": "2"}, b"", 1.5),
        ({"x-ms-retry-after-ms": "250"}, b"", 0.25),
        ({"retry-after": "2023-11-14T22:14:20Z"}, b"", 60.0),
        ({"retry-after": "6m0s"}, b"", 360.0),
        ({}, {"error": {"details": [{"retryDelay": "46s"}], "message": "x"}}, 46.0),
        ({}, {"error": {"message": "Please retry in 10h17m5.7s."}}, 37025.7),
        ({}, {"error": {"message": "Please try again in 120ms. Visit x"}}, 0.12),
        ({}, {"error": {"message": "Rate limited, try again in 20 seconds."}}, 20.0),
        ({"retry-after": "5"}, {"error": {"message": "try again in 2m"}}, 120.0),
        ({}, {"error": {"message": "x", "metadata": {"retry_after_seconds": 3}}}, 3.0),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m30s"}, b"", 90.0),
        ({"x-ratelimit-remaining-requests": "9", "x-ratelimit-reset-requests": "1m30s"}, b"", None),
        (
            {"anthropic-ratelimit-tokens-remaining": "0", "anthropic-ratelimit-tokens-reset": "2023-11-14T22:13:50Z"},
            b"",
            30.0,
        ),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1700000060000"}, b"", 60.0),
        ({"retry-after": "soon"}, b"", None),
        ({"retry-after": "-3"}, b"", None),
        ({"retry-after": "9" * 400}, b"", None),
        ({}, b"", None),
    ],
)
def test_waits_in_all_their_formats(headers: dict[str, str], body: Any, seconds: float | None) -> None:
    assert named(429, body, headers).retry_after == pytest.approx(seconds)


def test_without_a_clock_the_answers_own_date_serves() -> None:
    headers = {"date": "Tue, 14 Nov 2023 22:13:20 GMT", "retry-after": "Tue, 14 Nov 2023 22:13:25 GMT"}
    assert classify(429, headers, b"").retry_after == 5.0
    assert classify(429, {"retry-after": headers["retry-after"]}, b"").retry_after is None


def test_should_retry_false_wins() -> None:
    error = named(429, b"", {"x-should-retry": "false"})
    assert error.kind == "rate_limited"
    assert not error.recovery.retry
    assert error.recovery.next_key
    assert named(429).recovery.retry


@pytest.mark.parametrize(
    ("body", "daily"),
    [
        (
            {
                "error": {
                    "status": "RESOURCE_EXHAUSTED",
                    "message": "x",
                    "details": [{"violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]}],
                }
            },
            True,
        ),
        (
            {
                "error": {
                    "status": "RESOURCE_EXHAUSTED",
                    "message": "x",
                    "details": [{"violations": [{"quotaId": "GenerateRequestsPerMinutePerProjectPerModel"}]}],
                }
            },
            False,
        ),
        (openai("Rate limit reached for model `x` on tokens per day (TPD): Limit 100000"), True),
        (openai("Rate limit exceeded: free-models-per-day"), True),
        (openai("Rate limit reached on requests per min (RPM)"), False),
    ],
)
def test_a_daily_quota_is_told_from_one_per_minute(body: Any, daily: bool) -> None:
    error = named(429, body)
    assert error.kind == "rate_limited"
    assert error.daily is daily


def test_a_message_is_one_line_without_control_characters() -> None:
    error = named(400, {"error": {"message": "line one\nline \x1b[31mtwo\x07 \u202eevil"}})
    assert error.message == "line one line [31mtwo evil"
    assert len(named(400, {"error": {"message": "x" * 5000}}).message) <= 400


def test_a_web_page_is_told_by_its_title() -> None:
    page = (
        b"<!DOCTYPE html><html><head><title>504 Gateway Time-out</title><style>b{}</style></head><body>x</body></html>"
    )
    assert named(504, page).message == "504 Gateway Time-out"


def test_an_empty_body_still_says_something() -> None:
    assert named(503, provider="groq").message == "groq answered 503 Service Unavailable."
    assert named(599).message == "The provider answered 599."


def test_what_a_gateway_passes_on_is_said_too() -> None:
    raw = json.dumps({"error": {"message": "slow down", "type": "x"}})
    body = {"error": {"code": 429, "message": "Provider returned error", "metadata": {"raw": raw}}}
    assert named(429, body).message == "Provider returned error: slow down"


KEYS = (
    "sk-proj-abcdefghijklmnop1234567890",
    "sk-ant-api03-abcdefghijklmnop1234567890",
    "AIzaSyA1234567890abcdefghijklmnop",
    "gsk_abcdefghijklmnop1234567890",
    "xai-abcdefghijklmnop1234567890",
    "pplx-abcdefghijklmnop1234567890",
    "hf_abcdefghijklmnop1234567890",
    "0123456789abcdef0123456789abcdef",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcdefghijk",
)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    "frame", ["Incorrect API key provided: {}.", "{}", '{{"api_key":"{}"}}', "Bearer {} is bad", "key={}&x"]
)
def test_keys_are_taken_out(key: str, frame: str) -> None:
    for text in (redact(frame.format(key)), named(401, {"error": {"message": frame.format(key)}}).message):
        assert key not in text
        assert key[-8:] not in text
        assert "****" in text


def test_what_is_no_key_stays() -> None:
    text = "The model `openai/gpt-oss-120b` does not exist; see https://platform.openai.com/docs/models (req_011CS)."
    assert sentence(text) == text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("6m0s", 360),
        ("1s", 1),
        ("120ms", 0.12),
        ("1h2m3.5s", 3723.5),
        ("7.66", 7.66),
        ("2d", 172800),
        ("", None),
        ("abc", None),
    ],
)
def test_durations(text: str, seconds: float | None) -> None:
    assert duration(text) == pytest.approx(seconds)


def test_moments_and_prose() -> None:
    assert moment("Tue, 14 Nov 2023 22:13:20 GMT") == NOW
    assert moment("Tuesday, 14-Nov-23 22:13:20 GMT") == NOW
    assert moment("Tue Nov 14 22:13:20 2023") == NOW
    assert moment("Tue, 99 Nov 2023 22:13:20 GMT") is None
    assert moment("Tue, 14 Foo 2023 22:13:20 GMT") is None
    assert moment("2023-11-14T22:13:20Z") == NOW
    assert moment("1700000000000") == NOW
    assert moment("whenever") is None
    assert prose("Please wait for 5 minutes") == 300
    assert prose("in 5 minutes it was over") is None


GROQ = {
    "x-ratelimit-limit-requests": "14400",
    "x-ratelimit-remaining-requests": "14370",
    "x-ratelimit-reset-requests": "2m59.56s",
    "x-ratelimit-limit-tokens": "18000",
    "x-ratelimit-remaining-tokens": "17997",
    "x-ratelimit-reset-tokens": "7.66s",
}


def test_limits_of_groq_are_per_day_and_per_minute() -> None:
    found = limits(GROQ, provider="groq")
    assert found.requests == RateLimit("requests", 14400, 14370, 179.56, "day")
    assert found.tokens == RateLimit("tokens", 18000, 17997, 7.66, "minute")
    assert limits(GROQ).requests == RateLimit("requests", 14400, 14370, 179.56, None)


def test_limits_of_anthropic_with_dates() -> None:
    headers = {
        f"Anthropic-RateLimit-{unit}-{field}": value
        for unit in ("Requests", "Input-Tokens", "Output-Tokens")
        for field, value in (("Limit", "50"), ("Remaining", "49"), ("Reset", "2023-11-14T22:14:20Z"))
    }
    found = limits(headers, now=NOW, provider="anthropic")
    assert found.requests == RateLimit("requests", 50, 49, 60.0, "minute")
    assert found.input_tokens == RateLimit("input-tokens", 50, 49, 60.0, "minute")
    assert found.output_tokens is not None


def test_limits_of_azure_mistral_cerebras_and_together() -> None:
    azure = limits(
        {
            "x-ratelimit-limit-requests": "250",
            "x-ratelimit-remaining-requests": "249",
            "x-ratelimit-renewalperiod-requests": "60",
            "x-ratelimit-reset-requests": "0",
        }
    )
    assert azure.requests == RateLimit("requests", 250, 249, 0.0, "minute")
    mistral = limits(
        {
            "x-ratelimit-limit-req-minute": "5",
            "x-ratelimit-remaining-req-minute": "4",
            "x-ratelimit-limit-tokens-minute": "75000",
            "x-ratelimit-remaining-tokens-minute": "74932",
        }
    )
    assert mistral.requests == RateLimit("requests", 5, 4, None, "minute")
    assert mistral.tokens == RateLimit("tokens", 75000, 74932, None, "minute")
    cerebras = limits(
        {
            "x-ratelimit-limit-requests-day": "100",
            "x-ratelimit-remaining-requests-day": "1",
            "x-ratelimit-limit-requests-minute": "30",
            "x-ratelimit-remaining-requests-minute": "30",
        }
    )
    assert len(cerebras.buckets) == 2
    assert cerebras.requests is not None
    assert cerebras.requests.window == "day", "the one that runs out first"
    together = limits({"x-ratelimit-limit": "10", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "2"})
    assert together.exhausted_for == 2.0


def test_no_headers_are_no_limits() -> None:
    found = limits({"content-type": "text/plain", "x-ratelimit-limit-requests": "many"})
    assert not found
    assert found.requests is None
    assert found.exhausted_for is None


def test_marks_do_not_pile_up_on_a_letter() -> None:
    assert sentence("e" + "\u0301" * 40 + " end") == "e" + "\u0301" * 4 + " end"
