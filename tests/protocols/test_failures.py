"""Every refusal that is known of providers, gateways and local servers: its class, and what may be done about it."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from msgspec.structs import asdict

from routerterm.core.errors import provider_errors
from routerterm.protocols import PROTOCOLS, classify

TABLE = tomllib.loads(Path(__file__).with_name("failures.toml").read_text("utf-8"))
ROWS = [(kind, *row) for kind, rows in TABLE["bodies"].items() for row in rows]


@pytest.mark.parametrize(("kind", "protocol", "status", "body"), ROWS)
def test_a_refusal_is_classed_by_what_it_says(kind: str, protocol: str, status: int, body: str) -> None:
    error = classify(status, {}, body.encode(), protocol=protocol)
    assert error.kind == kind
    assert [name for name, holds in asdict(error.recovery).items() if holds] == TABLE["cures"][kind]


def test_every_protocol_and_class_is_in_the_table() -> None:
    assert len(ROWS) >= 150
    without_a_body = {"silent", "unreachable", "cut", "empty"}
    assert set(TABLE["bodies"]) == {error.kind for error in provider_errors()} - without_a_body
    assert {row[1] for row in ROWS} == set(PROTOCOLS)
    for protocol in PROTOCOLS:
        assert len({row[0] for row in ROWS if row[1] == protocol}) >= 6, protocol


@pytest.mark.parametrize(
    "words",
    [
        "You requested up to 4000 tokens, but can only afford 1,234.",
        "Insufficient credits: you can afford only 1234 tokens",
        "Your balance covers at most 1234 output tokens",
    ],
)
def test_what_an_account_can_still_pay_for_is_read(words: str) -> None:
    body = json.dumps({"error": {"message": words, "code": 402}})
    error = classify(402, {}, body.encode())
    assert (error.kind, error.affordable) == ("out_of_credit", 1234)
    assert not error.recovery.drop_key
