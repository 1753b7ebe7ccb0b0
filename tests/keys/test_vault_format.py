"""The format of our vault: what is sealed opens, what is changed is noticed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routerterm.config.keys.errors import VaultDamaged, WrongPassphrase
from routerterm.config.keys.vault_format import Cost, Lock, derive, parse, seal, unseal
from tests.keys.parts import CHEAP, OPENAI, PASSPHRASE

SALT, NONCE = bytes(range(16)), bytes(range(12))
DERIVED = derive(PASSPHRASE, SALT, CHEAP)
LOCK = Lock(CHEAP, SALT, DERIVED[32:])
FILE = seal({"openai/default": OPENAI}, DERIVED, LOCK, NONCE)
texts = st.text(st.characters(codec="utf-8"), max_size=80)


@given(st.dictionaries(texts, texts, max_size=20), st.binary(min_size=12, max_size=12))
def test_what_is_sealed_opens_again(entries: dict[str, str], nonce: bytes) -> None:
    data = seal(entries, DERIVED, LOCK, nonce)
    assert unseal(parse(data), DERIVED) == entries
    assert len(data) % 512 == (60 + 16 + 32) % 512


def test_every_flipped_bit_of_a_whole_file_is_noticed() -> None:
    for bit in range(8 * len(FILE)):
        changed = bytearray(FILE)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(VaultDamaged):
            unseal(parse(bytes(changed)), DERIVED)


@given(st.integers(60, len(FILE) - 33), st.integers(1, 255))
def test_a_change_that_mends_the_checksum_is_noticed_by_the_tag(place: int, change: int) -> None:
    import hashlib

    changed = bytearray(FILE[:-32])
    changed[place] ^= change
    with pytest.raises(VaultDamaged, match="changed by another program"):
        unseal(parse(bytes(changed) + hashlib.sha256(changed).digest()), DERIVED)


@given(st.binary(max_size=300) | st.integers(0, len(FILE) - 1).map(lambda n: FILE[:n]) | st.binary().map(FILE.__add__))
def test_anything_else_is_refused_in_words(data: bytes) -> None:
    if data == FILE:
        return
    with pytest.raises(VaultDamaged) as refused:
        parse(data)
    assert refused.value.hint


@settings(max_examples=20)
@given(st.text(st.characters(codec="utf-8"), max_size=30))
def test_only_the_passphrase_opens_it(passphrase: str) -> None:
    if passphrase == PASSPHRASE:
        return
    with pytest.raises(WrongPassphrase):
        unseal(parse(FILE), derive(passphrase, SALT, CHEAP))


@pytest.mark.parametrize("name", ["cut", "half"])
def test_a_half_written_file_says_so(name: str) -> None:
    data = FILE[: len(FILE) // 2] if name == "half" else FILE[:-1]
    with pytest.raises(VaultDamaged, match="truncated"):
        parse(data)


def test_a_newer_format_asks_for_a_newer_program() -> None:
    import hashlib

    newer = bytearray(FILE[:-32])
    newer[8] = 9
    with pytest.raises(VaultDamaged, match="format 9") as refused:
        parse(bytes(newer) + hashlib.sha256(newer).digest())
    assert "newer routerterm" in refused.value.hint


@pytest.mark.parametrize("cost", [Cost(40, 8, 1), Cost(16, 255, 1), Cost(16, 8, 200), Cost(1, 1, 1), Cost(18, 16, 1)])
def test_no_file_may_make_us_spend_all_memory_or_none(cost: Cost) -> None:
    with pytest.raises(VaultDamaged):
        parse(seal({}, DERIVED, Lock(cost, SALT, LOCK.verifier), NONCE))


def test_the_size_tells_neither_number_nor_length() -> None:
    sizes = {len(seal({f"p/{i}": "k" * 50 for i in range(n)}, DERIVED, LOCK, NONCE)) for n in range(7)}
    assert len(sizes) == 1


def test_the_bytes_of_version_1_stay_as_they_are() -> None:
    """A file of an earlier release opens for ever."""
    import hashlib

    assert hashlib.sha256(FILE).hexdigest() == "9feee2438aa9d060a05f6f22b6a41abc0d199c6d07dabea4020ed54a8648bd6e"
