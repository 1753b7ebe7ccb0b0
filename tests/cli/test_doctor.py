"""What the doctor says of terminal, keys, network and clock."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cli.program import routerterm
from tests.tmux import Terminal

from routerterm.catalog import Catalog
from routerterm.cli.doctor import CHECKS, Finding, look_of
from routerterm.cli.doctor.clock import judged
from routerterm.cli.doctor.keys import of_a_place
from routerterm.cli.doctor.network import Reached, of_a_door
from routerterm.cli.doctor.terminal import of_the_answers, of_the_environment, of_tmux
from routerterm.cli.doctor.terminal_queries import Answers, understood
from routerterm.config.keys.values import KeyLocation, PlaceStatus
from routerterm.core.errors import Unreachable

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC).timestamp()


def levels(findings: object) -> list[str]:
    return [finding.level for finding in findings]  # type: ignore[attr-defined]


def hints(findings: object) -> str:
    return " ".join(finding.hint for finding in findings)  # type: ignore[attr-defined]


def test_every_check_can_be_asked_for_alone(home: Path) -> None:
    for name in CHECKS:
        ran = routerterm("doctor", name, "--json")
        found = [json.loads(line) for line in ran.out.splitlines()]
        assert found, name
        assert {row["check"] for row in found} == {name}
        assert ran.code == any(row["level"] == "bad" for row in found)
        assert look_of(name)


def test_a_terminal_that_answers_everything() -> None:
    said = b"\x1b[?2026;2$y\x1b[?2004;1$y\x1b[?1u\x1bP>|kitty(0.41)\x1b\\\x1b[?62;52;c"
    answers = understood(said, 0.004)
    assert answers == Answers({2026: True, 2004: True}, "kitty(0.41)", True, frozenset({"62", "52", ""}), 0.004)
    assert levels(of_the_answers(answers, {})) == ["good"] * 4


def test_a_terminal_that_knows_nothing() -> None:
    answers = understood(b"\x1b[?2026;0$y\x1b[?2004;0$y\x1b[?6c", 0.1)
    assert answers is not None
    told = list(of_the_answers(answers, {}))
    assert levels(told) == ["good", "note", "note", "note", "note"]
    assert "/editor" in hints(told)
    assert "Ctrl+J" in hints(told)


@given(st.binary(max_size=60))
def test_nothing_that_a_terminal_says_breaks_the_doctor(said: bytes) -> None:
    answers = understood(said + b"\x1b[?1c", 0.0)
    assert answers is not None
    assert list(of_the_answers(answers, {}))


def test_a_silent_terminal_is_told() -> None:
    assert understood(b"\x1b[?2026;2$y", 2.0) is None
    assert levels(of_the_answers(None, {})) == ["note"]


def test_the_environment_of_a_phone_over_ssh() -> None:
    environ = {"TERM": "xterm-256color", "SSH_CONNECTION": "1 2 3 4"}
    told = list(of_the_environment(environ, (39, 12), "ANSI_X3.4-1968"))
    assert levels(told) == ["bad", "note", "note", "note"]
    assert "COLORTERM" in hints(told)
    assert "ssh -C" in hints(told)


def test_a_desktop_terminal_needs_nothing() -> None:
    environ = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    assert levels(of_the_environment(environ, (120, 40), "UTF-8")) == ["good", "good"]


def test_what_tmux_holds_back() -> None:
    fresh = {"set-clipboard": "external", "escape-time": "500", "allow-passthrough": "off", "features": "256,title"}
    assert levels(of_tmux(fresh)) == ["note"] * 4
    good = {"set-clipboard": "on", "escape-time": "10", "allow-passthrough": "on", "features": "256,RGB,title"}
    assert levels(of_tmux(good)) == ["good"]
    assert levels(of_tmux({})) == []


@pytest.mark.parametrize(
    ("state", "held", "level"),
    [("ready", 2, "good"), ("new", 0, "good"), ("locked", 1, "note"), ("absent", 0, "note"), ("absent", 1, "bad")],
)
def test_places_of_keys(state: str, held: int, level: str) -> None:
    status = PlaceStatus(KeyLocation.VAULT, "Encrypted vault", state, "It is not there.")  # type: ignore[arg-type]
    assert of_a_place(status, held).level == level


def test_a_provider_that_cannot_be_reached_is_bad_unless_it_is_ones_own() -> None:
    catalog = Catalog.builtin()
    openai, ollama = catalog.provider("openai"), catalog.provider("ollama")
    assert openai is not None
    assert ollama is not None
    down = Unreachable("Nobody there.", "Check the network connection.")
    assert of_a_door(Reached(openai, down)) == Finding("bad", "OpenAI: Nobody there.", "Check the network connection.")
    assert of_a_door(Reached(ollama, down)).level == "note"
    assert of_a_door(Reached(openai, None, 0.05)).level == "good"


def test_a_network_that_is_not_there_is_told_without_a_key(home: Path) -> None:
    key = "sk-proj-" + "a1B2c3D4" * 6
    ran = routerterm("doctor", "network", env={"GROQ_API_KEY": key, "PROXY_URL": "http://127.0.0.1:9"})
    assert ran.code == 1
    assert "Groq" in ran.out
    assert key not in ran.out + ran.err


@pytest.mark.parametrize(
    ("now", "newest", "ahead", "expected"),
    [
        (0.0, None, [], ["bad"]),
        (NOW, NOW + 3600, [], ["bad", "note"]),
        (NOW, NOW - 5, [0.4, -0.2, 900.0], ["good"]),
        (NOW, None, [-120.0], ["bad"]),
        (NOW, None, [], ["note"]),
    ],
)
def test_clocks(now: float, newest: float | None, ahead: list[float], expected: list[str]) -> None:
    assert levels(judged(now, newest, ahead, "UTC")) == expected


@pytest.mark.tmux
def test_a_real_terminal_answers_and_shows_its_keys(tmp_path: Path, home: Path) -> None:
    program = f"{__import__('sys').executable} -m routerterm"
    command = f"{program} doctor terminal; {program} doctor --press; echo THE END"
    terminal = Terminal(tmp_path / "socket", command, (100, 40), {"ROUTERTERM_HOME": str(home)})
    terminal.open()
    try:
        terminal.wait("answers within")
        terminal.wait("Press keys")
        terminal.press("F6")
        terminal.wait("API keys: add")
        terminal.press("C-d")
        terminal.wait("THE END")
    finally:
        terminal.close()
