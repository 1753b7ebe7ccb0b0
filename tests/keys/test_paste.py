"""What a person pastes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routerterm.catalog import Catalog
from routerterm.config.keys.paste import looks_like_a_key, recognise
from routerterm.core.errors import VaultError
from tests.keys.parts import GROQ, OPENAI, PROVIDERS

INFOS = tuple(PROVIDERS.values())
ANTHROPIC = "sk-ant-api03-" + "A1b2C3d4" * 6
PLAIN = "sk-0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("text", "key", "providers"),
    [
        (OPENAI, OPENAI, ("openai",)),
        (f"  {GROQ}\n", GROQ, ("groq",)),
        (ANTHROPIC, ANTHROPIC, ("anthropic",)),
        (f"'{ANTHROPIC}'", ANTHROPIC, ("anthropic",)),
        (f'export ANTHROPIC_API_KEY="{ANTHROPIC}"', ANTHROPIC, ("anthropic",)),
        (f"DEEPSEEK_API_KEY={PLAIN};", PLAIN, ("deepseek",)),
        (f'$env:GOOGLE_API_KEY = "{PLAIN}"', PLAIN, ("gemini",)),
        (f"Authorization: Bearer {OPENAI}", OPENAI, ("openai",)),
        (PLAIN, PLAIN, ("openai", "deepseek")),
        ("0123456789abcdef", "0123456789abcdef", ()),
        ("SOME_THING=0123456789abcdef==", "0123456789abcdef==", ()),
    ],
)
def test_recognised(text: str, key: str, providers: tuple[str, ...]) -> None:
    pasted = recognise(text, INFOS)
    assert (pasted.key, pasted.providers) == (key, providers)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "two words of it",
        "short",
        "sk-****1234",
        "sk-…abcdefgh",
        "x" * 5000,
        "•" * 20,
        "schlüssel-mit-umlaut",
        "a\x1bbcdefghij",
        "xxxxxxxxxx",
    ],
)
def test_no_key(text: str) -> None:
    with pytest.raises(VaultError) as refused:
        recognise(text, INFOS)
    assert refused.value.hint


@given(st.text())
def test_whatever_is_pasted_gives_a_key_or_a_sentence_that_does_not_repeat_it(text: str) -> None:
    try:
        key, said = recognise(text, INFOS).key, ""
    except VaultError as refused:
        key, said = "", refused.message
    assert key.isascii()
    assert not any(character.isspace() for character in key)
    assert len(text.strip()) < 4 or text.strip() not in said


def test_only_known_prefixes_count_as_a_pasted_key() -> None:
    assert looks_like_a_key(OPENAI, INFOS)
    assert not looks_like_a_key("What is the capital of France?", INFOS)
    assert not looks_like_a_key("antidisestablishmentarianism", INFOS)


def test_the_shipped_catalogue_tells_the_big_ones_apart() -> None:
    shipped = Catalog.builtin().providers()
    for key, provider in (
        (OPENAI, "openai"),
        (ANTHROPIC, "anthropic"),
        (GROQ, "groq"),
        ("sk-or-v1-" + "ab" * 20, "openrouter"),
    ):
        assert recognise(key, shipped).providers == (provider,)
    assert {"openai", "deepseek"} <= set(recognise(PLAIN, shipped).providers)
