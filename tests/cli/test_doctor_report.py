"""`doctor --report`: may be shown to anybody."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from tests.cli.program import routerterm

from routerterm.cli.doctor.report import anonymous

KEY = "sk-proj-" + "a1B2" * 12


def test_a_report_is_markdown_without_what_is_the_persons_own(home: Path) -> None:
    home.mkdir()
    (home / "config.toml").write_text(
        '[providers.inhouse]\nprotocol = "openai-chat"\nbase_url = "https://llm.secret-project.example/v1"\n'
        'keys = ["env:INHOUSE_KEY"]\n',
        encoding="utf-8",
    )
    ran = routerterm("doctor", "--report", "program", "home", "history", env={"INHOUSE_KEY": KEY})
    assert ran.code == 0, ran.err
    assert ran.out.startswith("routerterm ")
    assert "\n- program: ok" in ran.out
    assert not [word for word in (KEY, "secret-project", socket.gethostname()) if word in ran.out]


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("the proxy http://ada:pw@proxy.corp:3128 answers", "the proxy http://… answers"),
        (f"the history is {Path.home()}/data/history.db", "the history is ~/data/history.db"),
        ("ada@lab is ada.lovelace@example.org at 10.1.2.3", "…@lab is …@… at …"),
        ("Canada is no Ada; ada is", "Canada is no Ada; … is"),
        ("the gateway is 127.0.0.1:8000", "the gateway is 127.0.0.1:8000"),
        (f"the key {KEY} is refused", "the key"),
    ],
)
def test_what_tells_who_and_where_is_taken_out(text: str, clean: str) -> None:
    assert clean in anonymous(text, ["ada"])
    assert KEY not in anonymous(text, ["ada"])


def test_a_report_mends_nothing() -> None:
    ran = routerterm("doctor", "--report", "--mend")
    assert (ran.code, "neither" in ran.err) == (2, True)
