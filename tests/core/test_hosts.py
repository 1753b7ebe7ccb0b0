"""This machine, in every way that it can be written."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routerterm.core.hosts import address_of, is_loopback


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST", "localhost.", "ollama.localhost", "127.0.0.1", "127.0.0.2", "127.255.1.9", "::1",
     "[::1]", "::ffff:127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f.1", "0x7f000001", "0177.0.0.1"],
)  # fmt: skip
def test_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["", "localhost.example", "notlocalhost", "128.0.0.1", "10.127.0.1", "0.0.0.0", "::", "127.example", "12.7"]
)
def test_others(host: str) -> None:
    assert not is_loopback(host)


@given(st.from_regex(r"(0x[0-9a-f]{1,9}|[0-9]{1,10})(\.(0x[0-9a-f]{1,9}|[0-9]{1,10})){0,4}", fullmatch=True))
def test_short_forms_mean_what_the_system_takes_them_for(host: str) -> None:
    try:
        expected = socket.inet_aton(host)
    except OSError:
        return
    address = address_of(host)
    assert address is not None
    assert address.packed == expected
