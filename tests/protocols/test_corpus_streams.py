"""Every recorded stream, decoded: the same as the official SDK made of it, or a difference with its reason."""

from __future__ import annotations

import pytest

from routerterm.protocols import codec
from tests.protocols.differences import DIFFERENCES, difference
from tests.protocols.equality import decoded, ours, same_failure, theirs
from tests.protocols.recordings import Recording, hear, recordings

pytestmark = pytest.mark.corpus
STREAMS = [each for each in recordings() if each.kind == "chat" and each.streaming and each.status == 200]
WITH_ORACLE = [each for each in STREAMS if each.expected]


@pytest.mark.parametrize("recording", WITH_ORACLE, ids=str)
def test_a_recorded_stream_is_what_the_sdk_made_of_it(recording: Recording) -> None:
    heard = decoded(recording)
    if recording.expected.get("raises"):
        assert same_failure(recording, heard), f"the SDK raised {recording.expected['raises']}, we have {heard.failure}"
        return
    own = ours(heard)
    for field, expected in theirs(recording):
        if own.get(field) == expected:
            continue
        row = difference(field, recording)
        assert row is not None, f"{field}: the SDK has {expected!r}, we have {own.get(field)!r}"
        assert row.holds(recording.expected, heard), f"{field}: not what the table says: {row.why}"


@pytest.mark.parametrize("recording", [each for each in STREAMS if not each.expected], ids=str)
def test_a_stream_that_no_sdk_could_read_is_read_to_its_end(recording: Recording) -> None:
    heard = decoded(recording)
    assert heard.broke is None
    assert heard.finish is not None
    assert heard.text or heard.calls


def test_every_difference_is_still_needed() -> None:
    needed = set()
    for recording in WITH_ORACLE:
        if recording.expected.get("raises"):
            continue
        own = ours(decoded(recording))
        for field, expected in theirs(recording):
            row = difference(field, recording)
            if row is not None and own.get(field) != expected:
                needed |= {(row.field, start) for start in row.recordings if recording.name.startswith(start)}
    assert needed == {(row.field, start) for row in DIFFERENCES for start in row.recordings}


def test_texts_are_all_exact_and_other_fields_to_99_percent() -> None:
    same, all_fields, other_texts = 0, 0, 0
    for recording in WITH_ORACLE:
        if recording.expected.get("raises"):
            continue
        own = ours(decoded(recording))
        for field, expected in theirs(recording):
            if field == "text" and own["text"] != expected:
                other_texts += 1  # n=2 only, see the table
            all_fields += field != "text"
            same += field != "text" and own.get(field) == expected
    assert other_texts <= 4
    assert same / all_fields >= 0.99


CUTS = [each for each in STREAMS if len(each.body) < 20_000][::4]


@pytest.mark.parametrize("recording", CUTS, ids=str)
def test_a_stream_cut_anywhere_is_done_only_if_its_end_was_seen(recording: Recording) -> None:
    """The decoder is fed ever longer beginnings; without the bytes of a finish it never says that it is whole."""
    markers = (b"finish_reason", b"finishReason", b"stop_reason", b"response.completed", b"response.incomplete")
    markers += (b'"done":true', b"[DONE]", b"message-end")
    seen = False
    for end in range(0, len(recording.body), max(1, len(recording.body) // 60)):
        start = recording.body[:end]
        decoder = codec(recording.wire).decoder()
        heard = hear(decoder.feed(start) + decoder.end())
        if heard.finish is not None:
            assert any(marker in start for marker in markers)
            seen = True
        elif seen and heard.broke is None:
            pytest.fail("an end that was seen was forgotten")
