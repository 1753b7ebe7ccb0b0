"""Recorded whole answers, model listings, errors and headers."""

from __future__ import annotations

import pytest

from routerterm.core.errors import ProviderError
from routerterm.protocols import classify, codec, limits
from tests.protocols.equality import same_class
from tests.protocols.recordings import Recording, hear, recordings

pytestmark = pytest.mark.corpus
ALL = list(recordings())
BODIES = [each for each in ALL if each.kind == "chat" and not each.streaming and each.status == 200]
LISTINGS = [each for each in ALL if each.kind == "models" and each.status == 200]
ERRORS = [each for each in ALL if each.status >= 400]


@pytest.mark.parametrize("recording", BODIES, ids=str)
def test_a_whole_answer_is_read(recording: Recording) -> None:
    heard = hear(codec(recording.wire).decode_body(recording.body))
    if b"blockReason" in recording.body:
        assert heard.broke is not None
        assert heard.broke.error.kind == "content_blocked"
        return
    if heard.broke is not None:  # an answer without anything in it is none, so that another model is asked
        assert heard.broke.error.kind in ("content_blocked", "empty")
        assert not (heard.text)
        assert not (heard.calls)
        assert not (heard.refusal)
        assert not (heard.plan)
        return
    assert heard.finish is not None
    empty_for_a_reason = heard.finish in ("length", "content_filter", "other") or heard.raw_finish == "stop_sequence"
    assert (
        heard.text
        or heard.calls
        or heard.refusal
        or heard.plan
        or empty_for_a_reason
        or b'"content":""' in (recording.body.replace(b": ", b":"))
    )


@pytest.mark.parametrize("recording", BODIES, ids=str)
def test_a_whole_answer_can_come_where_a_stream_was_asked_for(recording: Recording) -> None:
    decoder = codec(recording.wire).decoder()
    pieces = [recording.body[place : place + 97] for place in range(0, len(recording.body), 97)]
    events = [event for piece in pieces for event in decoder.feed(piece)]
    assert hear(events + decoder.end()) == hear(codec(recording.wire).decode_body(recording.body))


@pytest.mark.parametrize("recording", LISTINGS, ids=str)
def test_a_listing_is_read(recording: Recording) -> None:
    models = codec(recording.wire).decode_models(recording.body)
    assert models
    assert all(model.id for model in models)
    assert all(model.context is None or model.context > 0 for model in models)


@pytest.mark.parametrize("recording", ERRORS, ids=str)
def test_an_error_has_the_class_of_the_sdks_exception(recording: Recording) -> None:
    error = classify(recording.status, recording.headers, recording.body, protocol=recording.wire)
    assert same_class(recording, error), f"{error.kind} for {recording.expected.get('raises')}"
    assert error.message
    assert error.status == recording.status


@pytest.mark.parametrize("recording", [each for each in ERRORS if each.kind == "models"], ids=str)
def test_an_error_in_place_of_a_listing_is_said(recording: Recording) -> None:
    with pytest.raises(ProviderError) as caught:
        codec(recording.wire).decode_models(recording.body)
    assert caught.value.message


def test_rate_limit_headers_are_read_wherever_they_are() -> None:
    with_headers = [each for each in ALL if any("ratelimit-remaining" in name.lower() for name in each.headers)]
    assert len(with_headers) > 50
    for recording in with_headers:
        found = limits(recording.headers, now=1_700_000_000.0, provider=recording.provider)
        assert found.requests is not None or found.tokens is not None
        assert all(bucket.reset is None or bucket.reset >= 0 for bucket in found.buckets)
