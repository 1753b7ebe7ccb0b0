"""`routerterm decode`, as whoever debugs a provider meets it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from routerterm.cli.decode_command import command
from routerterm.core.errors import RoutertermError
from tests.protocols.equality import decoded
from tests.protocols.recordings import hear, recordings

STREAM = (
    b'data: {"choices":[{"delta":{"reasoning_content":"hm","content":"hi"}}]}\n\n'
    b'data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a",'
    b'"function":{"name":"look","arguments":"{}"}}]}}]}\n\n'
)
END = (
    b'data: {"choices":[{"delta":{},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":9,"completion_tokens":4,'
    b'"prompt_tokens_details":{"cached_tokens":2},"completion_tokens_details":{"reasoning_tokens":1},"cost":0.0001346}}\n\n'
)


def run(*arguments: str, input: bytes | None = None) -> list[dict[str, Any]]:
    result = CliRunner().invoke(command, arguments, input=input, catch_exceptions=False)
    assert result.exit_code == 0
    return [json.loads(line) for line in result.output.splitlines()]


def test_a_stream_that_is_whole_and_one_that_is_cut(tmp_path: Path) -> None:
    (tmp_path / "whole").write_bytes(STREAM + END)
    (tmp_path / "cut").write_bytes(STREAM)
    whole, cut = run("--protocol", "openai-chat", str(tmp_path / "whole"), str(tmp_path / "cut"))
    assert whole == {
        "file": str(tmp_path / "whole"),
        "outcome": "done",
        "text": "hi",
        "reasoning": "hm",
        "finish_reason": "tool_calls",
        "tool_calls": [{"id": "a", "name": "look", "arguments": "{}"}],
        "usage": {"input": 9, "cache_read": 2, "cache_write": 0, "output": 4, "reasoning": 1, "source": "reported"},
        "cost": 0.0001346,
        "error": None,
    }
    assert (cut["outcome"], cut["finish_reason"], cut["usage"]) == ("cut", None, None)


def test_an_error_body_by_its_status() -> None:
    body = b'{"error":{"message":"Slow down, key sk-abcdefghijklmnop1234. Try again in 6m0s."}}'
    (shown,) = run("--protocol", "openai-chat", "--status", "429", "-", input=body)
    assert shown["file"] == "-"
    assert shown["outcome"] == "failed"
    assert shown["error"] == {
        "class": "rate_limited",
        "message": "Slow down, key ****. Try again in 6m0s.",
        "retry_after": 360.0,
    }


def test_a_failure_in_the_middle_keeps_what_was_said() -> None:
    (shown,) = run(
        "--protocol", "openai-chat", "-", input=STREAM + b'data: {"error":{"code":502,"message":"gone"}}\n\n'
    )
    assert (shown["outcome"], shown["text"], shown["error"]["class"]) == ("failed", "hi", "transient")


def test_nothing_that_steers_a_terminal_is_printed() -> None:
    content = json.dumps("a\x1b[31m\x9b2J\u202eb\U000e0041").encode()
    body = b'data: {"choices":[{"delta":{"content":' + content + b'},"finish_reason":"stop"}]}\n\n'
    result = CliRunner().invoke(command, ["--protocol", "openai-chat", "-"], input=body)
    assert not set(result.output) & set("\x1b\x9b\u202e\U000e0041")
    assert json.loads(result.output)["text"] == "a\x1b[31m\x9b2J\u202eb\U000e0041"


def test_think_tags_are_split_where_the_dialect_says_so() -> None:
    body = b'data: {"choices":[{"delta":{"content":"<think>hm</think>hi"},"finish_reason":"stop"}]}\n\n'
    named = run("--protocol", "openai-chat", "--dialect", "openai", "-", input=body)
    assert named[0]["text"] == "<think>hm</think>hi"
    for dialect in ([], ["--dialect", "vllm"]):  # an unknown server may well be one that leaves its tags in the text
        (split,) = run("--protocol", "openai-chat", *dialect, "-", input=body)
        assert (split["reasoning"], split["text"]) == ("hm", "hi")


@pytest.mark.parametrize("arguments", [["--protocol", "nope"], ["--protocol", "gemini", "--dialect", "nope"]])
def test_a_wrong_name_is_said_in_a_sentence(arguments: list[str]) -> None:
    with pytest.raises(RoutertermError) as caught:
        CliRunner().invoke(command, [*arguments, "-"], input=b"", catch_exceptions=False)
    assert caught.value.message
    assert caught.value.hint


def test_what_cannot_be_read_is_said_and_the_others_are_decoded(tmp_path: Path) -> None:
    (tmp_path / "whole").write_bytes(STREAM + END)
    (tmp_path / "binary").write_bytes(bytes(range(256)) * 8)
    (tmp_path / "empty").touch()
    names = [str(tmp_path / name) for name in ("missing", ".", "empty", "binary", "whole")]
    result = CliRunner().invoke(command, ["--protocol", "openai-chat", *names], catch_exceptions=False)
    assert result.exit_code == 1
    assert [json.loads(line)["outcome"] for line in result.stdout.splitlines()] == ["cut", "failed", "done"]
    told = [line for line in result.stderr.splitlines() if line.startswith("routerterm: ")]
    assert [line.partition(": ")[2].split(" cannot")[0] for line in told] == [names[0], str(tmp_path)]


def test_all_that_there_is_where_it_is_asked_for() -> None:
    body = b'{"choices":[{"message":{"refusal":"No.","content":null},"finish_reason":"stop"}],'
    body += b'"citations":["https://x/y"],"usage":{"prompt_tokens":9,"completion_tokens":4,"mine":{"x":1}}}'
    (short,) = run("--protocol", "openai-chat", "-", input=body)
    (whole,) = run("--protocol", "openai-chat", "--all", "-", input=body)
    more = {"refusal": "No.", "plan": "", "citations": ["https://x/y"]}
    counts = {"prompt_tokens": 9, "completion_tokens": 4, "mine": {"x": 1}}
    assert whole == short | more | {"usage_raw": counts}


@pytest.mark.corpus
def test_recordings_are_shown_as_they_are_decoded(tmp_path: Path) -> None:
    chosen = [each for each in recordings() if each.kind == "chat" and each.status == 200][::25]
    assert len({each.wire for each in chosen}) == 7
    for recording in chosen:
        place = tmp_path / "body"
        place.write_bytes(recording.body)
        dialect = ["--dialect", "openai"] if recording.wire == "openai-chat" else []  # as `decoded` hears it
        (shown,) = run("--protocol", recording.wire, *dialect, str(place))
        heard = decoded(recording)
        assert (shown["text"], shown["reasoning"]) == (heard.text, heard.reasoning)
        assert [call["arguments"] for call in shown["tool_calls"]] == [call.arguments for call in heard.calls]
        assert shown["outcome"] == ("failed" if heard.broke else "done" if heard.finish else "cut")


def test_the_helper_that_hears_keeps_the_last_usage() -> None:
    from routerterm.protocols import codec

    heard = hear(codec("openai-chat").decode_body(STREAM + END))
    assert heard.usage is not None
    assert heard.usage.input == 9
